package cluster

import (
	"sort"

	"github.com/troupekeeper/troupe/messages"
)

// SyncStep is what the leader does next for a learner.
type SyncStep uint8

// The steps.
const (
	SendWindow   SyncStep = iota // the window has all that it lacks, from Plan.From on
	SendLog                      // the log on disk goes from where it is to the window
	SendTruncate                 // it must cut its log after Plan.After and say where it ends then
	SendSnapshot                 // the newest snapshot, then the log behind it, then the window
)

// LogView is what a plan asks of the leader's disk.
type LogView interface {
	// LogFloor finds the last place at or before a zxid from which the log can be read on to its end.
	LogFloor(zxid messages.Zxid) (floor messages.Zxid, ok bool, err error)
	// LogBytesBehind is how much log there is to send behind a zxid.
	LogBytesBehind(zxid messages.Zxid) (int64, error)
	// NewestSnapshot tells the zxid and the size of the newest snapshot; 0 and 0 if there is none.
	NewestSnapshot() (zxid messages.Zxid, bytes int64)
}

// SyncOptions say when a snapshot is sent though the log would do.
type SyncOptions struct {
	SnapshotFactor float64 // the log may be so much of the snapshot's size; below 0: always the snapshot
	LogBytes       int64   // so much log is sent in any case
}

// Plan is a step with what it needs.
type Plan struct {
	Step  SyncStep
	After messages.Zxid // of SendLog and SendTruncate
	From  int           // index into the window, of SendWindow
}

// planSync decides what a learner whose log ends at last is sent, so that it ends up with exactly the leader's history up
// to b.Committed. A learner may have transactions that never became history, of any number of earlier epochs; it is told
// to cut them off and asked again, since nobody but itself knows where its log ends then (ZOOKEEPER-1154).
func planSync(last messages.Zxid, b *BeginSync, log LogView, o SyncOptions) (Plan, error) {
	if last > b.Committed {
		return Plan{Step: SendTruncate, After: b.Committed}, nil
	}
	if last >= b.Base {
		return planWindow(last, b), nil
	}
	floor, ok, err := log.LogFloor(last)
	if err != nil {
		return Plan{}, err
	}
	// The log of a leader whose own state once came as a snapshot may end before that, until it goes on behind it: what is in
	// it then leads nowhere, and may never have become history.
	end, whole, err := log.LogFloor(b.Base)
	if err != nil {
		return Plan{}, err
	}
	snapshot, size := log.NewestSnapshot()
	switch {
	case !ok || !whole || end != b.Base:
		return Plan{Step: SendSnapshot}, nil
	case floor != last:
		return Plan{Step: SendTruncate, After: floor}, nil
	case snapshot <= last:
		return Plan{Step: SendLog, After: last}, nil
	}
	bytes, err := log.LogBytesBehind(last)
	if err != nil {
		return Plan{}, err
	}
	if o.SnapshotFactor < 0 || (bytes > o.LogBytes && float64(bytes) > o.SnapshotFactor*float64(size)) {
		return Plan{Step: SendSnapshot}, nil
	}
	return Plan{Step: SendLog, After: last}, nil
}

// planWindow is for a learner within the reach of the window.
func planWindow(last messages.Zxid, b *BeginSync) Plan {
	n := sort.Search(len(b.Window), func(i int) bool { return b.Window[i].Header.Zxid > last })
	floor := b.Base
	if n > 0 {
		floor = b.Window[n-1].Header.Zxid
	}
	if floor != last {
		return Plan{Step: SendTruncate, After: floor}
	}
	return Plan{Step: SendWindow, From: n}
}
