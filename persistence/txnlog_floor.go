package persistence

import "errors"

// LogFloor finds the last place in a log at or before a zxid from which the log can be read on to its end: the zxid of a
// record, or the one after which a segment begins. ok is false when the log begins later, or jumps later to where a snapshot
// had brought the tree (see StartAfter). The log may be written meanwhile; what was durable before the call is seen.
func LogFloor(fsys FS, dir string, databaseID, zxid uint64) (floor uint64, ok bool, err error) {
	segments, err := ListSegments(fsys, dir)
	if err != nil {
		return 0, false, err
	}
	for i := len(segments) - 1; i >= 0; i-- {
		s, err := openSegment(fsys, segments[i], databaseID)
		if err != nil {
			return 0, false, err
		}
		if s.head.first <= zxid {
			floor, err = s.floor(zxid, i == len(segments)-1)
			s.close()
			return floor, err == nil, err
		}
		prev, jump := s.head.prev, s.head.prev != s.head.chain
		s.close()
		if prev <= zxid {
			return prev, true, nil
		}
		if jump {
			return 0, false, nil
		}
	}
	return 0, false, nil
}

// floor reads the segment up to the last record that is not beyond zxid.
func (s *segmentScanner) floor(zxid uint64, isLast bool) (uint64, error) {
	last := s.head.prev
	for {
		r, ok, what, err := s.next()
		if err != nil {
			return 0, err
		}
		if !ok {
			v, err := s.judgeCovered(what, isLast, 0)
			if err == nil && v.again {
				continue
			}
			if err == nil && v.damage != nil {
				err = v.damage
			}
			return last, err
		}
		if r.zxid > zxid {
			return last, nil
		}
		last = r.zxid
	}
}

// errShort says that a log ends before the tree that was kept: the tree is of no use then.
var errShort = errors.New("the log ends before the tree")
