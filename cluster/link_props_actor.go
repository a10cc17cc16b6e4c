package cluster

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// What a link and its owner say to each other beside the messages that it carries. All of these are sent as values,
// not as pointers; the messages that a link has read reach the owner as pointers (*messages.Propose …), in the order
// in which the other side sent them, between one LinkUp and one LinkDown. An owner that fails must stop and not be
// restarted: the link ends when its owner has ended.
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
	// more until it is given an owner by Adopt, or is turned away by CloseLink, whose reason who has dialled is told; if
	// neither happens it closes after a while, LinkOptions.AdoptTimeout.
	LinkAccepted struct {
		Link   *actor.PID
		Peer   messages.Hello
		Remote string // address of the other end, host:port
	}
	// Adopt gives a link that was accepted its owner, who gets LinkUp and all that follows. If the link has broken
	// meanwhile the owner gets the LinkDown alone.
	Adopt struct{ Owner *actor.PID }
	// CloseLink ends a link: what has been sent to it before is still written as far as the socket takes it at once.
	// The owner hears LinkDown with this reason.
	CloseLink struct{ Reason string }
	// Packed is messages that pack.Encode has made frames of, for who sends the same to several links. Nobody may
	// change the bytes afterwards.
	Packed struct{ Frames []byte }
	// AskRoom asks for a LinkHasRoom as soon as no more than Below bytes wait to be written: who has more to send than
	// the output limit can so send it piece by piece.
	AskRoom struct{ Below int }
	// LinkHasRoom answers AskRoom.
	LinkHasRoom struct{ Link *actor.PID }
)

// Dial is what a link that dials needs to know.
type Dial struct {
	Network Network
	Address string        // host:port of the other side
	Timeout time.Duration // of the connection; the Hello has its own
	Hello   messages.Hello
	Owner   *actor.PID
	Options LinkOptions
}

// NewLink makes the props of a link that dials. The owner hears LinkUp when both sides have said Hello, or LinkDown; it
// spawns the link as its child and embeds actors.PrivateChildren. The props are good for one link. n spreads links
// over the loops of connections.
func NewLink(rt *actors.Runtime, n uint64, d Dial) *actor.Props {
	kept := &linkOnce{}
	return rt.ConnProps("link", n, func() actor.Actor {
		return &linkActor{rt: rt, n: n, core: newDialledLink(d.Hello, d.Options), dial: &d, owner: d.Owner, once: kept, log: linkLog(rt)}
	})
}

// newLinkOn makes those of a link on a connection that was accepted. judge is who knows whether it is welcome.
func newLinkOn(rt *actors.Runtime, n uint64, t actors.Transport, self Identity, judge *actor.PID, o LinkOptions, told *talks) *actor.Props {
	kept := &linkOnce{}
	return rt.ConnProps("link", n, func() actor.Actor {
		return &linkActor{
			rt: rt, n: n, core: newAcceptedLink(self.ID, self.Incarnation, o), transport: t, judge: judge, once: kept, talks: told, log: linkLog(rt),
		}
	})
}

func linkLog(rt *actors.Runtime) zerolog.Logger {
	return rt.Log.With().Str("component", "link").Logger()
}

// Identity is who a server is to the others.
type Identity struct {
	ID messages.ServerID
	// Incarnation tells one run of the server's process from another. A later one should have a larger number.
	Incarnation uint64
}
