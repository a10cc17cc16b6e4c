package main

import (
	"fmt"
	"path"
	"sort"
	"strings"
)

// Finding is one broken rule at one place.
type Finding struct {
	Path string
	Line int
	Rule string
	Text string // what is wrong and what to do instead
}

// String formats the finding so that editors can jump to it.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: [%s] %s", f.Path, f.Line, f.Rule, f.Text)
}

// Rule is a named check. It returns every place that breaks it, whether excused or not.
type Rule struct {
	Name  string
	Check func(*Tree, *Policy) []Finding
}

// rules is the whole table. A ban of policy.go is a rule of its own name, run by checkBans.
var rules = []Rule{
	{"top-level", checkTopLevel},
	{"design", checkDesign},
	{"package-doc", checkPackageDoc},
	{"exported-doc", checkExportedDoc},
	{"import-direction", checkImportDirection},
	{"protoactor", checkProtoactor},
	{"core-purity", checkCorePurity},
	{"file-size", checkFileSize},
	{"file-reason", checkFileReason},
	{"function-size", checkFunctionSize},
	{"line-length", checkLineLength},
	{"gofmt", checkGofmt},
	{"leftover", checkLeftover},
	{"machine-path", checkMachinePath},
	{"readme", checkReadme},
	{"dead-link", checkDeadLink},
	{"bans", checkBans},
}

// Check runs every rule, drops what the policy excuses, and adds a finding for each excuse that is no longer needed,
// so that the list of exceptions can only shrink by itself.
func Check(t *Tree, p *Policy) []Finding {
	used := make([]bool, len(p.Exceptions))
	var left []Finding
	for _, rule := range rules {
		for _, f := range rule.Check(t, p) {
			if i := p.excuse(f); i >= 0 {
				used[i] = true
				continue
			}
			left = append(left, f)
		}
	}
	for i, e := range p.Exceptions {
		switch {
		case strings.TrimSpace(e.Reason) == "":
			left = append(left, Finding{e.Path, 1, "exception", "the exception from " + e.Rule + " gives no reason; write one in policy.go"})
		case !used[i]:
			left = append(left, Finding{e.Path, 1, "exception", "nothing here breaks " + e.Rule + " any more; remove the entry from policy.go"})
		}
	}
	sort.SliceStable(left, func(i, j int) bool {
		if left[i].Path != left[j].Path {
			return left[i].Path < left[j].Path
		}
		return left[i].Line < left[j].Line
	})
	return left
}

// excuse returns the index of the exception that covers the finding, or -1.
func (p *Policy) excuse(f Finding) int {
	for i, e := range p.Exceptions {
		if e.Rule == f.Rule && e.Path == f.Path {
			return i
		}
	}
	return -1
}

// within tells whether name lies in one of the folders or matches one of the globs (path.Match, whole path).
func within(name string, places []string) bool {
	for _, place := range places {
		if name == place || strings.HasPrefix(name, place+"/") {
			return true
		}
		if ok, _ := path.Match(place, name); ok {
			return true
		}
	}
	return false
}
