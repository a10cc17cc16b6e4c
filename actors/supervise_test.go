package actors_test

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// panicOn makes the actor of a kind panic on its nth message of a type.
func panicOn(kind string, bad func(msg any) bool) func(string, actor.Actor) actor.Actor {
	return func(name string, inner actor.Actor) actor.Actor {
		if name != kind {
			return inner
		}
		return &panicker{Actor: inner, bad: bad}
	}
}

type panicker struct {
	actor.Actor
	bad func(msg any) bool
}

func (a *panicker) Receive(ctx actor.Context) {
	if a.bad(ctx.Message()) {
		panic("injected")
	}
	a.Actor.Receive(ctx)
}

// A failed stage brings its whole chain down; clients come back to a new one, and nothing acknowledged is lost.
func TestOrderedStageFailsAndThePipelineIsRebuilt(t *testing.T) {
	for _, stage := range []string{"request", "prep", "sync", "commit", "final"} {
		t.Run(stage, func(t *testing.T) {
			armed := false
			p := newPipeline(t, pipelineOptions{wrap: panicOn(stage, func(msg any) bool {
				switch msg.(type) {
				case *messages.Requests, *messages.Proposals, *messages.Deliveries, *messages.Committed:
					was := armed
					armed = false
					return was
				}
				return false
			})})
			c := p.connect(nil)
			c.call(messages.OpCreate, createRequest("/a", 0))
			armed = true
			c.ask(messages.OpCreate, createRequest("/b", 0))
			p.settle()
			if !c.peer.Closed() {
				t.Fatal("the connection stayed open")
			}
			if v := p.view.Load(); v == nil || v.Generation != 2 {
				t.Fatalf("the pipeline was not rebuilt: %+v", v)
			}
			again := p.connect(c)
			if r := again.call(messages.OpGetData, getRequest("/a", false)); r.err != 0 {
				t.Fatal(r)
			}
		})
	}
}

// A stage that panics once more while it stops must not keep the new chain from being built.
func TestPanicsOnTheWayOutDontStopTheRebuild(t *testing.T) {
	for _, stage := range []string{"prep", "sync", "sessions", "snapshotter", "sweeper"} {
		t.Run(stage, func(t *testing.T) {
			armed := false
			wrap := panicOn("final", func(msg any) bool {
				_, ok := msg.(*messages.Deliveries)
				was := ok && armed
				armed = armed && !ok
				return was
			})
			atEnd := panicOn(stage, func(msg any) bool {
				_, ok := msg.(*actor.Stopping)
				return ok
			})
			p := newPipeline(t, pipelineOptions{wrap: func(name string, inner actor.Actor) actor.Actor {
				return atEnd(name, wrap(name, inner))
			}})
			c := p.connect(nil)
			armed = true
			c.ask(messages.OpSync, append([]byte{0, 0, 0, 1}, '/'))
			p.settle()
			if v := p.view.Load(); v == nil || v.Generation != 2 {
				t.Fatalf("the pipeline was not rebuilt once: %+v", v)
			}
			p.connect(c)
		})
	}
}

// Two stages of one chain that fail together cost one rebuild.
func TestTwoFailuresOfOneChainRebuildOnce(t *testing.T) {
	for seed := range uint64(20) {
		armed := map[string]bool{}
		bad := func(msg any) bool { _, ok := msg.(*messages.Requests); return ok }
		p := newPipeline(t, pipelineOptions{seed: seed + 1, wrap: func(name string, inner actor.Actor) actor.Actor {
			if name != "prep" && name != "commit" {
				return inner
			}
			return &panicker{Actor: inner, bad: func(msg any) bool {
				was := bad(msg) && armed[name]
				armed[name] = armed[name] && !was
				return was
			}}
		}})
		c := p.connect(nil)
		armed["prep"], armed["commit"] = true, true
		c.ask(messages.OpCreate, createRequest("/a", 0))
		p.settle()
		if v := p.view.Load(); v == nil || v.Generation != 2 {
			t.Fatalf("seed %d: %+v", seed+1, v)
		}
	}
}

// A role that is told to stop while its pipeline is down must not build another one.
func TestStopWhileThePipelineIsDown(t *testing.T) {
	for seed := range uint64(40) {
		armed := false
		p := newPipeline(t, pipelineOptions{seed: seed + 1, wrap: panicOn("prep", func(msg any) bool {
			_, ok := msg.(*messages.Requests)
			return ok && armed
		})})
		c := p.connect(nil)
		armed = true
		c.ask(messages.OpCreate, createRequest("/a", 0))
		for p.view.Load() != nil {
			p.steps.Step()
		}
		p.stop()
		if v := p.view.Load(); v != nil {
			t.Fatalf("seed %d: after its end the server serves generation %d", seed+1, v.Generation)
		}
	}
}

// A listener that panics on the word of whom to serve serves them all the same: nobody says it again.
func TestListenerKeepsWhomToServe(t *testing.T) {
	left := 1
	p := newPipeline(t, pipelineOptions{wrap: panicOn("listener", func(msg any) bool {
		if _, serve := msg.(actors.Serve); !serve || left == 0 {
			return false
		}
		left--
		return true
	})})
	p.connect(nil).call(messages.OpPing, nil)
}
