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

// Errors of Cut.
var (
	// ErrInUse says that a server has the folder, so nothing in it may be changed.
	ErrInUse = errors.New("a server is using the folder; stop it first")
	// ErrDeclined says that the operator did not agree. Nothing was changed.
	ErrDeclined = errors.New("nothing was changed")
)

// lockName is the file by which a server has its folder for itself.
const lockName = "lock"

// CutOptions says where a log is cut.
type CutOptions struct {
	FS     persistence.FS
	File   string // path of the segment
	Offset int64  // byte at which a record, or the damage, begins
	Style  Style
	Out    io.Writer
	// Agree asks the operator, who has been told what will be lost, whether to go on.
	Agree func() (bool, error)
}

// Cut gives up what a log holds from one byte of a segment on: the rest of that file and all later segments. It holds the
// folder's lock meanwhile, tells what is lost, asks, sets the bytes aside, and checks what is left; whole is what that
// check says.
func Cut(ctx context.Context, o CutOptions) (whole bool, err error) {
	place, err := FindLog(o.FS, o.File)
	if err != nil {
		return false, err
	}
	if place.File == "" {
		return false, fmt.Errorf("%s is a folder; name the segment to cut", o.File)
	}
	unlock, err := lockFolder(o.FS, place)
	if err != nil {
		return false, err
	}
	defer unlock()
	folder := Place{Dir: place.Dir, own: place.own, data: place.data}
	if err := tellLoss(ctx, &o, folder); err != nil {
		return false, err
	}
	if ok, err := o.Agree(); err != nil {
		return false, fmt.Errorf("%w: %w", ErrDeclined, err)
	} else if !ok {
		return false, ErrDeclined
	}
	report, err := persistence.CutLog(o.FS, place.File, o.Offset, folder.databaseID(o.FS))
	for _, name := range report.SetAside {
		fmt.Fprintf(o.Out, "set aside as %s\n", name)
	}
	if err != nil {
		return false, err
	}
	if len(report.SetAside) == 0 {
		fmt.Fprintln(o.Out, "cut; there was nothing behind the spot to set aside")
	}
	return CheckLog(ctx, o.FS, folder, o.Style, o.Out)
}

// lockFolder takes the lock that a server would have. A copy that lies elsewhere and has never had a server has none.
func lockFolder(fsys persistence.FS, place Place) (unlock func(), err error) {
	own := path.Dir(place.Dir)
	name := path.Join(own, lockName)
	if _, err := fsys.Stat(name); err != nil && place.own == "" {
		return func() {}, nil
	}
	lock, err := fsys.Lock(name)
	if errors.Is(err, persistence.ErrLocked) {
		return nil, fmt.Errorf("%s: %w", own, ErrInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", own, err)
	}
	return func() { _ = lock.Close() }, nil
}

// loss is what a cut gives up.
type loss struct {
	kept        messages.Zxid // the last transaction before the cut
	count       int64
	first, last messages.Zxid
}

// tellLoss describes what the cut gives up, as far as it can still be read.
func tellLoss(ctx context.Context, o *CutOptions, place Place) error {
	segments, err := place.segments(o.FS)
	if err != nil {
		return err
	}
	file := path.Clean(o.File)
	at := indexOf(segments, file)
	if at < 0 {
		return fmt.Errorf("%s is not a segment of the log in %s", o.File, place.Dir)
	}
	s := scan{fs: o.FS, place: place}
	var l loss
	err = s.each(ctx, func(t *Txn) error {
		l.add(t.Header.Zxid, before(segments, at, o.Offset, t))
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "cutting %s at byte %d\n", file, o.Offset)
	if l.kept == 0 {
		fmt.Fprintln(o.Out, "  kept      no transaction")
	} else {
		fmt.Fprintf(o.Out, "  kept      all up to zxid %v (%s)\n", l.kept, zxidParts(l.kept))
	}
	l.print(o.Out, s.found.damage)
	if later := segments[at+1:]; len(later) > 0 {
		names := path.Base(later[0].Path)
		if len(later) > 1 {
			names += " to " + path.Base(later[len(later)-1].Path)
		}
		fmt.Fprintf(o.Out, "  given up  %s too: %s\n", count(len(later), "later segment", "later segments"), names)
	}
	if zxid, name := newestSnapshot(o.FS, place); zxid > l.kept {
		fmt.Fprintf(o.Out, "  note      %s, if it is whole, has everything up to zxid %v (%s): that much is not lost\n",
			path.Base(name), zxid, zxidParts(zxid))
	}
	if s.found.damage != nil {
		if err := tellNeedless(ctx, o.FS, place, o.Out); err != nil {
			return err
		}
	}
	fmt.Fprintln(o.Out, "Clients that were told of a write that is given up will find it undone. The bytes are set aside, not deleted.")
	return nil
}

// before tells whether a transaction is in front of the cut.
func before(segments []persistence.Segment, at int, off int64, t *Txn) bool {
	i := indexOf(segments, t.File)
	return i < at || (i == at && t.Offset < off)
}

func (l *loss) add(zxid messages.Zxid, kept bool) {
	if kept {
		l.kept = zxid
		return
	}
	if l.count == 0 {
		l.first = zxid
	}
	l.last = zxid
	l.count++
}

func (l *loss) print(out io.Writer, damage *persistence.DamageError) {
	if l.count > 0 {
		fmt.Fprintf(out, "  given up  %s that can be read, %s\n", count(l.count, "transaction", "transactions"), zxidRange(l.first, l.last))
	}
	switch {
	case damage != nil:
		fmt.Fprintf(out, "  damaged   %s at byte %d: %s\n", damage.File, damage.Offset, damage.What)
		if damage.Lost != "" {
			fmt.Fprintf(out, "  given up  %s\n", damage.Lost)
		}
	case l.count == 0:
		fmt.Fprintln(out, "  given up  no transaction: none follows")
	default:
		fmt.Fprintln(out, "  damaged   nothing: this log is whole")
	}
}
