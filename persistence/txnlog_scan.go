package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// scanBuffer is how much of a segment is read at once.
const scanBuffer = 1 << 20

// segmentScanner reads the records of one segment in order and stops at the first
// spot that holds none. It judges single records; what a bad spot means is
// decided by its tail (inspectTail) and by whoever knows the other segments.
type segmentScanner struct {
	file File
	path string
	size int64
	head segmentHeader

	buf   []byte // bytes [start, start+len(buf)) of the file
	start int64
	off   int64  // the next record
	last  uint64 // zxid of the last record, or the one before the segment
	count int    // transactions seen
}

// openSegment opens a segment and checks its header. A nil scanner with a
// DamageError means a bad header.
func openSegment(fsys FS, seg Segment, databaseID uint64) (*segmentScanner, error) {
	f, err := fsys.Open(seg.Path)
	if err != nil {
		return nil, fmt.Errorf("open log segment %s: %w", seg.Path, err)
	}
	s := &segmentScanner{file: f, path: seg.Path}
	if err := s.readHeader(seg, databaseID); err != nil {
		_ = f.Close()
		return nil, err
	}
	return s, nil
}

func (s *segmentScanner) readHeader(seg Segment, databaseID uint64) error {
	size, err := s.file.Size()
	if err != nil {
		return fmt.Errorf("size of log segment %s: %w", s.path, err)
	}
	s.size = size
	b, err := s.window(0, logHeaderSize)
	if err != nil {
		return err
	}
	head, what := decodeSegmentHeader(b)
	if what == "" && head.first != seg.First {
		what = fmt.Sprintf("segment header says first zxid %s, the name says %s", zxidString(head.first), zxidString(seg.First))
	}
	if what != "" {
		return headerDamage(s.path, what)
	}
	if databaseID != 0 && head.databaseID != databaseID {
		return &DamageError{File: s.path, Offset: 16,
			What:   fmt.Sprintf("segment belongs to database %016x, not to %016x", head.databaseID, databaseID),
			Remedy: "check that dataDir and dataLogDir belong together; move foreign log files away"}
	}
	s.head, s.off, s.last = head, logHeaderSize, head.prev
	return nil
}

// window returns the bytes [off, off+n), fewer only where the file ends. They are
// valid until the next call.
func (s *segmentScanner) window(off int64, n int) ([]byte, error) {
	n = int(max(0, min(int64(n), s.size-off)))
	if off < s.start || off+int64(n) > s.start+int64(len(s.buf)) {
		if err := s.fill(off, n); err != nil {
			return nil, err
		}
	}
	// The file may have been cut by another process since its size was taken.
	b := s.buf[off-s.start:]
	return b[:min(n, len(b))], nil
}

func (s *segmentScanner) fill(off int64, n int) error {
	want := int(min(int64(max(n, scanBuffer)), s.size-off))
	if cap(s.buf) < want {
		s.buf = make([]byte, want)
	}
	s.buf = s.buf[:want]
	got, err := s.file.ReadAt(s.buf, off)
	if err != nil && !errors.Is(err, io.EOF) {
		s.buf = s.buf[:0]
		return fmt.Errorf("read log segment %s at byte %d: %w", s.path, off, err)
	}
	s.buf, s.start = s.buf[:got], off
	return nil
}

// scanned is what next found.
type scanned struct {
	zxid   uint64
	kind   byte
	synced int64
	off    int64
	body   []byte // valid until the next call
}

// next returns the next record. At a spot that holds none it returns the words for
// what is there, "" at the exact end of the file, and stays at that spot.
func (s *segmentScanner) next() (r scanned, ok bool, what string, err error) {
	if s.off == s.size {
		return r, false, "", nil
	}
	r, n, what, err := s.recordAt(s.off)
	if err != nil || what != "" {
		return r, false, what, err
	}
	s.off += n
	if r.kind == recordTxn {
		s.last = r.zxid
		s.count++
	}
	return r, true, "", nil
}

// recordAt verifies the record at an offset and returns it with its padded size.
func (s *segmentScanner) recordAt(off int64) (r scanned, n int64, what string, err error) {
	b, err := s.window(off, recordHeaderSize)
	if err != nil {
		return r, 0, "", err
	}
	if len(b) < recordHeaderSize {
		return r, 0, "record header is cut off by the end of the file", nil
	}
	h, what := parseRecordHeader(b, off, s.size)
	if what != "" {
		return r, 0, what, nil
	}
	n = padded(h.length)
	if b, err = s.window(off, int(n)); err != nil {
		return r, 0, "", err
	}
	if int64(len(b)) < n {
		return r, 0, "record is cut off by the end of the file", nil
	}
	if recordChecksum(s.head.seed, off, b) != beUint32(b) {
		return r, 0, "record fails its checksum", nil
	}
	return scanned{zxid: h.zxid, kind: h.kind, synced: h.synced, off: off, body: b[recordHeaderSize:h.length]}, n, "", nil
}

// checkOrder returns the words for a record that is whole but out of place.
func checkOrder(r scanned, prev, first uint64, isFirst bool) string {
	switch {
	case r.kind == recordMark:
		if r.zxid != prev {
			return fmt.Sprintf("mark names zxid %s, the record before it has %s", zxidString(r.zxid), zxidString(prev))
		}
	case r.kind != recordTxn:
		return fmt.Sprintf("record is of kind %d, which this program does not know", r.kind)
	case isFirst && r.zxid != first:
		return fmt.Sprintf("first record has zxid %s, the segment's header says %s", zxidString(r.zxid), zxidString(first))
	case !zxidFollows(prev, r.zxid):
		return fmt.Sprintf("record has zxid %s, which does not follow %s", zxidString(r.zxid), zxidString(prev))
	}
	return ""
}

// tail says what lies behind a spot that holds no record.
type tail struct {
	dataEnd   int64  // behind the last byte that is not zero; the spot itself if there is none
	intact    int    // whole records behind the spot
	first     uint64 // their zxids
	last      uint64
	maxSynced int64 // the largest durable length that any of them attests
	undecided bool  // the search was given up; treat as damage
}

// tailBudget bounds the bytes that the search may checksum, as a multiple of those
// it looks at. Honest files need about one; only bytes made to look like record
// headers everywhere need more, and those must not hang a start-up.
const tailBudget = 16

// inspectTail searches everything behind the bad spot at s.off for whole records.
// A record found there attests by its synced field how much was durable when it
// was written: beyond the spot means that the spot was once good.
func (s *segmentScanner) inspectTail() (tail, error) {
	t := tail{dataEnd: s.off}
	end, err := s.dataEnd(s.off)
	if err != nil || end == s.off {
		return t, err
	}
	t.dataEnd = end
	// Marks are found as well as transactions: they attest, but are not counted.
	budget := tailBudget * (min(padded(end), s.size) - s.off)
	for at := s.behind(); ; {
		r, n, err := s.nextWhole(at, end, &budget)
		if err != nil || n == 0 {
			t.undecided = budget < 0
			return t, err
		}
		t.add(r)
		at = r.off + n
	}
}

// behind is the first place behind the bad spot at which a record could begin.
func (s *segmentScanner) behind() int64 { return (s.off &^ (recordAlign - 1)) + recordAlign }

// nextWhole searches for a whole record in [at, end) and returns it with its padded size, which is 0 if there is none
// or when the bytes that it checksums exceed the budget.
func (s *segmentScanner) nextWhole(at, end int64, budget *int64) (r scanned, n int64, err error) {
	for ; at < end; at += recordAlign {
		b, err := s.window(at, recordHeaderSize)
		if err != nil || len(b) < recordHeaderSize {
			return r, 0, err
		}
		h, what := parseRecordHeader(b, at, s.size)
		if what != "" || (h.kind != recordTxn && h.kind != recordMark) {
			continue
		}
		if *budget -= h.length; *budget < 0 {
			return r, 0, nil
		}
		if r, n, what, err = s.recordAt(at); err != nil || what == "" {
			return r, n, err
		}
	}
	return r, 0, nil
}

func (t *tail) add(r scanned) {
	t.maxSynced = max(t.maxSynced, r.synced)
	if r.kind != recordTxn {
		return
	}
	if t.intact == 0 {
		t.first = r.zxid
	}
	t.last = r.zxid
	t.intact++
}

// zeroChunk is what preallocated space reads as; comparing whole chunks is many
// times faster than looking at each byte.
var zeroChunk [scanBuffer]byte

// dataEnd returns the offset behind the last byte from off on that is not zero.
func (s *segmentScanner) dataEnd(off int64) (int64, error) {
	end := off
	for at := off; at < s.size; {
		b, err := s.window(at, scanBuffer)
		if err != nil {
			return 0, err
		}
		if len(b) == 0 {
			break
		}
		if !bytes.Equal(b, zeroChunk[:len(b)]) {
			end = at + int64(len(bytes.TrimRight(b, "\x00")))
		}
		at += int64(len(b))
	}
	return end, nil
}

func (s *segmentScanner) close() { _ = s.file.Close() }
