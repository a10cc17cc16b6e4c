package server

import (
	"bytes"
	"net/url"
)

// crstCommand sets the counters of all connections to zero.
type crstCommand struct{}

func (crstCommand) about() commandInfo {
	return commandInfo{
		word: "crst", names: []string{"connection_stat_reset", "crst"},
		help: "Sets the counters and latencies of all connections to zero.",
	}
}

type crstResult struct{ emptyResult }

func (crstCommand) run(c *console, _ url.Values) (commandResult, error) {
	for _, e := range c.runtime.Conns.All() {
		e.Stats.Reset()
	}
	return crstResult{}, nil
}

func (crstResult) text(w *bytes.Buffer) { w.WriteString("Connection stats reset.\n") }
