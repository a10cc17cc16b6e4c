package main

var layoutCases = []ruleCase{
	{"top-level", "unknown folder once, unknown file", map[string]string{
		"docs/a.md": "", "docs/b.md": "", "notes.txt": "", "cmd/x/main.go": "package main\n", ".ci/run": "",
	}, []string{"docs/a.md:1", "notes.txt:1"}},
	{"top-level", "known", map[string]string{"README.md": "", "actors/doc.go": "", ".gitignore": ""}, nil},

	{"design", "missing", map[string]string{"actors/a.go": "package actors\n", "server/DESIGN.md": "x\n"}, []string{"actors/DESIGN.md:1"}},
	{"design", "there, or folder without the duty", map[string]string{"bench/DESIGN.md": "x\n", "cmd/x.go": "package x\n"}, nil},

	{"package-doc", "no doc.go, doc.go without comment, comment cut off by a blank line", map[string]string{
		"messages/a.go": "package a\n", "messages/jute/doc.go": "package jute\n", "messages/pack/doc.go": "// Pack.\n\npackage pack\n",
	}, []string{"messages/doc.go:1", "messages/jute/doc.go:1", "messages/pack/doc.go:1"}},
	{"package-doc", "good, and folders of tests or testdata only", map[string]string{
		"messages/doc.go": "// Package messages.\npackage messages\n", "messages/x/x_test.go": "package x\n",
		"messages/testdata/y.go": "package y\n",
	}, nil},

	{"exported-doc", "each kind of declaration", map[string]string{"messages/a.go": src(
		"package a",
		"type T struct{}",         // 2
		"func F() {}",             // 3
		"func (T) M() {}",         // 4
		"var V, w int",            // 5
		"const (", "\tC = 1", ")", // 7
		"// Group.",                // 9
		"type (", "\tG int", "\t)", // 11
	)}, []string{"messages/a.go:2", "messages/a.go:3", "messages/a.go:4", "messages/a.go:5", "messages/a.go:7", "messages/a.go:11"}},
	{"exported-doc", "commented, unexported, plain or explained by an interface", map[string]string{
		"messages/a.go": src("package a", "// T is a thing.", "type T struct{}", "func (T) String() string { return \"\" }",
			"type t struct{}", "func (t) M() {}", "// Codes.", "const (", "\tA = 1", "\tB = 2", ")",
			"// Body has a kind.", "type Body interface{ Kind() int }", "func (T) Kind() int { return 1 }"),
		"messages/a_test.go": "package a\n\nfunc Helper() {}\n",
	}, nil},
	{"exported-doc", "an interface explains methods, not functions", map[string]string{"messages/a.go": src("package a",
		"type body interface{ Kind() int }", "func Kind() int { return 1 }")}, []string{"messages/a.go:3"}},
}
