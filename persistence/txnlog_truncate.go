package persistence

import (
	"errors"
	"fmt"
	"io"
)

// ErrTruncatePurged says that the log no longer reaches back to the zxid that it
// should be truncated to.
var ErrTruncatePurged = errors.New("the log does not reach back that far")

// TruncateAfter removes all records beyond a zxid, durably, and returns the zxid
// of the last one that is left; it is below the one asked for if the log has no
// such record. An ensemble's leader asks for it when this server logged proposals
// that never became part of history. A crash in the middle leaves a log that is
// longer than asked for, but whole.
func (l *Log) TruncateAfter(zxid uint64) (uint64, error) {
	if err := l.Roll(); err != nil {
		return 0, err
	}
	if l.last.Load() <= zxid {
		return l.last.Load(), nil
	}
	segments, err := ListSegments(l.o.FS, l.o.Dir)
	if err != nil {
		return 0, err
	}
	cut, err := l.findCut(segments, zxid)
	if err != nil {
		return 0, err
	}
	// Newest first, each durable before the next: a crash never leaves a gap.
	for i := len(segments) - 1; i > cut.keep; i-- {
		if err := removeSegment(l.o.FS, segments[i]); err != nil {
			return 0, l.fail(err)
		}
	}
	if cut.off > 0 {
		if err := shortenSegment(l.o.FS, segments[cut.keep].Path, cut.off); err != nil {
			return 0, l.fail(err)
		}
	}
	if cut.keep < len(segments)-1 {
		l.empty = nil
	}
	l.last.Store(cut.last)
	l.synced.Store(cut.last)
	l.chain = cut.chain
	return cut.last, nil
}

// logCut says where a truncated log ends.
type logCut struct {
	keep  int    // index of the last segment that stays, -1 for none
	off   int64  // where that one is to end; 0 leaves it as it is
	last  uint64 // zxid at which the log then ends
	chain uint64 // zxid of its last record, which a jump may leave behind last
}

func (l *Log) findCut(segments []Segment, zxid uint64) (logCut, error) {
	var prev uint64
	for i := len(segments) - 1; i >= 0; i-- {
		s, err := openSegment(l.o.FS, segments[i], l.o.DatabaseID)
		if err != nil {
			return logCut{}, err
		}
		if s.head.first <= zxid {
			off, last, err := scanUpTo(s, zxid, l.o.Covered)
			s.close()
			return logCut{keep: i, off: off, last: last, chain: last}, err
		}
		s.close()
		if prev = s.head.prev; prev <= zxid {
			return logCut{keep: i - 1, last: prev, chain: s.head.chain}, nil
		}
	}
	return logCut{}, fmt.Errorf("truncate %s after zxid %s, it begins after %s: %w",
		l.o.Dir, zxidString(zxid), zxidString(prev), ErrTruncatePurged)
}

// scanUpTo returns the offset behind the last record that is not beyond zxid.
func scanUpTo(s *segmentScanner, zxid, covered uint64) (off int64, last uint64, err error) {
	off, last = s.off, s.last
	for {
		r, ok, what, err := s.next()
		if err != nil {
			return 0, 0, err
		}
		if !ok {
			v, err := s.judgeCovered(what, false, covered)
			if err == nil && v.again {
				continue
			}
			if err == nil && v.damage != nil {
				err = v.damage
			}
			return off, last, err
		}
		if r.zxid > zxid {
			return off, last, nil
		}
		off, last = s.off, s.last
	}
}

// shortenSegment makes a segment end at an offset, all at once: a copy of what stays
// takes its place. Truncating in place is not atomic. A file system zeroes the
// rest of the last block before the new size is durable, so that a power cut can
// leave zeros with whole, once durable records behind them: damage, by all signs.
func shortenSegment(fsys FS, name string, off int64) error {
	f, err := fsys.Open(name)
	if err != nil {
		return fmt.Errorf("shorten log segment: %w", err)
	}
	defer f.Close()
	if err := copyRange(fsys, f, 0, off, name); err != nil {
		return fmt.Errorf("shorten log segment to %d bytes: %w", off, err)
	}
	return nil
}

// copyRange copies part of a file to a new one, which takes its name when it is
// durable and replaces what had it.
func copyRange(fsys FS, from File, off, end int64, name string) error {
	temp := name + tempSuffix
	to, err := createFresh(fsys, temp)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{to}, io.NewSectionReader(from, off, end-off), make([]byte, scanBuffer))
	if err == nil {
		err = to.Sync()
	}
	if err != nil {
		discard(fsys, to, temp)
		return fmt.Errorf("write %s: %w", temp, err)
	}
	if err := to.Close(); err != nil {
		discard(fsys, nil, temp)
		return fmt.Errorf("close %s: %w", temp, err)
	}
	return publish(fsys, temp, name)
}

// StartAfter makes the log go on after a zxid that it did not reach, because a
// snapshot from elsewhere brought the tree there. The records before stay; reading
// across the jump is possible only from the snapshot on. It is an error to go
// back: TruncateAfter or Reset do that.
func (l *Log) StartAfter(zxid uint64) error {
	if last := l.last.Load(); zxid < last {
		return fmt.Errorf("start the log after zxid %s, it already reaches %s: %w", zxidString(zxid), zxidString(last), ErrLogOrder)
	} else if zxid == last {
		return nil
	}
	if err := l.Roll(); err != nil {
		return err
	}
	l.last.Store(zxid)
	l.synced.Store(zxid)
	return nil
}

// Reset removes all records, durably, and makes the log begin after a zxid: the
// whole state has come from elsewhere. The snapshot of that zxid must be durable
// before.
func (l *Log) Reset(zxid uint64) error {
	if err := l.Roll(); err != nil {
		return err
	}
	segments, err := ListSegments(l.o.FS, l.o.Dir)
	if err != nil {
		return err
	}
	for i := len(segments) - 1; i >= 0; i-- {
		if err := removeSegment(l.o.FS, segments[i]); err != nil {
			return l.fail(err)
		}
	}
	l.empty, l.chain = nil, 0
	l.last.Store(zxid)
	l.synced.Store(zxid)
	return nil
}
