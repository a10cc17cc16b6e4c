package actors

import (
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/messages"
)

// chunkRead, streamEnded and restWritten come from the transport's goroutines.
type (
	chunkRead   struct{ bytes []byte }
	streamEnded struct{ err error }
	restWritten struct{ err error }
	tooLate     struct{} // the handshake's time is over
	enough      struct{} // so is that of a client that doesn't read the last words to it
)

// connActor is the shell of Conn. It never blocks: what a socket doesn't take at once is written by the
// transport's own goroutine, and more output waits until that is done.
type connActor struct {
	rt        *Runtime
	core      *Conn
	transport Transport
	links     Links
	stats     *ConnStats
	id        messages.ConnID

	handshake Timer
	counted   int64  // what this connection has added to the server's outstanding requests
	writing   int    // bytes that WriteRest has in hand
	inHand    []byte // the buffer that they are in
	paused    bool
	leaving   bool // it ends as soon as its output has gone
	stopping  bool

	// What the transport has read and this actor has not taken yet. The transport's goroutine waits when it is ahead too
	// far: the word that pauses a busy client comes only when the mailbox is empty, and must not come too late.
	ahead atomic.Int64 // bytes
	held  atomic.Bool  // the transport's goroutine has paused itself; flow ends that
}

// lastWords is how long a connection that ends may take to write what is left.
const lastWords = 10 * time.Second

// readAhead is how many bytes of one connection may wait in its mailbox: two reads of the transport.
const readAhead = 128 << 10

func newConnActor(rt *Runtime, links Links, o ConnOptions, reg *auth.Registry, id messages.ConnID, t Transport,
) *connActor {
	return &connActor{
		rt: rt, links: links, transport: t, id: id,
		core:  NewConn(id, t.Remote(), o, reg, links.LastZxid),
		stats: &ConnStats{Remote: t.Remote(), Established: rt.Clock.WallMs()},
	}
}

// Receive implements actor.Actor.
func (a *connActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case chunkRead:
		a.ahead.Add(-int64(len(m.bytes)))
		a.rt.Metrics.BytesReceived.Add(int64(len(m.bytes)))
		a.send(ctx, a.core.Bytes(m.bytes, a.rt.Clock.MonoUs()))
	case *messages.Output:
		a.output(m)
	case *messages.SessionReady:
		a.sessionReady(ctx, m)
	case *messages.SessionRefused:
		a.core.SessionRefused()
	case *messages.CloseConn:
		a.core.close(m.Reason, true)
	case Relink:
		a.links = m.Links
		a.send(ctx, a.core.Relinked())
	case tooLate:
		a.tooLate()
	case enough:
		a.finish(ctx)
	case restWritten:
		a.restWritten(m.err)
	case streamEnded:
		a.core.close(endReason(m.err), true)
		a.finish(ctx)
	case Drained:
		a.drained(ctx)
	case *actor.Stopping:
		a.core.close("the server ends the connection", true)
		a.finish(ctx)
	default:
		a.rt.unexpected(ctx, &a.rt.Log)
	}
}

func (a *connActor) tooLate() {
	if a.core.HandshakeTimeout() {
		a.rt.Metrics.SessionlessExpired.Inc()
	}
}

func endReason(err error) string {
	if err == nil {
		return "the client closed the connection"
	}
	return err.Error()
}

func (a *connActor) start(ctx actor.Context) {
	self, root := ctx.Self(), a.rt.System.Root
	a.rt.Conns.Add(ConnEntry{ID: a.id, PID: self, Stats: a.stats})
	a.handshake = a.rt.Clock.After(a.core.opts.HandshakeTimeout, func() { root.Send(self, tooLate{}) })
	a.transport = a.rt.OnConnLoop(uint64(a.id), a.transport)
	a.transport.Start(func(chunk []byte, err error) {
		if len(chunk) > 0 {
			if a.ahead.Add(int64(len(chunk))) >= readAhead {
				// In this order: flow comes once more after the chunk, sees held, and resumes.
				a.transport.Pause(true)
				a.held.Store(true)
			}
			root.Send(self, chunkRead{chunk})
		} else {
			root.Send(self, streamEnded{err})
		}
	})
}

func (a *connActor) sessionReady(ctx actor.Context, m *messages.SessionReady) {
	a.handshake.Stop()
	a.stats.Session.Store(int64(m.Session))
	a.stats.Timeout.Store(m.Timeout)
	a.send(ctx, a.core.SessionReady(m, a.rt.Clock.MonoUs()))
}

func (a *connActor) output(m *messages.Output) {
	a.core.Output(m)
	if m.Replies == 0 {
		return
	}
	n := int64(m.Replies)
	a.rt.outstanding.Add(-n)
	a.counted -= n
	s := a.stats
	s.LastOp.Store(int32(m.Op))
	s.LastXid.Store(m.Xid)
	s.LastZxid.Store(uint64(m.Last))
	s.LastReply.Store(a.rt.Clock.WallMs())
	s.LastLatency.Store(m.Oldest)
	s.MaxLatency.Store(max(s.MaxLatency.Load(), m.Oldest))
	if mean := m.Latency / n; s.Replies.Load() == 0 || mean < s.MinLatency.Load() {
		s.MinLatency.Store(mean)
	}
	s.SumLatency.Add(m.Latency)
	s.Replies.Add(n)
	s.Sent.Add(n)
	s.Outstanding.Store(a.counted)
}

// drained passes the batch on, writes, and decides about reading and ending, once for all that came.
func (a *connActor) drained(ctx actor.Context) {
	if a.stopping {
		return
	}
	if batch := a.core.TakeRequests(); batch != nil {
		n := int64(len(batch.Items))
		a.counted += n
		a.rt.outstanding.Add(n)
		a.rt.Metrics.PacketsReceived.Add(n)
		a.stats.Received.Add(n)
		a.stats.Outstanding.Store(a.counted)
		ctx.Send(a.links.door(), batch)
	}
	a.write(ctx)
	a.flow()
	if _, _, closing := a.core.Closing(); closing {
		a.leave(ctx)
	}
}

// leave ends the connection when its output has gone. A client that has stopped reading gets some time, not for ever:
// its session may have expired long ago.
func (a *connActor) leave(ctx actor.Context) {
	switch {
	case a.writing == 0:
		a.finish(ctx)
	case !a.leaving:
		a.leaving = true
		a.handshake.Stop()
		self, root := ctx.Self(), a.rt.System.Root
		a.handshake = a.rt.Clock.After(lastWords, func() { root.Send(self, enough{}) })
	}
}

// write tries the socket once; what it doesn't take is left to the transport.
func (a *connActor) write(ctx actor.Context) {
	if a.writing > 0 || len(a.core.out) == 0 {
		if len(a.core.out) > a.core.opts.OutputLimit {
			a.core.out = nil
			a.core.close("the client doesn't read: too much output waits for it", false)
			a.finish(ctx)
		}
		return
	}
	out := a.core.TakeOutput()
	a.rt.Metrics.BytesSent.Add(int64(len(out)))
	n, err := a.transport.TryWrite(out)
	if err != nil {
		a.core.close("write failed: "+err.Error(), true)
		return
	}
	if n == len(out) {
		giveFrames(out)
		return
	}
	a.writing, a.inHand = len(out)-n, out
	self, root := ctx.Self(), a.rt.System.Root
	a.transport.WriteRest(out[n:], func(err error) { root.Send(self, restWritten{err}) })
}

func (a *connActor) restWritten(err error) {
	giveFrames(a.inHand)
	a.writing, a.inHand = 0, nil
	if err != nil {
		a.core.close("write failed: "+err.Error(), true)
	}
}

// flow stops or resumes reading.
func (a *connActor) flow() {
	pause := a.core.Pause(a.rt.outstanding.Load(), a.writing+len(a.core.out))
	held := a.held.Swap(false)
	if pause == a.paused && !held {
		return
	}
	if pause && !a.paused {
		a.rt.Metrics.ThrottleWaits.Inc()
	}
	a.paused = pause
	a.stats.Paused.Store(pause)
	a.transport.Pause(pause)
}

// finish ends the connection: its watches go with it, its session lives on.
func (a *connActor) finish(ctx actor.Context) {
	if a.stopping {
		return
	}
	a.stopping = true
	a.transport.Close()
	if a.handshake != nil { // else it has failed at its very start
		a.handshake.Stop()
	}
	a.rt.Conns.Remove(a.id)
	a.rt.outstanding.Add(-a.counted)
	closed := &messages.ConnClosed{Conn: a.id, Session: a.core.session}
	a.tell(ctx, a.links.door(), closed)
	a.tell(ctx, a.links.Final, closed)
	if a.core.authRefused {
		a.rt.Metrics.AuthFailed.Inc()
	}
	reason, quiet, _ := a.core.Closing()
	level := zerolog.InfoLevel
	if quiet {
		level = zerolog.DebugLevel
	} else {
		a.rt.Metrics.BadFrames.Inc()
	}
	a.rt.Log.WithLevel(level).Str("component", "connection").Stringer("conn", a.id).Str("client", a.stats.Remote).
		Stringer("session", a.core.session).Msg("connection closed: " + reason)
	ctx.Stop(ctx.Self())
}

// tell sends to a stage. A server that has none at the moment answers four-letter words all the same.
func (a *connActor) tell(ctx actor.Context, stage *actor.PID, msg any) {
	if stage != nil {
		ctx.Send(stage, msg)
	}
}

func (a *connActor) send(ctx actor.Context, out messages.Outbox) {
	for _, s := range out {
		switch s.Slot {
		case messages.SlotFront:
			a.rt.Metrics.ConnRequests.Inc()
			ctx.Send(a.links.door(), s.Msg)
		case messages.SlotTracker:
			ctx.Send(a.links.touches(), s.Msg)
		case messages.SlotNext:
			ctx.Send(a.links.Final, s.Msg)
		case SlotCommands:
			ctx.Send(a.links.Commands, s.Msg)
		}
	}
}
