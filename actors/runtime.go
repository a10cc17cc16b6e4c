package actors

import (
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/messages"
)

// World is what comes in from outside and makes a run repeatable when it is simulated: time, chance, and who
// runs when.
type World struct {
	Clock       Clock
	Random      io.Reader // session passwords; crypto/rand in the real world
	Dispatchers Dispatchers
	Log         zerolog.Logger
	Library     *slog.Logger // for the actor library's own notices; nil: they are dropped
	// Fatal ends the process: the disk failed, or an invariant broke. It may return (in tests), nothing of the
	// caller's work is done then.
	Fatal func(error)
	// Wrap, if set, is given each new actor under the name of its kind ("prep", "connection", "bucket" …) and returns
	// what runs in its place. Tests and the simulation record messages with it, and inject panics.
	Wrap func(name string, inner actor.Actor) actor.Actor
}

// Runtime is one server's actor system with all that its actors share. Everything in it may be used from any
// goroutine.
type Runtime struct {
	World
	System  *actor.ActorSystem
	Conns   *ConnTable
	Metrics *Metrics
	Stages  *StageBoard // of somebody's own
	// outstanding counts the requests that have been read and not been answered, for globalOutstandingLimit.
	outstanding atomic.Int64
	panics      atomic.Int64
	// nextSession is the session id after the last one given out, so that a pipeline that is built anew goes on there:
	// ids begin with the time, but that may stand still or be set back.
	nextSession atomic.Int64
	// nextTicket is likewise the last ticket given out.
	nextTicket atomic.Uint64
	locals     *LocalSessions // of the request processor that runs
}

// NewRuntime makes an actor system in a world.
func NewRuntime(w World) *Runtime {
	rt := &Runtime{World: w, Conns: newConnTable(), Metrics: NewMetrics(), Stages: &StageBoard{}, locals: NewLocalSessions()}
	library := w.Library
	if library == nil {
		library = slog.New(slog.DiscardHandler)
	}
	rt.System = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return library }))
	rt.System.EventStream.Subscribe(rt.deadLetter)
	return rt
}

// deadLetter counts what was sent to actors that are no more. Most of it is everyday: the last words to connections
// that have just closed.
func (rt *Runtime) deadLetter(event any) {
	if d, ok := event.(*actor.DeadLetterEvent); ok && d.PID != nil {
		rt.Metrics.DeadLetters.Inc()
		rt.Log.Debug().Str("to", d.PID.Id).Msgf("a message of type %T came too late: its receiver has stopped", d.Message)
	}
}

// Outstanding is how many requests of clients wait for their answers.
func (rt *Runtime) Outstanding() int64 { return rt.outstanding.Load() }

// Panics is how many panics of actors supervision has dealt with.
func (rt *Runtime) Panics() int64 { return rt.panics.Load() }

// SendToConn puts a message into a connection's mailbox; it is dropped when the connection has ended.
func (rt *Runtime) SendToConn(id messages.ConnID, msg any) {
	if pid := rt.Conns.PID(id); pid != nil {
		rt.System.Root.Send(pid, msg)
	}
}
