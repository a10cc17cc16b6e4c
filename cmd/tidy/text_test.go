package main

var textCases = []ruleCase{
	{"gofmt", "wrong space and broken source", map[string]string{
		"server/a.go": "package a\n\nvar  x int\n", "server/b.go": "package a\nfunc {\n", "server/a_test.go": "package a\nvar x int",
	}, []string{"server/a.go:3", "server/a_test.go:2", "server/b.go:1"}},
	{"gofmt", "formatted, or input of a test", map[string]string{
		"server/a.go": "package a\n\nvar x int\n", "server/testdata/a.go": "package  a\n",
	}, nil},

	{"leftover", "in code, comments, scripts and prose", map[string]string{
		"server/a.go": "package a\n\n// TO" + "DO(me): later\n", ".ci/run": "echo\n# FIX" + "ME\n", "README.md": "X" + "XX\n",
		"server/testdata/a.txt": "HA" + "CK\n",
	}, []string{".ci/run:2", "README.md:1", "server/a.go:3", "server/testdata/a.txt:1"}},
	{"leftover", "parts of other words", map[string]string{
		".ci/run": "mktemp -d run.XXXXXX\n", "README.md": "HACKING and mastodon, todo\n",
	}, nil},

	{"machine-path", "each kind", map[string]string{
		"a.md": "see /ho" + "me/main\n", "cmd/b.go": "package b\n\nvar x = \"/ro" + "ot/.cache\"\n",
		"server/c.md": "in /ho" + "me/ann/x\n", "server/d.txt": "/ro" + "ot/1\n", "server/e.txt": "(/Us" + "ers/x)\n",
	}, []string{"a.md:1", "cmd/b.go:3", "server/c.md:1", "server/d.txt:1", "server/e.txt:1"}},
	{"machine-path", "system folders and words", map[string]string{
		"a.md": "/var/lib/troupe /tmp/x workers/x at-home/x https://example.com/home/\n",
	}, nil},
}
