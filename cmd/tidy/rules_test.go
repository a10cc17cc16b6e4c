package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// modFile gives the small trees their module path.
const modFile = "module example.com/m\n"

// ruleCase is a tiny tree and what one rule must find in it, as "path:line". An empty want is a tree that keeps the rule.
type ruleCase struct {
	rule string
	name string
	tree map[string]string
	want []string
}

// src puts the lines of a file together.
func src(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// many repeats a line.
func many(n int, line string) string { return strings.Repeat(line+"\n", n) }

func TestRules(t *testing.T) {
	for _, c := range allCases() {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			got := runRule(c.rule, c.tree)
			if !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// runRule checks the tree with the real policy, without exceptions, and returns the places where the rule is broken.
func runRule(rule string, files map[string]string) []string {
	policy := DefaultPolicy()
	policy.Exceptions, policy.LongFunctions = nil, nil
	content := maps.Clone(files)
	content["go.mod"] = modFile
	var places []string
	for _, f := range Check(NewTree(content), policy) {
		if f.Rule == rule {
			places = append(places, fmt.Sprintf("%s:%d", f.Path, f.Line))
		}
	}
	return places
}

func allCases() []ruleCase {
	return slices.Concat(layoutCases, importCases, banCases, sizeCases(), textCases, readmeCases)
}

// TestEveryRuleCanFail demands from each rule and each ban of the table one tree that breaks it and one that keeps it.
func TestEveryRuleCanFail(t *testing.T) {
	names := map[string]bool{}
	for _, rule := range rules {
		names[rule.Name] = true
	}
	delete(names, "bans")
	for _, ban := range DefaultPolicy().Bans {
		names[ban.Name] = true
	}
	for name := range names {
		breaks := slices.ContainsFunc(allCases(), func(c ruleCase) bool { return c.rule == name && len(c.want) > 0 })
		keeps := slices.ContainsFunc(allCases(), func(c ruleCase) bool { return c.rule == name && len(c.want) == 0 })
		if !breaks || !keeps {
			t.Errorf("rule %s: has a case that breaks it: %v, one that keeps it: %v; both are needed", name, breaks, keeps)
		}
	}
}

func TestFindingNamesPlaceRuleAndRemedy(t *testing.T) {
	clock := src("package actors", "", `import "time"`, "", "var now = time.Now")
	tree := NewTree(map[string]string{"go.mod": modFile, "actors/prep.go": clock})
	var text string
	for _, f := range Check(tree, DefaultPolicy()) {
		if f.Rule == "clock" {
			text = f.String()
		}
	}
	for _, part := range []string{"actors/prep.go:5: ", "[clock]", "time.Now", "injected clock"} {
		if !strings.Contains(text, part) {
			t.Errorf("finding %q does not say %q", text, part)
		}
	}
}

func TestExceptionExcusesOneFileFromOneRule(t *testing.T) {
	clock := src("package actors", "", `import "time"`, "", "var now = time.Now")
	tree := NewTree(map[string]string{"go.mod": modFile, "actors/prep.go": clock, "actors/sync.go": clock})
	policy := DefaultPolicy()
	policy.Exceptions = []Exception{{"clock", "actors/prep.go", "measured: the stamp must be the machine's"}}
	var clocks []string
	for _, f := range Check(tree, policy) {
		if f.Rule == "clock" || f.Rule == "exception" {
			clocks = append(clocks, f.Path)
		}
	}
	if want := []string{"actors/sync.go"}; !slices.Equal(clocks, want) {
		t.Errorf("clock findings in %q, want %q", clocks, want)
	}
}

func TestExceptionMustBeNeededAndGiveAReason(t *testing.T) {
	clock := src("package actors", "", `import "time"`, "", "var now = time.Now")
	tree := NewTree(map[string]string{"go.mod": modFile, "actors/prep.go": clock})
	policy := DefaultPolicy()
	policy.Exceptions = []Exception{{"clock", "actors/prep.go", " "}, {"mutex", "actors/prep.go", "no longer there"}}
	var texts []string
	for _, f := range Check(tree, policy) {
		if f.Rule == "exception" {
			texts = append(texts, f.Text)
		}
	}
	if len(texts) != 2 || !strings.Contains(texts[0], "no reason") || !strings.Contains(texts[1], "nothing here breaks mutex") {
		t.Errorf("findings about exceptions: %q", texts)
	}
}

func TestRatchetOnlyShrinks(t *testing.T) {
	long := "package m\n\nfunc (s *S[K]) Long() {\n" + many(78, "\t_ = 0") + "}\n" // 80 lines
	tree := NewTree(map[string]string{"go.mod": modFile, "messages/m.go": long})
	for _, c := range []struct {
		entry int
		want  string
	}{{0, "limit is 70"}, {80, ""}, {79, "grew to 80"}, {81, "shrank to 80"}} {
		policy := DefaultPolicy()
		policy.LongFunctions = map[string]int{}
		if c.entry > 0 {
			policy.LongFunctions["messages/m.go:S.Long"] = c.entry
		}
		checkRatchet(t, checkFunctionSize(tree, policy), c.want)
	}
	short := NewTree(map[string]string{"messages/m.go": "package m\n\nfunc (s *S[K]) Long() {}\n"})
	policy := DefaultPolicy()
	policy.LongFunctions = map[string]int{"messages/m.go:S.Long": 80}
	checkRatchet(t, checkFunctionSize(short, policy), "fits now")
	policy.LongFunctions = map[string]int{"messages/m.go:Gone": 80}
	checkRatchet(t, checkFunctionSize(short, policy), "is gone")
}

func checkRatchet(t *testing.T, found []Finding, want string) {
	t.Helper()
	switch {
	case want == "" && len(found) > 0:
		t.Errorf("found %v, want nothing", found)
	case want != "" && (len(found) != 1 || !strings.Contains(found[0].Text, want)):
		t.Errorf("found %v, want one finding with %q", found, want)
	}
}
