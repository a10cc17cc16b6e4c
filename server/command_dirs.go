package server

import (
	"bytes"
	"fmt"
	"net/url"
)

// dirsCommand tells how much room the state takes on disk.
type dirsCommand struct{}

func (dirsCommand) about() commandInfo {
	return commandInfo{
		word: "dirs", names: []string{"dirs"},
		help: "Bytes that snapshots and transaction log take on disk.",
	}
}

type dirsResult struct {
	Data int64 `json:"datadir_size"`
	Log  int64 `json:"logdir_size"`
}

func (dirsCommand) run(c *console, _ url.Values) (commandResult, error) {
	snapshots, logs := c.sizes()
	return dirsResult{Data: snapshots, Log: logs}, nil
}

func (r dirsResult) text(w *bytes.Buffer) {
	fmt.Fprintf(w, "datadir_size: %d\nlogdir_size: %d\n", r.Data, r.Log)
}
