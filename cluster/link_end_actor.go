package cluster

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
)

// How a link ends: its deadlines, and that whoever must hear of the end does so, once.

func (a *linkActor) deadlineIn(ctx actor.Context, d time.Duration) {
	self, root, phase := ctx.Self(), a.rt.System.Root, a.core.phase
	a.deadline = a.rt.Clock.After(d, func() { root.Send(self, linkLate{phase}) })
}

func (a *linkActor) late(ctx actor.Context, phase linkPhase) {
	switch {
	case a.broken != "":
		a.end(ctx) // nobody has adopted it, so nobody is to be told
	case phase == linkGreets && a.core.phase == linkGreets:
		a.fail(ctx, zerolog.InfoLevel, "no Hello has come within "+a.core.opts.HelloTimeout.String())
	case phase == linkAsks && (a.core.phase == linkAsks || a.core.phase == linkWaits):
		reason := "nobody has adopted the link within " + a.core.opts.AdoptTimeout.String()
		a.core.Refuse(reason)
		a.flush(ctx)
		a.fail(ctx, zerolog.WarnLevel, reason)
	}
}

// close ends the link by intention: if it was offered, nobody is going to adopt it, and who has dialled is told why.
func (a *linkActor) close(ctx actor.Context, reason string) {
	if a.dial == nil && a.owner == nil && a.broken == "" {
		a.core.Refuse(reason)
	}
	a.flush(ctx)
	a.fail(ctx, zerolog.DebugLevel, reason)
	a.end(ctx)
}

func (a *linkActor) startTicks(ctx actor.Context) {
	if every := a.core.Interval(); every > 0 {
		now := a.rt.Clock.MonoUs()
		a.core.heard, a.core.said, a.core.ticked = now, now, now
		a.nextTick(ctx, every)
	}
}

func (a *linkActor) nextTick(ctx actor.Context, every time.Duration) {
	self, root := ctx.Self(), a.rt.System.Root
	a.ticks = a.rt.Clock.After(every, func() { root.Send(self, linkTick{}) })
}

func (a *linkActor) tick(ctx actor.Context) {
	if a.broken != "" {
		return
	}
	if err := a.core.Tick(a.rt.Clock.MonoUs()); err != nil {
		a.fail(ctx, zerolog.InfoLevel, err.Error())
		return
	}
	a.nextTick(ctx, a.core.Interval())
}

// fail closes the connection. The link stops, unless it has been offered to somebody who may just be adopting it and
// must then be told that it is down.
func (a *linkActor) fail(ctx actor.Context, level zerolog.Level, reason string) {
	if a.broken != "" {
		return
	}
	offered := a.core.phase == linkWaits && a.owner == nil
	if a.core.phase != linkRuns && level > zerolog.DebugLevel && !a.worth(reason) {
		level = zerolog.DebugLevel
	}
	a.shut(reason)
	a.log.WithLevel(level).Uint8("server", uint8(a.core.peer.From)).Msg("link down: " + reason)
	if !offered {
		a.end(ctx)
	}
}

// worth tells whether the end of a link that never came up is worth a line: if it was dialled the owner tells it.
func (a *linkActor) worth(reason string) bool {
	return a.dial == nil && a.transport != nil && a.talks.worth(a.transport.Remote(), reason, a.rt.Clock.MonoUs())
}

func (a *linkActor) shut(reason string) {
	a.broken, a.core.phase = reason, linkOver
	if a.ticks != nil {
		a.ticks.Stop()
	}
	if a.transport != nil {
		a.transport.Close()
	}
	a.once.dispose()
}

// end says the last word and stops.
func (a *linkActor) end(ctx actor.Context) {
	if a.done {
		return
	}
	a.done = true
	if a.deadline != nil {
		a.deadline.Stop()
	}
	if a.owner != nil {
		ctx.Send(a.owner, LinkDown{Link: ctx.Self(), Peer: a.core.peer, Reason: a.broken})
	}
	ctx.Stop(ctx.Self())
}

// leave deals with the end of the actor itself, whoever has ordered it; true: there is nothing more to do. A panic
// comes here too, because supervision stops who has panicked, or restarts him, which a link doesn't survive either.
func (a *linkActor) leave(ctx actor.Context) bool {
	switch ctx.Message().(type) {
	case *actor.Stopping, *actor.Restarting:
		if a.done {
			return true
		}
		if a.broken == "" {
			reason := "its parent has stopped it"
			if a.busy {
				reason = "its actor has failed; the log of this server tells why"
			}
			a.shut(reason)
			a.log.Info().Uint8("server", uint8(a.core.peer.From)).Msg("link down: " + reason)
		}
		a.end(ctx)
		return true
	case *actor.Stopped:
		return true
	}
	return a.done
}
