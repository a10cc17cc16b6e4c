package server

import (
	"bytes"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// wchsCommand counts the watches on data; wchcCommand lists them by session, wchpCommand by path. The lists can be long.
type (
	wchsCommand struct{}
	wchcCommand struct{}
	wchpCommand struct{}
)

func (wchsCommand) about() commandInfo {
	return commandInfo{
		word: "wchs", names: []string{"watch_summary", "wchs"},
		help: "How many connections watch the data of how many nodes.",
	}
}

type wchsResult struct {
	Connections int64 `json:"num_connections"`
	Paths       int64 `json:"num_paths"`
	Total       int64 `json:"num_total_watches"`
}

func (wchsCommand) run(c *console, _ url.Values) (commandResult, error) {
	r, err := c.watches(false)
	if err != nil {
		return nil, err
	}
	return wchsResult{Connections: r.Connections, Paths: r.Paths, Total: r.Total}, nil
}

func (r wchsResult) text(w *bytes.Buffer) {
	fmt.Fprintf(w, "%d connections watching %d paths\nTotal watches:%d\n", r.Connections, r.Paths, r.Total)
}

func (wchcCommand) about() commandInfo {
	return commandInfo{
		word: "wchc", names: []string{"watches", "wchc"},
		help: "The watched paths of each session. Long and costly with many watches.",
	}
}

type wchcResult struct {
	Paths map[messages.SessionID][]string `json:"session_id_to_watched_paths"`
}

func (wchcCommand) run(c *console, _ url.Values) (commandResult, error) {
	report, err := c.watches(true)
	if err != nil {
		return nil, err
	}
	r := wchcResult{map[messages.SessionID][]string{}}
	for _, e := range report.Watches {
		r.Paths[e.Session] = append(r.Paths[e.Session], e.Path)
	}
	return r, nil
}

func (r wchcResult) text(w *bytes.Buffer) {
	for _, id := range sortedKeys(r.Paths) {
		fmt.Fprintf(w, "%v\n", id)
		for _, path := range r.Paths[id] {
			fmt.Fprintf(w, "\t%s\n", path)
		}
	}
	w.WriteByte('\n')
}

func (wchpCommand) about() commandInfo {
	return commandInfo{
		word: "wchp", names: []string{"watches_by_path", "wchp"},
		help: "The sessions that watch each path. Long and costly with many watches.",
	}
}

type wchpResult struct {
	Sessions map[string][]messages.SessionID `json:"path_to_session_ids"`
}

func (wchpCommand) run(c *console, _ url.Values) (commandResult, error) {
	report, err := c.watches(true)
	if err != nil {
		return nil, err
	}
	r := wchpResult{map[string][]messages.SessionID{}}
	for _, e := range report.Watches {
		r.Sessions[e.Path] = append(r.Sessions[e.Path], e.Session)
	}
	return r, nil
}

func (r wchpResult) text(w *bytes.Buffer) {
	for _, path := range slices.Sorted(maps.Keys(r.Sessions)) {
		fmt.Fprintf(w, "%s\n", path)
		for _, id := range r.Sessions[path] {
			fmt.Fprintf(w, "\t%v\n", id)
		}
	}
	w.WriteByte('\n')
}
