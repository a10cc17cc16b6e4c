package chaostest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// idleFolder holds an ephemeral of each idle session.
const idleFolder = "/idle"

// idleTimeout is that of the idle sessions: longer than any change of the leader takes.
const idleTimeout = 10 * time.Second

// crowd is a number of sessions that do nothing but ping.
type crowd struct {
	e     *ensemble
	conns []*client.Client
}

func (c *crowd) path(i int) string { return fmt.Sprintf("%s/%d", idleFolder, i) }

// gather opens all sessions, some at a time.
func (c *crowd) gather(ctx context.Context, count int) error {
	c.conns = make([]*client.Client, count)
	failed := make(chan error, count)
	var busy sync.WaitGroup
	turns := make(chan int)
	for range 16 {
		busy.Go(func() {
			for i := range turns {
				conn, err := c.e.connect(ctx, client.Options{Timeout: idleTimeout, Wait: true})
				if err == nil {
					c.conns[i] = conn
					_, err = conn.Create(ctx, c.path(i), nil, client.Ephemeral)
				}
				if err != nil {
					failed <- fmt.Errorf("session %d: %w", i, err)
				}
			}
		})
	}
	for i := range count {
		turns <- i
	}
	close(turns)
	busy.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// lost tells which sessions are of no more use.
func (c *crowd) lost() (err error) {
	for i, conn := range c.conns {
		if bad := conn.Err(); bad != nil {
			err = errors.Join(err, fmt.Errorf("session %d: %w", i, bad))
		}
	}
	return err
}

// awaitConnected waits until all sessions have a connection.
func (c *crowd) awaitConnected(ctx context.Context) error {
	return await(ctx, "all sessions are connected", pollEvery, func() error {
		away := 0
		for _, conn := range c.conns {
			if !conn.State().Connected() {
				away++
			}
		}
		if away > 0 {
			return fmt.Errorf("%d of %d aren't", away, len(c.conns))
		}
		return nil
	})
}

func (c *crowd) leave() {
	for _, conn := range c.conns {
		if conn != nil {
			conn.Abandon()
		}
	}
}

// audit makes sure that each session works and has its node.
func (c *crowd) audit(ctx context.Context) (err error) {
	for i, conn := range c.conns {
		id, _ := conn.Session()
		stat, bad := conn.Exists(ctx, c.path(i))
		if bad == nil && stat.EphemeralOwner != int64(id) {
			bad = fmt.Errorf("the node belongs to %#x", stat.EphemeralOwner)
		}
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("session %d (%v): %w", i, id, bad))
		}
	}
	return err
}

// TestSessionsOverLeaderChanges takes the leader away again and again, by kill -9 and by SIGTERM in turn, while many
// idle sessions do no more than ping. None of them may expire.
func TestSessionsOverLeaderChanges(t *testing.T) {
	e := newEnsemble(t, layout{voters: *serversFlag, beside: true})
	ctx := testContext(t, time.Duration(*changesFlag+2)*patience)
	if err := e.start(ctx); err != nil {
		t.Fatal(err)
	}
	conn, err := e.connect(ctx, client.Options{Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Create(ctx, idleFolder, nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	defer conn.Abandon()
	c := &crowd{e: e}
	defer c.leave()
	if err := c.gather(ctx, *sessionsFlag); err != nil {
		t.Fatal(err)
	}
	times := newTable(fmt.Sprintf("%d idle sessions, %s, %d servers, tick %v", *sessionsFlag, e.target.name, *serversFlag, *tickFlag),
		"all connected", "all serve")
	for i := range *changesFlag {
		connected, whole, err := c.change(ctx, i%2 == 0)
		if err = errors.Join(err, c.lost()); err != nil {
			t.Fatalf("change %d: %v", i+1, e.explain(err))
		}
		times.add(fmt.Sprint(i+1), connected, whole)
	}
	if err := conn.Sync(ctx, messages.RootPath); err != nil {
		t.Error(err)
	}
	say("%v", times)
	if err := errors.Join(c.lost(), c.audit(ctx)); err != nil {
		t.Error(err)
	}
}

// change takes the leader away and waits until all sessions are connected again; then it comes back.
func (c *crowd) change(ctx context.Context, kill bool) (connected, whole time.Duration, err error) {
	leader, err := c.e.awaitLeader(ctx)
	if err != nil {
		return 0, 0, err
	}
	if kill {
		err = leader.kill()
	} else {
		err = leader.stop(ctx)
	}
	if err != nil {
		return 0, 0, err
	}
	begun := leader.signalled
	if err := leader.start(); err != nil {
		return 0, 0, err
	}
	if err := c.e.awaitWhole(ctx); err != nil {
		return 0, 0, err
	}
	whole = time.Since(begun)
	if err := c.awaitConnected(ctx); err != nil {
		return 0, 0, err
	}
	connected = time.Since(begun)
	pause(ctx, idleTimeout/5)
	return connected, whole, c.awaitConnected(ctx)
}
