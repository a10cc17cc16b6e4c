package server

import (
	"bytes"
	"net/url"
)

// isroCommand tells whether the server only serves reads. Clients ask it to find a server that takes writes.
type isroCommand struct{}

func (isroCommand) about() commandInfo {
	return commandInfo{
		word: "isro", names: []string{"is_read_only", "isro"}, always: true,
		help: "Tells whether the server only serves reads.",
	}
}

type isroResult struct {
	ReadOnly bool `json:"read_only"`
	serving  bool
}

func (isroCommand) run(c *console, _ url.Values) (commandResult, error) {
	return isroResult{ReadOnly: c.readOnly(), serving: c.view() != nil}, nil
}

func (r isroResult) text(w *bytes.Buffer) {
	switch {
	case !r.serving:
		w.WriteString("null")
	case r.ReadOnly:
		w.WriteString("ro")
	default:
		w.WriteString("rw")
	}
}
