package server_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// brake keeps what a server's learner is told from the next commit on, until it is let go. It doesn't stand in anybody's way
// but the learner's.
type brake struct {
	on   atomic.Bool
	held chan struct{} // closed when the learner stands
	self *actor.PID
	root *actor.RootContext
}

func newBrake() *brake { return &brake{held: make(chan struct{})} }

type letGo struct{}

// free lets the learner go on with all that it was told meanwhile.
func (b *brake) free() { b.root.Send(b.self, letGo{}) }

type braked struct {
	actor.Actor
	by    *brake
	stand bool
	kept  []any
}

// keptMessage is a context that gives a message of earlier.
type keptMessage struct {
	actor.Context
	msg any
}

func (c keptMessage) Message() any { return c.msg }

func (a *braked) Receive(ctx actor.Context) {
	msg := ctx.Message()
	if _, commit := msg.(*messages.Commit); commit && a.by.on.CompareAndSwap(true, false) {
		a.stand = true
		a.by.self, a.by.root = ctx.Self(), ctx.ActorSystem().Root
		close(a.by.held)
	}
	if _, ok := msg.(letGo); ok {
		a.stand = false
		for _, m := range a.kept {
			a.Actor.Receive(keptMessage{ctx, m})
		}
		return
	}
	switch msg.(type) {
	case actor.AutoReceiveMessage, actor.SystemMessage:
	default:
		if a.stand {
			a.kept = append(a.kept, msg)
			return
		}
	}
	a.Actor.Receive(ctx)
}

// laggards starts an ensemble in which the learner of each server has a brake, with limits of time that a held one doesn't
// reach.
func laggards(t *testing.T, keys ...string) (*troupe, []*brake) {
	t.Helper()
	e := newTroupe(t, 3, 0, append(keys, "syncLimit=200")...)
	brakes := []*brake{newBrake(), newBrake(), newBrake()}
	e.options = func(i int, o *server.Options) {
		o.Wrap = func(name string, inner actor.Actor) actor.Actor {
			if name != "learner" {
				return inner
			}
			return &braked{Actor: inner, by: brakes[i]}
		}
	}
	return e.startAll(), brakes
}

// get sends a read without waiting for the answer.
func get(c *client.Client, path string) *client.Call {
	return c.Send(messages.OpGetData, &jute.PathWatch{Path: []byte(path)})
}

func dataOf(ctx context.Context, t *testing.T, call *client.Call) string {
	t.Helper()
	if err := call.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	d := call.Decoder()
	return string(d.Buffer())
}

// A follower that lags behind answers an ordinary read with what it has, and a fresh one with what was acknowledged by then.
func TestFreshReadsAtAFollowerThatLags(t *testing.T) {
	for name, keys := range map[string][]string{"one client wishes it": nil, "all have it": {"reads.linearizable=true"}} {
		t.Run(name, func(t *testing.T) {
			e, brakes := laggards(t, keys...)
			ctx := serveContext(t)
			leader := e.leader()
			slow, quick := (leader+1)%3, (leader+2)%3
			writer, stale, fresh := e.connect(ctx, quick), e.connect(ctx, slow), e.connect(ctx, slow)
			for c, wish := range map[*client.Client]string{stale: actors.WishLocalReads, fresh: actors.WishFreshReads} {
				if keys != nil && c == fresh {
					continue
				}
				if err := c.AddAuth(ctx, actors.SchemeTroupe, []byte(wish)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := writer.Create(ctx, "/a", []byte("old"), client.Persistent); err != nil {
				t.Fatal(err)
			}
			if err := stale.Sync(ctx, "/a"); err != nil {
				t.Fatal(err)
			}

			brakes[slow].on.Store(true)
			if _, err := writer.Set(ctx, "/a", []byte("new"), -1); err != nil {
				t.Fatal(err)
			}
			<-brakes[slow].held
			read := get(fresh, "/a")
			if got, _, err := stale.Get(ctx, "/a"); err != nil || string(got) != "old" {
				t.Errorf("an ordinary read gives %q, %v: the follower doesn't lag, and the test shows nothing", got, err)
			}
			brakes[slow].free()
			if got := dataOf(ctx, t, read); got != "new" {
				t.Errorf("the fresh read gives %q", got)
			}
		})
	}
}

// Fresh reads keep their place among the other requests of their session, at every server, and fresh or not they are answered.
func TestFreshReadsKeepTheirPlace(t *testing.T) {
	e := newTroupe(t, 3, 1, "reads.linearizable=true").startAll()
	ctx := serveContext(t)
	for i := range e.servers {
		c := e.connect(ctx, i)
		path := number("/n%d", i)
		if _, err := c.Create(ctx, path, []byte("0"), client.Persistent); err != nil {
			t.Fatal(err)
		}
		var calls []*client.Call
		for round := range 50 {
			set := jute.SetDataRequest{Path: path, Data: []byte(number("%d", round+1)), Version: -1}
			calls = append(calls, get(c, path), get(c, path), c.Send(messages.OpSetData, &set), get(c, path))
		}
		for n, call := range calls {
			if n%4 == 2 {
				continue
			}
			want := number("%d", n/4)
			if n%4 == 3 {
				want = number("%d", n/4+1)
			}
			if got := dataOf(ctx, t, call); got != want {
				t.Fatalf("server %d: read %d gives %q, want %q", i+1, n, got, want)
			}
		}
	}
}
