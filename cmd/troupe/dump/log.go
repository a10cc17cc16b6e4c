package dump

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// LogOptions says what of a log is dumped and how.
type LogOptions struct {
	FS     persistence.FS
	Place  Place
	Filter Filter
	Style  Style
	Tail   int       // only the last so many that match; 0 means all
	Out    io.Writer // transactions
	Err    io.Writer // notices and damage
}

// Log dumps a log. whole is false if it met damage, which it has described on o.Err after all that could be read. The
// error is for a log that can't be read, a cancelled context, or output that nobody takes.
func Log(ctx context.Context, o LogOptions) (whole bool, err error) {
	out := bufio.NewWriterSize(o.Out, 64<<10)
	write := txnWriter(out, o.Style)
	var found findings
	if o.Tail > 0 {
		found, err = tail(ctx, &o, write)
	} else {
		found, err = o.dump(ctx, o.Filter.after(), write)
	}
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	if err != nil {
		return false, err
	}
	return found.report(o.Err), nil
}

func txnWriter(out *bufio.Writer, style Style) func(*Txn) error {
	if !style.JSON {
		return (&textWriter{out, style}).txn
	}
	e := newEncoder(out)
	return func(t *Txn) error { return e.Encode(txnToJSON(t, style.Secrets)) }
}

// dump calls write with what matches.
func (o *LogOptions) dump(ctx context.Context, after uint64, write func(*Txn) error) (findings, error) {
	s := scan{fs: o.FS, place: o.Place, after: after}
	err := s.each(ctx, func(t *Txn) error {
		if t.Header.Zxid > o.Filter.end() {
			return errStop
		}
		if !o.Filter.matches(t) {
			return nil
		}
		return write(t)
	})
	return s.found, err
}

// tail writes the last transactions that match. It begins with the last segment and doubles how far back it goes until it
// has found enough, so that the end of a long log is there at once.
func tail(ctx context.Context, o *LogOptions, write func(*Txn) error) (findings, error) {
	segments, err := o.Place.segments(o.FS)
	if err != nil {
		return findings{}, err
	}
	for back := 1; ; back *= 2 {
		after := o.Filter.after()
		begin := len(segments) - back
		if begin > 0 && o.Place.File == "" {
			after = max(after, segments[begin].First-1)
		}
		ring := make([]*Txn, 0, min(o.Tail, 1024))
		seen := 0
		found, err := o.dump(ctx, after, func(t *Txn) error {
			if len(ring) < o.Tail {
				ring = append(ring, t)
			} else {
				ring[seen%o.Tail] = t
			}
			seen++
			return nil
		})
		if err != nil {
			return found, err
		}
		if seen < o.Tail && after > o.Filter.after() {
			continue
		}
		for i := max(0, seen-o.Tail); i < seen; i++ {
			if err := write(ring[i%o.Tail]); err != nil {
				return found, err
			}
		}
		return found, nil
	}
}

// report describes what a scan met and tells whether the log is whole.
func (f *findings) report(w io.Writer) bool {
	for _, n := range f.notices {
		fmt.Fprintf(w, "notice: %v\n        (the next start does that; while a server is writing, it is simply not done yet)\n", n)
	}
	if f.damage == nil {
		return true
	}
	printDamage(w, f.damage)
	return false
}

// zxidRange writes the first and the last of some transactions.
func zxidRange(first, last messages.Zxid) string {
	return fmt.Sprintf("%v (%s) to %v (%s)", first, zxidParts(first), last, zxidParts(last))
}
