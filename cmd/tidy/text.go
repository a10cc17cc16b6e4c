package main

import (
	"go/format"
	"regexp"
	"strings"
)

// The patterns are put together from pieces so that this file does not find itself.
var (
	leftover    = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX|HA` + `CK)\b`)
	machinePath = regexp.MustCompile(`/ro` + `ot/|(^|[\s"'` + "`" + `=:(])/(ho` + `me|Us` + `ers)/\w`)
)

// checkGofmt compares each Go file with its formatted form and points at the first line that differs.
func checkGofmt(t *Tree, _ *Policy) (found []Finding) {
	for _, f := range t.Files {
		if !f.IsGo() {
			continue
		}
		if f.Err != nil {
			found = append(found, Finding{f.Path, 1, "gofmt", "does not parse: " + f.Err.Error()})
			continue
		}
		want, err := format.Source([]byte(f.Text))
		if err == nil && string(want) != f.Text {
			found = append(found, Finding{f.Path, firstDifference(f.Text, string(want)), "gofmt", "is not formatted; run gofmt -w on it."})
		}
	}
	return found
}

func firstDifference(got, want string) int {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return i + 1
		}
	}
	return len(a)
}

// checkLeftover finds notes to oneself.
func checkLeftover(t *Tree, _ *Policy) []Finding {
	return grep(t, "leftover", leftover, "do it, or open an issue and remove the mark.")
}

// checkMachinePath finds paths that exist on one machine only.
func checkMachinePath(t *Tree, _ *Policy) []Finding {
	return grep(t, "machine-path", machinePath, "use a path relative to the repository, or a temporary folder made at run time.")
}

// grep searches every text file, testdata too.
func grep(t *Tree, rule string, pattern *regexp.Regexp, advice string) (found []Finding) {
	for _, f := range t.Files {
		for i, line := range f.Lines {
			if hit := pattern.FindString(line); hit != "" {
				found = append(found, Finding{f.Path, i + 1, rule, "holds " + strings.TrimSpace(hit) + ": " + advice})
			}
		}
	}
	return found
}
