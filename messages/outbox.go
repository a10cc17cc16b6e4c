package messages

// Slot names a neighbour without knowing where it runs; the actor around a core turns slots into addresses.
type Slot uint8

// The slots that cores send to.
const (
	SlotNext    Slot = iota // the following stage
	SlotPrep                // the desk: prep of this server or of the leader
	SlotGate                // commit
	SlotTracker             // the session tracker
	SlotConn                // the connection that the message names
	SlotSync                // the log
	SlotFront               // the request processor
	SlotSnap                // the snapshotter
	SlotApplied             // who keeps account of what has been proposed and not applied
	SlotLeader              // the leader: its actor on this server, or the link to it
	SlotLocal               // the tracker of sessions that only this server knows
	SlotReplies             // the stages that are shown replies
)

// Send is one message and where it goes.
type Send struct {
	Slot Slot
	Msg  any
}

// Outbox is what a core returns instead of sending: the messages in the order in which they must go.
type Outbox []Send

// To appends a message.
func (o Outbox) To(slot Slot, msg any) Outbox { return append(o, Send{Slot: slot, Msg: msg}) }

// reusedOutbox is how long an outbox may be whose memory is kept.
const reusedOutbox = 1024

// Reuse empties an outbox whose messages have been sent, so that the next ones go into the same memory. What a burst has
// made large is let go. Nobody may use o any more.
func (o Outbox) Reuse() Outbox {
	if cap(o) > reusedOutbox {
		return nil
	}
	clear(o)
	return o[:0]
}
