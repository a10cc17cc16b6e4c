package dump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

const testDatabase = 7

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newLog returns a log in /d/troupe/log of a disk in memory.
func newLog(t *testing.T) (*persistence.MemFS, *persistence.Log) {
	t.Helper()
	m := persistence.NewMemFS()
	must(t, m.MkdirAll("/d/troupe/log"))
	o := persistence.DefaultLogOptions()
	o.FS, o.Dir, o.DatabaseID = m, "/d/troupe/log", testDatabase
	o.SegmentBytes, o.MinFreeBytes, o.ZeroAheadBytes = persistence.MinSegmentBytes, 0, 0
	l, _, err := persistence.OpenLog(o)
	must(t, err)
	return m, l
}

func appendDeletes(t *testing.T, l *persistence.Log, from, to uint64) {
	t.Helper()
	for z := from; z <= to; z++ {
		b, err := messages.EncodeTxn(&messages.TxnHeader{Zxid: messages.Zxid(z), Op: messages.OpDelete},
			&messages.DeleteTxn{Path: fmt.Sprintf("/node-%d", z)})
		must(t, err)
		must(t, l.Append(z, b))
	}
	must(t, l.Sync())
}

func dumpLog(t *testing.T, m *persistence.MemFS, o LogOptions) (string, bool) {
	t.Helper()
	place, err := FindLog(m, "/d")
	must(t, err)
	var out bytes.Buffer
	o.FS, o.Place, o.Out, o.Err, o.Style.Location = m, place, &out, &out, time.UTC
	whole, err := Log(t.Context(), o)
	must(t, err)
	return out.String(), whole
}

// TestLogUnderAServer dumps while the log is open, rolls and is written to, after each batch.
func TestLogUnderAServer(t *testing.T) {
	m, l := newLog(t)
	for z := uint64(1); z < 400; z += 20 {
		appendDeletes(t, l, z, z+19)
		text, whole := dumpLog(t, m, LogOptions{})
		if n := strings.Count(text, "/node-"); !whole || n != int(z+19) {
			t.Fatalf("after %d: %d transactions, whole %v", z+19, n, whole)
		}
	}
}

// TestTailAgreesWithTheWhole compares every tail with the end of the whole dump, over many segments.
func TestTailAgreesWithTheWhole(t *testing.T) {
	m, l := newLog(t)
	appendDeletes(t, l, 1, 300)
	must(t, l.Close())
	all, _ := dumpLog(t, m, LogOptions{})
	lines := strings.SplitAfter(all, "\n")
	lines = lines[:len(lines)-1]
	if len(lines) != 300 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, n := range []int{1, 2, 7, 60, 150, 299, 300, 1000} {
		want := strings.Join(lines[max(0, 300-n):], "")
		if got, whole := dumpLog(t, m, LogOptions{Tail: n}); got != want || !whole {
			t.Errorf("--tail %d:\n%s\nwant\n%s", n, got, want)
		}
	}
	if got, _ := dumpLog(t, m, LogOptions{Tail: 3, Filter: Filter{From: 2, To: 9, Path: "/node-7"}}); strings.Count(got, "\n") != 1 {
		t.Errorf("filtered tail: %q", got)
	}
}

// TestUndecodable is a record that is whole for the log, but no transaction.
func TestUndecodable(t *testing.T) {
	m, l := newLog(t)
	appendDeletes(t, l, 1, 2)
	must(t, l.Append(3, []byte("nonsense")))
	must(t, l.Close())
	text, whole := dumpLog(t, m, LogOptions{})
	if whole || !strings.Contains(text, "/node-2") || !strings.Contains(text, "troupe log check --cut /d/troupe/log/log.0000000000000001@") {
		t.Errorf("whole %v:\n%s", whole, text)
	}
}

// TestTornBeforeDamage has a damaged header behind a segment whose end is torn: the first damage is the torn end, which
// in a finished segment can't come from a crash.
func TestTornBeforeDamage(t *testing.T) {
	m, l := newLog(t)
	appendDeletes(t, l, 1, 5)
	must(t, l.Roll())
	appendDeletes(t, l, 6, 9)
	must(t, l.Close())
	segments, err := persistence.ListSegments(m, "/d/troupe/log")
	must(t, err)
	f, err := m.OpenRW(segments[0].Path)
	must(t, err)
	size, err := f.Size()
	must(t, err)
	must(t, f.Truncate(size-70))
	g, err := m.OpenRW(segments[1].Path)
	must(t, err)
	_, err = g.WriteAt([]byte{1}, 40)
	must(t, err)
	s := scan{fs: m, place: Place{Dir: "/d/troupe/log"}}
	must(t, s.each(t.Context(), func(*Txn) error { return nil }))
	if d := s.found.damage; d == nil || d.File != segments[0].Path || len(s.found.notices) > 0 {
		t.Errorf("found %+v", s.found)
	}
}

// failing is output that nobody takes.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestOutputAndContextEndADump(t *testing.T) {
	m, l := newLog(t)
	appendDeletes(t, l, 1, 3000)
	place, err := FindLog(m, "/d")
	must(t, err)
	_, err = Log(t.Context(), LogOptions{FS: m, Place: place, Out: failing{syscall.EPIPE}, Err: io.Discard})
	if !errors.Is(err, syscall.EPIPE) {
		t.Errorf("closed pipe: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Log(ctx, LogOptions{FS: m, Place: place, Out: io.Discard, Err: io.Discard}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := CheckLog(ctx, m, place, Style{}, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled check: %v", err)
	}
}

// TestSnapshotUpToDamage damages a later block: what is before it is shown, with the number of a parent whose record
// is behind it.
func TestSnapshotUpToDamage(t *testing.T) {
	tr := tree.New()
	var result tree.Result
	zxid := messages.Zxid(0)
	apply := func(body messages.TxnBody) {
		zxid++
		must(t, tr.Apply(&messages.TxnHeader{Zxid: zxid, Op: messages.OpCreate}, body, &result))
	}
	open := messages.WorldACL(messages.PermAll)
	for i := range 200 {
		apply(&messages.CreateTxn{Path: fmt.Sprintf("/n%03d", i), Data: []byte("some data"), ACL: open, ParentCreates: int32(i + 1)})
	}
	// A freed slot in front is taken by a child of a node behind.
	apply(&messages.DeleteTxn{Path: "/n000"})
	apply(&messages.CreateTxn{Path: "/n199/child", ACL: open, ParentCreates: 1})
	m := persistence.NewMemFS()
	must(t, m.MkdirAll("/s"))
	w, err := persistence.CreateSnapshot(persistence.SnapshotOptions{
		FS: m, Dir: "/s", DatabaseID: testDatabase, Zxid: uint64(zxid), BlockBytes: 1024,
	})
	must(t, err)
	image := tr.BeginSnapshot()
	_, err = image.Next(w.Append, 1<<20)
	must(t, err)
	info, err := w.Commit()
	must(t, err)
	show := func() (string, bool) {
		var out bytes.Buffer
		place, err := FindSnapshots(m, info.Path)
		must(t, err)
		whole, err := Snapshot(t.Context(), SnapshotOptions{FS: m, Place: place, Out: &out, Err: &out})
		must(t, err)
		return out.String(), whole
	}
	if text, whole := show(); !whole || !strings.Contains(text, "\n/n199/child  0 bytes") || !strings.Contains(text, "in all 204 nodes") {
		t.Errorf("whole %v:\n%s", whole, text)
	}
	f, err := m.OpenRW(info.Path)
	must(t, err)
	_, err = f.WriteAt([]byte("damage"), info.FileBytes/2)
	must(t, err)
	text, whole := show()
	if whole || !strings.Contains(text, "\n/n010  9 bytes") || strings.Contains(text, "/n190") || !strings.Contains(text, "DAMAGED") ||
		!strings.Contains(text, "\n(node-203)/child  0 bytes") {
		t.Errorf("whole %v:\n%s", whole, text)
	}
}

func TestPathsThatGoInACircle(t *testing.T) {
	x := newPathIndex()
	x.add(&tree.NodeRecord{Slot: 5, Parent: 6, Name: []byte("a"), Data: []byte("data")})
	x.add(&tree.NodeRecord{Slot: 6, Parent: 5, Name: []byte("b")})
	if p := x.path(5); p != "(node 5, which is below itself)" && p != "(node 6, which is below itself)" {
		t.Errorf("%q", p)
	}
	x.sumUp()
}

// TestComparePaths checks the order against the lists of the paths' components.
func TestComparePaths(t *testing.T) {
	genPath := rapid.SliceOfN(rapid.StringMatching(`[a!/-]{0,3}`), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		a := path.Clean("/" + strings.Join(genPath.Draw(t, "a"), "/"))
		b := path.Clean("/" + strings.Join(genPath.Draw(t, "b"), "/"))
		parts := func(p string) []string { return strings.Split(strings.Trim(p, "/"), "/") }
		if got, want := comparePaths(a, b), slices.Compare(parts(a), parts(b)); got != want {
			t.Fatalf("%q and %q: %d, want %d", a, b, got, want)
		}
	})
}

func TestParse(t *testing.T) {
	for text, want := range map[string]messages.Zxid{"0x10000002A": 1<<32 + 42, "1/42": 1<<32 + 42, "42": 42, "0": 0} {
		if got, err := ParseZxid(text); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "0x", "1/", "/1", "-1", "4294967296/1", "1/4294967296", "0x10000000000000000"} {
		if got, err := ParseZxid(text); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
	for text, want := range map[string]messages.SessionID{"0x10000a1b2c30000": 0x10000a1b2c30000, "-1": -1, "0xffffffffffffffff": -1, "7": 7} {
		if got, err := ParseSession(text); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if _, err := ParseSession("0x0"); err == nil {
		t.Error("session 0 is taken")
	}
}

// TestDataCantReachTheTerminal feeds bytes that would move a cursor or break a line.
func TestDataCantReachTheTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		for _, text := range []string{(&Style{Full: true}).shownData(data), (&Style{}).shownData(data), shownPath(string(data))} {
			if strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) }) {
				t.Fatalf("%q", text)
			}
		}
	})
}

// TestForeignDataDir checks a log against the dataDir of another database, which only its format file can tell.
func TestForeignDataDir(t *testing.T) {
	m, l := newLog(t)
	appendDeletes(t, l, 1, 2)
	must(t, l.Close())
	d, err := persistence.OpenDataDir(persistence.DataDirOptions{FS: m, DataDir: "/other", NewDatabaseID: testDatabase + 1})
	must(t, err)
	must(t, d.Close())
	place, err := FindLog(m, "/d")
	must(t, err)
	for _, c := range []struct {
		place Place
		whole bool
	}{{place, true}, {place.WithDataDir("/other"), false}} {
		var out bytes.Buffer
		if whole, err := CheckLog(t.Context(), m, c.place, Style{}, &out); err != nil || whole != c.whole {
			t.Errorf("whole %v, %v:\n%s", whole, err, out.String())
		}
	}
}
