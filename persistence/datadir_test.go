package persistence

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
)

func testDataDirOptions(fsys FS) DataDirOptions {
	return DataDirOptions{FS: fsys, DataDir: "/data", LogDir: "/txlog", NewDatabaseID: testDatabase}
}

// firstStart does what a server does on a folder: open it, write the empty snapshot
// if it is fresh, log some transactions.
func firstStart(o DataDirOptions) (*DataDir, error) {
	d, err := OpenDataDir(o)
	if err != nil {
		return nil, err
	}
	if d.Fresh {
		w, err := CreateSnapshot(SnapshotOptions{FS: o.FS, Dir: d.SnapshotDir, DatabaseID: d.DatabaseID})
		if err != nil {
			return d, err
		}
		if _, err := w.Commit(); err != nil {
			return d, err
		}
		if err := d.MarkReady(); err != nil {
			return d, err
		}
	}
	lo := testLogOptions(o.FS, d.LogDir)
	lo.DatabaseID = d.DatabaseID
	l, _, err := OpenLog(lo)
	if err != nil {
		return d, err
	}
	for z := l.LastZxid() + 1; z <= 3; z++ {
		if err := l.Append(z, body(z)); err != nil {
			return d, err
		}
	}
	return d, l.Close()
}

// TestFirstStartCrashes cuts the power after each change of a first start. Whatever
// the disk then holds, the next start works, and so does the one after a clean run.
func TestFirstStartCrashes(t *testing.T) {
	for changes := 0; ; changes++ {
		m := NewMemFS()
		f := NewFaultFS(m)
		f.CutPower(changes)
		_, err := firstStart(testDataDirOptions(f))
		if err != nil && !errors.Is(err, ErrPowerCut) {
			t.Fatalf("%d changes: %v", changes, err)
		}
		for seed := range uint64(40) {
			var rng *rand.Rand
			if seed > 0 {
				rng = rand.New(rand.NewPCG(seed, 0))
			}
			c := m.CrashClone(rng)
			again := testDataDirOptions(c)
			again.NewDatabaseID = 77
			d, startErr := firstStart(again)
			if startErr != nil {
				t.Fatalf("%d changes, seed %d: %v\n%s", changes, seed, startErr, c.Tree())
			}
			if err == nil && d.DatabaseID != testDatabase {
				t.Errorf("seed %d: the database became another one", seed)
			}
			wantLog := testLogOptions(c, d.LogDir)
			wantLog.DatabaseID = d.DatabaseID
			l := mustOpenLog(t, wantLog)
			if l.LastZxid() != 3 {
				t.Errorf("%d changes, seed %d: log ends at %d", changes, seed, l.LastZxid())
			}
		}
		if err == nil {
			return
		}
	}
}

func TestDataDirLayout(t *testing.T) {
	m := NewMemFS()
	d, err := firstStart(testDataDirOptions(m))
	must(t, err)
	var files []string
	for line := range strings.Lines(m.Tree()) {
		files = append(files, strings.Fields(line)[0])
	}
	want := []string{"/data/troupe/format", "/data/troupe/lock", "/data/troupe/snapshots/snapshot.0000000000000000",
		"/txlog/troupe/lock", "/txlog/troupe/log/log.0000000000000001"}
	if !slices.Equal(files, want) {
		t.Errorf("files: %q", files)
	}
	must(t, d.Close())
	o := testDataDirOptions(m)
	o.NewDatabaseID = 5
	d, err = OpenDataDir(o)
	must(t, err)
	if d.Fresh || d.DatabaseID != testDatabase {
		t.Errorf("second start: %+v", d)
	}
}

func TestDataDirLocked(t *testing.T) {
	m := NewMemFS()
	d, err := OpenDataDir(testDataDirOptions(m))
	must(t, err)
	if _, err := OpenDataDir(testDataDirOptions(m)); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "/data/troupe") {
		t.Errorf("a second server: %v", err)
	}
	// The same log folder under another data folder is as wrong.
	o := testDataDirOptions(m)
	o.DataDir = "/elsewhere"
	if _, err := OpenDataDir(o); !errors.Is(err, ErrLocked) {
		t.Errorf("a second server on the log folder: %v", err)
	}
	must(t, d.Close())
	d, err = OpenDataDir(testDataDirOptions(m))
	must(t, err)
	must(t, d.Close())
	must(t, d.Close())
}

func TestDataDirRefusesZooKeeper(t *testing.T) {
	for _, file := range []string{"/data/version-2/snapshot.0", "/txlog/version-2/log.1"} {
		m := NewMemFS()
		must(t, m.MkdirAll(path.Dir(file)))
		_, err := m.Create(file)
		must(t, err)
		if _, err := OpenDataDir(testDataDirOptions(m)); !errors.Is(err, ErrForeignData) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
		if strings.Contains(m.Tree(), "troupe") {
			t.Errorf("refused, but changed:\n%s", m.Tree())
		}
	}
	// Epoch files alone are no data, and beside ours they are no matter.
	m := NewMemFS()
	must(t, m.MkdirAll("/data/version-2"))
	_, err := m.Create("/data/version-2/acceptedEpoch")
	must(t, err)
	d, err := firstStart(testDataDirOptions(m))
	must(t, err)
	must(t, d.Close())
	_, err = m.Create("/data/version-2/snapshot.5")
	must(t, err)
	_, err = OpenDataDir(testDataDirOptions(m))
	must(t, err)
}

// started returns a disk on which a server has run and stopped.
func started(t *testing.T) *MemFS {
	t.Helper()
	m := NewMemFS()
	d, err := firstStart(testDataDirOptions(m))
	must(t, err)
	must(t, d.Close())
	return m
}

func TestDataDirSnapshotsMissing(t *testing.T) {
	m := started(t)
	must(t, m.Remove("/data/troupe/snapshots/"+snapshotName(0)))
	_, err := OpenDataDir(testDataDirOptions(m))
	if !errors.Is(err, ErrSnapshotMissing) || !strings.Contains(err.Error(), "snapshot.trust.empty") {
		t.Errorf("logs without a snapshot: %v", err)
	}
	o := testDataDirOptions(m)
	o.TrustEmpty = true
	d, err := OpenDataDir(o)
	if err != nil || !d.Fresh {
		t.Fatalf("trusted: %v", err)
	}
	must(t, d.Close())
	must(t, m.Remove("/txlog/troupe/log/"+segmentName(1)))
	_, err = OpenDataDir(testDataDirOptions(m))
	if !errors.Is(err, ErrSnapshotMissing) || !strings.Contains(err.Error(), "/data/troupe/format") {
		t.Errorf("everything gone: %v", err)
	}
}

// TestDataDirFormatDamage flips every byte of the format file.
func TestDataDirFormatDamage(t *testing.T) {
	const file = "/data/troupe/format"
	m := started(t)
	info, err := m.Stat(file)
	must(t, err)
	for off := range info.Size {
		flip(t, m, file, off, 0x11)
		if _, err := OpenDataDir(testDataDirOptions(m)); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), file) {
			t.Errorf("byte %d: %v", off, err)
		}
		flip(t, m, file, off, 0x11)
	}
	must(t, writeFileAtomic(m, file, []byte(checkedLine("troupe-data version=2 and=more"))))
	if _, err := OpenDataDir(testDataDirOptions(m)); !errors.Is(err, ErrFormatVersion) {
		t.Errorf("newer version: %v", err)
	}
	must(t, m.Remove(file))
	if _, err := OpenDataDir(testDataDirOptions(m)); !errors.Is(err, ErrDamaged) {
		t.Errorf("format file lost: %v", err)
	}
}

func TestDataDirDropsTemps(t *testing.T) {
	m := started(t)
	before := m.Tree()
	left := []string{
		"/data/troupe/format.tmp", "/data/troupe/snapshots/snapshot.0000000000000009.tmp", "/txlog/troupe/log/next.tmp",
	}
	for _, name := range left {
		_, err := m.Create(name)
		must(t, err)
	}
	_, err := OpenDataDir(testDataDirOptions(m))
	must(t, err)
	if m.Tree() != before {
		t.Errorf("files:\n%s", m.Tree())
	}
}

func TestDataDirUnwritable(t *testing.T) {
	f := NewFaultFS(NewMemFS())
	f.Inject(Fault{Op: OpMkdir, Err: fs.ErrPermission})
	_, err := OpenDataDir(testDataDirOptions(f))
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "/data/troupe/snapshots") {
		t.Errorf("%v", err)
	}
}

func TestEpochFiles(t *testing.T) {
	m := newDisk(t, "/epochs")
	if _, ok, err := ReadEpoch(m, "/epochs", AcceptedEpochFile); ok || err != nil {
		t.Errorf("missing: %v, %v", ok, err)
	}
	must(t, WriteEpoch(m, "/epochs", AcceptedEpochFile, 7))
	// A crash at any change leaves the old number or the new one.
	for changes := 0; ; changes++ {
		f := NewFaultFS(m.CrashClone(nil))
		f.CutPower(changes)
		writeErr := WriteEpoch(f, "/epochs", AcceptedEpochFile, 4000000000)
		for seed := range uint64(10) {
			c := f.inner.(*MemFS).CrashClone(rand.New(rand.NewPCG(seed, 0)))
			got, ok, err := ReadEpoch(c, "/epochs", AcceptedEpochFile)
			if !ok || err != nil || !(got == 4000000000 || got == 7 && writeErr != nil) {
				t.Errorf("%d changes, seed %d: %d, %v, %v", changes, seed, got, ok, err)
			}
		}
		if writeErr == nil {
			break
		}
	}
	file := "/epochs/" + AcceptedEpochFile
	info, err := m.Stat(file)
	must(t, err)
	for off := range info.Size {
		for _, bits := range []byte{1, 2, 0x20} {
			flip(t, m, file, off, bits)
			if got, _, err := ReadEpoch(m, "/epochs", AcceptedEpochFile); !errors.Is(err, ErrDamaged) {
				t.Errorf("byte %d: %d, %v", off, got, err)
			}
			flip(t, m, file, off, bits)
		}
	}
	for _, text := range []string{
		"", "7", "7\n", checkedLine("07"), checkedLine("-1"), checkedLine("4294967296"), checkedLine("7") + "x",
		strings.Repeat("7", 100),
	} {
		must(t, writeFileAtomic(m, file, []byte(text)))
		if got, _, err := ReadEpoch(m, "/epochs", AcceptedEpochFile); err == nil {
			t.Errorf("%q reads as %d", text, got)
		}
	}
	f := NewFaultFS(m)
	must(t, WriteEpoch(f, "/epochs", CurrentEpochFile, 1))
	want := []string{"remove currentEpoch.tmp", "create currentEpoch.tmp", "write currentEpoch.tmp [0,18)", "sync currentEpoch.tmp",
		"rename currentEpoch.tmp currentEpoch", "syncdir epochs"}
	if got := f.TakeTrace(); !slices.Equal(got, want) {
		t.Errorf("trace %q", got)
	}
}

// TestReadDatabaseID reads what OpenDataDir wrote, beside a server that has the folder locked.
func TestReadDatabaseID(t *testing.T) {
	m := started(t)
	d, err := OpenDataDir(testDataDirOptions(m))
	must(t, err)
	defer d.Close()
	if id, err := ReadDatabaseID(m, "/data"); err != nil || id != d.DatabaseID {
		t.Errorf("%x, %v; want %x", id, err, d.DatabaseID)
	}
	if _, err := ReadDatabaseID(m, "/elsewhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no database: %v", err)
	}
	flip(t, m, "/data/troupe/format", 20, 1)
	if _, err := ReadDatabaseID(m, "/data"); !errors.Is(err, ErrDamaged) {
		t.Errorf("a flipped bit: %v", err)
	}
}
