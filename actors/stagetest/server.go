package stagetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/actortest"
	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// Options say how a stage is tested.
type Options struct {
	Settings map[string]string // of the stage's keys: name → text
	Seed     uint64            // 0: messages are handled in the order in which they come; else as chance has it
	// Prefix is where the clients of Run write; "": /stagetest. Choose one that the stage is about.
	Prefix string
}

// Server is a server that runs alone, all of it on the test's goroutine. Its methods end the test when something fails that a
// stage can't be to blame for.
type Server struct {
	Clock *actortest.Clock

	fail    func(format string, args ...any)
	steps   *actortest.Steps
	net     *actortest.Network
	rt      *actors.Runtime
	view    atomic.Pointer[actors.View]
	options actors.Options
	role    *actor.PID
	fatal   error
	panics  string // the actor that panics on its next message
}

// New starts a server with stages; it is stopped when the test ends.
func New(t testing.TB, o Options, stages ...actors.CustomStage) *Server {
	t.Helper()
	s := start(o, func(format string, args ...any) { t.Helper(); t.Fatalf(format, args...) }, stages...)
	t.Cleanup(func() { s.Stop() })
	return s
}

func start(o Options, fail func(string, ...any), stages ...actors.CustomStage) *Server {
	s := &Server{Clock: actortest.NewClock(), fail: fail, steps: actortest.NewSteps(), options: actors.DefaultOptions()}
	if o.Seed != 0 {
		s.steps = actortest.NewSeeded(o.Seed)
	}
	for _, stage := range stages {
		if err := stage.Check(); err != nil {
			fail("%v", err)
		}
		active, err := stage.Configure(o.Settings)
		if err != nil {
			fail("stage %s: %v", stage.ID, err)
		}
		s.options.Stages = append(s.options.Stages, active)
	}
	if err := s.start(o.Seed); err != nil {
		fail("the server doesn't start: %v", err)
	}
	return s
}

func (s *Server) start(seed uint64) error {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	s.net = actortest.NewNetwork(s.steps, seed)
	s.rt = actors.NewRuntime(actors.World{
		Clock: s.Clock, Random: rand.NewChaCha8(key), Dispatchers: s.steps, Wrap: s.wrap,
		Fatal: func(err error) { s.fatal = errors.Join(s.fatal, err) },
	})
	digest, err := auth.NewDigest("", "")
	if err != nil {
		return err
	}
	reg, err := auth.NewRegistry(auth.IP{}, digest)
	if err != nil {
		return err
	}
	store, err := persistence.OpenStore(persistence.StoreOptions{
		FS: persistence.NewMemFS(), DataDir: "data", LogDir: "data", NewDatabaseID: 1, SegmentBytes: 1 << 20,
	})
	if err != nil {
		return err
	}
	root := s.rt.System.Root
	listener, err := root.SpawnNamed(actors.NewListener(s.rt, s.net, actors.ListenerOptions{}), "listener")
	if err != nil {
		return err
	}
	role := actors.Standalone{
		Options: &s.options, Auth: reg, Store: store, Listeners: []*actor.PID{listener},
		Failed: func(err error) { s.fatal = errors.Join(s.fatal, err) },
	}
	s.role, err = root.SpawnNamed(actors.NewStandalone(s.rt, role, &s.view), actors.StandaloneName())
	s.Settle()
	return err
}

// Settle lets the server do all that it has to do.
func (s *Server) Settle() {
	for n := 0; s.steps.Step(); n++ {
		if n == 5_000_000 {
			s.fail("the server never comes to rest")
		}
	}
	if s.fatal != nil {
		s.fail("the process would have ended: %v", s.fatal)
	}
}

// Pass lets time pass.
func (s *Server) Pass(d time.Duration) {
	s.Clock.Advance(d, s.Settle)
	s.Settle()
}

// Stop ends the server; false if something in it hangs.
func (s *Server) Stop() bool {
	if s.role == nil {
		return true
	}
	gone := false
	role := s.role
	s.role = nil
	s.rt.System.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started:
			ctx.Watch(role)
			ctx.Stop(role)
		case *actor.Terminated:
			gone = true
		}
	}, actor.WithDispatcher(s.steps)))
	for s.steps.Step() {
	}
	return gone
}

// Status tells how a stage does.
func (s *Server) Status(id string) (actors.StageStatus, *actors.StageStats) {
	for _, stats := range s.rt.Stages.All() {
		if stats.ID == id {
			return stats.Status(), stats
		}
	}
	s.fail("there is no stage %s", id)
	return actors.StageStatus{}, nil
}

// Rebuild lets the last stage of the pipeline fail, so that a new one is built from disk, with new instances of all stages.
// Connections are closed.
func (s *Server) Rebuild() error {
	before := s.view.Load().Generation
	s.panics = "final"
	s.rt.System.Root.Send(s.view.Load().Links.Final, nudge{})
	s.Settle()
	s.panics = ""
	if v := s.view.Load(); v == nil || v.Generation == before {
		return fmt.Errorf("the pipeline was not built anew")
	}
	return nil
}

type nudge struct{}

func (s *Server) wrap(name string, inner actor.Actor) actor.Actor {
	return &fragile{Actor: inner, name: name, server: s}
}

// fragile is an actor that panics when it is told to.
type fragile struct {
	actor.Actor
	name   string
	server *Server
}

// Receive implements actor.Actor.
func (f *fragile) Receive(ctx actor.Context) {
	if _, ok := ctx.Message().(nudge); ok && f.server.panics == f.name {
		panic("the test lets it fail")
	}
	f.Actor.Receive(ctx)
}

// read looks into the tree.
func (s *Server) read(f func(get func(path string) (string, bool))) {
	s.view.Load().Tree.Read(func(t *tree.Tree) {
		f(func(path string) (string, bool) {
			n, ok := t.LookupString(path)
			if !ok {
				return "", false
			}
			return string(n.Data()), true
		})
	})
}
