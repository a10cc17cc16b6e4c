package persistence

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

func TestRecoverFirstStart(t *testing.T) {
	l := newLife(1, NewMemFS())
	s, r, err := l.open()
	must(t, err)
	l.same(t, r, 0)
	snapshots, err := ListSnapshots(l.o.FS, s.Dir().SnapshotDir)
	must(t, err)
	if s.Dir().Fresh || len(snapshots) != 1 || snapshots[0].Zxid != 0 {
		t.Fatalf("after the first start: fresh %v, snapshots %v; should have the one of the empty tree", s.Dir().Fresh, snapshots)
	}
	must(t, r.Log.Close())
	must(t, s.Close())
	l.check(t)
	if len(l.notices) > 0 {
		t.Errorf("a person would read %v", l.notices)
	}
}

func TestRecoverReplays(t *testing.T) {
	for _, compress := range []bool{false, true} {
		l := newLife(2, NewMemFS())
		l.o.Compress = compress
		l.every = 30
		l.live(t, 100)
		r := l.check(t)
		if r.SnapshotZxid != 90 || r.Replayed != 10 {
			t.Errorf("built from the snapshot of %v and %d transactions, should be 0x5a and 10", r.SnapshotZxid, r.Replayed)
		}
		if r.Load <= 0 || r.Replay <= 0 {
			t.Errorf("load %v, replay %v: the clock was not asked", r.Load, r.Replay)
		}
		l.live(t, 55) // goes on where it was, and once more
		l.check(t)
	}
}

// TestRecoverAgain recovers twice from one open store, as a pipeline does that is built anew.
func TestRecoverAgain(t *testing.T) {
	l := newLife(3, NewMemFS())
	l.every = 20
	s, r, err := l.open()
	must(t, err)
	for range 3 {
		must(t, l.run(s, r, 50))
		must(t, r.Log.Close())
		r, err = s.Recover(clock(), nil)
		must(t, err)
		l.same(t, r, l.last())
	}
}

func TestRecoverProgress(t *testing.T) {
	l := newLife(4, NewMemFS())
	l.o.SegmentBytes = 8 << 20
	l.batch = 1000
	s, r, err := l.open()
	must(t, err)
	must(t, l.run(s, r, 2*progressEvery+10))
	must(t, s.WriteSnapshot(r.Tree))
	must(t, l.run(s, r, 2*progressEvery+10))
	must(t, r.Log.Close())
	var seen []Progress
	_, err = s.Recover(clock(), func(p Progress) { seen = append(seen, p) })
	must(t, err)
	count := map[string]int{}
	for i, p := range seen {
		count[p.Phase]++
		if p.Done < 0 || p.Done > p.Total || p.Total == 0 {
			t.Errorf("%+v: done is not within total", p)
		}
		if i > 0 && seen[i-1].Phase == p.Phase && (p.Done < seen[i-1].Done || p.Records <= seen[i-1].Records) {
			t.Errorf("%+v follows %+v", p, seen[i-1])
		}
	}
	if count["snapshot"] == 0 || count["log"] != 2 || seen[0].Phase != "snapshot" || seen[len(seen)-1].Phase != "log" {
		t.Errorf("progress was told %v", count)
	}
}

// TestRecoverFallsBack damages the newest snapshots: an older one and the log give the same tree.
func TestRecoverFallsBack(t *testing.T) {
	l := newLife(5, NewMemFS())
	l.every = 30
	l.live(t, 100) // snapshots of 0, 30, 60, 90
	for damaged, from := range []messages.Zxid{60, 30, 0} {
		files, err := ListSnapshots(l.o.FS, "/data/troupe/snapshots")
		must(t, err)
		flip(t, l.o.FS, files[damaged].Path, 100, 1)
		l.notices = nil
		r := l.check(t)
		if r.SnapshotZxid != from {
			t.Errorf("with %d snapshots damaged it used that of %v, should be %v", damaged+1, r.SnapshotZxid, from)
		}
		text := strings.Join(l.notices, "\n")
		for _, word := range []string{files[damaged].Path, "using the older snapshot"} {
			if !strings.Contains(text, word) {
				t.Errorf("the notices don't have %q:\n%s", word, text)
			}
		}
	}
	files, err := ListSnapshots(l.o.FS, "/data/troupe/snapshots")
	must(t, err)
	flip(t, l.o.FS, files[3].Path, 100, 1)
	_, _, err = l.open()
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), files[0].Path) || !strings.Contains(err.Error(), "remedy") {
		t.Errorf("no snapshot is whole, and the start says %v", err)
	}
}

// TestRecoverNeedsLog damages the newest snapshot while the log ends before it: what lies between is in no other file.
func TestRecoverNeedsLog(t *testing.T) {
	l := newLife(6, NewMemFS())
	l.every = 30
	l.live(t, 90)
	segments, err := ListSegments(l.o.FS, "/txlog/troupe/log")
	must(t, err)
	files, err := ListSnapshots(l.o.FS, "/data/troupe/snapshots")
	must(t, err)
	must(t, l.o.FS.Remove(segments[len(segments)-1].Path))
	r := l.check(t) // the snapshot is whole: nothing is missing
	if r.Replayed != 0 {
		t.Fatalf("%d transactions were replayed", r.Replayed)
	}
	flip(t, l.o.FS, files[0].Path, 70, 0x40)
	_, _, err = l.open()
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), files[0].Path) || !strings.Contains(err.Error(), "0x5a") {
		t.Errorf("the log ends too early, and the start says %v", err)
	}
}

// TestRecoverBehindSnapshot goes on after a snapshot that is newer than the log, and comes back to it at each start.
func TestRecoverBehindSnapshot(t *testing.T) {
	l := newLife(7, NewMemFS())
	l.every = 30
	l.live(t, 90)
	segments, err := ListSegments(l.o.FS, "/txlog/troupe/log")
	must(t, err)
	for i := len(segments) - 1; i >= 0; i-- {
		must(t, l.o.FS.Remove(segments[i].Path))
		l.check(t)
		l.check(t)
	}
	l.live(t, 25)
	l.check(t)
}

func TestRecoverTrustEmpty(t *testing.T) {
	l := newLife(8, NewMemFS())
	l.every = 30
	l.live(t, 100)
	removeSnapshots(t, l)
	if _, _, err := l.open(); !errors.Is(err, ErrSnapshotMissing) || !strings.Contains(err.Error(), "snapshot.trust.empty") {
		t.Fatalf("all snapshots are missing, and the start says %v", err)
	}
	l.o.TrustEmpty = true
	r := l.check(t)
	if r.Replayed != 100 {
		t.Errorf("%d transactions were replayed, should be all 100", r.Replayed)
	}
	l.o.TrustEmpty = false
	if r = l.check(t); r.SnapshotZxid != 100 {
		t.Errorf("the next start used the snapshot of %v, should be that of the trusting one, 0x64", r.SnapshotZxid)
	}
}

// TestRecoverTrustNotBlind removes the beginning of the log too: trust doesn't go so far as to invent it.
func TestRecoverTrustNotBlind(t *testing.T) {
	l := newLife(9, NewMemFS())
	l.every, l.retain = 20, 3
	l.live(t, 130)
	removeSnapshots(t, l)
	l.o.TrustEmpty = true
	_, r, err := l.open()
	if err == nil {
		t.Fatalf("recovered to %v although the first transactions are nowhere", r.Tree.LastZxid())
	}
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "remedy") {
		t.Errorf("the first transactions are nowhere, and the start says %v", err)
	}
}

func removeSnapshots(t *testing.T, l *life) {
	t.Helper()
	files, err := ListSnapshots(l.o.FS, "/data/troupe/snapshots")
	must(t, err)
	for _, f := range files {
		must(t, l.o.FS.Remove(f.Path))
	}
}

// TestRecoverWrongRecord logs records that are whole and say nonsense: the start names file and offset, and the log
// stays as it is.
func TestRecoverWrongRecord(t *testing.T) {
	encode := func(zxid messages.Zxid, body messages.TxnBody) []byte {
		b, err := messages.EncodeTxn(&messages.TxnHeader{Zxid: zxid}, body)
		must(t, err)
		return b
	}
	cases := map[string][]byte{
		"no transaction":   {0xc1, 2, 3},
		"nothing":          {},
		"another zxid":     encode(7, &messages.CloseSessionTxn{}),
		"a missing node":   encode(41, &messages.DeleteTxn{Path: "/missing"}),
		"a missing parent": encode(41, &messages.CreateTxn{Path: "/missing/child"}),
	}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			l := newLife(10, NewMemFS())
			s, r, err := l.open()
			must(t, err)
			must(t, l.run(s, r, 40))
			at := r.Log.Size()
			must(t, r.Log.Append(41, body))
			must(t, r.Log.Close())
			must(t, s.Close())
			_, _, err = l.open()
			var damage *DamageError
			if !errors.As(err, &damage) {
				t.Fatalf("the start says %v", err)
			}
			if !strings.HasPrefix(damage.File, "/txlog/troupe/log/log.") || damage.Offset != at ||
				!strings.Contains(damage.Remedy, "log check --cut") {
				t.Errorf("the record is at byte %d, and the start says %v", at, err)
			}
			if !strings.Contains(err.Error(), "0x29") {
				t.Errorf("the transaction at stake, 0x29, isn't named: %v", err)
			}
		})
	}
}

// TestSnapshotOfLaterTree makes sure that LoadSnapshot and WriteSnapshot are each other's inverse for each step of a
// life, whatever is in the tree.
func TestSnapshotOfLaterTree(t *testing.T) {
	l := newLife(11, NewMemFS())
	s, r, err := l.open()
	must(t, err)
	for range 60 {
		must(t, l.run(s, r, 3))
		must(t, s.WriteSnapshot(r.Tree))
		files, err := ListSnapshots(l.o.FS, s.Dir().SnapshotDir)
		must(t, err)
		loaded, err := LoadSnapshot(l.o.FS, files[0].Path, testDatabase, nil)
		must(t, err)
		if loaded.Digest() != r.Tree.Digest() || loaded.LastZxid() != r.Tree.LastZxid() || !slices.Equal(sessions(loaded), sessions(r.Tree)) {
			t.Fatalf("%s: digest %x at %v, should be %x at %v", files[0].Path,
				loaded.Digest(), loaded.LastZxid(), r.Tree.Digest(), r.Tree.LastZxid())
		}
	}
}

func sessions(t *tree.Tree) []messages.SessionInfo { return t.Sessions() }
