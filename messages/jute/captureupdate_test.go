package jute

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	update      = flag.Bool("update", false, "write "+captureFile+" anew from the folder of -transcripts")
	transcripts = flag.String("transcripts", "", "folder with recorded transcripts, *.jsonl")
)

const (
	capturesPerKind   = 12
	fieldsPerKind     = 3
	longestCapture    = 700 // bytes of a frame
	captureFileHeader = "# Frames recorded from ZooKeeper 3.8.0, see capture_test.go. Written by\n" +
		"#   go test ./messages/jute -run TestUpdateCaptures -update -transcripts <folder>\n"
)

// TestUpdateCaptures picks a few frames of each kind out of the transcripts: of those that have the same shape (the
// same fields null, empty or negative, lists of the same length) the first one. It is skipped but with -update.
func TestUpdateCaptures(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	files, err := filepath.Glob(filepath.Join(*transcripts, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts in %q: %v", *transcripts, err)
	}
	shapes, count := map[string]bool{}, map[string]int{}
	var out bytes.Buffer
	out.WriteString(captureFileHeader)
	for _, name := range files {
		for _, r := range readTranscript(t, name) {
			kind, ok := r.kind()
			shape := kind + " " + shapeOf(r.Fields)
			if !ok || len(r.Hex) > 2*longestCapture || count[kind] == capturesPerKind || shapes[shape] {
				continue
			}
			shapes[shape] = true
			writeCapture(t, &out, kind, r, count[kind] < fieldsPerKind)
			count[kind]++
		}
	}
	if err := os.WriteFile(captureFile, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

type recorded struct {
	D      string
	Op     string
	As     string
	Hex    string
	Raw    bool
	Fields any `json:"f"`
}

func readTranscript(t *testing.T, name string) (list []recorded) {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r recorded
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.UseNumber() // zxids and session ids don't fit a float
		if err := dec.Decode(&r); err != nil {
			t.Fatalf("%s: %v in %s", name, err, lines.Bytes())
		}
		list = append(list, r)
	}
	return list
}

// kind is the first word of a capture's line; ok is false for what isn't a frame. A null scheme reads as "", so such a
// frame can't be written again as it was.
func (r *recorded) kind() (kind string, ok bool) {
	if r.Raw || r.Hex == "" || strings.Contains(shapeOf(r.Fields), `"scheme":null`) {
		return "", false
	}
	switch {
	case r.D == "send":
		kind = ">" + strings.TrimSuffix(r.Op, "Old")
	case r.D == "recv":
		kind = "<" + strings.TrimSuffix(strings.TrimPrefix(r.As, "reply:"), "Old")
	}
	return kind, kind != ""
}

func writeCapture(t *testing.T, out *bytes.Buffer, kind string, r recorded, fields bool) {
	raw, err := hex.DecodeString(r.Hex)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := decodeCapture(kind, raw[prefixSize:]); errors.Is(err, ErrMalformed) {
		out.WriteByte('!')
		fields = true // shows the reviewer what is wrong with it
	}
	fmt.Fprintf(out, "%s %s", kind, r.Hex)
	if fields {
		fmt.Fprintf(out, " %s", jsonOf(t, r.Fields))
	}
	out.WriteByte('\n')
}

// shapeOf replaces values by what kind of value they are.
func shapeOf(v any) string {
	switch v := v.(type) {
	case map[string]any:
		shape := view{}
		for k, e := range v {
			if shape[k] = json.RawMessage(shapeOf(e)); k == "type" { // of an event, of an operation: each is a shape
				shape[k] = e
			}
		}
		b, _ := json.Marshal(shape)
		return string(b)
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, shapeOf(e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case json.Number:
		switch {
		case strings.HasPrefix(string(v), "-"):
			return string(v)
		case len(v) > 10:
			return `"long"`
		}
		return `"int"`
	case string:
		switch v {
		case "", "x:":
			return `"empty"`
		}
		return `"text"`
	}
	b, _ := json.Marshal(v)
	return string(b)
}
