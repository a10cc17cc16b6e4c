package server_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server/client"
)

// saboteur makes actors panic, on demand.
type saboteur struct {
	mu      sync.Mutex
	name    string // of the actors that are to panic; name@path: those with path in their address
	message string // on messages whose type has this in its name; "": on any but those of the actors' life cycle; "Started": on that
	left    int    // how many times
	hit     chan struct{}
}

// arm lets the next so many messages of an actor of that name end in a panic.
func (s *saboteur) arm(name, message string, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name, s.message, s.left, s.hit = name, message, times, make(chan struct{}, times)
}

func (s *saboteur) strikes(name, address string, message any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch message.(type) {
	case *actor.Started:
		if s.message != "Started" && s.message != anyMessage {
			return false
		}
	case *actor.Stopping, *actor.Stopped, *actor.Restarting, *actor.Terminated:
		return false
	}
	want, at, _ := strings.Cut(s.name, "@")
	_, drained := message.(actors.Drained)
	if s.left == 0 || want != name || !strings.Contains(address, at) || (s.message == "" && drained) || !s.means(message) {
		return false
	}
	s.left--
	s.hit <- struct{}{}
	return true
}

// anyMessage is a message that every actor gets, the first one included.
const anyMessage = "any"

func (s *saboteur) means(message any) bool {
	return s.message == anyMessage || strings.Contains(typeName(message), s.message)
}

func typeName(v any) string {
	return strings.TrimPrefix(strings.TrimPrefix(number("%T", v), "*"), "messages.")
}

// sabotaged is what runs in the place of an actor.
type sabotaged struct {
	actor.Actor
	name string
	by   *saboteur
}

func (a *sabotaged) Receive(ctx actor.Context) {
	if a.by.strikes(a.name, ctx.Self().Id, ctx.Message()) {
		panic("sabotage of " + a.name)
	}
	a.Actor.Receive(ctx)
}

func (s *saboteur) wrap() override {
	return func(o *setup) { o.options.Wrap = s.wrapActor }
}

func (s *saboteur) wrapActor(name string, inner actor.Actor) actor.Actor {
	return &sabotaged{inner, name, s}
}

// writer is a client that writes all the time and remembers what was acknowledged. Its connection may break.
type writer struct {
	*client.Client
	acknowledged []string // paths, each with itself as data
	versions     int      // acknowledged changes of its counter
	count        atomic.Int64
	pause        time.Duration // between two changes
	last, gap    atomic.Int64  // when something was acknowledged, and the longest time without; nanoseconds
}

// acks notes that something was acknowledged.
func (w *writer) acks() {
	w.count.Add(1)
	now := time.Now().UnixNano()
	if gap := now - w.last.Swap(now); gap > w.gap.Load() {
		w.gap.Store(gap)
	}
}

const counterSuffix = "-counter"

func (w *writer) run(t *testing.T, name string, stop <-chan struct{}) {
	ctx := t.Context()
	for {
		select {
		case <-stop:
			return
		default:
		}
		path, err := w.Create(ctx, name+"-n-", []byte(name), client.PersistentSequential)
		if err == nil {
			w.acknowledged = append(w.acknowledged, path)
			w.acks()
		}
		if _, err = w.Set(ctx, name+counterSuffix, []byte(path), -1); err == nil {
			w.versions++
		}
		if w.Err() != nil {
			return // run's caller sees it
		}
		if w.pause > 0 {
			<-time.After(w.pause)
		}
	}
}

// crowd is a few writers at work.
type crowd struct {
	writers []*writer
	stop    chan struct{}
	done    sync.WaitGroup
}

func startCrowd(t *testing.T, address string) *crowd {
	t.Helper()
	c := &crowd{stop: make(chan struct{})}
	for i := range 4 {
		w := &writer{Client: dialClient(t, address, func(o *client.Options) { o.Timeout = 10 * time.Second })}
		name := number("/w%d", i)
		for suffix, mode := range map[string]client.Mode{counterSuffix: client.Persistent, "-eph": client.Ephemeral} {
			if _, err := w.Create(serveContext(t), name+suffix, nil, mode); err != nil {
				t.Fatal(err)
			}
		}
		c.writers = append(c.writers, w)
		c.done.Go(func() { w.run(t, name, c.stop) })
	}
	return c
}

// progress waits until each writer has so many more acknowledged writes.
func (c *crowd) progress(t *testing.T, what string, more int64) {
	t.Helper()
	for _, w := range c.writers {
		goal := w.count.Load() + more
		eventually(t, what, func() bool { return w.count.Load() >= goal || w.Err() != nil })
		if err := w.Err(); err != nil {
			t.Fatalf("%s: a session ended: %v", what, err)
		}
	}
}

// verify stops the writers and looks for everything that was acknowledged.
func (c *crowd) verify(t *testing.T) {
	t.Helper()
	close(c.stop)
	c.done.Wait()
	ctx := serveContext(t)
	for i, w := range c.writers {
		name := number("/w%d", i)
		for _, path := range w.acknowledged {
			if data, _, err := w.Get(ctx, path); err != nil || string(data) != name {
				t.Fatalf("%s was acknowledged and is %q, %v", path, data, err)
			}
		}
		if s, err := w.Exists(ctx, name+counterSuffix); err != nil || int(s.Version) < w.versions {
			t.Errorf("%d changes were acknowledged, the version is %d, %v", w.versions, s.Version, err)
		}
		id, _ := w.Session()
		if s, err := w.Exists(ctx, name+"-eph"); err != nil || messages.SessionID(s.EphemeralOwner) != id {
			t.Errorf("the ephemeral of a session that lives: %+v %v", s, err)
		}
	}
}

// TestOrderedStagePanics: all connections end, the pipeline is built anew from disk, everything acknowledged is there,
// and the clients come back with their sessions.
func TestOrderedStagePanics(t *testing.T) {
	for _, c := range []struct{ stage, message string }{
		{"request", "Requests"}, {"prep", "Requests"}, {"sync", "Proposals"}, {"sync", "Drained"}, {"commit", "Committed"},
		{"commit", "Requests"}, {"final", "Deliveries"}, {"final", "Drained"},
	} {
		t.Run(c.stage+" on "+c.message, func(t *testing.T) {
			t.Parallel()
			s, book := &saboteur{}, &logBook{}
			address := startServer(t, s.wrap(), noting(book)).ClientAddress()
			writers := startCrowd(t, address)
			writers.progress(t, "writes", 20)
			idle := sessionWire(t, address, 30*time.Second)
			s.arm(c.stage, c.message, 1)
			receive(t, "the panic", s.hit)
			idle.mustEnd("an idle connection beside a failed stage")
			writers.progress(t, "writes after the stage failed", 20)
			writers.verify(t)
			if !book.has(`"generation":2`) || book.has(`"generation":3`) {
				t.Error("the pipeline wasn't built anew exactly once")
			}
			serves(t, address, "after a failed stage")
		})
	}
}

// TestChainFailsTooOften: more than five failures within a minute aren't a passing thing, and the server gives up.
func TestChainFailsTooOften(t *testing.T) {
	t.Parallel()
	s := &saboteur{}
	srv := startServer(t, s.wrap())
	address := srv.ClientAddress()
	c := dialClient(t, address, func(o *client.Options) { o.Wait = true })
	s.arm("prep", "Requests", 100)
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = c.Create(t.Context(), "/x", nil, client.Persistent)
			}
		}
	})
	err := receive(t, "the server's end", srv.Failed())
	close(stop)
	c.Abandon()
	done.Wait()
	if !strings.Contains(err.Error(), "within a minute") || !strings.Contains(err.Error(), "prep") {
		t.Errorf("the server failed with %v", err)
	}
	if n := len(s.hit); n != 6 {
		t.Errorf("it gave up after %d failures", n)
	}
}

// TestConnectionPanics: the connection ends, its session lives on, nobody else notices.
func TestConnectionPanics(t *testing.T) {
	t.Parallel()
	s, book := &saboteur{}, &logBook{}
	address := startServer(t, s.wrap(), noting(book)).ClientAddress()
	others := []*wire{sessionWire(t, address, 30*time.Second), sessionWire(t, address, 30*time.Second)}
	victim := dialWire(t, address)
	r, err := victim.handshake(30*time.Second, 0, make([]byte, messages.PasswordLength))
	if err != nil {
		t.Fatal(err)
	}
	s.arm("connection", "chunkRead", 1)
	victim.write(requestFrame(messages.XidPing, messages.OpPing, nil))
	receive(t, "the panic", s.hit)
	victim.mustEnd("the connection whose actor failed")
	for _, w := range others {
		w.mustServe("another connection beside one whose actor failed")
	}
	again, err := dialWire(t, address).handshake(30*time.Second, r.Session, r.Password)
	if err != nil || again.Session != r.Session {
		t.Errorf("the session after its connection failed: %+v %v", again, err)
	}
	if book.has(`"generation":2`) {
		t.Error("a connection's failure brought the pipeline down")
	}
}

// TestConnectionPanicsAtOnce: a connection whose actor fails before it has read anything is closed, so that the client tries again.
func TestConnectionPanicsAtOnce(t *testing.T) {
	t.Parallel()
	s := &saboteur{}
	address := startServer(t, s.wrap()).ClientAddress()
	s.arm("connection", "Started", 1)
	victim := dialWire(t, address)
	receive(t, "the panic", s.hit)
	victim.mustEnd("the connection whose actor failed at its start")
	serves(t, address, "after the failure of a connection")
}

// TestRebuildablePanics: sessions, buckets, sweeper, snapshotter and listener restart, and do their work afterwards:
// lost sessions expire, living ones don't, containers go, snapshots are written, clients connect.
func TestRebuildablePanics(t *testing.T) {
	for _, c := range []struct{ actor, message string }{
		{"sessions", "wheelTick"}, {"sessions", "Touch"}, {"bucket", "BucketDue"}, {"bucket", "BucketJoin"},
		{"sweeper", ""}, {"snapshotter", "Applied"}, {"snapshotter", "snapshotBegun"}, {"snapshotter", "nextPortion"},
		{"listener", "clientAccepted"},
	} {
		t.Run(c.actor+" on "+c.message, func(t *testing.T) {
			t.Parallel()
			s, book := &saboteur{}, &logBook{}
			disk := persistence.NewMemFS()
			srv := startServer(t, s.wrap(), noting(book), with("snapCount", "50"), onDisk(disk))
			writers := startCrowd(t, srv.ClientAddress())
			living := dialClient(t, srv.ClientAddress(), func(o *client.Options) { o.Timeout = 2 * time.Second })
			lost := dialClient(t, srv.ClientAddress(), func(o *client.Options) { o.Timeout = time.Second })
			prepareForRebuild(t, living, lost)
			s.arm(c.actor, c.message, 3)
			lost.Abandon()
			for range 3 {
				if c.actor == "listener" {
					_ = dialWire(t, srv.ClientAddress()) // this very client is lost, others aren't
				}
				receive(t, "the panic", s.hit)
			}
			writers.progress(t, "writes beside a failing "+c.actor, 100)
			eventually(t, "the end of a lost session, of a container", func() bool {
				_, err1 := living.Exists(serveContext(t), "/lost")
				_, err2 := living.Exists(serveContext(t), "/box")
				return errors.Join(err1, err2) != nil && code(err1) == messages.ErrNoNode && code(err2) == messages.ErrNoNode
			})
			if _, err := living.Exists(serveContext(t), "/living"); err != nil || living.Err() != nil {
				t.Errorf("a session that lives: %v, %v", err, living.Err())
			}
			writers.verify(t)
			if book.has(`"generation":2`) {
				t.Error("the pipeline was brought down")
			}
			serves(t, srv.ClientAddress(), "after failures of "+c.actor)
			if c.actor == "snapshotter" {
				eventually(t, "a snapshot", func() bool { return book.has("snapshot written") })
				srv.Stop()
				serves(t, startServer(t, onDisk(disk)).ClientAddress(), "started from what a failing snapshotter left")
			}
		})
	}
}

// prepareForRebuild leaves two ephemerals, and a container that is about to go.
func prepareForRebuild(t *testing.T, living, lost *client.Client) {
	t.Helper()
	ctx := serveContext(t)
	_, err1 := living.Create(ctx, "/living", nil, client.Ephemeral)
	_, err2 := lost.Create(ctx, "/lost", nil, client.Ephemeral)
	_, err3 := living.Create(ctx, "/box", nil, client.Container)
	_, err4 := living.Create(ctx, "/box/last", nil, client.Persistent)
	if err := errors.Join(err1, err2, err3, err4, living.Delete(ctx, "/box/last", -1)); err != nil {
		t.Fatal(err)
	}
}
