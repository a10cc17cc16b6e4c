package cluster

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/actortest"
	"github.com/troupekeeper/troupe/cluster/clustertest"
	"github.com/troupekeeper/troupe/messages"
)

// linkProbe is an owner of links, or whoever is offered some: it collects what it is sent.
type linkProbe struct {
	actors.PrivateChildren
	on func(actor.Context, any) // sees each message first

	mu   sync.Mutex
	got  []any
	news chan struct{}
}

func newLinkProbe(rt *actors.Runtime, name string, on func(actor.Context, any)) (*linkProbe, *actor.PID) {
	p := &linkProbe{PrivateChildren: actors.PrivateChildren{Runtime: rt}, on: on, news: make(chan struct{}, 1)}
	pid, err := rt.System.Root.SpawnNamed(rt.SharedProps("probe", func() actor.Actor { return p }), name)
	if err != nil {
		panic(err)
	}
	return p, pid
}

// Receive implements actor.Actor.
func (p *linkProbe) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case actor.SystemMessage, actor.AutoReceiveMessage, actors.Drained:
	case func(actor.Context):
		m(ctx)
	default:
		p.mu.Lock()
		p.got = append(p.got, m)
		p.mu.Unlock()
		select {
		case p.news <- struct{}{}:
		default:
		}
		if p.on != nil {
			p.on(ctx, m)
		}
	}
}

// take gives what has come since the last call.
func (p *linkProbe) take() []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// await waits until enough has come, for tests with real time.
func (p *linkProbe) await(t testing.TB, what string, enough func(got []any) bool) []any {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		p.mu.Lock()
		got := p.got
		p.mu.Unlock()
		if enough(got) {
			return p.take()
		}
		select {
		case <-p.news:
		case <-deadline:
			t.Fatalf("waited in vain for %s; %d messages have come, the last ones are %v", what, len(got), got[max(0, len(got)-5):])
		}
	}
}

func lastIs[T any](got []any) bool {
	if len(got) == 0 {
		return false
	}
	_, ok := got[len(got)-1].(T)
	return ok
}

// linkWorld is several servers' links on one goroutine.
type linkWorld struct {
	t     testing.TB
	steps *actortest.Steps
	clock *actortest.Clock
	net   *clustertest.Network
	wrap  func(name string, inner actor.Actor) actor.Actor
	logs  bytes.Buffer
}

func newLinkWorld(t testing.TB, seed uint64) *linkWorld {
	w := &linkWorld{t: t, steps: actortest.NewSteps(), clock: actortest.NewClock()}
	if seed != 0 {
		w.steps = actortest.NewSeeded(seed)
	}
	w.net = clustertest.NewNetwork(w.steps, w.clock, seed)
	return w
}

func (w *linkWorld) runtime() *actors.Runtime {
	return actors.NewRuntime(actors.World{
		Clock: w.clock, Random: rand.NewChaCha8([32]byte{}), Dispatchers: w.steps, Wrap: w.wrap,
		Log:   zerolog.New(&w.logs).Level(zerolog.DebugLevel),
		Fatal: func(err error) { w.t.Errorf("fatal: %v", err) },
	})
}

// run lets time pass.
func (w *linkWorld) run(d time.Duration) {
	w.steps.Settle()
	w.clock.Advance(d, func() { w.steps.Settle() })
	w.steps.Settle()
}

// linkHost is one server with a reception, and a probe that is the target of all links.
type linkHost struct {
	*linkProbe
	pid       *actor.PID
	rt        *actors.Runtime
	host      *clustertest.Host
	self      Identity
	address   string
	reception *actor.PID
}

// start makes a server at its host. The hook may adopt.
func (w *linkWorld) start(id messages.ServerID, incarnation uint64, o ReceptionOptions, on func(actor.Context, any)) *linkHost {
	h := &linkHost{rt: w.runtime(), self: Identity{ID: id, Incarnation: incarnation}}
	h.host = w.net.Host(fmt.Sprintf("s%d", id))
	h.address = h.host.Name() + ":3888"
	acceptor, err := h.host.Listen(h.address)
	if err != nil {
		w.t.Fatal(err)
	}
	h.linkProbe, h.pid = newLinkProbe(h.rt, "probe", on)
	targets := []SetTarget{
		{Purpose: messages.ForElection, Target: h.pid},
		{Purpose: messages.ForLearning, Target: h.pid},
	}
	h.reception, err = h.rt.System.Root.SpawnNamed(NewReception(h.rt, acceptor, h.self, targets, o), "reception")
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func (h *linkHost) tell(to *actor.PID, msg any) { h.rt.System.Root.Send(to, msg) }

// dial spawns a link below the probe.
func (h *linkHost) dial(network Network, hello messages.Hello, address string, o LinkOptions) {
	hello.From, hello.Incarnation = h.self.ID, h.self.Incarnation
	h.tell(h.pid, func(ctx actor.Context) {
		ctx.Spawn(NewLink(h.rt, 1, Dial{
			Network: network, Address: address, Timeout: 2 * time.Second, Hello: hello, Owner: ctx.Self(), Options: o,
		}))
	})
}

// adopt is the hook of a server that takes every link.
func adopt(ctx actor.Context, msg any) {
	if m, ok := msg.(LinkAccepted); ok {
		ctx.Send(m.Link, Adopt{Owner: ctx.Self()})
	}
}
