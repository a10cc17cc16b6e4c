package persistence

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// place is a record's position in a segment.
type place struct {
	file string
	off  int64
	size int64
	zxid uint64
	kind byte
}

// places lists the records of all segments, marks included.
func places(t testing.TB, fsys FS, dir string) []place {
	t.Helper()
	segments, err := ListSegments(fsys, dir)
	must(t, err)
	var list []place
	for _, seg := range segments {
		s, err := openSegment(fsys, seg, testDatabase)
		must(t, err)
		for {
			r, ok, what, err := s.next()
			must(t, err)
			if !ok {
				if what != "" {
					t.Logf("%s@%d: %s", seg.Path, s.off, what)
				}
				break
			}
			list = append(list, place{seg.Path, r.off, s.off - r.off, r.zxid, r.kind})
		}
		s.close()
	}
	return list
}

// flip inverts bits of one byte.
func flip(t testing.TB, fsys FS, name string, off int64, bits byte) {
	t.Helper()
	f, err := fsys.OpenRW(name)
	must(t, err)
	defer f.Close()
	var b [1]byte
	_, err = f.ReadAt(b[:], off)
	must(t, err)
	b[0] ^= bits
	_, err = f.WriteAt(b[:], off)
	must(t, err)
	must(t, f.Sync())
}

// threeSegments writes records 1..30 in three segments, one batch of two records
// each, and leaves the last segment as a crash does, without a mark at its end.
func threeSegments(t testing.TB) *MemFS {
	t.Helper()
	m := newDisk(t, modelDir)
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	for z := uint64(1); z <= 30; z += 2 {
		mustAppend(t, l, z, z+1)
		must(t, l.Sync())
		if z == 9 || z == 19 {
			must(t, l.Roll())
		}
	}
	return m
}

// fieldBytes are the offsets within a record of one byte of each kind.
func fieldBytes(p place) map[string]int64 {
	fields := map[string]int64{
		"checksum": 0, "length high": 4, "length low": 7, "zxid high": 8, "zxid low": 15,
		"synced": 19, "kind": 20, "reserved": 22,
	}
	if p.kind == recordTxn {
		fields["body first"] = recordHeaderSize
		fields["body last"] = recordHeaderSize + int64(len(body(p.zxid))) - 1
		if pad := p.size - recordHeaderSize - int64(len(body(p.zxid))); pad > 0 {
			fields["padding"] = p.size - 1
		}
	}
	return fields
}

// TestDamageInEveryPlace flips bits in every field of every record and asserts
// exactly what comes of it: only damage to the last batch, whose fsync nothing
// attests, is taken for a torn write; everything else is refused with its place.
func TestDamageInEveryPlace(t *testing.T) {
	intact := threeSegments(t)
	all := places(t, intact, modelDir)
	lastFile := all[len(all)-1].file
	for i, p := range all {
		for field, at := range fieldBytes(p) {
			for _, bits := range []byte{0x01, 0x80, 0xff} {
				name := fmt.Sprintf("%s zxid %x kind %d %s bits %x", path.Base(p.file), p.zxid, p.kind, field, bits)
				m := intact.CrashClone(nil)
				flip(t, m, p.file, p.off+at, bits)
				zxids, notices, err := readLog(m, modelDir, 0)
				torn := p.file == lastFile && p.zxid >= 29
				if torn {
					checkTorn(t, name, p, zxids, notices, err)
				} else {
					checkRefused(t, name, p, m, all[:i], zxids, err)
				}
			}
		}
	}
}

func checkTorn(t *testing.T, name string, p place, zxids []uint64, notices []Notice, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if uint64(len(zxids)) != p.zxid-1 {
		t.Errorf("%s: %d records survive, want %d", name, len(zxids), p.zxid-1)
	}
	if len(notices) != 1 || notices[0].Offset != p.off || notices[0].File != p.file || notices[0].Intact != int(30-p.zxid) {
		t.Errorf("%s: notices %v", name, notices)
	}
}

func checkRefused(t *testing.T, name string, p place, m *MemFS, before []place, zxids []uint64, err error) {
	t.Helper()
	var damage *DamageError
	if !errors.As(err, &damage) || !errors.Is(err, ErrDamaged) {
		t.Errorf("%s: not refused: %v", name, err)
		return
	}
	if damage.File != p.file || damage.Offset != p.off {
		t.Errorf("%s: reported at %s@%d, want %s@%d", name, damage.File, damage.Offset, p.file, p.off)
	}
	if !strings.Contains(err.Error(), fmt.Sprintf("troupe log check --cut %s@%d", p.file, p.off)) {
		t.Errorf("%s: no remedy in %q", name, err)
	}
	want := 0
	for _, b := range before {
		if b.kind == recordTxn {
			want++
		}
	}
	if len(zxids) != want {
		t.Errorf("%s: %d records before the damage, want %d", name, len(zxids), want)
	}
	report, err := CheckLog(m, modelDir, testDatabase)
	if err != nil || !errors.Is(report.Damage, ErrDamaged) || report.Records != uint64(want) {
		t.Errorf("%s: check: %+v, %v", name, report, err)
	}
}

// TestDamagedMarkAtEnd covers the mark that a clean end leaves: everything before
// it was durable, so damage there is never taken for a torn write.
func TestDamagedMarkAtEnd(t *testing.T) {
	m := newDisk(t, modelDir)
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	mustAppend(t, l, 1, 5)
	must(t, l.Close())
	all := places(t, m, modelDir)
	last, mark := all[4], all[5]
	if mark.kind != recordMark {
		t.Fatalf("the file ends with %+v", mark)
	}
	c := m.CrashClone(nil)
	flip(t, c, last.file, last.off+30, 4)
	if _, _, err := readLog(c, modelDir, 0); !errors.Is(err, ErrDamaged) {
		t.Errorf("last record damaged before a mark: %v", err)
	}
	c = m.CrashClone(nil)
	flip(t, c, mark.file, mark.off, 4)
	zxids, notices, err := readLog(c, modelDir, 0)
	if err != nil || len(zxids) != 5 || len(notices) != 1 {
		t.Errorf("mark damaged: %v %v %v; nothing is lost with it", zxids, notices, err)
	}
}

// TestTornBatch persists the sectors of an unsynced batch out of order: its first
// record torn, a later one whole. Nothing of it was acknowledged, so it is cut.
func TestTornBatch(t *testing.T) {
	m := newDisk(t, modelDir)
	o := testLogOptions(m, modelDir)
	l := mustOpenLog(t, o)
	mustAppend(t, l, 1, 4)
	must(t, l.Sync())
	mustAppend(t, l, 5, 9)
	must(t, l.Flush())
	all := places(t, m, modelDir)
	p := all[4]
	flip(t, m, p.file, p.off+10, 0xff)
	zxids, notices, err := readLog(m, modelDir, 0)
	if err != nil || len(zxids) != 4 || len(notices) != 1 || notices[0].Intact != 4 {
		t.Fatalf("%v %v %v", zxids, notices, err)
	}
	l, opened, err := OpenLog(o)
	must(t, err)
	if len(opened) != 1 || opened[0] != notices[0] {
		t.Errorf("open reports %v, reader %v", opened, notices)
	}
	// What was cut must be gone for good: a record of the same length would otherwise
	// be followed by the old zxid 6.
	mustAppend(t, l, 5, 5)
	must(t, l.Sync())
	wantRange(t, m, modelDir, 0, 1, 5)
}

func TestDamagedSegmentHeader(t *testing.T) {
	intact := threeSegments(t)
	segments, err := ListSegments(intact, modelDir)
	must(t, err)
	for _, seg := range segments {
		for off := range int64(logHeaderSize) {
			m := intact.CrashClone(nil)
			flip(t, m, seg.Path, off, 0x10)
			var damage *DamageError
			if _, _, err := readLog(m, modelDir, 0); !errors.As(err, &damage) || damage.File != seg.Path || damage.Offset != 0 {
				t.Errorf("%s header byte %d: %v", seg.Path, off, err)
			}
			if seg == segments[2] {
				if _, _, err := OpenLog(testLogOptions(m, modelDir)); !errors.Is(err, ErrDamaged) {
					t.Errorf("%s header byte %d: opened: %v", seg.Path, off, err)
				}
			}
		}
	}
}

// TestDamageBehindUs lets recovery from a snapshot ignore what it does not need.
func TestDamageBehindUs(t *testing.T) {
	m := threeSegments(t)
	all := places(t, m, modelDir)
	flip(t, m, all[3].file, all[3].off+2, 1)
	wantRange(t, m, modelDir, 10, 11, 30)
	wantRange(t, m, modelDir, 27, 28, 30)
	if _, _, err := readLog(m, modelDir, all[3].zxid-1); !errors.Is(err, ErrDamaged) {
		t.Errorf("recovery that needs the damaged record: %v", err)
	}
}

func TestMissingSegment(t *testing.T) {
	for _, gone := range []int{0, 1} {
		m := threeSegments(t)
		segments, err := ListSegments(m, modelDir)
		must(t, err)
		must(t, m.Remove(segments[gone].Path))
		var damage *DamageError
		if _, _, err = readLog(m, modelDir, 0); !errors.As(err, &damage) || damage.File != segments[gone+1].Path {
			t.Errorf("segment %d missing: %v", gone, err)
		}
		wantRange(t, m, modelDir, 20, 21, 30)
	}
	// A lost file at whose end an epoch ended leaves no hole in the counters.
	m := newDisk(t, modelDir)
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	for _, zxid := range []uint64{1, 2, 3, 1<<32 | 1} {
		must(t, l.Append(zxid, body(zxid)))
		must(t, l.Roll())
	}
	must(t, m.Remove(path.Join(modelDir, segmentName(3))))
	if zxids, _, err := readLog(m, modelDir, 0); !errors.Is(err, ErrDamaged) || !slices.Equal(zxids, []uint64{1, 2}) {
		t.Errorf("end of an epoch missing: %v, %v", zxids, err)
	}
}

func TestForeignSegment(t *testing.T) {
	m := threeSegments(t)
	o := testLogOptions(m, modelDir)
	o.DatabaseID++
	if _, _, err := OpenLog(o); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "belongs to database") {
		t.Errorf("opened with another database id: %v", err)
	}
	// A valid record of another file, or of another place, is not one here.
	segments, err := ListSegments(m, modelDir)
	must(t, err)
	from, err := m.OpenRW(segments[1].Path)
	must(t, err)
	all := places(t, m, modelDir)
	p := all[11]
	if p.file != segments[1].Path {
		t.Fatalf("%+v", p)
	}
	b := make([]byte, p.size)
	_, err = from.ReadAt(b, p.off)
	must(t, err)
	_, err = from.WriteAt(b, p.off+p.size)
	must(t, err)
	if _, _, err := readLog(m, modelDir, 0); !errors.Is(err, ErrDamaged) {
		t.Errorf("a record that stands twice was accepted: %v", err)
	}
}

// TestCutFollowsRemedy does what the message says and starts again.
func TestCutFollowsRemedy(t *testing.T) {
	m := threeSegments(t)
	all := places(t, m, modelDir)
	p := all[13]
	flip(t, m, p.file, p.off+9, 1)
	_, _, err := readLog(m, modelDir, 0)
	_, arg, ok := strings.Cut(err.Error(), "--cut ")
	if !ok {
		t.Fatal(err)
	}
	file, off, err := ParseCut(arg)
	must(t, err)
	if _, err := CutLog(m, file, off+8, testDatabase); err == nil {
		t.Error("cut inside of a record")
	}
	report, err := CutLog(m, file, off, testDatabase)
	must(t, err)
	if report.Kept != p.zxid-1 || len(report.SetAside) != 2 {
		t.Errorf("report %+v", report)
	}
	for _, name := range report.SetAside {
		if _, err := m.Stat(name); err != nil {
			t.Error(err)
		}
	}
	wantRange(t, m, modelDir, 0, 1, p.zxid-1)
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	mustAppend(t, l, p.zxid, p.zxid+5)
	must(t, l.Close())
	wantRange(t, m, modelDir, 0, 1, p.zxid+5)
	// A damaged header is given up with its whole file.
	segments, err := ListSegments(m, modelDir)
	must(t, err)
	flip(t, m, segments[1].Path, 3, 1)
	report, err = CutLog(m, segments[1].Path, 0, testDatabase)
	must(t, err)
	if len(report.SetAside) != 1 {
		t.Errorf("report %+v", report)
	}
	wantRange(t, m, modelDir, 0, 1, 10)
}

// TestLookalikes fills the space behind a bad spot with what could be record
// headers of great length, which must not take for ever, nor be called torn.
func TestLookalikes(t *testing.T) {
	m := newDisk(t, modelDir)
	o := testLogOptions(m, modelDir)
	o.SegmentBytes = 1 << 20
	l := mustOpenLog(t, o)
	mustAppend(t, l, 1, 1)
	must(t, l.Close())
	f, err := m.OpenRW(path.Join(modelDir, segmentName(1)))
	must(t, err)
	size, err := f.Size()
	must(t, err)
	fake := appendRecord(nil, 0, 0, recordTxn, 2, logHeaderSize, make([]byte, 300<<10))
	for at := size; at < 400<<10; at += recordHeaderSize {
		_, err = f.WriteAt(fake[:recordHeaderSize], at)
		must(t, err)
	}
	must(t, f.Truncate(1<<20))
	if _, _, err := readLog(m, modelDir, 0); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "too much like records") {
		t.Errorf("%v", err)
	}
}
