package shell

import (
	"context"
	"slices"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// complete proposes ends for the word in front of the cursor: verbs for the first word and behind help, options where
// it starts with a dash, paths where it starts with a slash or a quote and a slash. The line is head + one of the
// proposals + tail.
func (s *Shell) complete(line string, pos int) (head string, proposals []string, tail string) {
	runes := []rune(line)
	before, tail := string(runes[:pos]), string(runes[pos:])
	start := lastWord(before)
	head, word := before[:start], before[start:]
	verbs, _ := splitLine(head)
	switch {
	case len(verbs) == 0, len(verbs) == 1 && verbs[0] == "help":
		return head, withPrefix(s.names(), word), tail
	case strings.HasPrefix(word, "-"):
		return head, s.completeOption(verbs[0], word), tail
	case strings.HasPrefix(strings.TrimLeft(word, `"'`), "/"):
		return head, s.completePath(word), tail
	}
	return head, nil, tail
}

// lastWord is where the last word of text starts, a quoted one with its quote.
func lastWord(text string) int {
	start, quote := 0, byte(0)
	fresh := true // the next character starts a word
	for i := range len(text) {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote, fresh, start = 0, true, i+1
			}
		case c == ' ' || c == '\t':
			fresh, start = true, i+1
		case fresh && (c == '"' || c == '\''):
			quote, start, fresh = c, i, false
		default:
			fresh = false
		}
	}
	return start
}

func withPrefix(names []string, prefix string) []string {
	var found []string
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			found = append(found, name+" ")
		}
	}
	return found
}

func (s *Shell) completeOption(verb, word string) []string {
	cmd := s.commands[verb]
	if cmd == nil {
		return nil
	}
	var names []string
	for _, o := range cmd.options {
		names = append(names, "-"+o.name)
	}
	return withPrefix(names, word)
}

// completePath asks the server for the children of the path that is already there.
func (s *Shell) completePath(word string) []string {
	if s.client == nil || !s.client.State().Connected() {
		return nil
	}
	quote, path := "", word
	if path[0] == '"' || path[0] == '\'' {
		quote, path = path[:1], path[1:]
	}
	slash := strings.LastIndexByte(path, '/')
	parent, prefix := path[:slash], path[slash+1:]
	if parent == "" {
		parent = messages.RootPath
	}
	if checkPath(parent) != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completeWait)
	defer cancel()
	names, err := s.client.ChildNames(ctx, parent)
	if err != nil {
		return nil
	}
	slices.Sort(names)
	var found []string
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			found = append(found, messages.JoinPath(parent, name))
		}
	}
	if quote == "" && slices.ContainsFunc(found, func(path string) bool { return strings.ContainsAny(path, " \t") }) {
		quote = `"` // for all of them, or they would have no beginning in common
	}
	for i := range found {
		found[i] = quote + found[i]
	}
	return found
}
