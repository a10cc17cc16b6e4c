package server

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// parseProperties reads text in the syntax of Java properties files: `key=value`, `key:value` or `key value`, comments
// from # or ! at the start of a line, a backslash at the end of a line continues it, \t \n \r \f and \uXXXX are escapes,
// a backslash before any other character means that character. Text is UTF-8; a byte order mark is skipped. Keys and values
// lose the white space around them, as in ZooKeeper.
//
// Entries come in the order of the file; the only syntax error that exists is a malformed \u escape.
func parseProperties(file string, text []byte) ([]configEntry, []ConfigProblem) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	var entries []configEntry
	var problems []ConfigProblem
	lines := splitLines(string(text))
	for i := 0; i < len(lines); i++ {
		logical := trimLeftBlank(lines[i])
		if logical == "" || logical[0] == '#' || logical[0] == '!' {
			continue
		}
		first := i
		logical, i = joinContinued(logical, lines, i)
		origin := configOrigin{kind: originFile, name: file, line: first + 1}
		rawKey, rawValue := splitProperty(logical)
		key, err := unescapeProperty(rawKey)
		value := ""
		if err == nil {
			value, err = unescapeProperty(rawValue)
		}
		if err != nil {
			problems = append(problems, ConfigProblem{Source: origin.String(), Text: err.Error()})
			continue
		}
		entries = append(entries, configEntry{
			key: strings.TrimSpace(key), value: strings.TrimSpace(value), origin: origin, endLine: i + 1,
		})
	}
	return entries, problems
}

// splitLines cuts at \n, \r\n and a lone \r.
func splitLines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
}

// joinContinued appends the following lines while the line ends in an odd number of backslashes. It returns the joined line
// and the index of the last line used.
func joinContinued(line string, lines []string, index int) (string, int) {
	if !continues(line) {
		return line, index
	}
	var b strings.Builder
	for continues(line) {
		b.WriteString(line[:len(line)-1])
		if index+1 >= len(lines) {
			return b.String(), index
		}
		index++
		line = trimLeftBlank(lines[index])
	}
	b.WriteString(line)
	return b.String(), index
}

func continues(line string) bool {
	count := 0
	for i := len(line) - 1; i >= 0 && line[i] == '\\'; i-- {
		count++
	}
	return count%2 == 1
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\f' }

func trimLeftBlank(s string) string { return strings.TrimLeft(s, " \t\f") }

// splitProperty cuts at the first =, : or white space that no backslash protects; white space around a = or : is dropped.
func splitProperty(line string) (key, value string) {
	end := 0
	for end < len(line) && line[end] != '=' && line[end] != ':' && !isBlank(line[end]) {
		if line[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(line) {
		return line, ""
	}
	rest := trimLeftBlank(line[end:])
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = trimLeftBlank(rest[1:])
	}
	return line[:end], rest
}

func unescapeProperty(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			break
		}
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			char, used, err := unescapeUnicode(s[i-1:])
			if err != nil {
				return "", err
			}
			b.WriteRune(char)
			i += used - 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}

// unescapeUnicode reads \uXXXX at the start of s, and a second one when the first is half of a surrogate pair.
func unescapeUnicode(s string) (char rune, used int, err error) {
	first, ok := hexUnit(s)
	if !ok {
		return 0, 0, fmt.Errorf("malformed escape %.6q: \\u needs four hexadecimal digits", s)
	}
	if utf16.IsSurrogate(first) && len(s) > 6 {
		if second, ok := hexUnit(s[6:]); ok {
			if pair := utf16.DecodeRune(first, second); pair != '\uFFFD' {
				return pair, 12, nil
			}
		}
	}
	return first, 6, nil
}

func hexUnit(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}

// redactText is the file's text with each secret value replaced, fit to be shown by the admin server.
func redactText(text []byte, entries []configEntry) string {
	lines := splitLines(string(text))
	for _, e := range entries {
		key, _ := lookupKey(e.key)
		secret := looksSecret(e.key)
		if key != nil {
			secret = key.isSecret(e.key)
		}
		if !secret {
			continue
		}
		lines[e.origin.line-1] = e.key + "=***"
		for i := e.origin.line; i < e.endLine && i < len(lines); i++ {
			lines[i] = "***"
		}
	}
	return strings.Join(lines, "\n")
}
