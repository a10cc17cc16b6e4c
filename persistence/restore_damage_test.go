package persistence

import (
	"errors"
	"flag"
	"path"
	"strings"
	"testing"
)

// diskFile is a file of a MemFS with its size.
type diskFile struct {
	name string
	size int64
}

func filesOf(t testing.TB, fsys FS, dirs ...string) (list []diskFile) {
	t.Helper()
	for _, dir := range dirs {
		names, err := fsys.ReadDir(dir)
		must(t, err)
		for _, name := range names {
			info, err := fsys.Stat(path.Join(dir, name))
			must(t, err)
			if !info.IsDir {
				list = append(list, diskFile{path.Join(dir, name), info.Size})
			}
		}
	}
	return list
}

// everyByte asks for each byte of each file, which takes half a minute.
var everyByte = flag.Bool("every-byte", false, "damage each byte of each file, not only those near the ends and some between")

// stride leads to the next byte to damage: each one near the ends of a file, some in between.
func stride(t testing.TB, off, size int64) int64 {
	switch {
	case *everyByte, off < 160, off > size-100:
		return 1
	case testing.Short():
		return 41
	}
	return 29
}

// TestRecoverDamageAnywhere damages bytes of each file that a clean stop left, one at a time. The start gives the
// very same tree, or it is refused with the file, the byte and the remedy; it never gives another tree.
func TestRecoverDamageAnywhere(t *testing.T) {
	disk := NewMemFS()
	l := newLife(12, disk)
	l.every = 25
	l.live(t, 120)
	must(t, WriteEpoch(disk, "/data/troupe", AcceptedEpochFile, 3))
	refused, recovered := 0, 0
	for _, file := range filesOf(t, disk, "/data/troupe", "/data/troupe/snapshots", "/txlog/troupe/log") {
		for off := int64(0); off < file.size; off += stride(t, off, file.size) {
			l.o.FS = disk.CrashClone(nil)
			flip(t, l.o.FS, file.name, off, 1<<(off%8))
			if l.damaged(t, file.name, off, 120) {
				refused++
			} else {
				recovered++
			}
		}
	}
	t.Logf("%d starts were refused, %d gave the same tree", refused, recovered)
	if refused == 0 || recovered == 0 {
		t.Error("one of the two never happened; the test looks at nothing")
	}
}

// damaged starts on a disk with a damaged byte and judges the outcome; least is the zxid that must be there at least.
func (l *life) damaged(t testing.TB, name string, off int64, least uint64) (refused bool) {
	t.Helper()
	s, r, err := l.open()
	if err == nil {
		zxid := uint64(r.Tree.LastZxid())
		if zxid < least || r.Tree.Digest() != l.digests[zxid] {
			t.Errorf("%s: with byte %d damaged, recovered to %#x (at least %#x is due) with digest %x, there was %x",
				name, off, zxid, least, r.Tree.Digest(), l.digests[zxid])
		}
		_ = r.Log.Close()
		must(t, s.Close())
		return false
	}
	var damage *DamageError
	if !errors.As(err, &damage) {
		t.Errorf("%s: with byte %d damaged, the start says only: %v", name, off, err)
		return true
	}
	if damage.File != name || damage.Offset > off || damage.Remedy == "" || damage.What == "" {
		t.Errorf("%s: with byte %d damaged, the start says: %v", name, off, err)
	}
	if text := err.Error(); !strings.Contains(text, name) || !strings.Contains(text, damage.Remedy) {
		t.Errorf("%s: with byte %d damaged, the message lacks file or remedy: %s", name, off, text)
	}
	return true
}

// TestRecoverDamageAfterCrash does the same after a power cut, each transaction having been synced by itself. Only
// damage to the very last one can pass for a write that the power cut off.
func TestRecoverDamageAfterCrash(t *testing.T) {
	disk := NewMemFS()
	l := newLife(13, disk)
	l.every = 25
	s, r, err := l.open()
	must(t, err)
	must(t, l.run(s, r, 115))
	crashed := disk.CrashClone(nil)
	records := places(t, crashed, "/txlog/troupe/log")
	last := records[len(records)-1]
	for _, file := range filesOf(t, crashed, "/data/troupe", "/data/troupe/snapshots", "/txlog/troupe/log") {
		for off := int64(0); off < file.size; off += stride(t, off, file.size) {
			l.o.FS = crashed.CrashClone(nil)
			flip(t, l.o.FS, file.name, off, 0x10)
			least := uint64(115)
			if file.name == last.file && off >= last.off {
				least = 114
			}
			l.damaged(t, file.name, off, least)
		}
	}
}
