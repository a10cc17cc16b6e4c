package persistence

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// noClock is for recoveries whose duration nobody asks for.
func noClock() int64 { return 0 }

// orderStore opens a store on a disk and keeps what it says.
func orderStore(t *testing.T, m FS) (*Store, *[]string) {
	t.Helper()
	var notices []string
	s, err := OpenStore(StoreOptions{
		FS: m, DataDir: "/data", NewDatabaseID: testDatabase, SegmentBytes: MinSegmentBytes,
		Notice: func(text string) { notices = append(notices, text) },
	})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s, &notices
}

// logNodes creates the nodes /n<from> to /n<to>, each with the zxid of its number.
func logNodes(t *testing.T, r *Recovered, from, to int) {
	t.Helper()
	var result tree.Result
	for i := from; i <= to; i++ {
		h := messages.TxnHeader{Zxid: messages.Zxid(i), Op: messages.OpCreate}
		create := &messages.CreateTxn{Path: fmt.Sprintf("/n%d", i), ACL: messages.WorldACL(messages.PermAll), ParentCreates: int32(i)}
		b, err := messages.EncodeTxn(&h, create)
		must(t, err)
		must(t, r.Log.Append(uint64(i), b))
		must(t, r.Log.Sync())
		must(t, r.Tree.Apply(&h, create, &result))
	}
}

// ownedBytes are the contents of all snapshots and segments.
func ownedBytes(t *testing.T, m *MemFS, s *Store) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range []string{s.dir.SnapshotDir, s.dir.LogDir} {
		names, err := m.ReadDir(dir)
		must(t, err)
		for _, name := range names {
			b, err := readSmallFile(m, dir+"/"+name, 1<<20)
			must(t, err)
			fmt.Fprintf(&all, "%s %q\n", name, b)
		}
	}
	return all.String()
}

// TestRefusedRecoveryChangesNothing has a log with a torn end, which a start would cut, and damage that stops the start. The
// torn end may hold what a person wants to see, so it must still be there; and the next try must find nothing left open.
func TestRefusedRecoveryChangesNothing(t *testing.T) {
	m := NewMemFS()
	s, notices := orderStore(t, m)
	r, err := s.Recover(noClock, nil)
	must(t, err)
	logNodes(t, r, 1, 10)
	must(t, r.Log.Roll())
	logNodes(t, r, 11, 20)
	all := places(t, m, s.dir.LogDir)
	needed, end := all[4], all[len(all)-1] // the end is that of a crash: no mark, the log is not closed
	flip(t, m, end.file, end.off+9, 1)
	flip(t, m, needed.file, needed.off+9, 1)
	before := ownedBytes(t, m, s)
	for range 2 {
		var damage *DamageError
		if _, err := s.Recover(noClock, nil); !errors.As(err, &damage) || damage.File != needed.file || damage.Offset != needed.off {
			t.Fatalf("recovered: %v", err)
		}
		if ownedBytes(t, m, s) != before {
			t.Fatal("a recovery that was refused has changed files")
		}
	}
	flip(t, m, needed.file, needed.off+9, 1)
	again, err := s.Recover(noClock, nil)
	must(t, err)
	if last := again.Tree.LastZxid(); last != 19 || again.Log.LastZxid() != 19 || len(*notices) != 1 {
		t.Errorf("recovered to %v, log to %d, notices %v", last, again.Log.LastZxid(), *notices)
	}
	must(t, again.Log.Close())
}

// TestRecoverBesideCoveredDamage damages what the newest snapshot has, in the segment that a start must read and append to.
func TestRecoverBesideCoveredDamage(t *testing.T) {
	m := NewMemFS()
	s, notices := orderStore(t, m)
	r, err := s.Recover(noClock, nil)
	must(t, err)
	logNodes(t, r, 1, 10)
	must(t, s.WriteSnapshot(r.Tree))
	logNodes(t, r, 11, 15)
	want := r.Tree.Digest()
	must(t, r.Log.Close())
	all := places(t, m, s.dir.LogDir)
	flip(t, m, all[6].file, all[6].off+9, 1)
	r, err = s.Recover(noClock, nil)
	must(t, err)
	if r.SnapshotZxid != 10 || r.Replayed != 5 || r.Tree.Digest() != want {
		t.Errorf("%d transactions on the snapshot of %v, another tree: %v", r.Replayed, r.SnapshotZxid, r.Tree.Digest() != want)
	}
	if len(*notices) != 1 || !strings.Contains((*notices)[0], "the snapshot of zxid 0xa holds") {
		t.Errorf("notices %v", *notices)
	}
	logNodes(t, r, 16, 18)
	must(t, r.Log.Close())
	r, err = s.Recover(noClock, nil)
	must(t, err)
	if r.Tree.LastZxid() != 18 {
		t.Errorf("recovered to %v", r.Tree.LastZxid())
	}
	must(t, r.Log.Close())
	// Without that snapshot the damage counts again.
	must(t, m.Remove(s.dir.SnapshotDir+"/"+snapshotName(10)))
	if _, err := s.Recover(noClock, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("recovered without what was damaged: %v", err)
	}
}
