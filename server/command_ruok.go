package server

import (
	"bytes"
	"net/url"
)

// ruokCommand tells that the process runs. It says nothing about whether clients are served; srvr and /healthz do.
type ruokCommand struct{}

func (ruokCommand) about() commandInfo {
	return commandInfo{
		word: "ruok", names: []string{"ruok"}, always: true,
		help: "Tells that the process runs and answers.",
	}
}

type ruokResult struct{ emptyResult }

func (ruokCommand) run(*console, url.Values) (commandResult, error) { return ruokResult{}, nil }

func (ruokResult) text(w *bytes.Buffer) { w.WriteString("imok") }
