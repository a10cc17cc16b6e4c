package server_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// lastOnDisk tells how far a stopped server's disk goes.
func (e *troupe) lastOnDisk(i int) messages.Zxid {
	e.t.Helper()
	dir := e.configs[i].Data.Dir
	s, err := persistence.OpenStore(persistence.StoreOptions{FS: e.disks[i], DataDir: dir, LogDir: dir, NewDatabaseID: 1})
	if err != nil {
		e.t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Recover(func() int64 { return 0 }, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	defer r.Log.Close()
	return r.Tree.LastZxid()
}

// An observer with syncEnabled=false writes down what a synchronisation brings, and nothing of what it hears later. It serves
// like any other, also after a restart and under the next leader.
func TestObserverWithoutALog(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		t.Run(fmt.Sprintf("syncEnabled=%v", keeps), func(t *testing.T) {
			e := newTroupe(t, 3, 1, fmt.Sprintf("syncEnabled=%v", keeps), "observer.reconnectDelayMs=20").startAll()
			ctx := serveContext(t)
			leader := e.leader()
			writer := e.connectTo(ctx, e.address((leader+1)%3), e.address((leader+2)%3))
			create := func(from, to int) {
				t.Helper()
				for i := from; i < to; i++ {
					eventually(t, "a create", func() bool {
						_, err := writer.Create(ctx, fmt.Sprintf("/n%d", i), nil, client.Persistent)
						return err == nil || code(err) == messages.ErrNodeExists
					})
				}
			}
			seen := func(what string, upTo int) {
				t.Helper()
				c := e.connect(ctx, 3)
				if err := c.Sync(ctx, "/"); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				for i := range upTo {
					if _, err := c.Exists(ctx, fmt.Sprintf("/n%d", i)); err != nil {
						t.Fatalf("%s: /n%d: %v", what, i, err)
					}
				}
				if err := c.Close(); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			create(0, 1)
			first := writer.LastZxid()
			create(1, 20)
			seen("at first", 20)
			e.stop(3)
			// A stop may come before the last of what it has heard is on disk: an observer promises nobody that it is.
			if onDisk := e.lastOnDisk(3); (onDisk > first) != keeps {
				t.Errorf("the observer's disk goes up to %v, its broadcast began before %v", onDisk, first)
			}
			e.start(3)
			e.awaitServing()
			seen("after a restart", 20)
			create(20, 30)
			e.stop(leader)
			create(30, 40)
			e.awaitServing()
			seen("under the next leader", 40)
			e.start(leader)
			e.awaitServing()
		})
	}
}

// turnstile holds the first learner that is fed up until another one was sent to wait.
type turnstile struct {
	once   sync.Once
	queued chan struct{}
}

type watchedFeeder struct {
	actor.Actor
	at   *turnstile
	turn bool // it has had its turn
}

func (f *watchedFeeder) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *cluster.FeedTurn:
		f.turn = true
		<-f.at.queued
	case *actor.Stopping:
		if !f.turn {
			f.at.once.Do(func() { close(f.at.queued) })
		}
	}
	f.Actor.Receive(ctx)
}

// A leader that may feed one learner at a time brings several observers up to date all the same, one after the other.
func TestLearnersTakeTurns(t *testing.T) {
	e := newTroupe(t, 3, 3, "leader.maxConcurrentDiffSyncs=1", "initLimit=100")
	open := &turnstile{queued: make(chan struct{})}
	open.once.Do(func() { close(open.queued) }) // nobody is held up at the start of the voters
	var at atomic.Pointer[turnstile]
	at.Store(open)
	e.options = func(i int, o *server.Options) {
		o.Wrap = func(name string, inner actor.Actor) actor.Actor {
			if name != "feeder" {
				return inner
			}
			return &watchedFeeder{Actor: inner, at: at.Load()}
		}
	}
	for i := range 3 {
		e.start(i)
	}
	e.awaitServing()
	ctx := serveContext(t)
	writer := e.connect(ctx, 0)
	for i := range 10 {
		if _, err := writer.Create(ctx, fmt.Sprintf("/n%d", i), make([]byte, 1000), client.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	at.Store(&turnstile{queued: make(chan struct{})})
	for i := range 3 {
		e.start(3 + i)
	}
	receive(t, "an observer waits", at.Load().queued)
	e.awaitServing()
	for i := range 3 {
		c := e.connect(ctx, 3+i)
		if err := c.Sync(ctx, "/"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exists(ctx, "/n9"); err != nil {
			t.Errorf("observer %d: %v", 4+i, err)
		}
	}
}
