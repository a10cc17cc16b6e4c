package cluster

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/pack"
)

type (
	// linkGreeted asks the reception about a link whose Hello has come, linkVerdict is the answer; refused is empty for yes.
	linkGreeted struct {
		link   *actor.PID
		peer   messages.Hello
		remote string
	}
	linkVerdict struct {
		refused string
		opts    LinkOptions
	}
	linkRead   struct{ bytes []byte } // from the transport's goroutines, as the next two
	linkEnded  struct{ err error }
	linkWrote  struct{ err error }
	linkDialed struct{ err error }
	linkTick   struct{}
	linkLate   struct{ phase linkPhase } // a deadline, if the link is still in that phase
)

// linkOnce outlives a restart of the actor: a link that has run once never runs again, whatever its parent's
// supervision says. It also hands the connection over from the goroutine that has dialled.
type linkOnce struct {
	spent  bool
	gone   atomic.Bool
	dialed atomic.Pointer[actors.Transport]
}

// linkActor is the shell of linkCore, one a connection. It never blocks: what a socket doesn't take at once is written
// by the transport's own goroutine, and more output waits until that is done.
type linkActor struct {
	rt           *actors.Runtime
	n            uint64 // its number among connections
	core         *linkCore
	transport    actors.Transport // nil until dialled
	dial         *Dial            // nil: accepted
	judge, owner *actor.PID       // of an accepted link; the owner is nil until it is adopted
	once         *linkOnce
	talks        *talks // of an accepted link
	log          zerolog.Logger

	deadline, ticks actors.Timer
	inHand          []byte // what WriteRest writes
	below           int    // AskRoom + 1; 0: nobody asks
	busy            bool   // a message is being handled: in a farewell it is the one that the actor failed on
	broken          string // why it is down; an accepted link that was offered waits then for whom to tell
	done            bool   // everybody was told

	// What the transport has read and this actor has not taken yet; the transport's goroutine waits when it is too far ahead.
	ahead  atomic.Int64 // bytes
	held   atomic.Bool  // the transport's goroutine has paused itself
	paused bool         // until there is an owner
}

// linkReadAhead is how many bytes of one link may wait in its mailbox.
const linkReadAhead = 1 << 20

// Receive implements actor.Actor.
func (a *linkActor) Receive(ctx actor.Context) {
	if a.leave(ctx) {
		return
	}
	a.busy = true
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case linkDialed:
		a.dialed(ctx, m.err)
	case linkRead:
		a.read(ctx, m.bytes)
	case linkEnded:
		a.fail(ctx, zerolog.InfoLevel, a.core.Ended(m.err))
	case linkWrote:
		a.wrote(ctx, m.err)
	case linkVerdict:
		a.verdict(ctx, m)
	case Adopt:
		a.adopt(ctx, m.Owner)
	case CloseLink:
		a.close(ctx, m.Reason)
	case Packed:
		a.put(ctx, a.core.PutFrames(m.Frames))
	case AskRoom:
		a.below = m.Below + 1
	case linkTick:
		a.tick(ctx)
	case linkLate:
		a.late(ctx, m.phase)
	case actors.Drained:
		a.flush(ctx)
	case *actor.Terminated:
		a.fail(ctx, zerolog.DebugLevel, "its owner has ended")
	default:
		a.other(ctx, m)
	}
	a.busy = false
}

// other is a message for the other side, or none of a link's business.
func (a *linkActor) other(ctx actor.Context, m any) {
	if _, ok := pack.CodeOf(m); !ok {
		a.rt.Unexpected(ctx, &a.log)
		return
	}
	if a.broken == "" {
		a.put(ctx, a.core.Put(m))
	}
}

func (a *linkActor) put(ctx actor.Context, err error) {
	switch {
	case a.broken != "":
	case err != nil:
		a.fail(ctx, zerolog.WarnLevel, err.Error())
	case a.core.writing == 0 && a.core.Waiting() >= min(linkPiece, a.core.opts.OutputLimit/4):
		// Under load the mailbox may never run empty.
		a.flush(ctx)
	}
}

func (a *linkActor) start(ctx actor.Context) {
	if a.once.spent {
		a.done = true
		ctx.Stop(ctx.Self())
		return
	}
	a.once.spent = true
	if a.dial == nil {
		a.deadlineIn(ctx, a.core.opts.HelloTimeout)
		a.open(ctx)
		return
	}
	ctx.Watch(a.owner)
	self, root, once := ctx.Self(), a.rt.System.Root, a.once
	a.dial.Network.Dial(a.dial.Address, a.dial.Timeout, func(t actors.Transport, err error) {
		if err == nil {
			once.dialed.Store(&t)
		}
		if once.gone.Load() {
			once.dispose()
			return
		}
		root.Send(self, linkDialed{err})
	})
}

// dispose closes a connection that came too late.
func (o *linkOnce) dispose() {
	o.gone.Store(true)
	if t := o.dialed.Swap(nil); t != nil {
		(*t).Close()
	}
}

func (a *linkActor) dialed(ctx actor.Context, err error) {
	if err != nil {
		a.fail(ctx, zerolog.DebugLevel, err.Error())
		return
	}
	a.transport = *a.once.dialed.Swap(nil)
	a.deadlineIn(ctx, a.core.opts.HelloTimeout)
	a.open(ctx)
	a.flush(ctx)
}

// open begins to read.
func (a *linkActor) open(ctx actor.Context) {
	a.log = a.log.With().Str("remote", a.transport.Remote()).Logger()
	a.transport = a.rt.OnConnLoop(a.n, a.transport)
	self, root, t := ctx.Self(), a.rt.System.Root, a.transport
	t.Start(func(chunk []byte, err error) {
		if len(chunk) == 0 {
			root.Send(self, linkEnded{err})
			return
		}
		if a.ahead.Add(int64(len(chunk))) >= linkReadAhead {
			// In this order: resume comes once more behind the chunk, sees held, and lets it go on.
			t.Pause(true)
			a.held.Store(true)
		}
		root.Send(self, linkRead{chunk})
	})
}

func (a *linkActor) read(ctx actor.Context, chunk []byte) {
	a.ahead.Add(-int64(len(chunk)))
	if a.broken != "" {
		return
	}
	a.core.heard = a.rt.Clock.MonoUs()
	was := a.core.phase
	msgs, err := a.core.Bytes(chunk)
	a.resume()
	if was == linkGreets && a.core.phase != linkGreets {
		a.greeted(ctx)
	}
	a.deliver(ctx, msgs, err)
}

// resume lets the transport's goroutine go on when it has stopped itself, unless nobody is there to read for.
func (a *linkActor) resume() {
	if a.ahead.Load() < linkReadAhead/2 && a.held.Swap(false) && !a.paused {
		a.transport.Pause(false)
	}
}

func (a *linkActor) deliver(ctx actor.Context, msgs []any, err error) {
	for _, m := range msgs {
		ctx.Send(a.owner, m)
	}
	if err == nil {
		return
	}
	if a.dial == nil && a.owner == nil {
		a.core.Refuse(err.Error())
		a.flush(ctx)
	}
	a.fail(ctx, zerolog.WarnLevel, err.Error())
}

// greeted goes on when the other side's Hello has come.
func (a *linkActor) greeted(ctx actor.Context) {
	a.deadline.Stop()
	switch a.core.phase {
	case linkRuns:
		a.up(ctx)
	case linkAsks:
		a.paused = true
		a.transport.Pause(true)
		a.deadlineIn(ctx, a.core.opts.AdoptTimeout)
		ctx.Send(a.judge, linkGreeted{link: ctx.Self(), peer: a.core.peer, remote: a.transport.Remote()})
	}
}

func (a *linkActor) up(ctx actor.Context) {
	ctx.Send(a.owner, LinkUp{Link: ctx.Self(), Peer: a.core.peer})
	a.startTicks(ctx)
}

func (a *linkActor) verdict(ctx actor.Context, v linkVerdict) {
	switch {
	case a.broken != "":
	case v.refused != "":
		a.core.Refuse(v.refused)
		a.flush(ctx)
		a.fail(ctx, zerolog.DebugLevel, v.refused)
	default:
		a.core.Offer(v.opts)
	}
}

func (a *linkActor) adopt(ctx actor.Context, owner *actor.PID) {
	if a.owner != nil {
		a.fail(ctx, zerolog.WarnLevel, "it has an owner already, "+a.owner.Id+", and was given another one, "+owner.Id)
		return
	}
	a.owner = owner
	if a.broken != "" {
		a.end(ctx)
		return
	}
	ctx.Watch(owner)
	a.deadline.Stop()
	a.startTicks(ctx)
	ctx.Send(owner, LinkUp{Link: ctx.Self(), Peer: a.core.peer})
	msgs, err := a.core.Adopted()
	a.paused = false
	a.held.Store(false)
	a.transport.Pause(false)
	a.deliver(ctx, msgs, err)
}

// flush writes the output that waits, once for all messages that came together.
func (a *linkActor) flush(ctx actor.Context) {
	if a.broken != "" || a.transport == nil {
		return
	}
	for out := a.core.Take(); out != nil; out = a.core.Take() {
		n, err := a.transport.TryWrite(out)
		switch {
		case err != nil:
			a.fail(ctx, zerolog.InfoLevel, a.core.Ended(err))
			return
		case n == len(out):
			a.core.Wrote(out)
		default:
			self, root := ctx.Self(), a.rt.System.Root
			a.inHand, a.core.writing = out, len(out)-n
			a.transport.WriteRest(out[n:], func(err error) { root.Send(self, linkWrote{err}) })
		}
		if a.core.opts.KeepAliveEvery > 0 {
			a.core.said = a.rt.Clock.MonoUs()
		}
	}
	if a.below > 0 && a.owner != nil && a.core.Waiting() < a.below {
		a.below = 0
		ctx.Send(a.owner, LinkHasRoom{Link: ctx.Self()})
	}
}

func (a *linkActor) wrote(ctx actor.Context, err error) {
	if err != nil {
		a.fail(ctx, zerolog.InfoLevel, a.core.Ended(err))
		return
	}
	a.core.Wrote(a.inHand)
	a.inHand = nil
	a.flush(ctx)
}
