package server

import (
	"bytes"
	"net/url"
)

// consCommand lists the connections of clients with all that is known of them.
type consCommand struct{}

func (consCommand) about() commandInfo {
	return commandInfo{
		word: "cons", names: []string{"connections", "cons"},
		help: "Connections with session, last request and latencies.",
	}
}

type consResult struct {
	Connections []connDetail `json:"connections"`
	Secure      []connDetail `json:"secure_connections"`
}

func (consCommand) run(c *console, _ url.Values) (commandResult, error) {
	r := consResult{Connections: []connDetail{}, Secure: []connDetail{}}
	for _, e := range c.runtime.Conns.All() {
		r.Connections = append(r.Connections, detailOf(e.Stats))
	}
	return r, nil
}

func (r consResult) text(w *bytes.Buffer) {
	for _, d := range r.Connections {
		d.text(w)
	}
	w.WriteByte('\n')
}
