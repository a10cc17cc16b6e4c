package persistence

import (
	"errors"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// takeoverStore is a store on a memory disk with n nodes created in epoch 1.
func takeoverStore(t *testing.T, disk *MemFS, n int) (*Store, *Recovered) {
	t.Helper()
	s, err := OpenStore(StoreOptions{FS: disk, DataDir: "data", NewDatabaseID: 7, SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	r := recoverStore(t, s)
	if err := r.ApplyHistory(history(1, 1, n)); err != nil {
		t.Fatal(err)
	}
	if err := r.Log.Sync(); err != nil {
		t.Fatal(err)
	}
	return s, r
}

func noTime() int64 { return 1 }

func recoverStore(t *testing.T, s *Store) *Recovered {
	t.Helper()
	r, err := s.Recover(noTime, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// history is creates of /n<epoch>-<counter>.
func history(epoch uint32, from, to int) []messages.Proposal {
	var items []messages.Proposal
	for i := from; i <= to; i++ {
		zxid := messages.MakeZxid(epoch, uint32(i))
		h := messages.TxnHeader{Zxid: zxid, Time: int64(i), Op: messages.OpCreate}
		body := &messages.CreateTxn{Path: "/n" + zxid.String(), Data: []byte("x"), ACL: []messages.ACL{}, ParentCreates: int32(i)}
		encoded, err := messages.EncodeTxn(&h, body)
		if err != nil {
			panic(err)
		}
		items = append(items, messages.Proposal{Header: h, Body: body, Encoded: encoded})
	}
	return items
}

func TestLogFloor(t *testing.T) {
	s, r := takeoverStore(t, NewMemFS(), 10)
	if err := r.ApplyHistory(history(3, 1, 2)); err != nil {
		t.Fatal(err)
	}
	if err := r.Log.Sync(); err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[messages.Zxid]messages.Zxid{
		0:                       0,
		messages.MakeZxid(1, 4): messages.MakeZxid(1, 4), messages.MakeZxid(1, 99): messages.MakeZxid(1, 10),
		messages.MakeZxid(2, 1): messages.MakeZxid(1, 10), messages.MakeZxid(3, 1): messages.MakeZxid(3, 1),
		messages.MakeZxid(9, 9): messages.MakeZxid(3, 2),
	} {
		if got, ok, err := s.LogFloor(asked); got != want || !ok || err != nil {
			t.Errorf("floor of %v: %v %v %v, want %v", asked, got, ok, err, want)
		}
	}
}

// A log that jumps to where a snapshot had brought the tree can't be read across the jump: what is before it leads nowhere.
func TestLogFloorEndsAtAJump(t *testing.T) {
	s, r := takeoverStore(t, NewMemFS(), 10)
	if err := r.Log.StartAfter(uint64(messages.MakeZxid(1, 20))); err != nil {
		t.Fatal(err)
	}
	for _, p := range history(3, 1, 2) {
		if err := r.Log.Append(uint64(p.Header.Zxid), p.Encoded); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Log.Sync(); err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[messages.Zxid]messages.Zxid{
		messages.MakeZxid(1, 4): 0, messages.MakeZxid(1, 10): 0, messages.MakeZxid(1, 19): 0,
		messages.MakeZxid(1, 20): messages.MakeZxid(1, 20), messages.MakeZxid(3, 1): messages.MakeZxid(3, 1),
	} {
		if got, ok, err := s.LogFloor(asked); got != want || ok != (want != 0) || err != nil {
			t.Errorf("floor of %v: %v %v %v, want %v", asked, got, ok, err, want)
		}
	}
}

// A learner whose history has a tail that its leader never had (ZOOKEEPER-1154, -1156, -2355): exactly the tail goes, and
// the tree is what the log says.
func TestTruncateRebuildsTheTree(t *testing.T) {
	disk := NewMemFS()
	s, r := takeoverStore(t, disk, 10)
	if err := r.ApplyHistory(history(2, 1, 3)); err != nil {
		t.Fatal(err)
	}
	r, err := s.Truncate(r, messages.MakeZxid(1, 7), noTime)
	if err != nil {
		t.Fatal(err)
	}
	if last := r.Tree.LastZxid(); last != messages.MakeZxid(1, 7) || r.Log.LastZxid() != uint64(last) || r.Tree.NodeCount() != nodesWith(7) {
		t.Fatalf("the tree is at %v with %d nodes, the log at %x", last, r.Tree.NodeCount(), r.Log.LastZxid())
	}
	if err := r.ApplyHistory(history(4, 1, 1)); err != nil {
		t.Fatal(err)
	}
}

func nodesWith(n int) int { return tree.New().NodeCount() + n }

// The position that a leader asks to be cut to may not be in this server's log: it tells where it ended up.
func TestTruncateEndsBeforeAMissingRecord(t *testing.T) {
	s, r := takeoverStore(t, NewMemFS(), 3)
	if err := r.ApplyHistory(history(2, 1, 1)); err != nil {
		t.Fatal(err)
	}
	r, err := s.Truncate(r, messages.MakeZxid(1, 5), noTime)
	if err != nil || r.Tree.LastZxid() != messages.MakeZxid(1, 3) {
		t.Fatalf("%v, %v", r, err)
	}
}

// A snapshot from the leader replaces everything (ZOOKEEPER-3642): whenever the power goes, a start finds the old state or
// the new one.
func TestReplaceSurvivesPowerCuts(t *testing.T) {
	_, leader := takeoverStore(t, NewMemFS(), 10)
	if err := leader.ApplyHistory(history(5, 1, 4)); err != nil {
		t.Fatal(err)
	}
	chunk := snapshotChunk(t, leader.Tree)
	for cut := 0; ; cut++ {
		disk := NewMemFS()
		s, r := takeoverStore(t, disk, 3)
		before := r.Tree.Digest()
		fault := NewFaultFS(disk)
		s.o.FS, r.Log.o.FS = fault, fault
		fault.CutPower(cut)
		_, err := replaceBy(s, r, leader.Tree.LastZxid(), chunk)
		again, openErr := OpenStore(StoreOptions{FS: disk.CrashClone(nil), DataDir: "data", NewDatabaseID: 7, SegmentBytes: 64 << 10})
		if openErr != nil {
			t.Fatalf("cut %d: %v", cut, openErr)
		}
		found, recErr := again.Recover(noTime, nil)
		if recErr != nil {
			t.Fatalf("cut %d: %v", cut, recErr)
		}
		if d := found.Tree.Digest(); d != before && d != leader.Tree.Digest() {
			t.Fatalf("cut %d: the tree is at %v, which is neither the old nor the new state", cut, found.Tree.LastZxid())
		}
		if err == nil {
			if found.Tree.Digest() != leader.Tree.Digest() {
				t.Fatalf("cut %d: the new state was reported durable and isn't", cut)
			}
			return
		}
	}
}

func replaceBy(s *Store, r *Recovered, zxid messages.Zxid, chunk []byte) (*Recovered, error) {
	p, err := s.Replace(r, zxid)
	if err != nil {
		return nil, err
	}
	if err := p.Add(chunk); err != nil {
		p.Abort()
		return nil, err
	}
	return p.Finish(r)
}

func snapshotChunk(t *testing.T, from *tree.Tree) (chunk []byte) {
	t.Helper()
	image := from.BeginSnapshot()
	defer image.Close()
	emit := func(kind byte, record []byte) error {
		chunk = AppendSnapshotRecord(chunk, kind, record)
		return nil
	}
	for done := false; !done; {
		var err error
		if done, err = image.Next(emit, 100); err != nil {
			t.Fatal(err)
		}
	}
	return chunk
}

// A server that leaves a role in good order goes on with its tree and what its log has beyond it (ZOOKEEPER-2845); a
// tree that the log doesn't reach is of no use.
func TestResume(t *testing.T) {
	s, r := takeoverStore(t, NewMemFS(), 5)
	kept := r.Tree
	for _, p := range history(1, 6, 8) {
		if err := r.Log.Append(uint64(p.Header.Zxid), p.Encoded); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Log.Close(); err != nil {
		t.Fatal(err)
	}
	left := kept.BeginSnapshot() // the role ends while a snapshot is being written
	r, err := s.Resume(kept, noTime, nil)
	if err != nil || r.Tree != kept || kept.LastZxid() != messages.MakeZxid(1, 8) {
		t.Fatalf("%v at %v, %v", r.Tree == kept, kept.LastZxid(), err)
	}
	if done, err := left.Next(func(byte, []byte) error { return errors.New("it is written on") }, 1); !done || err != nil {
		t.Errorf("the snapshot of the role before: done %v, %v", done, err)
	}
	kept.BeginSnapshot().Close()
	if err := r.Log.Close(); err != nil {
		t.Fatal(err)
	}
	var result tree.Result
	for _, p := range history(1, 9, 9) { // committed elsewhere, and never logged here
		if err := kept.Apply(&p.Header, p.Body, &result); err != nil {
			t.Fatal(err)
		}
	}
	r, err = s.Resume(kept, noTime, nil)
	if err != nil || r.Tree == kept || r.Tree.LastZxid() != messages.MakeZxid(1, 8) {
		t.Fatalf("%v at %v, %v", r.Tree == kept, r.Tree.LastZxid(), err)
	}
}
