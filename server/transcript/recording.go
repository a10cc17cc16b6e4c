package transcript

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
)

//go:embed testdata/*.jsonl
var recordings embed.FS

// Scenario is one conversation: what a few clients of one server, or ensemble, said and heard.
type Scenario struct {
	Name  string
	Topic string
	Desc  string
	// Needs are features without which the scenario can't be played: "standalone", "ensemble", "readonly", "4lw", "admin",
	// "tick500", "ttl", "fastcontainer", "quota", "super".
	Needs  []string
	Events []Event
}

// Lacks is the first need of the scenario that isn't among the features, "" if there is none.
func (s *Scenario) Lacks(features ...string) string {
	have := map[string]bool{}
	for _, f := range features {
		have[f] = true
	}
	for _, need := range s.Needs {
		if !have[need] {
			return need
		}
	}
	return ""
}

// Event is one step of a conversation.
type Event struct {
	Index  int             `json:"i"`
	Conn   int             `json:"c"`
	Do     string          `json:"d"`   // open, send, recv, eof, drop, quiet, sleep, 4lw, http
	Server int             `json:"srv"` // which member of the ensemble
	Op     string          `json:"op"`  // of a send
	Hex    string          `json:"hex"`
	Gzip   string          `json:"gz"` // instead of Hex for long frames: base64 of gzip
	Raw    bool            `json:"raw"`
	Subst  []Substitution  `json:"subst"`
	As     string          `json:"as"` // shape of a received frame
	Fields json.RawMessage `json:"f"`  // the recorder's own view of a received frame
	Rules  map[string]string
	Group  int      `json:"grp"` // received frames of one group may come in any order
	Ms     int      `json:"ms"`
	Word   string   `json:"word"`
	Match  string   `json:"match"` // of an answer: exact, lines, keys
	Text   string   `json:"text"`
	Want   []string `json:"want"`
}

// Substitution is a place in a sent frame where a value of this run goes in.
type Substitution struct {
	Offset int    `json:"off"`
	Kind   string `json:"kind"` // sid, passwd, zxid
	Value  string `json:"val"`  // what stood there when recording
}

// frame is the recorded bytes of a send or recv, with the length in front.
func (e *Event) frame() ([]byte, error) {
	if e.Gzip == "" {
		return hex.DecodeString(e.Hex)
	}
	packed, err := base64.StdEncoding.DecodeString(e.Gzip)
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Scenarios reads all recordings, in the order of files and lines. The error names the file and the line.
func Scenarios() ([]Scenario, error) {
	files, err := fs.Glob(recordings, "testdata/*.jsonl")
	if err != nil {
		return nil, err
	}
	var all []Scenario
	for _, name := range files {
		text, err := recordings.ReadFile(name)
		if err != nil {
			return nil, err
		}
		list, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		all = append(all, list...)
	}
	return all, nil
}

func parse(text []byte) (list []Scenario, err error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for n := 1; lines.Scan(); n++ {
		var kind struct {
			K string `json:"k"`
			S string `json:"s"`
		}
		if err := json.Unmarshal(lines.Bytes(), &kind); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		switch kind.K {
		case "file":
		case "scenario":
			list = append(list, Scenario{})
			err = json.Unmarshal(lines.Bytes(), &list[len(list)-1])
		case "ev":
			if len(list) == 0 || list[len(list)-1].Name != kind.S {
				return nil, fmt.Errorf("line %d: an event of scenario %q outside of it", n, kind.S)
			}
			var e Event
			err = json.Unmarshal(lines.Bytes(), &e)
			list[len(list)-1].Events = append(list[len(list)-1].Events, e)
		default:
			err = fmt.Errorf("unknown kind of line %q", kind.K)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return list, lines.Err()
}
