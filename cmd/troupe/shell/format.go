package shell

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/troupekeeper/troupe/messages"
)

// javaDate is the form in which zkCli prints times.
const javaDate = "Mon Jan 02 15:04:05 MST 2006"

// printStat prints a Stat, a field a line.
func printStat(w io.Writer, s messages.Stat) {
	fmt.Fprintf(w, "cZxid = %v\n", s.Czxid)
	fmt.Fprintf(w, "ctime = %s\n", time.UnixMilli(s.Ctime).Format(javaDate))
	fmt.Fprintf(w, "mZxid = %v\n", s.Mzxid)
	fmt.Fprintf(w, "mtime = %s\n", time.UnixMilli(s.Mtime).Format(javaDate))
	fmt.Fprintf(w, "pZxid = %v\n", s.Pzxid)
	fmt.Fprintf(w, "cversion = %d\n", s.Cversion)
	fmt.Fprintf(w, "dataVersion = %d\n", s.Version)
	fmt.Fprintf(w, "aclVersion = %d\n", s.Aversion)
	fmt.Fprintf(w, "ephemeralOwner = 0x%x\n", uint64(s.EphemeralOwner))
	fmt.Fprintf(w, "dataLength = %d\n", s.DataLength)
	fmt.Fprintf(w, "numChildren = %d\n", s.NumChildren)
}

// statJSON is a Stat with zkCli's names. Numbers that a script's floating point would spoil are hexadecimal text.
type statJSON struct {
	CZxid          string `json:"cZxid"`
	CTime          int64  `json:"ctime"` // milliseconds since 1970, as mtime
	MZxid          string `json:"mZxid"`
	MTime          int64  `json:"mtime"`
	PZxid          string `json:"pZxid"`
	CVersion       int32  `json:"cversion"`
	DataVersion    int32  `json:"dataVersion"`
	ACLVersion     int32  `json:"aclVersion"`
	EphemeralOwner string `json:"ephemeralOwner"`
	DataLength     int32  `json:"dataLength"`
	NumChildren    int32  `json:"numChildren"`
}

func newStatJSON(s messages.Stat) *statJSON {
	return &statJSON{
		CZxid: s.Czxid.String(), CTime: s.Ctime, MZxid: s.Mzxid.String(), MTime: s.Mtime, PZxid: s.Pzxid.String(),
		CVersion: s.Cversion, DataVersion: s.Version, ACLVersion: s.Aversion,
		EphemeralOwner: fmt.Sprintf("0x%x", uint64(s.EphemeralOwner)), DataLength: s.DataLength, NumChildren: s.NumChildren,
	}
}

// dataJSON is a node's data: text where it is text, base64 otherwise, null for none.
type dataJSON struct {
	Path   string    `json:"path"`
	Data   *string   `json:"data"`
	Base64 string    `json:"dataBase64,omitempty"`
	Stat   *statJSON `json:"stat"`
}

func newDataJSON(path string, data []byte, s messages.Stat) dataJSON {
	r := dataJSON{Path: path, Stat: newStatJSON(s)}
	switch {
	case data == nil:
	case utf8.Valid(data):
		text := string(data)
		r.Data = &text
	default:
		r.Base64 = base64.StdEncoding.EncodeToString(data)
	}
	return r
}

// childrenJSON is a list of children by name.
type childrenJSON struct {
	Path     string    `json:"path"`
	Children []string  `json:"children"`
	Stat     *statJSON `json:"stat,omitempty"`
}

// nodesJSON is a list of paths: a node and all below it.
type nodesJSON struct {
	Path  string   `json:"path"`
	Nodes []string `json:"nodes"`
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printACL prints the entries in zkCli's two lines each.
func printACL(w io.Writer, list []messages.ACL) {
	for _, a := range list {
		fmt.Fprintf(w, "'%s,'%s\n: %s\n", a.ID.Scheme, a.ID.ID, a.Perms)
	}
}

// formatList is zkCli's form of a list.
func formatList(names []string) string { return "[" + strings.Join(names, ", ") + "]" }

// formatData is a node's data as text; a node without data says null.
func formatData(data []byte) string {
	if data == nil {
		return "null"
	}
	return string(data)
}

const hexRule = "+--------+-------------------------------------------------+----------------+\n"

// formatHex is a table of the bytes, sixteen a line, with their offset in front and their characters behind.
func formatHex(data []byte) string {
	var b strings.Builder
	b.WriteString("         +-------------------------------------------------+\n")
	b.WriteString("         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |\n")
	b.WriteString(hexRule)
	for at := 0; at < len(data); at += 16 {
		row := data[at:min(at+16, len(data))]
		text := make([]byte, len(row))
		for i, c := range row {
			if text[i] = c; c <= 0x1f || c >= 0x7f {
				text[i] = '.'
			}
		}
		fmt.Fprintf(&b, "|%08x| %-48s|%-16s|\n", at, fmt.Sprintf("% x", row), text)
	}
	b.WriteString(hexRule)
	return b.String()
}
