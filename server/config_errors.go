package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// ConfigProblem is one thing in the configuration that keeps the server from starting.
type ConfigProblem struct {
	Source string // "zoo.cfg:12", "environment ZOO_TICK_TIME", "flag --tickTime"; "" when the whole is meant
	Key    string // the key as written, "" when no single key is to blame
	Value  string // the value as written, asterisks for secrets
	Text   string // what is wrong, and the allowed range or the remedy
}

// String renders the problem as one line: where, key, value, text.
func (p ConfigProblem) String() string {
	key := p.Key
	if key != "" {
		key = fmt.Sprintf("%s = %q", key, p.Value)
	}
	return joinRemark(p.Source, key, p.Text)
}

// ConfigError says why a configuration can't be used. It lists all problems at once, so that one look repairs the file.
type ConfigError struct {
	Problems []ConfigProblem
}

// configProblemsShown bounds the text of an error: more than a screen helps nobody.
const configProblemsShown = 50

// Error is one line for one problem, else a heading and a line for each.
func (e *ConfigError) Error() string {
	if len(e.Problems) == 1 {
		return "configuration: " + e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "configuration: %d problems:", len(e.Problems))
	for i, p := range e.Problems {
		if i == configProblemsShown {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Problems)-i)
			break
		}
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

func joinRemark(source, key, text string) string {
	parts := make([]string, 0, 3)
	for _, part := range []string{source, key, text} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// originKind orders the sources from the weakest to the strongest.
type originKind int

const (
	originJVM originKind = iota
	originFile
	originZoo
	originTroupe
	originFlag
)

// configOrigin is the place where a value was written.
type configOrigin struct {
	kind originKind
	name string // path of the file, or name of the variable or flag
	line int    // first line of the entry, files only
}

// String names the place as messages show it.
func (o configOrigin) String() string {
	switch o.kind {
	case originFile:
		return o.name + ":" + strconv.Itoa(o.line)
	case originFlag:
		return "flag --" + o.name
	default:
		return "environment " + o.name
	}
}

func (o configOrigin) sameFile(other configOrigin) bool {
	return o.kind == originFile && other.kind == originFile && o.name == other.name
}

// configEntry is one key and value as a source gave them.
type configEntry struct {
	key     string
	value   string
	origin  configOrigin
	endLine int // last line of the entry, files only
}

// errTooLarge is returned for a configuration file beyond its size limit.
var errTooLarge = errors.New("is larger than allowed")

func readLimited(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return data, nil
}

// configFileError words the failure to read a file: which one it is, what happened, what to do.
func configFileError(path, what string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("configuration: %s %s does not exist: %w", what, path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("configuration: %s %s is not readable for this user: %w", what, path, err)
	default:
		return fmt.Errorf("configuration: reading %s %s: %w", what, path, err)
	}
}

// unknownKeyText words the warning for a key that no table row knows, with the nearest known key if one is near.
func unknownKeyText(key string) string {
	if near := nearestKey(key); near != "" {
		return fmt.Sprintf("unknown key, ignored; did you mean %s?", near)
	}
	return "unknown key, ignored"
}

// nearestKey finds the known key with the smallest edit distance, "" when none is near enough to be meant. A difference in
// case alone costs nothing here, so it always is near.
func nearestKey(key string) string {
	const longest = 80 // no known key is longer, and the distance costs the product of both lengths
	short := strings.TrimPrefix(key, zookeeperPrefix)
	if len(short) > longest {
		return ""
	}
	best, bestDistance := "", 2+len(short)/10
	if bestDistance > len(short)/2 {
		bestDistance = len(short) / 2 // In a very short word a few edits make any other word.
	}
	for _, k := range configTable {
		if k.family {
			continue
		}
		for _, name := range append([]string{k.name}, k.aliases...) {
			if max(len(short)-len(name), len(name)-len(short)) > bestDistance {
				continue // At least so many letters must be added or removed.
			}
			d := editDistance(strings.ToLower(short), strings.ToLower(name))
			if d <= bestDistance && (best == "" || d < bestDistance) {
				best, bestDistance = name, d
			}
		}
	}
	return best
}

// editDistance counts the insertions, deletions and replacements that turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
