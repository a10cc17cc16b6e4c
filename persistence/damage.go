package persistence

import (
	"errors"
	"fmt"
)

// ErrDamaged is what errors.Is finds in every *DamageError.
var ErrDamaged = errors.New("damaged")

// DamageError says that a file does not hold what was once durable in it. Start-up
// stops on it, because going on would lose acknowledged writes without a word.
type DamageError struct {
	File   string // path of the damaged file
	Offset int64  // byte at which the damaged part begins
	What   string // what is wrong there
	Lost   string // what the remedy gives up, if anything
	Remedy string // what a person can do: the command, or the file to bring back
}

// Error names file, offset, fault, what is at stake and the remedy, in one line.
func (e *DamageError) Error() string {
	s := fmt.Sprintf("%s: damaged at byte %d: %s", e.File, e.Offset, e.What)
	if e.Lost != "" {
		s += "; at stake: " + e.Lost
	}
	return s + "; remedy: " + e.Remedy
}

// Is lets errors.Is(err, ErrDamaged) recognise damage of any kind.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }

// Notice reports something that recovery met and dealt with: the torn end of the
// log after a crash. It belongs in the server's log as a warning.
type Notice struct {
	File   string // path of the segment
	Offset int64  // first byte that was, or will be, cut off
	Bytes  int64  // bytes from there to the last one that is not zero
	Intact int    // whole records among them; none had been acknowledged
	Reason string // what is wrong at Offset
}

// String tells it in one line.
func (n Notice) String() string {
	return fmt.Sprintf("%s: unfinished write at byte %d (%s): %d bytes with %d whole records, none of them acknowledged, are cut off",
		n.File, n.Offset, n.Reason, n.Bytes, n.Intact)
}
