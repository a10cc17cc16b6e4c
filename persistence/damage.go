package persistence

import (
	"errors"
	"fmt"
	"strings"
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
// log after a crash, or damage to what a snapshot holds as well. It belongs in the
// server's log as a warning.
type Notice struct {
	File   string // path of the segment
	Offset int64  // first byte that was, or will be, cut off
	Bytes  int64  // bytes from there to the last one that is not zero
	Intact int    // whole records among them; none had been acknowledged
	Reason string // what is wrong at Offset
	// Covered is not 0 if this is no torn end but damage that was passed over, because all that was in it is in the
	// snapshot of this zxid as well. Bytes then reach to the next whole record, and nothing is cut.
	Covered uint64
}

// String tells it in one line.
func (n Notice) String() string {
	if n.Covered != 0 {
		return fmt.Sprintf("%s: damaged at byte %d: %s; the snapshot of zxid %s holds all that was there, and nothing is lost "+
			"as long as it is whole",
			n.File, n.Offset, n.Reason, zxidString(n.Covered))
	}
	whole := "no whole record"
	if n.Intact > 0 {
		whole = count(n.Intact, "whole record")
	}
	return fmt.Sprintf("%s: unfinished write at byte %d (%s): %s with %s, none of it acknowledged, cut off",
		n.File, n.Offset, n.Reason, count(n.Bytes, "byte"), whole)
}

// count puts a number before the name of what was counted.
func count[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// CutRemedy is what a person can do about damage in a log: the last resort is the command that gives up what lies
// behind a spot. It sets the bytes aside instead of destroying them.
func CutRemedy(file string, off int64) string {
	return "restore the file from a copy or another server, or give up what follows with: troupe log check --cut " +
		shellWord(fmt.Sprintf("%s@%d", file, off))
}

// shellWord quotes what a shell would not take as one plain word.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,=", r)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
