package persistence

import (
	"errors"
	"fmt"
	"testing"
)

// twoEpochs is threeSegments with an epoch's border within a segment: zxids 1..5 and the second epoch's 1..25, the last of
// them without a mark behind.
func twoEpochs(t testing.TB) (*MemFS, []uint64) {
	t.Helper()
	m := newDisk(t, modelDir)
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	var zxids []uint64
	for i := uint64(1); i <= 30; i++ {
		zxid := i
		if i > 5 {
			zxid = 1<<32 | (i - 5)
		}
		zxids = append(zxids, zxid)
		mustAppend(t, l, zxid, zxid)
		if i%2 == 0 {
			must(t, l.Sync())
		}
		if i == 10 || i == 20 {
			must(t, l.Roll())
		}
	}
	return m, zxids
}

// TestCoveredDamage damages each record and recovers from each snapshot there could be. Damage to what the snapshot holds
// is passed over, and then exactly the records behind the snapshot are read; damage to anything else is refused.
func TestCoveredDamage(t *testing.T) {
	intact, zxids := twoEpochs(t)
	all := places(t, intact, modelDir)
	for _, p := range all {
		for _, at := range []int64{0, 4, 7, 15} {
			m := intact.CrashClone(nil)
			flip(t, m, p.file, p.off+at, 0x81)
			for i, after := range zxids {
				name := fmt.Sprintf("zxid %x kind %d byte %d after %x", p.zxid, p.kind, at, after)
				checkCovered(t, name, m, p, after, zxids[i+1:])
			}
		}
	}
}

func checkCovered(t *testing.T, name string, m *MemFS, p place, after uint64, want []uint64) {
	t.Helper()
	got, notices, err := readLog(m, modelDir, after)
	torn := p.zxid >= 1<<32|24 && p.kind == recordTxn // the last batch
	switch {
	case torn:
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	case p.kind == recordTxn && (p.zxid > after || p.zxid == 5 && after == 5):
		// Behind the epoch's last record a new epoch begins; whether the snapshot had the old one's last cannot be told.
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: not refused: %d records, %v, %v", name, len(got), notices, err)
		}
		return
	case p.kind == recordMark && err != nil:
		if p.zxid < after {
			t.Errorf("%s: %v", name, err)
		}
		return
	case err != nil:
		t.Errorf("%s: %v", name, err)
		return
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: read %x, want %x", name, got, want)
	}
	for _, n := range notices {
		if n.Covered != after || n.File != p.file || n.Offset != p.off {
			t.Errorf("%s: notice %+v", name, n)
		}
	}
}

// TestCoveredDamageInTwoSpots has a hole that a snapshot covers, and another one behind the snapshot.
func TestCoveredDamageInTwoSpots(t *testing.T) {
	m := threeSegments(t)
	all := places(t, m, modelDir)
	for _, i := range []int{11, 12, 14, 16} { // zxids 11 (a segment's first), 12, 14, 16
		flip(t, m, all[i].file, all[i].off+9, 1)
	}
	zxids, notices, err := readLog(m, modelDir, 16)
	if err != nil || len(zxids) != 14 || zxids[0] != 17 || len(notices) != 3 {
		t.Errorf("all four covered: %v %v %v", zxids, notices, err)
	}
	if zxids, _, err := readLog(m, modelDir, 15); !errors.Is(err, ErrDamaged) || len(zxids) != 0 {
		t.Errorf("the last one needed: %v %v", zxids, err)
	}
}

// TestOpenWithCoveredDamage opens a log whose last segment is damaged before the snapshot, appends, and reads it again.
func TestOpenWithCoveredDamage(t *testing.T) {
	m := threeSegments(t)
	all := places(t, m, modelDir)
	p := all[len(all)-8]
	flip(t, m, p.file, p.off+9, 1)
	o := testLogOptions(m, modelDir)
	o.Covered = p.zxid - 1
	if _, _, err := OpenLog(o); !errors.Is(err, ErrDamaged) {
		t.Fatalf("opened although the snapshot lacks the record: %v", err)
	}
	o.Covered = p.zxid
	l, notices, err := OpenLog(o)
	must(t, err)
	if len(notices) != 1 || notices[0].Covered != p.zxid || l.LastZxid() != 30 {
		t.Errorf("%v, log ends with %x", notices, l.LastZxid())
	}
	mustAppend(t, l, 31, 40)
	must(t, l.Close())
	zxids, _, err := readLog(m, modelDir, p.zxid)
	if err != nil || uint64(len(zxids)) != 40-p.zxid || zxids[0] != p.zxid+1 {
		t.Errorf("%v %v", zxids, err)
	}
	l, _, err = OpenLog(o)
	must(t, err)
	if last, err := l.TruncateAfter(35); err != nil || last != 35 {
		t.Errorf("truncated to %d: %v", last, err)
	}
	must(t, l.Close())
	if zxids, _, err := readLog(m, modelDir, p.zxid); err != nil || uint64(len(zxids)) != 35-p.zxid {
		t.Errorf("%v %v", zxids, err)
	}
}
