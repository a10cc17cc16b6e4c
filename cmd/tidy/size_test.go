package main

import "strings"

// function returns Go source whose function starts on line 3 and has the given number of lines.
func function(head string, lines int) string {
	return "package p\n\n" + head + " {\n" + many(lines-2, "\t_ = 0") + "}\n"
}

func sizeCases() []ruleCase {
	wide := strings.Repeat("x", 137)
	return []ruleCase{
		{"file-size", "code and test above the limit", map[string]string{
			"server/a.go": "package a\n" + many(600, "//"), "server/a_test.go": "package a\n" + many(700, "//"),
		}, []string{"server/a.go:601", "server/a_test.go:601"}},
		{"file-size", "at the limit, or data", map[string]string{
			"server/a.go": "package a\n" + many(599, "//"), "server/testdata/a.go": many(700, "//"), "server/a.md": many(700, "x"),
		}, nil},

		{"file-reason", "above the wish", map[string]string{"server/a.go": "package a\n" + many(400, "//")}, []string{"server/a.go:401"}},
		{"file-reason", "at the wish, a test, or a case for the hard limit", map[string]string{
			"server/a.go": "package a\n" + many(399, "//"), "server/a_test.go": "package a\n" + many(500, "//"),
			"server/b.go": "package a\n" + many(600, "//"),
		}, nil},

		{"function-size", "function, Receive and test above their limits", map[string]string{
			"server/a.go": function("func f()", 71), "actors/x_actor.go": function("func (a *x) Receive(c C)", 41),
			"server/a_test.go": function("func f()", 121),
		}, []string{"actors/x_actor.go:3", "server/a.go:3", "server/a_test.go:3"}},
		{"function-size", "at their limits", map[string]string{
			"server/a.go": function("func f()", 70), "actors/x_actor.go": function("func (a *x) Receive(c C)", 40),
			"server/a_test.go": function("func f()", 120), "server/b.go": function("func Receive()", 70),
		}, nil},

		{"line-length", "141 characters", map[string]string{"server/a.go": "package a\n\n//\t " + wide + "y\n"}, []string{"server/a.go:3"}},
		{"line-length", "140 characters, not bytes", map[string]string{
			"server/a.go": "package a\n\n// " + wide[:136] + "é\n", "server/testdata/a.go": wide + wide,
		}, nil},
	}
}
