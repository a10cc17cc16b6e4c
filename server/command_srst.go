package server

import (
	"bytes"
	"net/url"
)

// srstCommand sets the counters of the server to zero.
type srstCommand struct{}

func (srstCommand) about() commandInfo {
	return commandInfo{
		word: "srst", names: []string{"stat_reset", "srst"},
		help: "Sets the counters and latencies of the server to zero.",
	}
}

type srstResult struct{ emptyResult }

func (srstCommand) run(c *console, _ url.Values) (commandResult, error) {
	c.runtime.Metrics.ResetServer()
	return srstResult{}, nil
}

func (srstResult) text(w *bytes.Buffer) { w.WriteString("Server stats reset.\n") }
