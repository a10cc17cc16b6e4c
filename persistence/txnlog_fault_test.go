package persistence

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

var errDisk = errors.New("input/output error")

// TestLogFailureIsFinal fails each kind of operation on the way to durability: the
// error must surface, later calls must repeat it without touching the disk, and a
// new start must find every record that was synced before.
func TestLogFailureIsFinal(t *testing.T) {
	cases := map[string]Fault{
		"fsync":            {Op: OpSync, Pattern: "log.*", Nth: 2, Err: errDisk},
		"write":            {Op: OpWrite, Pattern: "log.*", Nth: 2, Err: errDisk},
		"short write":      {Op: OpWrite, Pattern: "log.*", Nth: 2, Err: errDisk, Short: 30},
		"full disk, write": {Op: OpWrite, Pattern: "log.*", Nth: 2, Err: ErrDiskFull, Short: 100},
		"header write":     {Op: OpWrite, Pattern: "next.tmp", Nth: 2, Err: errDisk},
		"header fsync":     {Op: OpSync, Pattern: "next.tmp", Nth: 2, Err: errDisk},
		"rename":           {Op: OpRename, Nth: 2, Err: errDisk},
		"folder fsync":     {Op: OpSyncDir, Nth: 3, Err: errDisk},
		"truncate":         {Op: OpTruncate, Nth: 1, Err: errDisk},
	}
	for name, fault := range cases {
		t.Run(name, func(t *testing.T) {
			m := newDisk(t, modelDir)
			f := NewFaultFS(m)
			f.Inject(fault)
			l := mustOpenLog(t, testLogOptions(f, modelDir))
			var synced uint64
			var err error
			for z := uint64(1); err == nil && z < 500; z++ {
				if err = l.Append(z, body(z)); err == nil {
					if err = l.Sync(); err == nil {
						synced = z
					}
				}
			}
			if !errors.Is(err, ErrLogFailed) || !errors.Is(err, fault.Err) {
				t.Fatalf("after zxid %d: %v", synced, err)
			}
			if f.Failed() != 1 || l.SyncedZxid() != synced {
				t.Errorf("%d failures, synced %d, want %d", f.Failed(), l.SyncedZxid(), synced)
			}
			f.TakeTrace()
			_, truncateErr := l.TruncateAfter(1)
			_, headErr := l.Headroom()
			for i, again := range []error{l.Append(synced+1, nil), l.Sync(), l.Flush(), l.Roll(), truncateErr, headErr, l.Mark()} {
				if again == nil || again.Error() != err.Error() {
					t.Errorf("call %d after the failure: %v", i, again)
				}
			}
			if trace := f.TakeTrace(); len(trace) > 0 {
				t.Errorf("after the failure: %v", trace)
			}
			l, _, err = OpenLog(testLogOptions(m.CrashClone(nil), modelDir))
			must(t, err)
			if l.LastZxid() < synced {
				t.Errorf("log ends at %d, synced were %d", l.LastZxid(), synced)
			}
		})
	}
}

// TestLogTrace pins the order of what reaches the disk, on which every promise
// about crashes rests.
func TestLogTrace(t *testing.T) {
	m := newDisk(t, modelDir)
	f := NewFaultFS(m)
	o := testLogOptions(f, modelDir)
	l := mustOpenLog(t, o)
	expect := func(step string, want ...string) {
		t.Helper()
		if got := f.TakeTrace(); !slices.Equal(got, want) {
			t.Errorf("%s:\n  %s\nwant:\n  %s", step, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
	}
	expect("open", "remove next.tmp", "syncdir log")
	must(t, l.Append(1, []byte("12345678")))
	expect("first append", "remove next.tmp", "create next.tmp", "preallocate next.tmp [0,4096)",
		"write next.tmp [0,64)", "sync next.tmp", "rename next.tmp log.0000000000000001", "syncdir log")
	must(t, l.Append(2, []byte("12345678")))
	must(t, l.Append(3, nil))
	expect("more appends")
	must(t, l.Sync())
	expect("one batch", "write log.0000000000000001 [64,152)", "sync log.0000000000000001")
	must(t, l.Sync())
	expect("nothing new")
	must(t, l.Mark())
	expect("mark", "write log.0000000000000001 [152,176)")
	must(t, l.Append(4, make([]byte, 2000)))
	must(t, l.Sync())
	expect("half of the segment used", "write log.0000000000000001 [176,2200)", "sync log.0000000000000001",
		"remove next.tmp", "create next.tmp", "preallocate next.tmp [0,4096)")
	must(t, l.Append(5, make([]byte, 2000)))
	expect("roll", "write log.0000000000000001 [2200,2224)", "truncate log.0000000000000001 2224", "sync log.0000000000000001",
		"write next.tmp [0,64)", "sync next.tmp", "rename next.tmp log.0000000000000005", "syncdir log")
	must(t, l.Close())
	expect("close", "write log.0000000000000005 [64,2088)", "sync log.0000000000000005",
		"write log.0000000000000005 [2088,2112)", "truncate log.0000000000000005 2112", "sync log.0000000000000005")
	l = mustOpenLog(t, o)
	expect("open again", "remove next.tmp", "syncdir log", "sync log.0000000000000005", "preallocate log.0000000000000005 [2112,4096)")
	_, err := l.TruncateAfter(2)
	must(t, err)
	expect("truncate", "write log.0000000000000005 [2112,2136)", "truncate log.0000000000000005 2136", "sync log.0000000000000005",
		"remove log.0000000000000005", "syncdir log", "remove log.0000000000000001.tmp", "create log.0000000000000001.tmp",
		"write log.0000000000000001.tmp [0,128)", "sync log.0000000000000001.tmp",
		"rename log.0000000000000001.tmp log.0000000000000001", "syncdir log")
}

// TestDiskFull fills the disk: the log says so while there is still reserved room,
// takes what fits, refuses the rest without harm, and recovers with the space.
func TestDiskFull(t *testing.T) {
	m := newDisk(t, modelDir)
	o := testLogOptions(m, modelDir)
	l := mustOpenLog(t, o)
	if bytes, err := l.Headroom(); err != nil || bytes < 3000 {
		t.Fatalf("empty log: %d, %v", bytes, err)
	}
	mustAppend(t, l, 1, 3)
	must(t, l.Sync())
	m.Capacity = m.used() + 100
	zxid := uint64(4)
	for ; zxid < 1000; zxid++ {
		if _, err := l.Headroom(); err != nil {
			if !errors.Is(err, ErrDiskFull) {
				t.Fatal(err)
			}
			break
		}
		mustAppend(t, l, zxid, zxid)
		must(t, l.Sync())
	}
	bytes, _ := l.Headroom()
	if bytes < o.SegmentBytes/2-400 {
		t.Fatalf("full is reported with only %d bytes left", bytes)
	}
	for ; bytes > 400; bytes -= 200 { // records already under way
		must(t, l.Append(zxid, body(zxid)))
		must(t, l.Sync())
		zxid++
	}
	var refused error
	for ; refused == nil; zxid++ {
		refused = l.Append(zxid, body(zxid))
	}
	if !errors.Is(refused, ErrDiskFull) || errors.Is(refused, ErrLogFailed) {
		t.Fatalf("no space left: %v", refused)
	}
	zxid--
	must(t, l.Sync())
	wantRange(t, m, modelDir, 0, 1, zxid-1)
	m.Capacity += 2 * o.SegmentBytes
	if bytes, err := l.Headroom(); err != nil || bytes < 3000 {
		t.Errorf("space is back: %d, %v", bytes, err)
	}
	mustAppend(t, l, zxid, zxid+20)
	must(t, l.Close())
	wantRange(t, m, modelDir, 0, 1, zxid+20)

	// A server that starts on a full disk can still read, and says that it is full.
	m.Capacity = m.used()
	l = mustOpenLog(t, o)
	if _, err := l.Headroom(); !errors.Is(err, ErrDiskFull) {
		t.Errorf("started on a full disk: %v", err)
	}
}

func TestMinFreeBytes(t *testing.T) {
	m := newDisk(t, modelDir)
	o := testLogOptions(m, modelDir)
	o.MinFreeBytes = 1000
	m.Capacity = o.SegmentBytes + 999
	l := mustOpenLog(t, o)
	if _, err := l.Headroom(); !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), "5095 bytes are free") {
		t.Errorf("%v", err)
	}
	m.Capacity++
	if _, err := l.Headroom(); err != nil {
		t.Error(err)
	}
}

func TestHugeRecord(t *testing.T) {
	m := newDisk(t, modelDir)
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	huge := []byte(strings.Repeat("x", 9<<20))
	must(t, l.Append(1, body(1)))
	must(t, l.Append(2, huge))
	must(t, l.Append(3, body(3)))
	must(t, l.Close())
	r, err := OpenReader(ReaderOptions{FS: m, Dir: modelDir, After: 1})
	must(t, err)
	rec, err := r.Next()
	if err != nil || rec.Zxid != 2 || string(rec.Body) != string(huge) {
		t.Errorf("zxid %d, %d bytes, %v", rec.Zxid, len(rec.Body), err)
	}
	rec, err = r.Next()
	if err != nil || rec.Zxid != 3 {
		t.Errorf("zxid %d, %v", rec.Zxid, err)
	}
	must(t, r.Close())
}
