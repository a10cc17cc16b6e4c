package cluster

import (
	"fmt"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// ElectionPeerOptions are how soon a lost member is found again.
type ElectionPeerOptions struct {
	// RetryPause is the time between two attempts to reach the member, always the same: after a partition an ensemble needs
	// its links at once, and an attempt costs little.
	RetryPause time.Duration
	// DialTimeout is how long one attempt may take. It must be short, because the kernel asks again ever more rarely whether
	// a host that doesn't answer is there; a new attempt asks at once. A network whose round trip takes longer needs more.
	DialTimeout time.Duration
	Link        LinkOptions
}

// DefaultElectionPeerOptions find a member again within a second of its return.
func DefaultElectionPeerOptions() ElectionPeerOptions {
	return ElectionPeerOptions{RetryPause: 100 * time.Millisecond, DialTimeout: 500 * time.Millisecond, Link: ElectionLinks()}
}

// deafKnocks is how many knocks are answered in vain before the link of the next one is taken: the member may have moved, and
// can't tell where to before there is a link.
const deafKnocks = 2

type (
	// electionRetry is the end of a pause; one of an earlier pause has another number.
	electionRetry struct{ pause uint64 }
	// linkGone tells, behind all that a link has said, that its actor has ended.
	linkGone struct{ link *actor.PID }
	// knockKept tells that the other side seems to keep the link that this side has only knocked with.
	knockKept struct{ link *actor.PID }
)

// electionPeerActor keeps the link for elections to one other member. It owns one link at a time; the next one begins
// when the last one's LinkDown has come, so nothing of an old link comes behind something of a newer one.
type electionPeerActor struct {
	actors.PrivateChildren
	rt       *actors.Runtime
	network  Network
	self     Identity
	member   ElectionMember
	election *actor.PID
	opts     ElectionPeerOptions
	pairing  pairing
	log      zerolog.Logger
	serial   *uint64 // of links that were dialled; it outlives a restart

	link       *actor.PID // dialled or adopted
	up         bool       // PeerUp was said
	knocking   bool       // the link is one that this side has only knocked with
	since      int64      // when it came up, monotonic microseconds
	peer       messages.Hello
	next       *actor.PID // is adopted when the link is down
	nextRemote string
	redial     bool                   // the next one is dialled without a pause
	asked      bool                   // the present one is dialled because the member has knocked
	lost       int                    // how many of those, one after the other, have not come about
	unsent     *messages.Notification // the newest one that there was no link for
	timer      actors.Timer
	pause      uint64
	talk       talk   // what was said about why there is no link
	turned     int    // how often in a row the member has turned a knock away
	remote     string // address of the other end of the link
	rival      rival
	doubted    bool // PeerDisputed was said
}

// NewElectionPeer makes the props of the actor that keeps the link for elections to a member. The election actor hears
// PeerUp and PeerDown in turns and, between them, each *messages.Notification of the member. It sends the ones that
// are to go out; while there is no link the newest of them is kept. A LinkAccepted from the member, for elections, is to be
// passed on to this actor. Its class is Private; whoever has spawned it spawns another one.
func NewElectionPeer(rt *actors.Runtime, network Network, self Identity, m ElectionMember, election *actor.PID, o ElectionPeerOptions,
) *actor.Props {
	serial := new(uint64)
	return rt.SharedProps("electionpeer", func() actor.Actor {
		return &electionPeerActor{
			PrivateChildren: actors.PrivateChildren{Runtime: rt}, rt: rt, network: network, self: self, member: m, election: election,
			opts: o, pairing: pairing{self: self.ID, peer: m.ID, guest: m.Address == ""}, serial: serial,
			log: rt.Log.With().Str("component", "election peer").Uint8("server", uint8(m.ID)).Logger(),
		}
	})
}

// Receive implements actor.Actor.
func (a *electionPeerActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		if a.pairing.knocks() {
			a.retryLater(ctx)
		} else {
			a.dial(ctx)
		}
	case *messages.Notification:
		a.notification(ctx, m)
	case doubtOver:
		a.doubtOver(ctx)
	case LinkAccepted:
		a.accepted(ctx, m)
	case LinkUp:
		a.linkUp(ctx, m)
	case LinkDown:
		a.linkDown(ctx, m)
	case *actor.Terminated:
		ctx.Send(ctx.Self(), linkGone{m.Who}) // it has overtaken the link's last words
	case linkGone:
		a.linkDown(ctx, LinkDown{Link: m.link, Reason: "it was gone before it could be adopted"})
	case knockKept:
		if a.link != nil && a.link.Equal(m.link) {
			a.isUp(ctx)
		}
	case electionRetry:
		if m.pause == a.pause && a.link == nil {
			a.dial(ctx)
		}
	case *actor.Stopping, *actor.Restarting:
		a.stopTimer()
		if a.link != nil {
			ctx.Send(a.link, CloseLink{Reason: "this server gives the election link up"})
		}
	default:
		a.rt.Unexpected(ctx, &a.log)
	}
}

func (a *electionPeerActor) dial(ctx actor.Context) {
	if !a.pairing.mayDial() {
		return
	}
	*a.serial++
	hello := messages.Hello{
		Purpose: messages.ForElection, From: a.self.ID, To: a.member.ID, Incarnation: a.self.Incarnation, Knock: a.pairing.knocks(),
	}
	props := NewLink(a.rt, uint64(a.member.ID), Dial{
		Network: a.network, Address: a.member.at(*a.serial), Timeout: a.opts.DialTimeout, Hello: hello, Owner: ctx.Self(), Options: a.opts.Link,
	})
	pid, err := ctx.SpawnNamed(props, fmt.Sprintf("link-%d", *a.serial))
	if err != nil {
		a.log.Error().Err(err).Msg("can't start a link's actor")
		a.retryLater(ctx)
		return
	}
	a.link, a.knocking, a.remote = pid, hello.Knock, a.member.Address
}

func (a *electionPeerActor) retryLater(ctx actor.Context) {
	a.stopTimer()
	a.pause++
	self, root, pause := ctx.Self(), a.rt.System.Root, a.pause
	a.timer = a.rt.Clock.After(a.opts.RetryPause, func() { root.Send(self, electionRetry{pause}) })
}

func (a *electionPeerActor) stopTimer() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

// notification goes out if it is this server's own, and to the election if it is the member's.
func (a *electionPeerActor) notification(ctx actor.Context, n *messages.Notification) {
	switch {
	case n.From == a.self.ID && a.up:
		ctx.Send(a.link, n)
	case n.From == a.self.ID:
		a.unsent = n
	case a.link == nil:
	case n.From == a.member.ID:
		a.isUp(ctx)
		ctx.Send(a.election, n)
	default:
		ctx.Send(a.link, CloseLink{Reason: fmt.Sprintf("server %d speaks in the name of server %d", a.member.ID, n.From)})
	}
}

func (a *electionPeerActor) accepted(ctx actor.Context, m LinkAccepted) {
	now := present{up: a.up, incarnation: a.peer.Incarnation, dialling: a.link != nil && !a.up, unreachable: a.lost >= deafKnocks}
	now.young = a.up && a.rt.Clock.MonoUs()-a.since < a.opts.DialTimeout.Microseconds()
	w := a.pairing.judge(m.Peer, now)
	if w != take {
		ctx.Send(m.Link, CloseLink{Reason: a.turnAway(w, m)})
		switch w {
		case dialBack:
			a.dialBack(ctx)
		case taken:
			ctx.Send(a.link, &messages.KeepAlive{}) // a host that has been started anew answers by breaking the link
			a.doubt(ctx, m.Peer.Incarnation)
		}
		return
	}
	if a.next != nil {
		ctx.Send(a.next, CloseLink{Reason: "server " + fmt.Sprint(a.member.ID) + " has dialled again"})
	}
	a.next, a.nextRemote = m.Link, m.Remote
	a.replace(ctx)
}

// dialBack answers a knock. A link that is up means nothing to the member any more.
func (a *electionPeerActor) dialBack(ctx actor.Context) {
	a.redial = true
	a.replace(ctx)
}

// replace goes on to the next link, when the present one is down.
func (a *electionPeerActor) replace(ctx actor.Context) {
	if a.link != nil {
		ctx.Send(a.link, CloseLink{Reason: "a new link to server " + fmt.Sprint(a.member.ID) + " replaces it"})
		return
	}
	a.goOn(ctx)
}

func (a *electionPeerActor) goOn(ctx actor.Context) {
	switch {
	case a.next != nil:
		a.stopTimer()
		a.link, a.next, a.redial = a.next, nil, false
		a.remote = a.nextRemote
		ctx.Watch(a.link) // it may be gone by now, and say nothing
		ctx.Send(a.link, Adopt{Owner: ctx.Self()})
	case a.redial:
		a.redial, a.asked = false, true
		a.stopTimer()
		a.dial(ctx)
	default:
		a.retryLater(ctx)
	}
}

func (a *electionPeerActor) linkUp(ctx actor.Context, m LinkUp) {
	if a.link == nil || !a.link.Equal(m.Link) {
		return
	}
	a.peer = m.Peer
	if !a.knocking {
		a.isUp(ctx)
		return
	}
	// The member closes this link and dials back, unless it doesn't know this server's address: then this one stays.
	self, root, link := ctx.Self(), a.rt.System.Root, m.Link
	a.stopTimer()
	a.timer = a.rt.Clock.After(a.opts.RetryPause, func() { root.Send(self, knockKept{link}) })
}

func (a *electionPeerActor) isUp(ctx actor.Context) {
	if a.up {
		return
	}
	a.up, a.lost, a.talk, a.turned, a.since = true, 0, talk{}, 0, a.rt.Clock.MonoUs()
	if a.unsent != nil {
		ctx.Send(a.link, a.unsent)
		a.unsent = nil
	}
	a.log.Info().Msg("election link up")
	ctx.Send(a.election, PeerUp{ID: a.member.ID})
	if a.doubted = a.doubted && a.rival.incarnation != a.peer.Incarnation; a.doubted {
		ctx.Send(a.election, PeerDisputed{ID: a.member.ID, Disputed: true})
	}
}

func (a *electionPeerActor) linkDown(ctx actor.Context, m LinkDown) {
	if a.link == nil || !a.link.Equal(m.Link) {
		return
	}
	switch {
	case a.up:
		a.log.Info().Msg("election link down: " + m.Reason)
		ctx.Send(a.election, PeerDown{ID: a.member.ID})
	case a.knocked(m.Reason):
	case a.talk.worth(m.Reason, a.rt.Clock.MonoUs()):
		level := zerolog.InfoLevel
		if strings.Contains(m.Reason, errRefused.Error()) {
			level = zerolog.WarnLevel
		}
		a.log.WithLevel(level).Msg("no election link yet: " + m.Reason)
	}
	if a.asked && !a.up {
		a.lost++
	}
	a.link, a.up, a.knocking, a.asked = nil, false, false, false
	a.goOn(ctx)
}
