package persistence

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

func TestTruncateAfter(t *testing.T) {
	for to := uint64(0); to <= 31; to++ {
		m := threeSegments(t)
		o := testLogOptions(m, modelDir)
		l := mustOpenLog(t, o)
		last, err := l.TruncateAfter(to)
		must(t, err)
		want := min(to, 30)
		if last != want || l.LastZxid() != want || l.SyncedZxid() != want {
			t.Fatalf("truncated to %d, want %d", last, want)
		}
		c := m.CrashClone(nil)
		if zxids, notices, err := readLog(c, modelDir, 0); err != nil || len(notices) > 0 || len(zxids) != int(want) {
			t.Errorf("to %d, after a crash: %v %v %v", to, zxids, notices, err)
		}
		mustAppend(t, l, want+1, want+5)
		must(t, l.Close())
		wantRange(t, m, modelDir, 0, 1, want+5)
	}
}

// TestTruncateCrashes cuts the power after each change: what is left is a whole
// log, not shorter than asked for and not longer than it was.
func TestTruncateCrashes(t *testing.T) {
	for seed := range uint64(20) {
		for changes := 0; ; changes++ {
			m := threeSegments(t)
			f := NewFaultFS(m)
			l := mustOpenLog(t, testLogOptions(f, modelDir))
			f.CutPower(changes)
			_, err := l.TruncateAfter(7)
			c := m.CrashClone(rand.New(rand.NewPCG(seed, uint64(changes))))
			zxids, _, readErr := readLog(c, modelDir, 0)
			if readErr != nil || len(zxids) < 7 || len(zxids) > 30 {
				t.Fatalf("seed %d, %d changes: %d records, %v", seed, changes, len(zxids), readErr)
			}
			if err == nil {
				if len(zxids) != 7 {
					t.Errorf("done, but %d records are left", len(zxids))
				}
				break
			}
		}
	}
}

func TestTruncateBetweenEpochs(t *testing.T) {
	m := newDisk(t, modelDir)
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	for _, z := range []uint64{1<<32 | 1, 1<<32 | 2, 3<<32 | 1, 3<<32 | 2} {
		must(t, l.Append(z, body(z)))
	}
	last, err := l.TruncateAfter(2<<32 | 9)
	if err != nil || last != 1<<32|2 {
		t.Errorf("ends at %x, %v; want the last record of epoch 1", last, err)
	}
	must(t, l.Append(2<<32|1, nil))
}

func TestTruncatePurged(t *testing.T) {
	m := threeSegments(t)
	segments, err := ListSegments(m, modelDir)
	must(t, err)
	must(t, m.Remove(segments[0].Path))
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	if _, err := l.TruncateAfter(9); !errors.Is(err, ErrTruncatePurged) {
		t.Errorf("%v", err)
	}
	if last, err := l.TruncateAfter(10); err != nil || last != 10 {
		t.Errorf("to where the log begins: %d, %v", last, err)
	}
}

// TestStartAfter lets the log jump to a snapshot from elsewhere. Recovery from that
// snapshot works, recovery from before the jump is refused, tools see all.
func TestStartAfter(t *testing.T) {
	m := newDisk(t, modelDir)
	o := testLogOptions(m, modelDir)
	l := mustOpenLog(t, o)
	mustAppend(t, l, 1, 5)
	must(t, l.StartAfter(100))
	if err := l.StartAfter(99); !errors.Is(err, ErrLogOrder) {
		t.Errorf("going back: %v", err)
	}
	mustAppend(t, l, 101, 103)
	must(t, l.Close())
	wantRange(t, m, modelDir, 100, 101, 103)
	wantRange(t, m, modelDir, 102, 103, 103)
	if zxids, _, err := readLog(m, modelDir, 3); !errors.Is(err, ErrDamaged) || len(zxids) != 2 {
		t.Errorf("across the jump: %v, %v", zxids, err)
	}
	report, err := CheckLog(m, modelDir, 0)
	if err != nil || report.Damage != nil || report.Records != 8 || report.First != 1 || report.Last != 103 {
		t.Errorf("check: %+v, %v", report, err)
	}
	l = mustOpenLog(t, o)
	if last, err := l.TruncateAfter(100); err != nil || last != 100 {
		t.Errorf("back to the jump: %d, %v", last, err)
	}
	mustAppend(t, l, 101, 102)
	must(t, l.Close())
	wantRange(t, m, modelDir, 100, 101, 102)
	l = mustOpenLog(t, o)
	must(t, l.Reset(500))
	mustAppend(t, l, 501, 502)
	must(t, l.Close())
	wantRange(t, m, modelDir, 500, 501, 502)
	if _, _, err := readLog(m, modelDir, 0); !errors.Is(err, ErrDamaged) {
		t.Errorf("log that begins later than the snapshot: %v", err)
	}
}

func TestAppendOrder(t *testing.T) {
	m := newDisk(t, modelDir)
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	must(t, l.StartAfter(1<<32|0xfffffffe))
	for _, bad := range []uint64{1, 1<<32 | 0xfffffffe, 2 << 32, 2<<32 | 2} {
		if err := l.Append(bad, nil); !errors.Is(err, ErrLogOrder) {
			t.Errorf("append %x: %v", bad, err)
		}
	}
	must(t, l.Append(1<<32|0xffffffff, nil))
	if err := l.Append(2<<32, nil); !errors.Is(err, ErrLogOrder) {
		t.Errorf("the counter ran over into the epoch: %v", err)
	}
	must(t, l.Append(2<<32|1, nil))
	must(t, l.Close())
	must(t, l.Close())
	if err := l.Append(2<<32|2, nil); !errors.Is(err, ErrLogClosed) {
		t.Errorf("append after close: %v", err)
	}
}

// TestEmptySegmentAfterCrash loses the first batch of a new segment. The next first
// record may have another zxid, even a smaller one.
func TestEmptySegmentAfterCrash(t *testing.T) {
	for _, next := range []uint64{4, 1<<32 | 1, 2<<32 | 1} {
		m := newDisk(t, modelDir)
		o := testLogOptions(m, modelDir)
		l := mustOpenLog(t, o)
		mustAppend(t, l, 1, 3)
		must(t, l.Roll())
		must(t, l.Append(1<<32|1, body(1<<32|1)))
		m = m.CrashClone(nil)
		o.FS = m
		l = mustOpenLog(t, o)
		if l.LastZxid() != 3 {
			t.Fatalf("log ends at %x", l.LastZxid())
		}
		must(t, l.Append(next, body(next)))
		must(t, l.Close())
		zxids, notices, err := readLog(m, modelDir, 0)
		if err != nil || len(notices) > 0 || len(zxids) != 4 || zxids[3] != next {
			t.Errorf("%v %v %v\n%s", zxids, notices, err, m.Tree())
		}
	}
}

func TestNoSync(t *testing.T) {
	m := newDisk(t, modelDir)
	f := NewFaultFS(m)
	o := testLogOptions(f, modelDir)
	o.NoSync = true
	l := mustOpenLog(t, o)
	mustAppend(t, l, 1, 5)
	must(t, l.Sync())
	f.TakeTrace()
	mustAppend(t, l, 6, 9)
	must(t, l.Sync())
	if trace := f.TakeTrace(); len(trace) != 1 || l.SyncedZxid() != 9 {
		t.Errorf("a batch without fsync does %v", trace)
	}
	// Whatever a crash leaves of it starts again.
	for seed := range uint64(50) {
		c := m.CrashClone(rand.New(rand.NewPCG(seed, 0)))
		o.FS = c
		l := mustOpenLog(t, o)
		zxids, _, err := readLog(c, modelDir, 0)
		if err != nil || l.LastZxid() != uint64(len(zxids)) {
			t.Errorf("seed %d: ends at %d, reads %v, %v", seed, l.LastZxid(), zxids, err)
		}
	}
}

func TestLogOptionsValidate(t *testing.T) {
	good := testLogOptions(NewMemFS(), "/")
	must(t, good.Validate())
	for i, spoil := range []func(*LogOptions){
		func(o *LogOptions) { o.FS = nil },
		func(o *LogOptions) { o.Dir = "" },
		func(o *LogOptions) { o.DatabaseID = 0 },
		func(o *LogOptions) { o.SegmentBytes = MinSegmentBytes - 1 },
		func(o *LogOptions) { o.SegmentBytes = MaxSegmentBytes + 1 },
		func(o *LogOptions) { o.MinFreeBytes = -1 },
		func(o *LogOptions) { o.ZeroAheadBytes = -1 },
		func(o *LogOptions) { o.ZeroAheadBytes = MaxZeroAheadBytes + 1 },
	} {
		o := good
		spoil(&o)
		if o.Validate() == nil {
			t.Errorf("case %d passes", i)
		}
		if _, _, err := OpenLog(o); err == nil {
			t.Errorf("case %d opens", i)
		}
	}
}

// TestReadWhileWriting reads a log that is being appended to, as the dump tool does.
func TestReadWhileWriting(t *testing.T) {
	m := newDisk(t, modelDir)
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	mustAppend(t, l, 1, 10)
	must(t, l.Flush())
	r, err := OpenReader(ReaderOptions{FS: m, Dir: modelDir})
	must(t, err)
	mustAppend(t, l, 11, 200)
	must(t, l.Close())
	n := 0
	for {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		n++
	}
	if n < 10 || r.LastZxid() != uint64(n) {
		t.Errorf("%d records, last %d", n, r.LastZxid())
	}
	if done, total := r.Progress(); done != total {
		t.Errorf("progress %d of %d", done, total)
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Error(fmt.Errorf("after the end: %w", err))
	}
}

// TestReadBehindWriter lets the writer go on after the reader has read ahead into
// what was still empty then. The reader must not take that for damage.
func TestReadBehindWriter(t *testing.T) {
	m := newDisk(t, modelDir)
	o := testLogOptions(m, modelDir)
	o.SegmentBytes = 4 * scanBuffer
	l := mustOpenLog(t, o)
	mustAppend(t, l, 1, 10)
	must(t, l.Sync())
	r, err := OpenReader(ReaderOptions{FS: m, Dir: modelDir})
	must(t, err)
	defer r.Close()
	_, err = r.Next()
	must(t, err)
	last := uint64(10)
	for ; l.Size() < 2*scanBuffer; last++ {
		mustAppend(t, l, last+1, last+1)
		must(t, l.Sync())
	}
	for want := uint64(2); want <= last; want++ {
		rec, err := r.Next()
		if err != nil || rec.Zxid != want {
			t.Fatalf("zxid %d, %v; want %d", rec.Zxid, err, want)
		}
	}
}
