package actors_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// living counts the actors of a kind that have started and not stopped.
func living(kind string, count *int) func(string, actor.Actor) actor.Actor {
	return func(name string, inner actor.Actor) actor.Actor {
		if name != kind {
			return inner
		}
		return &panicker{Actor: inner, bad: func(msg any) bool {
			switch msg.(type) {
			case *actor.Started:
				*count++
			case *actor.Stopped:
				*count--
			}
			return false
		}}
	}
}

// Sessions that are alive wander from bucket to bucket; those that they leave behind must end.
func TestBucketsThatAllHaveLeftEnd(t *testing.T) {
	buckets := 0
	p := newPipeline(t, pipelineOptions{wrap: living("bucket", &buckets)})
	c := p.connect(nil)
	for range 100 {
		p.pass(2 * time.Second)
		c.call(messages.OpPing, nil)
	}
	if most := 7; buckets > most {
		t.Errorf("%d buckets live for one session, want at most %d", buckets, most)
	}
}

func TestSessionsExpireBetweenTheirTimeoutAndATickLater(t *testing.T) {
	for seed := range uint64(10) {
		p := newPipeline(t, pipelineOptions{seed: seed + 1})
		p.pass(time.Duration(seed) * 317 * time.Millisecond)
		c, other := p.connect(nil), p.connect(nil)
		c.call(messages.OpCreate, createRequest("/e", 1))
		for range 9 {
			p.pass(time.Second)
			other.call(messages.OpPing, nil)
		}
		p.pass(990 * time.Millisecond)
		if r := other.call(messages.OpExists, getRequest("/e", true)); r.err != 0 {
			t.Fatalf("seed %d: it expired before its timeout: %v", seed+1, r)
		}
		p.pass(2010 * time.Millisecond)
		got := other.take()
		if len(got) != 1 || got[0].event.Type != messages.EventNodeDeleted {
			t.Fatalf("seed %d: got %v, want the node's end", seed+1, got)
		}
		if !c.peer.Closed() {
			t.Errorf("seed %d: the connection of the expired session stayed open", seed+1)
		}
		if late := p.dial(c); late != nil {
			p.settle()
			if late.take(); !late.refused || !late.peer.Closed() {
				t.Errorf("seed %d: an expired session was taken up", seed+1)
			}
		}
	}
}

// A bucket may fail on any message: its sessions expire all the same, and those that live go on.
func TestSessionsExpireThoughTheirBucketFails(t *testing.T) {
	for _, kind := range []any{&messages.BucketJoin{}, &messages.BucketLeave{}, &messages.BucketDue{}} {
		for seed := range uint64(8) {
			left := 3
			p := newPipeline(t, pipelineOptions{seed: seed + 1, wrap: panicOn("bucket", func(msg any) bool {
				if fmt.Sprintf("%T", msg) != fmt.Sprintf("%T", kind) || left == 0 {
					return false
				}
				left--
				return true
			})})
			alive := p.connect(nil)
			for range 5 {
				p.dial(nil)
			}
			for range 8 {
				p.pass(2 * time.Second)
				alive.call(messages.OpPing, nil)
			}
			if n := p.sessions(); n != 1 {
				t.Fatalf("seed %d, failures on %T: %d sessions live, want 1", seed+1, kind, n)
			}
		}
	}
}
