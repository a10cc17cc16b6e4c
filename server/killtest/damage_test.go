package killtest

import (
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/persistence"
)

const (
	dataFolder     = "/troupe-test-data/troupe"
	snapshotFolder = dataFolder + "/snapshots"
	logFolder      = dataFolder + "/log"
)

// TestDamageAtRest damages one byte in files of each kind and starts the whole server: it serves exactly what was
// there, or it doesn't serve at all and says which file, which byte and what to do. (That recovery gives the same tree
// for each byte of each file is a test of persistence.)
func TestDamageAtRest(t *testing.T) {
	ctx := testContext(t, time.Minute)
	disk := persistence.NewMemFS()
	more := memSettings{"snapCount": "60", "preAllocSize": "4"}
	m := startMemServer(t, disk, more)
	w := newWriter(t, ctx, m)
	w.write(t, ctx, 60)
	until(t, ctx, "snapshots are written", func() bool {
		w.write(t, ctx, 10)
		return len(snapshotsOn(disk)) > 2
	})
	w.detach()
	m.Stop()
	snapshots, segments := namesOn(t, disk, snapshotFolder), namesOn(t, disk, logFolder)
	newest, last := snapshots[len(snapshots)-1], segments[len(segments)-1]
	// On a busy machine the newest snapshot may come so late that it holds what the last segment begins with. Damage
	// there loses nothing then, and the start must go on.
	uncovered := newest[len(newest)-16:] < last[len(last)-16:]
	cases := []struct {
		name    string
		file    string
		at      int64 // negative: from the end
		refused bool
	}{
		{"format", dataFolder + "/format", 20, true},
		{"end of the format", dataFolder + "/format", -2, true},
		{"header of the newest snapshot", newest, 9, false},
		{"block of the newest snapshot", newest, 90, false},
		{"trailer of the newest snapshot", newest, -10, false},
		{"header of an older snapshot", snapshots[0], 9, false},
		{"header of the last segment", last, 20, true},
		{"checksum of a record", last, 64, uncovered},
		{"length of a record", last, 69, uncovered},
		{"zxid of a record", last, 79, uncovered},
		{"body of a record", last, 100, uncovered},
		{"the mark at the end", last, -1, false},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			after := disk.CrashClone(nil)
			at := flipByte(t, after, test.file, test.at)
			server := newMemServer(t, after, more)
			err := server.Start()
			server.Stop()
			if !test.refused {
				if err != nil {
					t.Fatalf("the start is refused: %v", err)
				}
				w.compare(t, ctx, after.CrashClone(nil))
				return
			}
			var damage *persistence.DamageError
			if !errors.As(err, &damage) {
				t.Fatalf("byte %d is damaged, and the start says %v", at, err)
			}
			if damage.File != test.file || damage.Offset > at || at-damage.Offset > 1000 || !strings.Contains(err.Error(), "remedy: ") {
				t.Errorf("byte %d of %s is damaged, and the start says %v", at, test.file, err)
			}
		})
	}
}

func namesOn(t *testing.T, disk *persistence.MemFS, folder string) (names []string) {
	t.Helper()
	list, err := disk.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list {
		names = append(names, path.Join(folder, name))
	}
	return names
}

// flipByte inverts a bit of the byte at off, counted from the end if it is negative.
func flipByte(t *testing.T, disk *persistence.MemFS, name string, off int64) (at int64) {
	t.Helper()
	f, err := disk.OpenRW(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	if off < 0 {
		off += size
	}
	var b [1]byte
	if _, err := f.ReadAt(b[:], off); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 4
	if _, err := f.WriteAt(b[:], off); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	return off
}
