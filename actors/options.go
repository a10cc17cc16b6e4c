package actors

import (
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// Options are the settings of one server's actors. The keys of zoo.cfg that they come from are named where they
// differ from the field; server/config.go makes the translation.
type Options struct {
	Conn          ConnOptions
	Prep          PrepOptions
	Sweep         SweepOptions
	SnapCount     int   // transactions between two snapshots at most, half of it at least
	SnapSizeLimit int64 // bytes of log between two snapshots
	SnapRetain    int   // snapshots to keep when purging; 0 turns purging off
	FsyncWarning  time.Duration
	SessionServer messages.ServerID // the top byte of session ids

	Stages []ActiveStage // of somebody's own, in their order at each place

	// Of a member of an ensemble.
	LocalSessions  bool // new sessions are known to this server alone (localSessionsEnabled) …
	LocalUpgrading bool // … until they ask for an ephemeral node (localSessionsUpgradingEnabled)
}

// DefaultOptions are those of a server that nobody configured.
func DefaultOptions() Options {
	return Options{
		Conn:          DefaultConnOptions(),
		Prep:          PrepOptions{ExtendedTypes: true},
		Sweep:         SweepOptions{Interval: time.Minute, PerMinute: 10_000},
		SnapCount:     100_000,
		SnapSizeLimit: 4 << 30,
		SnapRetain:    3,
		FsyncWarning:  time.Second,
		SessionServer: 1,
	}
}
