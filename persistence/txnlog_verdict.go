package persistence

import "fmt"

// verdict is what a spot without a record means for the log.
type verdict struct {
	again  bool         // go on reading: the spot holds a record by now, or was passed over
	end    bool         // the orderly end of the segment's records
	notice *Notice      // a torn tail: it may be cut, nothing acknowledged is in it; with again, what was passed over
	damage *DamageError // acknowledged bytes are gone; start-up must stop
	tail   tail         // what lies behind the damage
}

// judge decides about the spot at which the scanner stopped. This is the one place
// where "torn by a crash" and "damaged" are told apart:
//
//   - nothing but zeros behind it: the end;
//   - in a segment that has a successor: damage, since a segment is durable as a
//     whole before the next one gets its name;
//   - a whole record behind it attests that the spot was once durable: damage;
//   - otherwise: a batch that was being written when power went. No record of it
//     was acknowledged, not even one that is whole, because acknowledging takes an
//     fsync that covers the spot.
func (s *segmentScanner) judge(what string, isLast bool) (verdict, error) {
	if what == "" {
		return verdict{end: true}, nil
	}
	t, err := s.inspectTail()
	if err != nil {
		return verdict{}, err
	}
	if t.dataEnd == s.off {
		return verdict{end: true}, nil
	}
	// A tool may read a log that a server is writing. Whatever attests that the spot
	// is durable was written after it, so a second look now finds it whole.
	s.buf = s.buf[:0]
	if _, _, still, err := s.recordAt(s.off); err != nil || still == "" {
		return verdict{again: true}, err
	}
	switch {
	case !isLast:
		what += ", in a segment that was finished"
	case t.undecided:
		what += ", and what follows looks too much like records to be judged"
	case t.maxSynced > s.off:
		what += fmt.Sprintf(", and a later record attests that %d bytes had been durable", t.maxSynced)
	default:
		return verdict{notice: &Notice{File: s.path, Offset: s.off, Bytes: t.dataEnd - s.off, Intact: t.intact, Reason: what}}, nil
	}
	return verdict{damage: s.recordDamage(what, t, isLast), tail: t}, nil
}

// judgeCovered is judge for one who has a snapshot that is known to be whole: damage in what the snapshot holds as well
// is passed over (again, with a notice). That is so when the whole record behind the damage is at most the successor of
// covered, the snapshot's zxid: zxids grow along the file, and a record is whole in its own place only, so nothing later
// can be in between.
func (s *segmentScanner) judgeCovered(what string, isLast bool, covered uint64) (verdict, error) {
	v, err := s.judge(what, isLast)
	if err != nil || v.damage == nil || covered == 0 {
		return v, err
	}
	budget := tailBudget * (s.size - s.off)
	r, n, err := s.nextWhole(s.behind(), v.tail.dataEnd, &budget)
	if err != nil || n == 0 {
		return v, err
	}
	switch {
	case r.kind == recordMark && r.zxid >= s.last && r.zxid <= covered:
		s.last = r.zxid
	case r.kind == recordTxn && r.zxid > s.last && r.zxid-1 <= covered:
		if uint32(r.zxid) > 1 { // otherwise it is the first of its epoch and follows any earlier one
			s.last = r.zxid - 1
		}
	default:
		return v, nil
	}
	notice := &Notice{File: s.path, Offset: s.off, Bytes: r.off - s.off, Reason: v.damage.What, Covered: covered}
	s.off = r.off
	s.count = max(s.count, 1) // the first record was in the damage, if not before it
	return verdict{again: true, notice: notice}, nil
}

func (s *segmentScanner) recordDamage(what string, t tail, isLast bool) *DamageError {
	lost := fmt.Sprintf("everything after zxid %s", zxidString(s.last))
	switch {
	case t.intact == 1:
		lost += fmt.Sprintf("; one whole record, %s, follows in this file", zxidString(t.first))
	case t.intact > 1:
		lost += fmt.Sprintf("; %d whole records, %s to %s, follow in this file", t.intact, zxidString(t.first), zxidString(t.last))
	}
	if !isLast {
		lost += "; later segments follow"
	}
	return &DamageError{File: s.path, Offset: s.off, What: what, Lost: lost, Remedy: CutRemedy(s.path, s.off)}
}

// orderDamage is for a record that is whole but stands where it must not.
func (s *segmentScanner) orderDamage(r scanned, last uint64, what string) *DamageError {
	return &DamageError{File: s.path, Offset: r.off, What: what,
		Lost: fmt.Sprintf("everything after zxid %s", zxidString(last)), Remedy: CutRemedy(s.path, r.off)}
}

func headerDamage(file, what string) *DamageError {
	return &DamageError{File: file, Offset: 0, What: what,
		Lost: "the records of this segment and of all later ones", Remedy: CutRemedy(file, 0)}
}

// gapDamage is for a segment before which another one, or a snapshot, is missing.
func gapDamage(file string, last, prev uint64) *DamageError {
	return &DamageError{File: file, Offset: 0,
		What: fmt.Sprintf("segment goes on after zxid %s, but what is there before it ends with %s: a log file or a newer snapshot is missing",
			zxidString(prev), zxidString(last)),
		Lost:   fmt.Sprintf("everything after zxid %s", zxidString(last)),
		Remedy: "bring the missing file back, or " + CutRemedy(file, 0)}
}
