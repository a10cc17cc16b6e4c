package persistence

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// logModel drives a log on a crashable disk beside a plain list of what it should
// hold. Bodies differ between lives, so that a record of an earlier life that comes
// back to light is noticed.
type logModel struct {
	t      *rapid.T
	disk   *MemFS
	faults *FaultFS
	log    *Log
	bodies map[uint64]string
	last   uint64 // zxid of the last record appended
	synced uint64 // zxid of the last record that Sync has covered
	life   int
	ahead  int64 // LogOptions.ZeroAheadBytes
}

const modelDir = "/log"

func newLogModel(t *rapid.T) *logModel {
	m := &logModel{t: t, disk: NewMemFS(), bodies: map[uint64]string{}}
	m.ahead = rapid.SampledFrom([]int64{0, 1024}).Draw(t, "ahead")
	must0(t, m.disk.MkdirAll(modelDir))
	must0(t, m.disk.SyncDir("/"))
	m.open()
	return m
}

func must0(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (m *logModel) options() LogOptions {
	o := testLogOptions(m.faults, modelDir)
	o.ZeroAheadBytes = m.ahead
	return o
}

// open starts a new life on the disk as it is and checks what survived.
func (m *logModel) open() {
	m.life++
	m.faults = NewFaultFS(m.disk)
	seen, readErr := m.read()
	l, notices, err := OpenLog(m.options())
	if err != nil {
		m.t.Fatalf("life %d: open: %v\n%s", m.life, err, m.disk.Tree())
	}
	if readErr != nil {
		m.t.Fatalf("life %d: read: %v", m.life, readErr)
	}
	if len(notices) > 1 {
		m.t.Fatalf("life %d: %v", m.life, notices)
	}
	last := l.LastZxid()
	if last != seen {
		m.t.Fatalf("life %d: reader ends at %x, log at %x", m.life, seen, last)
	}
	if last < m.synced || last > m.last {
		m.t.Fatalf("life %d: log ends at %x, synced %x, appended %x", m.life, last, m.synced, m.last)
	}
	m.log, m.last, m.synced = l, last, last
	if again, err := m.read(); err != nil || again != last {
		m.t.Fatalf("life %d: after opening: ends at %x, %v", m.life, again, err)
	}
}

// read goes through the log from the start and compares each body.
func (m *logModel) read() (last uint64, err error) {
	r, err := OpenReader(ReaderOptions{FS: m.disk, Dir: modelDir, DatabaseID: testDatabase})
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.LastZxid(), nil
		}
		if err != nil {
			return 0, err
		}
		if want, ok := m.bodies[rec.Zxid]; !ok || want != string(rec.Body) {
			return 0, fmt.Errorf("zxid %x at %s@%d: body %q, want %q", rec.Zxid, rec.File, rec.Offset, rec.Body, want)
		}
	}
}

// nextZxid goes on in the epoch or, now and then, begins another.
func (m *logModel) nextZxid() uint64 {
	if rapid.IntRange(0, 20).Draw(m.t, "epoch") == 0 {
		return (m.last>>32+1)<<32 | 1
	}
	return m.last + 1
}

func (m *logModel) appendSome() {
	for range rapid.IntRange(1, 12).Draw(m.t, "records") {
		zxid := m.nextZxid()
		size := rapid.SampledFrom([]int{0, 1, 7, 40, 300, 488, 600, 5000}).Draw(m.t, "size")
		b := fmt.Sprintf("life %d zxid %x ", m.life, zxid)
		for len(b) < size {
			b += b
		}
		switch {
		case size == 0:
			b = ""
		case size > len("life 999 zxid ffffffffffffffff "):
			b = b[:size]
		}
		if err := m.log.Append(zxid, []byte(b)); err != nil {
			m.failed(err)
			return
		}
		m.bodies[zxid], m.last = b, zxid
	}
}

// failed accepts the error of a cut power line and moves on to the next life.
func (m *logModel) failed(err error) {
	if !errors.Is(err, ErrPowerCut) {
		m.t.Fatalf("life %d: %v", m.life, err)
	}
	if again := m.log.Sync(); !errors.Is(again, ErrPowerCut) && !errors.Is(again, ErrDiskFull) && again != nil {
		m.t.Fatalf("life %d: after the failure: %v", m.life, again)
	}
	m.crash()
}

func (m *logModel) try(err error) bool {
	if err != nil {
		m.failed(err)
	}
	return err == nil
}

func (m *logModel) crash() {
	var rng *rand.Rand
	if seed := rapid.Uint64Range(0, 1<<32).Draw(m.t, "seed"); seed > 0 {
		rng = rand.New(rand.NewPCG(seed, 1))
	}
	m.disk = m.disk.CrashClone(rng)
	m.open()
}

func (m *logModel) step() {
	steps := []string{
		"append", "append", "sync", "sync", "flush", "mark", "roll", "close", "kill", "crash", "cut", "truncate",
	}
	switch rapid.SampledFrom(steps).Draw(m.t, "step") {
	case "append":
		m.appendSome()
	case "sync":
		if m.try(m.log.Sync()) {
			m.synced = m.last
		}
	case "flush":
		m.try(m.log.Flush())
	case "mark":
		m.try(m.log.Mark())
	case "roll":
		if m.try(m.log.Roll()) {
			m.synced = m.last
		}
	case "close":
		if m.try(m.log.Close()) {
			m.synced = m.last
			m.open()
		}
	case "kill":
		m.open()
	case "crash":
		m.crash()
	case "cut":
		m.faults.CutPower(rapid.IntRange(0, 12).Draw(m.t, "changes"))
	case "truncate":
		m.truncate()
	}
}

func (m *logModel) truncate() {
	if m.last == 0 {
		return
	}
	to := m.last - min(m.last&0xffffffff-1, rapid.Uint64Range(0, 40).Draw(m.t, "back"))
	m.synced = min(m.synced, to)
	last, err := m.log.TruncateAfter(to)
	if m.try(err) {
		if last != to || m.log.LastZxid() != to {
			m.t.Fatalf("truncated to %x, want %x", last, to)
		}
		m.last, m.synced = to, to
	}
}

func TestLogSurvivesCrashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newLogModel(t)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			m.step()
		}
		m.faults.Clear()
		m.crash()
	})
}
