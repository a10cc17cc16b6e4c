package actors

import (
	"fmt"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// rebuildsPerMinute is how often a pipeline may fail and be built anew before the process gives up: then the failure
// isn't a passing one.
const rebuildsPerMinute = 5

// Standalone describes the role of a server that runs alone.
type Standalone struct {
	Options   *Options
	Auth      *auth.Registry
	Store     *persistence.Store
	Listeners []*actor.PID
	Commands  *actor.PID
	Progress  func(persistence.Progress) // of a recovery; may be nil
	Ready     func()                     // called each time the server begins to serve; may be nil
	Failed    func(error)                // called when the state on disk can't be recovered
	view      *atomic.Pointer[View]
}

// NewStandalone makes the props of the role. view always shows the running pipeline, nil while there is none.
func NewStandalone(rt *Runtime, s Standalone, view *atomic.Pointer[View]) *actor.Props {
	s.view = view
	return rt.pinnedProps(roleActor, func() actor.Actor {
		a := &standaloneActor{Standalone: s, rt: rt, log: rt.Log.With().Str("component", roleActor).Logger()}
		a.supervisor = supervisor{rt: rt, class: a.classOf, escalate: a.failed}
		return a
	})
}

// standaloneActor is the role: it recovers the state from disk, builds the pipeline as its children, and builds it
// anew when an ordered stage has failed. It has a goroutine of its own, because recovery reads the disk.
type standaloneActor struct {
	supervisor
	Standalone
	rt         *Runtime
	log        zerolog.Logger
	chain      *Chain
	generation int
	left       map[string]bool // children of a failed generation that haven't stopped yet
	rebuilds   []int64         // when, monotonic milliseconds
}

type chainFailed struct {
	stage  string
	reason any
}

// Receive implements actor.Actor.
func (a *standaloneActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.build(ctx)
	case chainFailed:
		a.tearDown(ctx, m)
	case *actor.Terminated:
		a.childStopped(ctx, m.Who.Id)
	case *actor.Stopping:
		a.left = nil // nothing is built any more
		a.view.Store(nil)
		a.hold(ctx, "the server is shutting down")
	default:
		a.rt.unexpected(ctx, &a.log)
	}
}

func (a *standaloneActor) classOf(child *actor.PID) FailureClass {
	class, _ := a.chain.Class(child.Id)
	return class
}

// failed runs within supervision; the work is done as a message.
func (a *standaloneActor) failed(child *actor.PID, reason any) {
	a.rt.System.Root.Send(a.rt.System.NewLocalPID(roleActor), chainFailed{stage: child.Id, reason: reason})
}

// StandaloneName is the name to spawn the role under.
func StandaloneName() string { return roleActor }

func (a *standaloneActor) build(ctx actor.Context) {
	recovered, err := a.Store.Recover(a.rt.Clock.MonoUs, a.Progress)
	if err != nil {
		a.Failed(err)
		return
	}
	m := a.rt.Metrics
	m.StartLoadMs.Store(recovered.Load.Milliseconds())
	m.StartReplayMs.Store(recovered.Replay.Milliseconds())
	m.StartReplayed.Store(recovered.Replayed)
	shared := tree.NewShared(recovered.Tree)
	a.generation++
	base := StageEnv{
		Runtime: a.rt, Options: a.Options, Auth: a.Auth, Tree: shared, Store: a.Store, Recovery: recovered,
		DiskFull: NoRoom(recovered.Log), Links: Links{Commands: a.Commands},
	}
	if a.chain, err = SpawnChain(ctx, base, a.generation); err != nil {
		a.Failed(err)
		return
	}
	a.view.Store(&View{Links: a.chain.Links, Tree: shared, Generation: a.generation})
	a.log.Info().Stringer("zxid", shared.LastZxid()).Stringer("snapshot", recovered.SnapshotZxid).
		Int64("replayed", recovered.Replayed).Int64("ms", (recovered.Load+recovered.Replay).Milliseconds()).
		Int("generation", a.generation).Msg("state recovered, pipeline built")
	for _, l := range a.Listeners {
		ctx.Send(l, Serve{Links: a.chain.Links, Options: a.Options.Conn, Auth: a.Auth})
	}
	if a.Ready != nil {
		a.Ready()
	}
}

// hold closes all connections; their clients come back when the server serves again.
func (a *standaloneActor) hold(ctx actor.Context, reason string) {
	for _, l := range a.Listeners {
		ctx.Send(l, Hold{Reason: reason})
	}
}

// tearDown stops what is left of a failed generation.
func (a *standaloneActor) tearDown(ctx actor.Context, m chainFailed) {
	if _, ours := a.chain.Class(m.stage); !ours {
		return // the first failure of that generation has done it
	}
	a.rt.Metrics.PipelineRebuilds.Inc()
	if err := a.countRebuild(m); err != nil {
		a.rt.Fatal(err)
		return
	}
	a.view.Store(nil)
	a.hold(ctx, "the pipeline failed and is built anew")
	a.chain = nil
	a.left = map[string]bool{}
	for _, child := range ctx.Children() {
		a.left[child.Id] = true
		ctx.Stop(child)
	}
	a.rebuildWhenGone(ctx)
}

func (a *standaloneActor) countRebuild(m chainFailed) error {
	now := monoMs(a.rt.Clock)
	recent := a.rebuilds[:0]
	for _, at := range a.rebuilds {
		if now-at < 60_000 {
			recent = append(recent, at)
		}
	}
	a.rebuilds = append(recent, now)
	if len(a.rebuilds) > rebuildsPerMinute {
		return fmt.Errorf("the pipeline failed %d times within a minute, last in %s: %v", len(a.rebuilds), m.stage, m.reason)
	}
	return nil
}

func (a *standaloneActor) childStopped(ctx actor.Context, child string) {
	if a.left == nil {
		return
	}
	delete(a.left, child)
	a.rebuildWhenGone(ctx)
}

// rebuildWhenGone waits for the last of the old stages: the log has one owner at a time.
func (a *standaloneActor) rebuildWhenGone(ctx actor.Context) {
	if len(a.left) > 0 {
		return
	}
	a.left = nil
	a.build(ctx)
}
