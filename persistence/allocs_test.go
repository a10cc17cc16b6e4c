package persistence

import "testing"

// What reaches the log is copied into a buffer that stays, and the buffer goes to the disk as it is: neither a record nor a
// batch allocates, however many follow.
func TestAllocationsOfAppending(t *testing.T) {
	const batch, runs = 32, 100
	o := DefaultLogOptions()
	o.FS, o.Dir, o.DatabaseID, o.NoSync = OSFS{}, t.TempDir(), testDatabase, true
	o.SegmentBytes, o.MinFreeBytes = 4<<20, 0
	l := mustOpenLog(t, o)
	record, zxid := make([]byte, 200), uint64(0)
	next := func() {
		for range batch {
			zxid++
			if err := l.Append(zxid, record); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		next()
	}
	if got := testing.AllocsPerRun(runs, next); got != 0 {
		t.Errorf("a batch of %d records allocates %v times, want 0", batch, got)
	}
	if want := uint64((10 + runs + 1) * batch); l.SyncedZxid() != want {
		t.Errorf("the log has %d records, want %d", l.SyncedZxid(), want)
	}
	must(t, l.Close())
}
