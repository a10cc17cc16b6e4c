package cluster

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// What a link and its owner say to each other beside the messages that it carries. All of these are sent as values,
// not as pointers; the messages that a link has read reach the owner as pointers (*messages.Propose …), in the order
// in which the other side sent them, between one LinkUp and one LinkDown.
type (
	// LinkUp is a link's first word to its owner: both sides have said Hello. Peer is the other side's. From now on
	// every message sent to Link goes out to the other side, in order, until the link is down.
	LinkUp struct {
		Link *actor.PID
		Peer messages.Hello
	}
	// LinkDown is a link's last word to its owner, said exactly once, also when the link never came up (then without a
	// LinkUp before it). Of what was sent to the link and not yet read by the other side, any number of the last messages
	// is lost, and none is sent again. When the other side has said no Hello, Peer holds no more than whom the link was to reach.
	LinkDown struct {
		Link   *actor.PID
		Peer   messages.Hello
		Reason string
	}
	// LinkAccepted offers a link that another server has dialled, to the target of its purpose. The link reads nothing
	// more until it is given an owner by Adopt, or is turned away by CloseLink; if neither happens it closes after a while.
	LinkAccepted struct {
		Link *actor.PID
		Peer messages.Hello
	}
	// Adopt gives a link that was accepted its owner, who gets LinkUp and all that follows. If the link has broken
	// meanwhile the owner gets the LinkDown alone.
	Adopt struct{ Owner *actor.PID }
	// CloseLink ends a link: what has been sent to it before is still written as far as the socket takes it at once.
	// The owner hears LinkDown with this reason.
	CloseLink struct{ Reason string }
)
