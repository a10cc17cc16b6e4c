package messages

import (
	"fmt"
	"strconv"
)

// Zxid numbers a transaction: the high 32 bits are the epoch of the leader that proposed it, the low 32 bits
// count its proposals. Within one epoch the counters have no gaps, the first one is 1 (Junqueira, Reed, Serafini:
// "Zab: High-performance broadcast for primary-backup systems", DSN 2011, section III).
type Zxid uint64

// MakeZxid builds a zxid from its two halves.
func MakeZxid(epoch, counter uint32) Zxid { return Zxid(epoch)<<32 | Zxid(counter) }

// Epoch is the high half: which leader's reign the transaction belongs to.
func (z Zxid) Epoch() uint32 { return uint32(z >> 32) }

// Counter is the low half: the position within the epoch, starting with 1.
func (z Zxid) Counter() uint32 { return uint32(z) }

// Follows tells whether z may come right behind last: the next counter of the same epoch, or the first of a
// later epoch.
func (z Zxid) Follows(last Zxid) bool {
	if z.Epoch() == last.Epoch() {
		return z == last+1
	}
	return z.Epoch() > last.Epoch() && z.Counter() == 1
}

// String prints the zxid as ZooKeeper's tools do: 0x and lower-case hexadecimal digits.
func (z Zxid) String() string { return "0x" + strconv.FormatUint(uint64(z), 16) }

// SessionID names a client's session for its whole life, on every server. 0 means "none".
type SessionID int64

// String prints the id as ZooKeeper's tools do.
func (s SessionID) String() string { return "0x" + strconv.FormatUint(uint64(s), 16) }

// ConnID names one connection of one server process. It is never used again in that process. 0 means "none": a
// request that the server made itself.
type ConnID uint64

// String prints the id for log lines.
func (c ConnID) String() string { return fmt.Sprintf("c%d", uint64(c)) }

// Ticket numbers the writes that one server's request processor has let in. The commit gate finds the waiting
// request by it. 0 means that nobody on this server waits.
type Ticket uint64

// ServerID is the id of an ensemble member: 1 to 255, 254 with extended types. A standalone server uses 1 in
// session ids and 0 where it prints its id, as ZooKeeper does.
type ServerID uint8
