package shell

import (
	"fmt"
	"strings"
)

// splitLine cuts a line into words as zkCli does: spaces separate, a word that starts with a quote goes to the next
// quote of that kind. Quotes within a word and backslashes mean themselves, so {"a":1} is one word.
func splitLine(line string) ([]string, error) {
	var words []string
	for rest := strings.TrimLeft(line, " \t\r\n"); rest != ""; rest = strings.TrimLeft(rest, " \t\r\n") {
		if quote := rest[0]; quote == '"' || quote == '\'' {
			end := strings.IndexByte(rest[1:], quote)
			if end < 0 {
				return nil, fmt.Errorf("the quote %c at column %d has no end", quote, len(line)-len(rest)+1)
			}
			words = append(words, rest[1:1+end])
			rest = rest[end+2:]
			continue
		}
		end := strings.IndexAny(rest, " \t\r\n")
		if end < 0 {
			end = len(rest)
		}
		words = append(words, rest[:end])
		rest = rest[end:]
	}
	return words, nil
}
