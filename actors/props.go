package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
)

// sharedProps are for an actor that never blocks: it shares the stages' loop.
func (rt *Runtime) sharedProps(name string, producer func() actor.Actor) *actor.Props {
	return rt.propsOn(name, rt.Dispatchers.Shared(), producer)
}

// pinnedProps are for an actor that may block: it has a goroutine of its own, which ends with it.
func (rt *Runtime) pinnedProps(name string, producer func() actor.Actor) *actor.Props {
	d, release := rt.Dispatchers.Pinned(name)
	return rt.propsOn(name, d, func() actor.Actor { return &pinned{Actor: producer(), release: release} })
}

func (rt *Runtime) propsOn(name string, d actor.Dispatcher, producer func() actor.Actor) *actor.Props {
	if wrap := rt.Wrap; wrap != nil {
		inner := producer
		producer = func() actor.Actor { return wrap(name, inner()) }
	}
	mailbox := func() actor.Mailbox {
		return NewMailbox(func(reason, message any, stack []byte) { rt.reportPanic(name, reason, message, stack) })
	}
	return actor.PropsFromProducer(producer, actor.WithDispatcher(d), actor.WithMailbox(mailbox))
}

// reportPanic is the one place where a panic is logged: what failed, on which message, and where in the code.
func (rt *Runtime) reportPanic(name string, reason, message any, stack []byte) {
	rt.panics.Add(1)
	rt.Metrics.Panics.Inc()
	rt.Log.Error().Str("actor", name).Str("message", fmt.Sprintf("%T", message)).Bytes("stack", stack).
		Msgf("actor %s panicked: %v", name, reason)
	if name == roleActor {
		rt.Fatal(fmt.Errorf("the role panicked, and nobody is above it: %v", reason))
	}
}

// roleActor is the kind of the actor that supervises a pipeline.
const roleActor = "standalone"

// pinned passes everything on and ends the goroutine when the actor has stopped.
type pinned struct {
	actor.Actor
	release func()
}

func (p *pinned) Receive(ctx actor.Context) {
	p.Actor.Receive(ctx)
	if _, ok := ctx.Message().(*actor.Stopped); ok {
		p.release()
	}
}

// unexpected deals with what an actor has no case for: life-cycle messages are normal, anything else is counted
// and logged, never silently lost.
func (rt *Runtime) unexpected(ctx actor.Context, log *zerolog.Logger) {
	switch m := ctx.Message().(type) {
	case *actor.Started, *actor.Stopping, *actor.Stopped, *actor.Restarting, *actor.Terminated, Drained:
	default:
		rt.Metrics.Unexpected.Inc()
		log.Warn().Str("actor", ctx.Self().Id).Msgf("no case for a message of type %T; it was dropped", m)
	}
}

// PinnedProps are for an actor outside of this package that may block: it has a goroutine of its own, which starts
// with this call and ends when the actor has stopped. So the props are good for one actor.
func (rt *Runtime) PinnedProps(name string, producer func() actor.Actor) *actor.Props {
	return rt.pinnedProps(name, producer)
}
