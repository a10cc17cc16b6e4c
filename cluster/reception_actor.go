package cluster

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// ReceptionOptions are the limits on links that other servers dial.
type ReceptionOptions struct {
	// Links are the options of the links of each purpose; a purpose that is missing here is refused. Of a link whose
	// purpose isn't known yet, those for elections count.
	Links map[messages.Purpose]LinkOptions
	// HalfOpen is how many connections may be there that haven't said Hello. One more, and the oldest of them is closed:
	// servers say it at once, so whoever floods the port keeps out himself.
	HalfOpen int
}

// DefaultReceptionOptions take links for both purposes.
func DefaultReceptionOptions() ReceptionOptions {
	return ReceptionOptions{
		Links: map[messages.Purpose]LinkOptions{
			messages.ForElection: ElectionLinks(),
			messages.ForLearning: LearningLinks(),
		},
		HalfOpen: 64,
	}
}

type (
	// SetTarget tells a reception whom to offer the links of a purpose from now on: Target gets LinkAccepted. Without a
	// Target, and when it has ended, they are refused, and the other side is told Refusal (there is a text for "").
	SetTarget struct {
		Purpose messages.Purpose
		Target  *actor.PID
		Refusal string
	}
	linkConnected struct{ transport actors.Transport }
	acceptFailed  struct{ err error }
)

// receptionActor accepts connections of other servers and is the parent of their links.
type receptionActor struct {
	actors.PrivateChildren
	rt       *actors.Runtime
	log      zerolog.Logger
	acceptor actors.Acceptor
	self     Identity
	opts     ReceptionOptions
	kept     *receptionState
	greeting []*actor.PID // links whose Hello is awaited, oldest first
}

// receptionState outlives a restart of the actor: the socket goes on listening, and whoever takes links is still there.
type receptionState struct {
	targets  map[messages.Purpose]SetTarget
	accepted bool // the acceptor has been started
	came     actors.Accepted
	serial   uint64 // of links; no name is used twice
	talks    talks  // what was said about links that came to nothing
}

// NewReception makes the props of the reception on an acceptor, which it closes when it stops. Its class is Resumable:
// a restart would cost the links that it has accepted, and on a leader by these its reign.
func NewReception(rt *actors.Runtime, acceptor actors.Acceptor, self Identity, targets []SetTarget, o ReceptionOptions) *actor.Props {
	kept := &receptionState{targets: map[messages.Purpose]SetTarget{}}
	for _, t := range targets {
		kept.targets[t.Purpose] = t
	}
	return rt.SharedProps("reception", func() actor.Actor {
		return &receptionActor{
			PrivateChildren: actors.PrivateChildren{Runtime: rt}, rt: rt,
			log:      rt.Log.With().Str("component", "reception").Str("address", acceptor.Addr()).Logger(),
			acceptor: acceptor, self: self, opts: o, kept: kept,
		}
	})
}

// Receive implements actor.Actor.
func (a *receptionActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case SetTarget:
		a.kept.targets[m.Purpose] = m
		a.watch(ctx, m)
	case linkConnected:
		if a.kept.came.Take(m.transport) {
			a.connected(ctx, m.transport)
		}
	case acceptFailed:
		a.log.Error().Err(m.err).Msg("can't accept connections of other servers at the moment")
	case linkGreeted:
		a.greeted(ctx, m)
	case *actor.Terminated:
		a.gone(m.Who)
	case *actor.Stopping:
		a.acceptor.Close()
		a.kept.came.Close()
	default:
		a.rt.Unexpected(ctx, &a.log)
	}
}

func (a *receptionActor) start(ctx actor.Context) {
	for _, p := range []messages.Purpose{messages.ForElection, messages.ForLearning} {
		a.watch(ctx, a.kept.targets[p])
	}
	if a.kept.accepted {
		return
	}
	a.kept.accepted = true
	self, root, kept := ctx.Self(), a.rt.System.Root, a.kept
	a.acceptor.Start(
		func(t actors.Transport) {
			if kept.came.Put(t) {
				root.Send(self, linkConnected{t})
			}
		},
		func(err error) { root.Send(self, acceptFailed{err}) })
}

func (a *receptionActor) watch(ctx actor.Context, t SetTarget) {
	if t.Target != nil {
		ctx.Watch(t.Target)
	}
}

func (a *receptionActor) connected(ctx actor.Context, t actors.Transport) {
	if len(a.greeting) >= a.opts.HalfOpen {
		ctx.Send(a.greeting[0], CloseLink{Reason: fmt.Sprintf("more than %d connections at a time have said no Hello", a.opts.HalfOpen)})
		a.greeting = a.greeting[1:]
	}
	a.kept.serial++
	props := newLinkOn(a.rt, a.kept.serial, t, a.self, ctx.Self(), a.opts.Links[messages.ForElection], &a.kept.talks)
	pid, err := ctx.SpawnNamed(props, fmt.Sprintf("link-%d", a.kept.serial))
	if err != nil {
		a.log.Error().Err(err).Msg("can't start a link's actor")
		t.Close()
		return
	}
	a.greeting = append(a.greeting, pid)
}

// greeted decides about a link whose Hello is right: whether there is somebody for it.
func (a *receptionActor) greeted(ctx actor.Context, m linkGreeted) {
	a.greets(m.link)
	target, opts := a.kept.targets[m.peer.Purpose], a.opts.Links[m.peer.Purpose]
	if target.Target == nil || opts == (LinkOptions{}) {
		ctx.Send(m.link, linkVerdict{refused: a.refusal(m.peer.Purpose)})
		return
	}
	ctx.Send(m.link, linkVerdict{opts: opts})
	ctx.Send(target.Target, LinkAccepted{Link: m.link, Peer: m.peer, Remote: m.remote})
}

// refusal is what a server is told that nobody waits for.
func (a *receptionActor) refusal(p messages.Purpose) string {
	switch text := a.kept.targets[p].Refusal; {
	case text != "":
		return text
	case p == messages.ForLearning:
		return fmt.Sprintf("server %d does not lead", a.self.ID)
	}
	return fmt.Sprintf("server %d takes no part in elections at the moment", a.self.ID)
}

// gone forgets a link, or a target.
func (a *receptionActor) gone(who *actor.PID) {
	a.greets(who)
	for p, t := range a.kept.targets {
		if t.Target != nil && t.Target.Equal(who) {
			t.Target = nil
			a.kept.targets[p] = t
		}
	}
}

// greets takes a link from those whose Hello is awaited.
func (a *receptionActor) greets(link *actor.PID) {
	for i, pid := range a.greeting {
		if pid.Equal(link) {
			a.greeting = append(a.greeting[:i:i], a.greeting[i+1:]...)
			return
		}
	}
}
