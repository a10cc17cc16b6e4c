package actors

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
)

// SharedProps are for an actor outside of this package that never blocks: it shares the stages' loop.
func (rt *Runtime) SharedProps(name string, producer func() actor.Actor) *actor.Props {
	return rt.sharedProps(name, producer)
}

// ConnProps are for the actor of a connection, number n, outside of this package. It never blocks, and its writes to
// the socket hold up no stage.
func (rt *Runtime) ConnProps(name string, n uint64, producer func() actor.Actor) *actor.Props {
	return rt.propsOn(name, rt.Dispatchers.Conn(n), producer)
}

// MovingProps are for an actor outside of this package that may block at first: as PinnedProps, until it calls MoveToShared.
func (rt *Runtime) MovingProps(name string, producer func(*MovingDispatcher) actor.Actor) *actor.Props {
	own, release := rt.Dispatchers.Pinned(name)
	d := &MovingDispatcher{at: own, shared: rt.Dispatchers.Shared()}
	return rt.propsWith(name, d, release, func() actor.Actor { return producer(d) })
}

// OnConnLoop gives a connection, whose actor's props are ConnProps of the same number, to the loop of that actor, which then
// waits for the socket itself and calls everything that Transport.Start and WriteRest were given. It is for that actor to
// call, before it starts the transport. Elsewhere than on Linux, and for what is no plain TCP connection, the transport comes
// back as it is.
func (rt *Runtime) OnConnLoop(n uint64, t Transport) Transport {
	loop, _ := rt.Dispatchers.Conn(n).(*Loop)
	return onLoop(t, loop)
}

// Unexpected is the default case of an actor outside of this package: life-cycle messages are normal, anything else is
// counted and logged.
func (rt *Runtime) Unexpected(ctx actor.Context, log *zerolog.Logger) { rt.unexpected(ctx, log) }
