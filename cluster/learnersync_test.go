package cluster

import (
	"slices"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"pgregory.net/rapid"
)

// logModel is a leader's disk: a log that begins after a zxid, and a snapshot somewhere in it.
type logModel struct {
	begin    messages.Zxid
	records  []messages.Zxid // all of the history; those up to begin are purged
	snapshot messages.Zxid
	bytes    int64
}

func (m *logModel) LogFloor(zxid messages.Zxid) (messages.Zxid, bool, error) {
	if zxid < m.begin {
		return 0, false, nil
	}
	return floorOf(m.records, m.begin, zxid), true, nil
}

func (m *logModel) LogBytesBehind(messages.Zxid) (int64, error) { return m.bytes, nil }

func (m *logModel) NewestSnapshot() (messages.Zxid, int64) { return m.snapshot, 100 }

func floorOf(records []messages.Zxid, least, zxid messages.Zxid) messages.Zxid {
	floor := least
	for _, z := range records {
		if z <= zxid && z > floor {
			floor = z
		}
	}
	return floor
}

// behind is what of a history comes after a zxid.
func behind(history []messages.Zxid, zxid messages.Zxid) (rest []messages.Zxid) {
	for _, z := range history {
		if z > zxid {
			rest = append(rest, z)
		}
	}
	return rest
}

// histories draws a leader's history and a learner's that shares a beginning with it. Where they part, each goes on in
// epochs of its own, as after any number of leaders that did not last.
func histories(t *rapid.T) (leader, learner []messages.Zxid) {
	epoch := uint32(1)
	grow := func(h []messages.Zxid, owner uint32) []messages.Zxid {
		for range rapid.IntRange(0, 3).Draw(t, "epochs") {
			epoch++
			for c := range rapid.IntRange(1, 4).Draw(t, "count") {
				h = append(h, messages.MakeZxid(3*epoch+owner, uint32(c+1)))
			}
		}
		return h
	}
	common := grow(nil, 0)
	if n := len(common); n > 0 && rapid.Bool().Draw(t, "cut") { // an epoch whose end only one of them has
		leader = slices.Clone(common)
		learner = slices.Clone(common[:rapid.IntRange(0, n).Draw(t, "at")])
		if rapid.Bool().Draw(t, "swap") {
			leader, learner = learner, leader
		}
	} else {
		leader, learner = slices.Clone(common), slices.Clone(common)
	}
	if rapid.Bool().Draw(t, "order") {
		return grow(leader, 1), grow(learner, 2)
	}
	learner = grow(learner, 2)
	return grow(leader, 1), learner
}

// Whatever the two histories are, the steps end, and the learner has exactly the leader's history: nothing of its own
// that never became history stays (ZOOKEEPER-1154), and nothing of the leader's is missing.
func TestEverySyncPlanEndsWithTheLeadersHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leader, learner := histories(t)
		base := rapid.IntRange(0, len(leader)).Draw(t, "window")
		b := &BeginSync{}
		for i, z := range leader {
			if b.Committed = z; i < base {
				b.Base = z
				continue
			}
			b.Window = append(b.Window, messages.Proposal{Header: messages.TxnHeader{Zxid: z}})
		}
		disk := &logModel{records: leader[:base], bytes: rapid.Int64Range(0, 200).Draw(t, "bytes")}
		if base > 0 {
			at := rapid.IntRange(0, base-1).Draw(t, "snapshot")
			disk.snapshot = leader[at]
			disk.begin = leader[rapid.IntRange(0, at).Draw(t, "purged")]
		}
		if base > 1 && rapid.IntRange(0, 3).Draw(t, "behind") == 0 { // the log ends before the snapshot, and not with history
			disk.snapshot, disk.begin = b.Base, 0
			disk.records = append(slices.Clone(leader[:rapid.IntRange(0, base-2).Draw(t, "end")]), b.Base-1)
		}
		options := SyncOptions{SnapshotFactor: rapid.SampledFrom([]float64{-1, 0.33, 10}).Draw(t, "factor")}
		last := messages.Zxid(0)
		if n := len(learner); n > 0 {
			last = learner[n-1]
		}
		for step := 0; ; step++ {
			if step > 20 {
				t.Fatalf("no end: leader %v, learner %v", leader, learner)
			}
			p, err := planSync(last, b, disk, options)
			if err != nil {
				t.Fatal(err)
			}
			switch p.Step {
			case SendTruncate:
				learner = slices.DeleteFunc(learner, func(z messages.Zxid) bool { return z > p.After })
				cut := floorOf(learner, 0, p.After)
				if cut >= last {
					t.Fatalf("cut to %v from %v", cut, last)
				}
				last = cut
				continue
			case SendWindow:
				for _, q := range b.Window[p.From:] {
					learner = append(learner, q.Header.Zxid)
				}
			case SendLog:
				learner = append(append(learner, behind(disk.records, p.After)...), behind(leader, b.Base)...)
			case SendSnapshot:
				if disk.snapshot <= last {
					t.Fatalf("a snapshot of %v for a learner at %v", disk.snapshot, last)
				}
				learner = slices.Clone(leader)
			}
			break
		}
		if !slices.Equal(leader, learner) {
			t.Fatalf("leader %v, learner %v", leader, learner)
		}
	})
}
