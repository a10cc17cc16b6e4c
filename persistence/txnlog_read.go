package persistence

import (
	"encoding/binary"
	"fmt"
	"io"
)

func beUint32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// Record is one logged transaction.
type Record struct {
	Zxid   uint64
	Body   []byte // the transaction as appended; valid until the next call of Next
	File   string // path of the segment
	Offset int64  // byte at which the record begins
}

// ReaderOptions says what OpenReader reads and how strict it is.
type ReaderOptions struct {
	FS  FS
	Dir string // folder of the segments
	// DatabaseID must match that of each segment; 0 accepts any.
	DatabaseID uint64
	// After is the zxid that the reader's user already has, normally a snapshot's.
	// Records up to it are skipped, and so is damage that can be in nothing else.
	After uint64
	// AnyStart allows a log that begins later than After, for tools that show what
	// is there. Recovery leaves it false, so that a missing first file is damage.
	AnyStart bool
}

// Reader goes through the records of all segments in zxid order. It writes
// nothing. A torn tail ends it like the end of the log and is kept as a notice;
// OpenLog is what cuts it.
type Reader struct {
	o        ReaderOptions
	segments []Segment
	at       int // index of the open segment
	scan     *segmentScanner
	last     uint64 // zxid before the next record
	failed   error  // a reader that met damage does not go on
	notices  []Notice
	done     int64 // bytes of finished segments
	total    int64
}

// OpenReader prepares to read the records that follow o.After. A folder without
// segments is an empty log.
func OpenReader(o ReaderOptions) (*Reader, error) {
	segments, err := ListSegments(o.FS, o.Dir)
	if err != nil {
		return nil, err
	}
	r := &Reader{o: o, segments: segments, last: o.After}
	if len(segments) == 0 {
		return r, nil
	}
	if err := r.openFirst(); err != nil {
		return nil, err
	}
	for _, s := range r.segments[r.at:] {
		info, err := o.FS.Stat(s.Path)
		if err != nil {
			_ = r.Close()
			return nil, fmt.Errorf("size of log segment %s: %w", s.Path, err)
		}
		r.total += info.Size
	}
	return r, nil
}

// openFirst finds the newest segment that goes on after a zxid not beyond After.
// Only headers are looked at, so damage in files that recovery does not need
// cannot stop it.
func (r *Reader) openFirst() error {
	for r.at = len(r.segments) - 1; ; r.at-- {
		s, err := openSegment(r.o.FS, r.segments[r.at], r.o.DatabaseID)
		if err != nil {
			return err
		}
		if s.head.prev <= r.o.After || (r.at == 0 && r.o.AnyStart) {
			r.scan, r.last = s, s.head.prev
			return nil
		}
		s.close()
		if r.at == 0 {
			return gapDamage(s.path, r.o.After, s.head.prev)
		}
	}
}

// Next returns the next record, io.EOF behind the last one, or a *DamageError.
// After an error every later call returns the same.
func (r *Reader) Next() (Record, error) {
	if r.failed != nil {
		return Record{}, r.failed
	}
	rec, err := r.next()
	if err != nil {
		r.failed = err
	}
	return rec, err
}

func (r *Reader) next() (Record, error) {
	for r.scan != nil {
		isFirst := r.scan.count == 0
		s, ok, what, err := r.scan.next()
		if err != nil {
			return Record{}, err
		}
		if !ok {
			if err := r.finishSegment(what); err != nil {
				return Record{}, err
			}
			continue
		}
		if what := checkOrder(s, r.last, r.scan.head.first, isFirst); what != "" {
			return Record{}, r.scan.orderDamage(s, r.last, what)
		}
		if s.kind == recordMark {
			continue
		}
		r.last = s.zxid
		if s.zxid > r.o.After {
			return Record{Zxid: s.zxid, Body: s.body, File: r.scan.path, Offset: s.off}, nil
		}
	}
	return Record{}, io.EOF
}

// finishSegment judges the spot at which the scanner stopped and opens the next
// segment, if there is one.
func (r *Reader) finishSegment(what string) error {
	isLast := r.at == len(r.segments)-1
	v, err := r.scan.judgeCovered(what, isLast, r.o.After)
	if err != nil {
		return err
	}
	if v.notice != nil {
		r.notices = append(r.notices, *v.notice)
	}
	if v.again {
		r.last = r.scan.last
		return nil
	}
	if v.damage != nil {
		return v.damage
	}
	r.done += r.scan.size
	r.scan.close()
	r.scan = nil
	if isLast {
		return nil
	}
	r.at++
	s, err := openSegment(r.o.FS, r.segments[r.at], r.o.DatabaseID)
	if err != nil {
		return err
	}
	r.scan = s
	if s.head.chain != r.last {
		return gapDamage(s.path, r.last, s.head.chain)
	}
	// The log jumps here to where a snapshot from elsewhere had brought the tree. A
	// reader that has that snapshot would have begun here.
	if s.head.prev != s.head.chain && !r.o.AnyStart {
		return gapDamage(s.path, r.last, s.head.prev)
	}
	r.last = s.head.prev
	return nil
}

// LastZxid returns the zxid of the last record read or skipped; behind the last
// record it is where the log ends, which may be before After. For an empty log it
// is After.
func (r *Reader) LastZxid() uint64 { return r.last }

// Notices returns what was met and left out so far: damage that After covers, and the torn tail.
func (r *Reader) Notices() []Notice { return r.notices }

// Progress returns how many bytes of how many have been read, for a start-up that
// takes its time.
func (r *Reader) Progress() (done, total int64) {
	done = r.done
	if r.scan != nil {
		done += r.scan.off
	}
	return done, r.total
}

// Close releases the open file. It may be called more than once.
func (r *Reader) Close() error {
	if r.scan != nil {
		r.scan.close()
		r.scan = nil
	}
	return nil
}
