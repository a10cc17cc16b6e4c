package actors

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// A stage that has failed is made anew after a pause, which doubles each time it fails soon again.
const (
	stagePauseLeast = 100 * time.Millisecond
	stagePauseMost  = 30 * time.Second
	stageLooks      = 8 // within the limit a stage is looked at so often, and …
	stageLookMost   = 5 * time.Second
)

// stageLook is the guard's timer, stageAgain the end of a pause.
type (
	stageLook  struct{}
	stageAgain struct{ instance int }
)

// guardActor is the shell of a guard. It shares the loop of the stages; the stage itself is called by its runner.
type guardActor struct {
	env   *StageEnv
	stage *ActiveStage
	place guardPlace
	core  guard
	stats *StageStats

	runner   *runner
	instance int
	hangs    bool // the last instance has failed without coming back from its call
	pause    time.Duration
	upAt     int64 // when the instance was made
	timer    Timer
	again    Timer
	own      guardSession
}

// newGuard makes the guard of a stage that stands at index among those of its place.
func newGuard(stage *ActiveStage, index int) func(env *StageEnv) actor.Actor {
	return func(env *StageEnv) actor.Actor {
		a := &guardActor{env: env, stage: stage, stats: env.Stages.of(stage)}
		if stage.Policy == Refuse && stage.Place != AfterCommit {
			a.core.policy = messages.ErrSystemError
		}
		a.place = newGuardPlace(a, index)
		return a
	}
}

// Receive implements actor.Actor.
func (a *guardActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.play(ctx)
		a.look(ctx)
	case *stageWord:
		a.heard(ctx, m)
	case stageLook:
		a.sign(ctx)
		a.check(ctx)
		a.look(ctx)
	case stageAgain:
		if m.instance == a.instance && a.core.state == guardDown {
			a.make(ctx)
		}
	case Relink:
		a.env.relink(m)
		a.play(ctx)
	case Drained:
		a.step(ctx)
	case *actor.Stopping, *actor.Restarting:
		a.endSession(ctx)
		a.stop()
	default:
		if !a.session(ctx, m) && !a.place.take(ctx, m) {
			a.env.unexpected(ctx, &a.env.Log)
		}
	}
}

// play begins or ends the stage's work as the server's role has it.
func (a *guardActor) play(ctx actor.Context) {
	switch on := a.stage.runsOn(a.env.Role); {
	case on && a.runner == nil:
		a.make(ctx)
	case !on && a.runner != nil:
		a.core.fail(guardOff)
		a.runner.end(true)
		a.runner = nil
		a.instance++
		a.pass(ctx)
	case !on:
		a.core.state = guardOff
	}
	a.tell()
}

// make starts a new instance. Its constructor may block, so it has its own goroutine, too.
func (a *guardActor) make(ctx actor.Context) {
	a.instance++
	self, root := ctx.Self(), a.env.System.Root
	d, release := a.env.Dispatchers.Pinned("stage." + a.stage.ID)
	r := &runner{
		dispatcher: d, release: release, instance: a.instance, tell: func(msg any) { root.Send(self, msg) }, clock: a.env.Clock,
	}
	r.loop, _ = a.env.Dispatchers.Shared().(*Loop)
	a.runner = r
	a.core.start(a.env.Clock.MonoUs())
	env := a.customEnv(r)
	r.do(stageMade, func() ([]Item, error) {
		stage, err := a.stage.New(env)
		if err == nil && stage == nil {
			err = fmt.Errorf("its New has returned no stage")
		}
		r.stage = stage
		return nil, err
	})
	a.tell()
}

// heard takes the word of an instance. That of an earlier one only tells that it doesn't hang any more.
func (a *guardActor) heard(ctx actor.Context, w *stageWord) {
	if w.instance != a.instance {
		return
	}
	if a.core.state == guardDown {
		if a.hangs && w.kind == stageEnded {
			a.hangs = false
			a.env.Log.Info().Msg("the stage has come back from the call that it hung in; a new one takes its place")
			a.make(ctx)
		}
		return
	}
	err := w.err
	switch {
	case err != nil, w.kind == stageEnded:
	case w.kind == stageMade:
		a.upAt = a.env.Clock.MonoUs()
		a.core.started()
		a.tell()
		err = a.place.begin(ctx)
	case w.kind == stageHandled:
		err = a.core.handled(w.items)
	default:
		err = a.core.release(w.items)
	}
	if err != nil {
		a.failed(ctx, err, w.stack, w.kind == stageMore && a.core.busy)
		return
	}
	a.step(ctx)
}

// step hands on what may go, and the next batch to the stage.
func (a *guardActor) step(ctx actor.Context) {
	if batch := a.core.next(a.env.Clock.MonoUs()); batch != nil {
		r := a.runner
		if len(batch) == 0 { // messages alone
			if err := a.core.handled(nil); err != nil {
				panic(err)
			}
		} else {
			a.stats.Shown.Add(int64(len(batch)))
			r.handle(func() ([]Item, error) { return r.stage.Handle(batch), nil })
		}
	}
	a.pass(ctx)
}

// pass sends on what the guard lets go.
func (a *guardActor) pass(ctx actor.Context) {
	out := a.core.flush()
	if len(out) == 0 {
		return
	}
	refused := int64(0)
	for i := range out {
		e := &out[i]
		if e.msg != nil || e.item.verdict == messages.ErrOK {
			continue
		}
		if !e.item.refusable() {
			e.item.verdict = messages.ErrOK
			continue
		}
		refused++
	}
	a.stats.Refused.Add(refused)
	a.place.send(ctx, out)
	a.core.reuse(out)
}

// failed ends an instance. What it had goes the way of the policy.
func (a *guardActor) failed(ctx actor.Context, err error, stack []byte, hangs bool) {
	held := a.core.held()
	a.stats.fail(err, a.env.Clock.WallMs())
	log := a.env.Log.Error().Stringer("place", a.stage.Place).Stringer("policy", a.stage.Policy).Int("held", held)
	if stack != nil {
		log = log.Bytes("stack", stack)
	}
	log.Msgf("stage %s has failed: %v", a.stage.ID, err)
	if a.stage.Class == Ordered {
		panic(fmt.Sprintf("stage %s has failed, and its class asks for a new pipeline: %v", a.stage.ID, err))
	}
	a.core.fail(guardDown)
	a.place.fail()
	a.hangs = hangs
	a.runner.end(false)
	a.pass(ctx)
	if now := a.env.Clock.MonoUs(); a.upAt == 0 || now-a.upAt < 2*stagePauseMost.Microseconds() {
		a.pause = min(max(2*a.pause, stagePauseLeast), stagePauseMost)
	} else {
		a.pause = stagePauseLeast
	}
	a.tell()
	if hangs {
		return // its goroutine hangs: another one that did the same would be one more
	}
	self, root, instance := ctx.Self(), a.env.System.Root, a.instance
	a.again = a.env.Clock.After(a.pause, func() { root.Send(self, stageAgain{instance}) })
}

// check looks whether the stage is stuck.
func (a *guardActor) check(ctx actor.Context) {
	a.place.check()
	defer a.tell()
	since, now := a.core.oldest(), a.env.Clock.MonoUs()
	if a.core.state == guardDown || a.core.state == guardOff || since == 0 || now-since < a.stage.Limit.Microseconds() {
		return
	}
	what := "it keeps what it was shown"
	if a.core.busy {
		what = "a call of it does not return"
	}
	a.stats.Stuck.Inc()
	a.failed(ctx, fmt.Errorf("it is stuck: %s for %v, the limit is %v (stage.%s.limit)",
		what, time.Duration(now-since)*time.Microsecond, a.stage.Limit, a.stage.ID), nil, a.core.busy)
}

func (a *guardActor) look(ctx actor.Context) {
	self, root := ctx.Self(), a.env.System.Root
	a.timer = a.env.Clock.After(min(max(a.stage.Limit/stageLooks, time.Millisecond), stageLookMost), func() { root.Send(self, stageLook{}) })
}

// tell publishes how the stage does.
func (a *guardActor) tell() {
	a.stats.tell(guardStates[a.core.state], a.hangs, len(a.core.open)+len(a.core.flight), a.core.oldest())
}

func (a *guardActor) stop() {
	for _, t := range []Timer{a.timer, a.again} {
		if t != nil {
			t.Stop()
		}
	}
	if a.runner != nil {
		a.runner.end(a.core.state != guardDown)
	}
	a.place.fail()
	a.core.state = guardOff
	a.tell()
}
