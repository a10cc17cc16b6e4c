package persistence

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

const testDatabase = 0x1122334455667788

func testLogOptions(fsys FS, dir string) LogOptions {
	o := DefaultLogOptions()
	o.FS, o.Dir, o.DatabaseID = fsys, dir, testDatabase
	o.SegmentBytes, o.MinFreeBytes, o.ZeroAheadBytes = MinSegmentBytes, 0, 0
	return o
}

// newDisk returns a disk with one durable folder.
func newDisk(t testing.TB, dir string) *MemFS {
	t.Helper()
	m := NewMemFS()
	must(t, makeDurable(m, dir))
	return m
}

func mustOpenLog(t testing.TB, o LogOptions) *Log {
	t.Helper()
	l, notices, err := OpenLog(o)
	if err != nil {
		t.Fatalf("open log: %v", err)
	}
	for _, n := range notices {
		t.Logf("notice: %v", n)
	}
	return l
}

func body(zxid uint64) []byte {
	return []byte(fmt.Sprintf("transaction %x %s", zxid, strings.Repeat("b", int(zxid%97))))
}

func mustAppend(t testing.TB, l *Log, from, to uint64) {
	t.Helper()
	for z := from; z <= to; z++ {
		if err := l.Append(z, body(z)); err != nil {
			t.Fatalf("append %x: %v", z, err)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// readLog returns the zxids of all records after a zxid, having checked each body.
func readLog(fsys FS, dir string, after uint64) (zxids []uint64, notices []Notice, err error) {
	r, err := OpenReader(ReaderOptions{FS: fsys, Dir: dir, DatabaseID: testDatabase, After: after})
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return zxids, r.Notices(), nil
		}
		if err != nil {
			return zxids, r.Notices(), err
		}
		if string(rec.Body) != string(body(rec.Zxid)) {
			return zxids, nil, fmt.Errorf("zxid %x: body %q", rec.Zxid, rec.Body)
		}
		zxids = append(zxids, rec.Zxid)
	}
}

// wantRange checks that a log holds exactly the zxids from..to, without a notice.
func wantRange(t testing.TB, fsys FS, dir string, after, from, to uint64) {
	t.Helper()
	zxids, notices, err := readLog(fsys, dir, after)
	must(t, err)
	if len(notices) > 0 {
		t.Errorf("notices: %v", notices)
	}
	if uint64(len(zxids)) != to-from+1 {
		t.Fatalf("%d records, want %d", len(zxids), to-from+1)
	}
	for i, z := range zxids {
		if z != from+uint64(i) {
			t.Fatalf("record %d has zxid %x, want %x", i, z, from+uint64(i))
		}
	}
}

func TestLogOnDisk(t *testing.T) {
	dir := t.TempDir()
	o := testLogOptions(OSFS{}, dir)
	l := mustOpenLog(t, o)
	mustAppend(t, l, 1, 300)
	must(t, l.Sync())
	if l.SyncedZxid() != 300 || l.LastZxid() != 300 {
		t.Errorf("synced %d, last %d, want 300", l.SyncedZxid(), l.LastZxid())
	}
	wantRange(t, OSFS{}, dir, 0, 1, 300)
	mustAppend(t, l, 301, 310)
	must(t, l.Close())
	wantRange(t, OSFS{}, dir, 305, 306, 310)
	l = mustOpenLog(t, o)
	mustAppend(t, l, 311, 900)
	must(t, l.Close())
	wantRange(t, OSFS{}, dir, 0, 1, 900)
	segments, err := ListSegments(OSFS{}, dir)
	must(t, err)
	if len(segments) < 3 {
		t.Errorf("%d segments, want several", len(segments))
	}
	names, err := OSFS{}.ReadDir(dir)
	must(t, err)
	if len(names) != len(segments) {
		t.Errorf("left behind: %v", names)
	}
}
