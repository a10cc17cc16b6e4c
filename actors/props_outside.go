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

// Unexpected is the default case of an actor outside of this package: life-cycle messages are normal, anything else is
// counted and logged.
func (rt *Runtime) Unexpected(ctx actor.Context, log *zerolog.Logger) { rt.unexpected(ctx, log) }
