package server_test

import (
	"fmt"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
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
			create(0, 20)
			seen("at first", 20)
			last := writer.LastZxid()
			e.stop(3)
			if onDisk := e.lastOnDisk(3); (onDisk >= last) != keeps {
				t.Errorf("the observer's disk goes up to %v, it has heard %v", onDisk, last)
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
