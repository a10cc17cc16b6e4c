package persistence

import (
	"errors"
	"fmt"
	"path"
)

// OpenLog opens the log in a folder for appending, or an empty one. It reads the
// last segment to its end, cuts off a torn tail and reports that, and syncs what
// remains: after the mere end of a process the bytes may still be in memory only,
// and records that recovery hands out must not vanish later. Damage that is no
// torn tail is returned as *DamageError and nothing is changed.
func OpenLog(o LogOptions) (*Log, []Notice, error) {
	if err := o.Validate(); err != nil {
		return nil, nil, err
	}
	segments, err := ListSegments(o.FS, o.Dir)
	if err != nil {
		return nil, nil, err
	}
	l := &Log{o: o}
	if err := removeIfExists(o.FS, path.Join(o.Dir, nextName)); err != nil {
		return nil, nil, err
	}
	// A name that was given just before the process ended may not be durable yet.
	if err := o.FS.SyncDir(o.Dir); err != nil {
		return nil, nil, fmt.Errorf("sync log folder %s: %w", o.Dir, err)
	}
	if len(segments) == 0 {
		return l, nil, nil
	}
	end, err := findLogEnd(o, segments[len(segments)-1])
	if err != nil {
		return nil, nil, err
	}
	if err := l.resume(segments[len(segments)-1], end); err != nil {
		return nil, nil, err
	}
	return l, end.notices, nil
}

// logEnd is where the last segment's records end.
type logEnd struct {
	off, size int64
	last      uint64
	chain     uint64
	empty     bool // no transaction in the segment
	seed      uint32
	torn      bool // something behind off must be cut; the last notice tells what
	notices   []Notice
}

func findLogEnd(o LogOptions, seg Segment) (logEnd, error) {
	s, err := openSegment(o.FS, seg, o.DatabaseID)
	if err != nil {
		return logEnd{}, err
	}
	defer s.close()
	var notices []Notice
	for {
		isFirst, prev := s.count == 0, s.last
		r, ok, what, err := s.next()
		if err != nil {
			return logEnd{}, err
		}
		if ok {
			if what := checkOrder(r, prev, s.head.first, isFirst); what != "" {
				return logEnd{}, s.orderDamage(r, prev, what)
			}
			continue
		}
		v, err := s.judgeCovered(what, true, o.Covered)
		if err != nil {
			return logEnd{}, err
		}
		if v.again {
			if v.notice != nil {
				notices = append(notices, *v.notice)
			}
			continue
		}
		if v.damage != nil {
			return logEnd{}, v.damage
		}
		end := logEnd{
			off: s.off, size: s.size, last: s.last, chain: s.last, empty: s.count == 0, seed: s.head.seed,
			torn: v.notice != nil, notices: notices,
		}
		if end.torn {
			end.notices = append(end.notices, *v.notice)
		}
		if end.empty {
			end.chain = s.head.chain
		}
		return end, nil
	}
}

// resume goes on in the last segment behind its last record. What was torn is
// replaced by zeros before anything is written there, since a whole record in it
// could otherwise one day line up behind a new one.
func (l *Log) resume(seg Segment, end logEnd) error {
	l.last.Store(end.last)
	l.synced.Store(end.last)
	l.chain = end.chain
	f, err := l.o.FS.OpenRW(seg.Path)
	if err != nil {
		return fmt.Errorf("open log segment %s: %w", seg.Path, err)
	}
	l.cur, l.curPath, l.curFirst, l.seed = f, seg.Path, seg.First, end.seed
	l.off, l.alloc, l.zeroed = end.off, end.size, end.off
	if end.torn {
		if err := f.Truncate(end.off); err != nil {
			return l.abandon(fmt.Errorf("cut torn tail of log segment %s: %w", seg.Path, err))
		}
		l.alloc = end.off
	}
	if err := f.Sync(); err != nil {
		return l.abandon(fmt.Errorf("sync log segment %s: %w", seg.Path, err))
	}
	l.durable = l.off
	if end.empty {
		// Its name fixes the first zxid, and the next one may be of a later epoch.
		// The file stays until beginSegment has put another in its place.
		l.empty = &seg
		return l.leaveEmptySegment()
	}
	return l.regrow()
}

// regrow reserves again the part of the segment that a clean end or the cut gave
// back. Without space the server still starts, and Headroom says that it is full.
func (l *Log) regrow() error {
	want := l.o.SegmentBytes - l.alloc
	if want <= 0 {
		return nil
	}
	free, err := l.o.FS.Free(l.o.Dir)
	if err != nil {
		return l.abandon(err)
	}
	if free < want+l.o.MinFreeBytes {
		return nil
	}
	err = l.cur.Preallocate(l.alloc, want)
	if errors.Is(err, ErrDiskFull) {
		return nil
	}
	if err != nil {
		return l.abandon(fmt.Errorf("reserve space in log segment %s: %w", l.curPath, err))
	}
	l.alloc += want
	return nil
}

func (l *Log) leaveEmptySegment() error {
	err := l.cur.Close()
	l.cur = nil
	if err != nil {
		return fmt.Errorf("close log segment %s: %w", l.curPath, err)
	}
	return nil
}

// abandon closes the file on the way out of a failed opening.
func (l *Log) abandon(err error) error {
	_ = l.cur.Close()
	l.cur = nil
	return err
}
