package actors

import (
	"fmt"
	"net"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/messages"
)

// ListenerOptions are the limits on connections.
type ListenerOptions struct {
	PerHost int // connections of one address (maxClientCnxns), 0: no limit
	Total   int // connections of all (maxCnxns), 0: no limit
}

type (
	clientAccepted struct{ transport Transport }
	// sweepAccepted comes behind what was told before a failure: what of that is still there nobody will take.
	sweepAccepted struct{ newest Transport }
	acceptFailed  struct{ err error }
	// Serve gives the listener a pipeline to connect clients to.
	Serve struct {
		Links   Links
		Options ConnOptions
		Auth    *auth.Registry
	}
	// Hold takes it away: all connections are closed, new ones too, until the next Serve.
	Hold struct{ Reason string }
)

// listenerActor accepts connections and is the parent of their actors.
type listenerActor struct {
	supervisor
	log      zerolog.Logger
	acceptor Acceptor
	opts     ListenerOptions
	kept     *listenerState
	hosts    map[string]int    // connections by address
	children map[string]string // address by child
	loggedAt int64             // when a refusal was last logged, monotonic milliseconds
	unlogged int               // refusals since then
}

// listenerState outlives a restart of the actor: the socket goes on listening, and the pipeline is still there.
type listenerState struct {
	serve    *Serve
	accepted bool // the acceptor has been started
	came     Accepted
}

// NewListener makes the props of a listener on an acceptor. It serves nobody until it gets a Serve.
func NewListener(rt *Runtime, acceptor Acceptor, o ListenerOptions) *actor.Props {
	kept := &listenerState{}
	props := rt.sharedProps("listener", func() actor.Actor {
		return &listenerActor{
			supervisor: supervisor{rt: rt, class: func(*actor.PID) FailureClass { return Private }},
			log:        rt.Log.With().Str("component", "listener").Str("address", acceptor.Addr()).Logger(),
			acceptor:   acceptor, opts: o, kept: kept,
			hosts: map[string]int{}, children: map[string]string{},
		}
	})
	return props.Configure(actor.WithReceiverMiddleware(func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
			kept.note(envelope.Message)
			next(ctx, envelope)
		}
	}))
}

// note keeps who is to be served before the actor sees the message: if it panics on that one, nobody says it again, and the
// server would turn its clients away for ever.
func (k *listenerState) note(msg any) {
	switch m := msg.(type) {
	case Serve:
		k.serve = &m
	case Relink:
		if k.serve != nil {
			serve := *k.serve
			serve.Links = m.Links
			k.serve = &serve
		}
	case Hold:
		k.serve = nil
	}
}

// Receive implements actor.Actor.
func (a *listenerActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case clientAccepted:
		if a.kept.came.Take(m.transport) {
			a.accept(ctx, m.transport)
		}
	case sweepAccepted:
		if a.kept.came.Take(m.newest) {
			m.newest.Close()
		}
	case *actor.Started:
		a.goOn(ctx)
	case acceptFailed:
		a.log.Error().Err(m.err).Msg("can't accept connections at the moment")
	case Serve:
		a.start(ctx)
	case Relink:
		a.relink(ctx, m)
	case Hold:
		for _, child := range ctx.Children() {
			ctx.Send(child, &messages.CloseConn{Reason: m.Reason})
		}
	case *actor.Terminated:
		a.forget(m.Who.Id)
	case *actor.Stopping:
		a.acceptor.Close()
		a.kept.came.Close()
	default:
		a.rt.unexpected(ctx, &a.log)
	}
}

// goOn is the start of its next life, when it has failed.
func (a *listenerActor) goOn(ctx actor.Context) {
	if t := a.kept.came.Newest(); t != nil {
		ctx.Send(ctx.Self(), sweepAccepted{t})
	}
	if a.kept.serve != nil {
		a.start(ctx)
	}
}

// relink tells all connections of a change behind the stages that they know.
func (a *listenerActor) relink(ctx actor.Context, m Relink) {
	if a.kept.serve == nil {
		return
	}
	for _, child := range ctx.Children() {
		ctx.Send(child, m)
	}
}

// start begins to accept with the first Serve: clients that come while the state is recovered wait in the socket's
// queue and are served the moment that it is done.
func (a *listenerActor) start(ctx actor.Context) {
	if a.kept.accepted {
		return
	}
	a.kept.accepted = true
	self, root, kept := ctx.Self(), a.rt.System.Root, a.kept
	a.acceptor.Start(
		func(t Transport) {
			if kept.came.Put(t) {
				root.Send(self, clientAccepted{t})
			}
		},
		func(err error) { root.Send(self, acceptFailed{err}) })
}

func (a *listenerActor) accept(ctx actor.Context, t Transport) {
	host, _, err := net.SplitHostPort(t.Remote())
	if err != nil {
		host = t.Remote()
	}
	if reason := a.refuse(host); reason != "" {
		a.rt.Metrics.ConnRejected.Inc()
		a.logRefusal(t.Remote(), reason)
		t.Close()
		return
	}
	s, id := a.kept.serve, a.rt.Conns.NextID()
	props := a.rt.propsOn("connection", a.rt.Dispatchers.Conn(uint64(id)), func() actor.Actor {
		return newConnActor(a.rt, s.Links, s.Options, s.Auth, id, t)
	})
	pid, err := ctx.SpawnNamed(props, id.String())
	if err != nil {
		a.log.Error().Err(err).Msg("can't start a connection's actor")
		t.Close()
		return
	}
	a.hosts[host]++
	a.children[pid.Id] = host
}

func (a *listenerActor) refuse(host string) string {
	switch {
	case a.kept.serve == nil:
		return "the server is not serving yet"
	case a.opts.PerHost > 0 && a.hosts[host] >= a.opts.PerHost:
		return fmt.Sprintf("%d connections from %s already (maxClientCnxns)", a.hosts[host], host)
	case a.opts.Total > 0 && len(a.children) >= a.opts.Total:
		return fmt.Sprintf("%d connections already (maxCnxns)", len(a.children))
	}
	return ""
}

// refusalPauseMs is how often refused connections get a line in the log: a client that tries again and again would
// otherwise fill it.
const refusalPauseMs = 1000

func (a *listenerActor) logRefusal(remote, reason string) {
	now := monoMs(a.rt.Clock)
	if a.unlogged++; a.loggedAt != 0 && now-a.loggedAt < refusalPauseMs {
		return
	}
	a.log.Warn().Str("client", remote).Int("refused", a.unlogged).Msg("connection refused: " + reason)
	a.loggedAt, a.unlogged = now, 0
}

func (a *listenerActor) forget(child string) {
	host, ok := a.children[child]
	if !ok {
		return
	}
	delete(a.children, child)
	if a.hosts[host]--; a.hosts[host] <= 0 {
		delete(a.hosts, host)
	}
}
