package server

import (
	"net/url"
	"strconv"
)

// lsnpCommand tells which snapshot was written last.
type lsnpCommand struct{}

func (lsnpCommand) about() commandInfo {
	return commandInfo{
		names: []string{"last_snapshot", "lsnp"},
		help:  "Zxid (hexadecimal) and time (seconds since 1970) of the last snapshot that this process has written.",
	}
}

type lsnpResult struct {
	Zxid      string `json:"zxid"` // hexadecimal, without 0x
	Timestamp int64  `json:"timestamp"`
}

func (lsnpCommand) run(c *console, _ url.Values) (commandResult, error) {
	m := c.runtime.Metrics
	return lsnpResult{
		Zxid:      strconv.FormatUint(m.LastSnapshotZxid.Load(), 16),
		Timestamp: m.LastSnapshotWallMs.Load() / 1000,
	}, nil
}

// snapshotCommand and restoreCommand exist so that tools which use them get a clear answer.
type (
	snapshotCommand struct{}
	restoreCommand  struct{}
)

func (snapshotCommand) about() commandInfo {
	return commandInfo{names: []string{"snapshot", "snap"}, help: "Not supported by this version."}
}

func (snapshotCommand) run(*console, url.Values) (commandResult, error) { return nil, errUnsupported }

func (restoreCommand) about() commandInfo {
	return commandInfo{names: []string{"restore", "rest"}, post: true, help: "Not supported by this version."}
}

func (restoreCommand) run(*console, url.Values) (commandResult, error) { return nil, errUnsupported }
