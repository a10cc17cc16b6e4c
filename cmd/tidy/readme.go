package main

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// firstCommands are what a stranger types first; .ci/run runs them, so the README must not drift from them.
var firstCommands = []string{"go run ./cmd/troupe serve", "go test ./..."}

// command is one shell line of a fenced block.
type command struct {
	text string
	line int
}

// commands returns the lines of the sh, bash, shell and console blocks, without prompt, comments and output. In a
// console block only the lines with a prompt are commands.
func commands(f *File) (list []command) {
	language, inside := "", false
	for i, line := range f.Lines {
		text := strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(text, "```"); ok {
			language, inside = strings.TrimSpace(rest), !inside
			continue
		}
		if !inside || (language != "sh" && language != "bash" && language != "shell" && language != "console") {
			continue
		}
		text, prompt := strings.CutPrefix(text, "$ ")
		if language == "console" && !prompt {
			continue
		}
		text, _, _ = strings.Cut(text, " #")
		if text = strings.TrimSpace(text); text != "" && !strings.HasPrefix(text, "#") {
			list = append(list, command{text, i + 1})
		}
	}
	return list
}

// checkReadme holds the README to its first two commands, and every command of ours in it to a path that exists.
func checkReadme(t *Tree, _ *Policy) (found []Finding) {
	readme := t.byPath["README.md"]
	if readme == nil {
		return []Finding{{"README.md", 1, "readme", "is missing: one sentence, the first commands, one real session."}}
	}
	list := commands(readme)
	var own []command
	for _, c := range list {
		if !strings.HasPrefix(c.text, "git clone ") && !strings.HasPrefix(c.text, "cd ") {
			own = append(own, c)
		}
	}
	for i, want := range firstCommands {
		switch {
		case i >= len(own):
			found = append(found, Finding{"README.md", len(readme.Lines), "readme",
				fmt.Sprintf("command %d must be %q, in a block marked sh.", i+1, want)})
		case own[i].text != want:
			found = append(found, Finding{"README.md", own[i].line, "readme",
				fmt.Sprintf("command %d is %q and must be %q: a stranger types it first and CI runs it.", i+1, own[i].text, want)})
		}
	}
	for _, c := range list {
		for _, word := range strings.Fields(c.text) {
			target := strings.TrimSuffix(strings.TrimPrefix(word, "./"), "/...")
			if strings.HasPrefix(c.text, "go ") && strings.HasPrefix(word, "./") && target != "..." && !t.Has(target) {
				found = append(found, Finding{"README.md", c.line, "readme", word + " does not exist in the tree."})
			}
		}
	}
	return found
}

var markdownLink = regexp.MustCompile(`\]\(([^)\s#]+)[^)]*\)`)

// checkDeadLink follows the relative links of every Markdown file.
func checkDeadLink(t *Tree, _ *Policy) (found []Finding) {
	for _, f := range t.Files {
		if !strings.HasSuffix(f.Path, ".md") || f.InTestdata() {
			continue
		}
		for i, line := range f.Lines {
			for _, m := range markdownLink.FindAllStringSubmatch(line, -1) {
				if strings.Contains(m[1], ":") || t.Has(path.Join(path.Dir(f.Path), m[1])) {
					continue
				}
				found = append(found, Finding{f.Path, i + 1, "dead-link", m[1] + " does not exist; links are relative to the file."})
			}
		}
	}
	return found
}
