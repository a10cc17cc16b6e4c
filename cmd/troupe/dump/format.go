package dump

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// Style says how a dump is written.
type Style struct {
	JSON     bool           // an object a line instead of text
	Data     bool           // text shows data; JSON always has it
	Full     bool           // text shows all of the data, not only its beginning
	Secrets  bool           // show passwords of sessions
	Location *time.Location // of times in text; nil means the computer's
}

// dataShown is how many bytes of data text shows unless Style.Full is set.
const dataShown = 200

func (s *Style) time(ms int64) string {
	loc := s.Location
	if loc == nil {
		loc = time.Local
	}
	text := time.UnixMilli(ms).In(loc).Format("2006-01-02 15:04:05.000")
	if loc == time.UTC {
		text += "Z"
	}
	return text
}

// jsonTime is a time as JSON has it, beside the number of milliseconds.
func jsonTime(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// shownPath is a path as text shows it: in quotes if a blank or a character that can't be printed is in it.
func shownPath(path string) string {
	plain := utf8.ValidString(path) && strings.IndexFunc(path, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '"'
	}) < 0
	if plain {
		return path
	}
	return strconv.Quote(path)
}

// shownData is data on one line: as it is if it is text, with line breaks written \n, otherwise hexadecimal.
func (s *Style) shownData(data []byte) string {
	switch {
	case data == nil:
		return "none (null)"
	case len(data) == 0:
		return "empty"
	}
	shown, rest := data, 0
	if !s.Full && len(data) > dataShown {
		shown = data[:dataShown]
		for cut := 1; cut < utf8.UTFMax && !utf8.Valid(shown); cut++ { // not within a character
			shown = data[:dataShown-cut]
		}
		if !utf8.Valid(shown) {
			shown = data[:dataShown]
		}
		rest = len(data) - len(shown)
	}
	text, ok := printable(shown)
	if !ok {
		text = "hex " + hex.EncodeToString(shown)
	}
	if rest > 0 {
		text += fmt.Sprintf("… (%d bytes more; --full shows them)", rest)
	}
	return text
}

var escapes = strings.NewReplacer("\\", `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

func printable(data []byte) (string, bool) {
	if !utf8.Valid(data) {
		return "", false
	}
	text := string(data)
	for _, r := range text {
		if !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t' {
			return "", false
		}
	}
	return escapes.Replace(text), true
}

// owner describes what kind of node it is, "" for a plain one.
func owner(o messages.Owner) string {
	switch {
	case o.IsContainer():
		return "container"
	case o.TTL() > 0:
		return "TTL " + millis(o.TTL())
	case o.IsEphemeral():
		return fmt.Sprintf("ephemeral of session %v", o.Session())
	}
	return ""
}

// millis writes milliseconds as a person reads them: 30s, 1h0m0s, 1.5s.
func millis(ms int64) string {
	if ms > int64(1<<63-1)/int64(time.Millisecond) {
		return fmt.Sprintf("%d ms", ms)
	}
	return (time.Duration(ms) * time.Millisecond).String()
}

// acl writes a list as zkCli takes it.
func acl(list []messages.ACL) string {
	if len(list) == 0 {
		return "(empty)"
	}
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = shownPath(a.String())
	}
	return strings.Join(words, ",")
}

// isOpen tells whether a list is the usual one, which lets everybody do everything.
func isOpen(list []messages.ACL) bool {
	return len(list) == 1 && list[0] == messages.WorldACL(messages.PermAll)[0]
}

// count writes a number with its noun: 1 node, 2 nodes.
func count[N int | int32 | int64 | uint32 | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func byteCount(n int) string { return count(n, "byte", "bytes") }

// size writes a number of bytes, from 10 KiB on in larger units too.
func size(n int64) string {
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(n), ""
	for i := 0; i < len(units) && value >= 1024 && n >= 10<<10; i++ {
		value, unit = value/1024, units[i]
	}
	if unit == "" {
		return count(n, "byte", "bytes")
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

func zxidParts(z messages.Zxid) string { return fmt.Sprintf("%d/%d", z.Epoch(), z.Counter()) }

// printDamage writes damage for a person who has to decide what to do.
func printDamage(w io.Writer, d *persistence.DamageError) {
	fmt.Fprintf(w, "DAMAGED\n  file      %s\n  at byte   %d\n  what      %s\n", d.File, d.Offset, d.What)
	if d.Lost != "" {
		fmt.Fprintf(w, "  at stake  %s\n", d.Lost)
	}
	fmt.Fprintf(w, "  remedy    %s\n", d.Remedy)
}
