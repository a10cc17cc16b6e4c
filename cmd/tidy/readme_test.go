package main

const goodStart = "# Troupe\n\n```sh\ngo run ./cmd/troupe serve   # starts\ngo test ./...\n```\n"

var readmeCases = []ruleCase{
	{"readme", "missing", map[string]string{}, []string{"README.md:1"}},
	{"readme", "other commands first", map[string]string{
		"README.md":          "```sh\n# comment\ngo build ./...\n\ngo run ./cmd/troupe serve\n```\n",
		"cmd/troupe/main.go": "package main\n",
	}, []string{"README.md:3", "README.md:5"}},
	{"readme", "only one command, the rest is output or another language", map[string]string{
		"README.md":          "```console\n$ go run ./cmd/troupe serve\ngo test ./...\n```\n```text\ngo test ./...\n```\n",
		"cmd/troupe/main.go": "package main\n",
	}, []string{"README.md:7"}},
	{"readme", "a command names a folder that is gone", map[string]string{
		"README.md":          goodStart + "```sh\ngo run ./cmd/examples/audit\n```\n",
		"cmd/troupe/main.go": "package main\n",
	}, []string{"README.md:8"}},
	{"readme", "as a stranger types it", map[string]string{
		"README.md": "```sh\ngit clone x\ncd x\n```\n" + goodStart +
			"```sh\n$ go run ./cmd/troupe cli ls /\ngo test ./server/...\n```\n",
		"cmd/troupe/main.go": "package main\n", "server/doc.go": "// Package server.\npackage server\n",
	}, nil},

	{"dead-link", "relative links", map[string]string{
		"README.md": "[gone](GONE.md) and [there](server/DESIGN.md)\n", "server/DESIGN.md": "[up](../messages/DESIGN.md#a)\n",
	}, []string{"README.md:1", "server/DESIGN.md:1"}},
	{"dead-link", "links that hold", map[string]string{
		"README.md":        "[a](server/DESIGN.md#part) [b](https://example.com/x) [c](#here) [d](server)\n",
		"server/DESIGN.md": "[e](../README.md)\n",
	}, nil},
}
