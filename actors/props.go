package actors

import (
	"fmt"
	"runtime/debug"

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
	return rt.propsWith(name, d, release, producer)
}

func (rt *Runtime) propsOn(name string, d actor.Dispatcher, producer func() actor.Actor) *actor.Props {
	return rt.propsWith(name, d, nil, producer)
}

func (rt *Runtime) propsWith(name string, d actor.Dispatcher, release func(), producer func() actor.Actor) *actor.Props {
	shelled := func() actor.Actor { return rt.shell(name, release, producer()) }
	mailbox := func() actor.Mailbox {
		return NewMailbox(func(reason, message any, stack []byte) { rt.reportPanic(name, reason, message, stack) })
	}
	return actor.PropsFromProducer(shelled, actor.WithDispatcher(d), actor.WithMailbox(mailbox))
}

// reportPanic is the one place where a panic is logged: what failed, on which message, and where in the code.
func (rt *Runtime) reportPanic(name string, reason, message any, stack []byte) {
	rt.panics.Add(1)
	rt.Metrics.Panics.Inc()
	rt.Log.Error().Str("actor", name).Str("message", fmt.Sprintf("%T", message)).Bytes("stack", stack).
		Msgf("actor %s panicked: %v", name, reason)
	if roleActors[name] {
		rt.Fatal(fmt.Errorf("the role panicked, and nobody is above it: %v", reason))
	}
}

// The kinds of actors that supervise a pipeline and have nobody above them.
const (
	roleActor = "standalone"
	// PeerActor is the kind of an ensemble member's.
	PeerActor = "peer"
)

var roleActors = map[string]bool{roleActor: true, PeerActor: true}

// shell is what the library runs in place of an actor. It passes everything on, sees that an actor's end comes about
// even if the actor panics on its way out, and ends the goroutine of a pinned one.
type shell struct {
	actor.Actor
	rt      *Runtime
	name    string
	release func()
	// stopping is set when the actor has been told to stop. The library goes on with its mailbox until the last of its
	// children has stopped; one that is spawned meanwhile would never be told to, and its parent wait for ever.
	stopping bool
}

// supervisingShell is the shell of an actor with children. The library asks the actor that it runs how to deal with a
// child's failure, so a shell that hid the answer would leave every failure to the library's default, a restart.
type supervisingShell struct {
	shell
	actor.SupervisorStrategy
}

func (rt *Runtime) shell(name string, release func(), inner actor.Actor) actor.Actor {
	s := shell{Actor: inner, rt: rt, name: name, release: release}
	if rt.Wrap != nil {
		s.Actor = rt.Wrap(name, inner)
	}
	if strategy, ok := inner.(actor.SupervisorStrategy); ok {
		return &supervisingShell{shell: s, SupervisorStrategy: strategy}
	}
	return &s
}

// Receive implements actor.Actor.
func (s *shell) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Stopping:
		s.stopping = true
		s.farewell(ctx)
	case *actor.Restarting:
		s.farewell(ctx)
	case *actor.Terminated:
		s.Actor.Receive(ctx)
	case *actor.Stopped:
		s.farewell(ctx)
		if s.release != nil {
			s.release()
		}
	default:
		if s.stopping {
			s.rt.Metrics.DeadLetters.Inc()
			return
		}
		s.Actor.Receive(ctx)
	}
}

// farewell keeps a panic to itself: the library would leave the actor half stopped for ever, and a pipeline that is
// to be built anew would wait for it.
func (s *shell) farewell(ctx actor.Context) {
	defer func() {
		if reason := recover(); reason != nil {
			s.rt.reportPanic(s.name, reason, ctx.Message(), debug.Stack())
		}
	}()
	s.Actor.Receive(ctx)
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
