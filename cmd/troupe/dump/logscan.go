package dump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// Txn is one transaction of the log. All of it may be kept.
type Txn struct {
	Header messages.TxnHeader
	Body   messages.TxnBody
	Bytes  int    // size of the encoded transaction
	File   string // path of the segment
	Offset int64  // byte at which the record begins
}

// scan reads a log, or one segment of it, in order. Unlike a recovery it shows what is before a damaged header, too.
type scan struct {
	fs    persistence.FS
	place Place
	after uint64 // begin behind this zxid

	found    findings
	segments []persistence.Segment
	last     uint64 // zxid of the last transaction seen
	rereads  int
}

// findings is what a scan met that is not a transaction.
type findings struct {
	notices []persistence.Notice
	damage  *persistence.DamageError // the first one
}

// errStop ends a scan from within.
var errStop = errors.New("stop")

// maxRereads bounds how often a scan begins anew because a running server changed the files under it.
const maxRereads = 3

// each calls yield with every transaction. Damage is no error: it is in found, and ends the scan.
func (s *scan) each(ctx context.Context, yield func(*Txn) error) error {
	for {
		again, err := s.pass(ctx, yield)
		if errors.Is(err, errStop) {
			return nil
		}
		if err != nil || !again {
			return err
		}
		s.rereads++
	}
}

// pass reads on from where the scan is.
func (s *scan) pass(ctx context.Context, yield func(*Txn) error) (again bool, err error) {
	s.found = findings{}
	r, err := s.open()
	if err != nil || r == nil {
		return s.purged(err)
	}
	defer r.Close()
	header := s.found.damage // of a segment further on
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			s.finish(r.Notices(), header)
			return false, nil
		}
		if err == nil && s.place.File != "" && rec.File != s.segments[0].Path {
			return false, nil // the successor, which was only there to judge the end
		}
		var txn *Txn
		if err == nil {
			txn, err = decode(&rec)
		}
		if err != nil {
			return s.failed(err)
		}
		if err := yield(txn); err != nil {
			return false, err
		}
		s.last = rec.Zxid
		s.after = max(s.after, s.last)
	}
}

// open opens the segments up to the first whose header is damaged. A nil reader means that there is none to read.
func (s *scan) open() (*persistence.Reader, error) {
	var err error
	if s.segments, err = s.place.segments(s.fs); err != nil {
		return nil, err
	}
	segments := s.segments
	for len(segments) > 0 {
		v := &view{FS: s.fs, dir: s.place.Dir}
		if s.place.File != "" && segments[0].Path != s.place.File {
			v = viewOf(s.fs, s.place)
		}
		v.names = v.names[:0]
		for _, seg := range segments {
			v.names = append(v.names, path.Base(seg.Path))
		}
		r, err := persistence.OpenReader(persistence.ReaderOptions{
			FS: v, Dir: s.place.Dir, DatabaseID: s.place.databaseID(s.fs), After: s.after, AnyStart: true,
		})
		var damage *persistence.DamageError
		if !errors.As(err, &damage) {
			return r, err
		}
		at := indexOf(segments, damage.File)
		if at < 0 {
			return nil, err
		}
		s.found.damage, segments = s.known(damage), segments[:at]
	}
	return nil, nil
}

func indexOf(segments []persistence.Segment, file string) int {
	for i, seg := range segments {
		if seg.Path == file {
			return i
		}
	}
	return -1
}

// purged decides about files that are gone: a running server may have removed the oldest ones since they were listed.
func (s *scan) purged(err error) (again bool, _ error) {
	if isMissing(err) && s.rereads < maxRereads && s.place.File == "" && len(s.segments) > 0 {
		return true, nil
	}
	return false, err
}

// failed sorts out what ended a pass. A spot in the last segment that looks damaged is looked at twice: a server that
// was writing there may have been caught in the middle.
func (s *scan) failed(err error) (again bool, _ error) {
	var damage *persistence.DamageError
	if !errors.As(err, &damage) {
		return s.purged(err)
	}
	if damage.File == s.segments[len(s.segments)-1].Path && s.rereads == 0 {
		return true, nil
	}
	if s.place.File != "" && damage.File != s.segments[0].Path {
		s.found.damage = nil // the successor's trouble
		return false, nil
	}
	s.found.damage = s.known(damage)
	return false, nil
}

// finish judges the end of what could be read. If segments with damaged headers follow, a torn end is none: a finished
// segment was durable as a whole.
func (s *scan) finish(notices []persistence.Notice, header *persistence.DamageError) {
	s.found.notices = notices
	if header == nil {
		return
	}
	s.found.damage = header
	if s.place.File != "" && header.File != s.segments[0].Path {
		s.found.damage = nil
	}
	if len(notices) > 0 {
		n := notices[0]
		s.found = findings{damage: s.known(&persistence.DamageError{
			File: n.File, Offset: n.Offset, What: n.Reason + ", in a segment that was finished",
			Lost: fmt.Sprintf("everything after zxid %v", messages.Zxid(s.last)), Remedy: persistence.CutRemedy(n.File, n.Offset),
		})}
	}
}

// known makes damage in a copy name the copy, which is nothing to repair.
func (s *scan) known(damage *persistence.DamageError) *persistence.DamageError {
	if s.place.File == "" || s.segments[0].Path == s.place.File {
		return damage
	}
	d := *damage
	d.File, d.Remedy = s.place.File, "none for a copy; check the log that it was taken from"
	return &d
}

func decode(rec *persistence.Record) (*Txn, error) {
	header, body, err := messages.DecodeTxn(rec.Body)
	if err == nil && uint64(header.Zxid) != rec.Zxid {
		err = fmt.Errorf("the record is numbered %v, its transaction %v", messages.Zxid(rec.Zxid), header.Zxid)
	}
	if err != nil {
		return nil, &persistence.DamageError{
			File: rec.File, Offset: rec.Offset, What: err.Error(),
			Lost:   fmt.Sprintf("the transaction %v and all later ones", messages.Zxid(rec.Zxid)),
			Remedy: persistence.CutRemedy(rec.File, rec.Offset),
		}
	}
	return &Txn{Header: header, Body: body, Bytes: len(rec.Body), File: rec.File, Offset: rec.Offset}, nil
}
