package sim

import (
	"fmt"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// witness stands before an actor: it notes each message, lets the actor panic when that is due, and looks at what the
// actor has brought about.
type witness struct {
	actor.Actor
	s    *server
	l    *life
	kind string
	who  uint64 // hash of which actor of which server this is; 0: not known yet
}

// armedPanic is a panic that is due in an actor of a kind after some more messages.
type armedPanic struct {
	kind string
	left int
}

// injected is what an actor panics with when it was made to.
type injected struct{ kind string }

func (i injected) String() string { return "made to panic in " + i.kind }

// Receive implements actor.Actor.
func (a *witness) Receive(ctx actor.Context) {
	w, msg := a.s.w, ctx.Message()
	if a.who == 0 {
		a.who = hashOf(a.s.name, a.kind, ctx.Self().Id)
	}
	w.trace.message(a.who, a.s.name, a.kind, ctx.Self().Id, msg)
	defer func() {
		if reason := recover(); reason != nil {
			if _, ours := reason.(injected); !ours {
				w.fail("panic", "%s: actor %s panicked on %T: %v", a.s.name, a.kind, msg, reason)
			}
			panic(reason)
		}
	}()
	a.maybePanic(msg)
	a.maybeCut(msg)
	var given []messages.Delivery
	if d, ok := msg.(*messages.Deliveries); ok && a.kind == "final" {
		given = slices.Clone(d.Items) // final gives the list back
	}
	unexpected := a.l.rt.Metrics.Unexpected.Load()
	a.Actor.Receive(ctx)
	if a.l.rt.Metrics.Unexpected.Load() != unexpected {
		w.fail("unexpected", "%s: actor %s has no case for a message of type %T", a.s.name, a.kind, msg)
	}
	if w.plan.trapEvery > 0 {
		a.noticed(msg)
	}
	switch a.kind {
	case "final":
		if given != nil {
			w.applied(a.s, given)
		}
	case actors.PeerActor:
		w.looked(a.s)
		w.membersOf(a.s)
	}
}

// maybeCut cuts the power within what the learner writes because of a message.
func (a *witness) maybeCut(msg any) {
	if a.l.cutSync == 0 || a.kind != "learner" {
		return
	}
	switch msg.(type) {
	case *messages.NewLeader: // the step at which history and epoch are promised, so it is picked more often
		a.l.cutSync = min(a.l.cutSync, 1+a.s.w.rand.IntN(2))
	}
	switch msg.(type) {
	case *messages.LeaderInfo, *messages.Truncate, *messages.SnapBegin, *messages.SnapChunk, *messages.History, *messages.NewLeader,
		*messages.UpToDate:
		if a.l.cutSync--; a.l.cutSync == 0 {
			if a.s.w.rand.IntN(2) == 0 {
				a.s.w.loseLeaderOf(a.s)
			}
			a.s.cutWithin(a.s.w.rand.IntN(8))
		}
	}
}

func (a *witness) maybePanic(msg any) {
	p := a.l.armed
	if p == nil || p.kind != a.kind {
		return
	}
	switch msg.(type) {
	case actor.SystemMessage, actor.AutoReceiveMessage, actors.Drained, *actor.Started, *actor.Stopping, *actor.Stopped, *actor.Restarting:
		return
	}
	if p.left--; p.left > 0 {
		return
	}
	a.l.armed = nil
	a.l.excused = true
	a.s.w.trace.say(a.s.name, "%s is made to panic on %s", a.kind, fmt.Sprintf("%T", msg))
	a.s.w.stats.add("panic in " + a.kind)
	panic(injected{a.kind})
}
