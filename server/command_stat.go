package server

import (
	"bytes"
	"net/url"
)

// statCommand is srvr with the connections of clients.
type statCommand struct{}

func (statCommand) about() commandInfo {
	return commandInfo{
		word: "stat", names: []string{"stats", "stat"},
		help: "What server_stats tells, and the connections in short.",
	}
}

type statResult struct {
	srvrResult
	Connections []connBrief `json:"connections"`
	Secure      []connBrief `json:"secure_connections"`
}

func (statCommand) run(c *console, _ url.Values) (commandResult, error) {
	r := statResult{srvrResult: c.serverStats(), Connections: []connBrief{}, Secure: []connBrief{}}
	for _, e := range c.runtime.Conns.All() {
		r.Connections = append(r.Connections, briefOf(e.Stats))
	}
	return r, nil
}

func (r statResult) text(w *bytes.Buffer) {
	r.head(w)
	w.WriteString("Clients:\n")
	for _, b := range r.Connections {
		b.text(w)
		w.WriteString(")\n")
	}
	w.WriteByte('\n')
	r.tail(w)
}
