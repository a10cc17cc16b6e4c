package persistence

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// LogReport is what CheckLog found.
type LogReport struct {
	Segments []Segment
	Records  uint64
	First    uint64   // zxid of the first record, 0 if there is none
	Last     uint64   // zxid of the last
	Notices  []Notice // a torn tail, which the next start cuts off
	Damage   error    // the first damage met, nil if there is none
}

// CheckLog reads a whole log and verifies all of it. It changes nothing. The error
// is for a log that cannot be read; damage is in the report.
func CheckLog(fsys FS, dir string, databaseID uint64) (LogReport, error) {
	var report LogReport
	segments, err := ListSegments(fsys, dir)
	if err != nil {
		return report, err
	}
	report.Segments = segments
	r, err := OpenReader(ReaderOptions{FS: fsys, Dir: dir, DatabaseID: databaseID, AnyStart: true})
	if err != nil {
		return report.withDamage(err)
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			report.Notices = r.Notices()
			return report, nil
		}
		if err != nil {
			return report.withDamage(err)
		}
		if report.Records == 0 {
			report.First = rec.Zxid
		}
		report.Records++
		report.Last = rec.Zxid
	}
}

func (r LogReport) withDamage(err error) (LogReport, error) {
	if errors.Is(err, ErrDamaged) {
		r.Damage = err
		return r, nil
	}
	return r, err
}

// ParseCut reads the FILE@OFFSET that a DamageError's remedy names.
func ParseCut(s string) (file string, off int64, err error) {
	i := strings.LastIndexByte(s, '@')
	if i > 0 {
		off, err = strconv.ParseInt(s[i+1:], 10, 64)
	}
	if i <= 0 || err != nil || off < 0 {
		return "", 0, fmt.Errorf("cut position %q is not of the form FILE@OFFSET", s)
	}
	return s[:i], off, nil
}

// CutReport says what CutLog did.
type CutReport struct {
	Kept     uint64   // zxid after which the cut segment now ends
	SetAside []string // files that hold what was cut off
}

// cutPrefix begins the names of what a cut sets aside.
const cutPrefix = "cut."

// CutLog gives up everything in a log from a byte of one segment on: the rest of
// that file and all later segments. Nothing is destroyed; the bytes are set aside
// under names beginning with "cut." in the same folder. The server must not be
// running; its data folder's lock is the caller's to take. An offset within the
// segment's header, as 0, sets the whole segment aside. The offset must be the
// beginning of a record or of the damage; what is before it is verified first.
func CutLog(fsys FS, file string, off int64, databaseID uint64) (CutReport, error) {
	var report CutReport
	dir := path.Dir(file)
	segments, err := ListSegments(fsys, dir)
	if err != nil {
		return report, err
	}
	at := -1
	for i, s := range segments {
		if path.Base(s.Path) == path.Base(file) {
			at = i
		}
	}
	if at < 0 {
		return report, fmt.Errorf("%s is not a segment of the log in %s", file, dir)
	}
	if off >= logHeaderSize {
		if report.Kept, err = verifyUpTo(fsys, segments[at], off, databaseID); err != nil {
			return report, err
		}
	}
	for i := len(segments) - 1; i > at || (i == at && off < logHeaderSize); i-- {
		aside, err := setAside(fsys, segments[i].Path)
		if err != nil {
			return report, err
		}
		report.SetAside = append(report.SetAside, aside)
	}
	if off < logHeaderSize {
		return report, nil
	}
	aside, err := cutFile(fsys, segments[at].Path, off)
	if aside != "" {
		report.SetAside = append(report.SetAside, aside)
	}
	return report, err
}

// verifyUpTo makes sure that whole records lead exactly to the offset.
func verifyUpTo(fsys FS, seg Segment, off int64, databaseID uint64) (last uint64, err error) {
	s, err := openSegment(fsys, seg, databaseID)
	if err != nil {
		return 0, err
	}
	defer s.close()
	for s.off < off {
		isFirst, prev := s.count == 0, s.last
		r, ok, what, err := s.next()
		if err != nil {
			return 0, err
		}
		if ok {
			what = checkOrder(r, prev, s.head.first, isFirst)
		} else if what == "" {
			what = "the file ends there"
		}
		if what != "" {
			return 0, fmt.Errorf("cut %s at byte %d: already at byte %d: %s", seg.Path, off, s.off, what)
		}
	}
	if s.off != off {
		return 0, fmt.Errorf("cut %s at byte %d: that is inside of a record, the next one begins at %d", seg.Path, off, s.off)
	}
	return s.last, nil
}

// setAside renames a segment, durably, to a name that no reader takes for one.
func setAside(fsys FS, name string) (string, error) {
	aside := unusedName(fsys, path.Join(path.Dir(name), cutPrefix+path.Base(name)))
	if err := publish(fsys, name, aside); err != nil {
		return "", fmt.Errorf("set aside: %w", err)
	}
	return aside, nil
}

// unusedName adds a number to a name that an earlier cut has taken.
func unusedName(fsys FS, name string) string {
	unused := name
	for i := 2; ; i++ {
		if _, err := fsys.Stat(unused); err != nil {
			return unused
		}
		unused = fmt.Sprintf("%s.%d", name, i)
	}
}

// cutFile copies what is behind the offset to a file of its own, without the zeros
// at its end, then shortens the segment.
func cutFile(fsys FS, name string, off int64) (aside string, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", fmt.Errorf("cut: %w", err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return "", fmt.Errorf("cut %s: %w", name, err)
	}
	s := &segmentScanner{file: f, path: name, size: size}
	end, err := s.dataEnd(off)
	if err != nil {
		return "", err
	}
	if end > off {
		aside = unusedName(fsys, path.Join(path.Dir(name), fmt.Sprintf("%s%s@%d", cutPrefix, path.Base(name), off)))
		if err := copyRange(fsys, f, off, end, aside); err != nil {
			return "", fmt.Errorf("set aside: %w", err)
		}
	}
	return aside, shortenSegment(fsys, name, off)
}
