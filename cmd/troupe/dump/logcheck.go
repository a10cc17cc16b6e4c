package dump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"text/tabwriter"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// segmentSum is what a check found in one segment.
type segmentSum struct {
	count       int64
	first, last messages.Zxid
	from, to    int64 // times of the first and the last transaction
}

func (s *segmentSum) add(h *messages.TxnHeader) {
	if s.count == 0 {
		s.first, s.from = h.Zxid, h.Time
	}
	s.last, s.to = h.Zxid, h.Time
	s.count++
}

// CheckLog verifies all of a log, each record's checksum, place and contents, and that it fits the newest snapshot if that
// lies beside it. It describes what it found on out, and tells whether the log is whole. The error is for a log that can't
// be read, or a cancelled context.
func CheckLog(ctx context.Context, fsys persistence.FS, place Place, style Style, out io.Writer) (whole bool, err error) {
	s := scan{fs: fsys, place: place}
	sums := map[string]*segmentSum{}
	var all segmentSum
	err = s.each(ctx, func(t *Txn) error {
		sum := sums[t.File]
		if sum == nil {
			sum = &segmentSum{}
			sums[t.File] = sum
		}
		sum.add(&t.Header)
		all.add(&t.Header)
		return nil
	})
	if err != nil {
		return false, err
	}
	segments := s.segments
	if place.File != "" {
		segments = segments[:1]
	}
	fmt.Fprintf(out, "log in %s\n", place.Dir)
	printSegments(out, fsys, segments, sums, style)
	if all.count == 0 {
		fmt.Fprintln(out, "no transactions")
	} else {
		fmt.Fprintf(out, "%s, %s\n", count(all.count, "transaction", "transactions"), zxidRange(all.first, all.last))
	}
	if s.found.damage == nil && place.File == "" {
		if s.found.damage, err = checkStart(fsys, place, out); err != nil {
			return false, err
		}
	}
	if !s.found.report(out) {
		return false, tellNeedless(ctx, fsys, place, out)
	}
	_, err = fmt.Fprintln(out, "whole")
	return true, err
}

func printSegments(out io.Writer, fsys persistence.FS, segments []persistence.Segment, sums map[string]*segmentSum, style Style) {
	if len(segments) == 0 {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  segment\ton disk\ttransactions\tfirst\tlast\tfrom\tto")
	for _, seg := range segments {
		bytes := "gone"
		if info, err := fsys.Stat(seg.Path); err == nil {
			bytes = size(info.Size)
		}
		sum := sums[seg.Path]
		if sum == nil {
			fmt.Fprintf(w, "  %s\t%s\t0\t-\t-\t-\t-\n", path.Base(seg.Path), bytes)
			continue
		}
		fmt.Fprintf(w, "  %s\t%s\t%d\t%v\t%v\t%s\t%s\n", path.Base(seg.Path), bytes, sum.count, sum.first, sum.last,
			style.time(sum.from), style.time(sum.to))
	}
	_ = w.Flush()
}

// checkStart does what a start does first: it looks for the records that follow the newest snapshot.
func checkStart(fsys persistence.FS, place Place, out io.Writer) (*persistence.DamageError, error) {
	zxid, name := newestSnapshot(fsys, place)
	if name == "" {
		return nil, nil
	}
	fmt.Fprintf(out, "newest snapshot %s, zxid %v (%s)\n", path.Base(name), zxid, zxidParts(zxid))
	r, err := persistence.OpenReader(persistence.ReaderOptions{
		FS: fsys, Dir: place.Dir, DatabaseID: place.databaseID(fsys), After: uint64(zxid),
	})
	var damage *persistence.DamageError
	if errors.As(err, &damage) {
		return damage, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, r.Close()
}

// tellNeedless says so when the damage lies in a part that no start reads any more: cutting there would give up
// transactions that are not in danger.
func tellNeedless(ctx context.Context, fsys persistence.FS, place Place, out io.Writer) error {
	zxid, name := newestSnapshot(fsys, place)
	if name == "" || place.File != "" {
		return nil
	}
	last, ok, err := readFrom(ctx, fsys, place, zxid)
	if err != nil || !ok {
		return err
	}
	_, err = fmt.Fprintf(out, "DON'T CUT while %s is whole (see troupe snapshot check): a start reads that and what follows it,\n"+
		"to zxid %v (%s), which is whole. The damage is before that, and cutting there would lose what follows.\n",
		path.Base(name), last, zxidParts(last))
	return err
}

// readFrom reads what a start from a snapshot reads, and tells whether it is whole and with which transaction it ends.
func readFrom(ctx context.Context, fsys persistence.FS, place Place, zxid messages.Zxid) (last messages.Zxid, ok bool, err error) {
	r, err := persistence.OpenReader(persistence.ReaderOptions{
		FS: fsys, Dir: place.Dir, DatabaseID: place.databaseID(fsys), After: uint64(zxid),
	})
	if err == nil {
		defer r.Close()
	}
	for n := 0; err == nil; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return 0, false, ctx.Err()
		}
		var rec persistence.Record
		if rec, err = r.Next(); err == nil {
			_, err = decode(&rec)
		}
	}
	switch {
	case errors.Is(err, io.EOF):
		return messages.Zxid(max(r.LastZxid(), uint64(zxid))), true, nil
	case errors.Is(err, persistence.ErrDamaged):
		return 0, false, nil
	}
	return 0, false, err
}

// newestSnapshot finds the newest snapshot of the same server that has a good header, "" if there is none or with a
// dataLogDir nobody has told where to look.
func newestSnapshot(fsys persistence.FS, place Place) (messages.Zxid, string) {
	if place.data == "" {
		return 0, ""
	}
	files, err := persistence.ListSnapshots(fsys, path.Join(place.data, snapshotKind.folder))
	if err != nil {
		return 0, ""
	}
	for _, f := range files {
		r, err := persistence.OpenSnapshot(fsys, f.Path, place.databaseID(fsys))
		if err == nil {
			_ = r.Close()
			return messages.Zxid(f.Zxid), f.Path
		}
	}
	return 0, ""
}
