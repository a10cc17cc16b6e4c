package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// stranger opens a connection that says nothing; ended tells when the other side has closed it.
func (w *linkWorld) stranger(address string) (ended *bool) {
	ended = new(bool)
	w.net.Host("x").Dial(address, time.Second, func(tr actors.Transport, err error) {
		if err != nil {
			w.t.Fatal(err)
		}
		tr.Start(func(chunk []byte, err error) { *ended = len(chunk) == 0 })
	})
	w.steps.Settle()
	return ended
}

func TestReceptionClosesWhoSaysNothing(t *testing.T) {
	w := newLinkWorld(t, 1)
	a := w.start(1, 11, DefaultReceptionOptions(), adopt)
	w.steps.Settle()
	ended := w.stranger(a.address)
	w.run(1900 * time.Millisecond)
	if *ended {
		t.Fatal("closed too early")
	}
	w.run(200 * time.Millisecond)
	if !*ended || !strings.Contains(w.logs.String(), "no Hello has come within 2s") {
		t.Fatalf("ended %t\n%s", *ended, &w.logs)
	}
}

func TestReceptionBoundsStrangersAndStillTakesServers(t *testing.T) {
	for seed := range uint64(10) {
		w := newLinkWorld(t, seed)
		o := DefaultReceptionOptions()
		o.HalfOpen = 4
		a, b := w.start(1, 11, o, adopt), w.start(2, 22, o, adopt)
		w.steps.Settle()
		var ends []*bool
		for range 20 {
			ends = append(ends, w.stranger(a.address))
		}
		b.dial(b.host, learning, a.address, LearningLinks())
		w.steps.Settle()
		for i, ended := range ends {
			if *ended != (i < 17) {
				t.Fatalf("seed %d: the connection of stranger %d: closed %t", seed, i, *ended)
			}
		}
		if got := b.take(); len(got) != 1 || !lastIs[LinkUp](got) {
			t.Fatalf("seed %d: %v", seed, got)
		}
		// Those that have said Hello don't count.
		for range 10 {
			b.dial(b.host, learning, a.address, LearningLinks())
		}
		w.steps.Settle()
		if got := b.take(); len(got) != 10 {
			t.Fatalf("seed %d: %v", seed, got)
		}
	}
}

func TestReceptionTellsWhenItsTargetHasEnded(t *testing.T) {
	w := newLinkWorld(t, 1)
	a, b := w.start(1, 11, DefaultReceptionOptions(), nil), w.start(2, 22, DefaultReceptionOptions(), nil)
	leader, pid := newLinkProbe(a.rt, "leader", adopt)
	a.tell(a.reception, SetTarget{Purpose: messages.ForLearning, Target: pid})
	b.dial(b.host, learning, a.address, LearningLinks())
	w.steps.Settle()
	if got := leader.take(); len(got) != 2 || len(b.take()) != 1 {
		t.Fatal(got)
	}
	a.rt.System.Root.Stop(pid)
	w.steps.Settle()
	b.down(t, "server 1 closed the connection")
	b.dial(b.host, learning, a.address, LearningLinks())
	w.steps.Settle()
	b.down(t, "server 1 does not lead")
}

func TestReceptionIsRebuilt(t *testing.T) {
	for seed := range uint64(10) {
		w := newLinkWorld(t, seed)
		type crash struct{}
		w.wrap = func(name string, inner actor.Actor) actor.Actor {
			if name != "reception" {
				return inner
			}
			return &crashing{inner, inner.(actor.SupervisorStrategy), crash{}}
		}
		a, b, toA, _ := linked(w, LearningLinks())
		a.tell(a.reception, crash{})
		b.tell(toA, messages.Ack{})
		w.steps.Settle()
		b.take()
		a.take()
		if len(w.net.Conns()) > 0 {
			t.Fatal("a link has outlived its parent")
		}
		b.dial(b.host, learning, a.address, LearningLinks())
		w.steps.Settle()
		if got := b.take(); len(got) != 1 || !lastIs[LinkUp](got) {
			t.Fatalf("seed %d: %v", seed, got)
		}
		a.rt.System.Root.Stop(a.reception)
		w.steps.Settle()
		b.down(t, "closed the connection")
		b.dial(b.host, learning, a.address, LearningLinks())
		w.steps.Settle()
		b.down(t, "connection refused")
	}
}

// crashing is an actor that panics on one message.
type crashing struct {
	actor.Actor
	actor.SupervisorStrategy
	on any
}

func (c *crashing) Receive(ctx actor.Context) {
	if ctx.Message() == c.on {
		panic("injected")
	}
	c.Actor.Receive(ctx)
}
