package actors

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// runner makes the calls of one instance of a stage, one at a time. It isn't an actor: one that hangs for ever must not keep its
// pipeline from stopping, so it is left behind, and its late words are ignored by their instance's number.
//
// A stage has a goroutine of its own. The batches of one that always was quick are handled on the pipeline's loop, though, which
// is there already: to wake another goroutine and to be woken by it costs more than most stages do.
type runner struct {
	dispatcher actor.Dispatcher
	release    func()
	tell       func(msg any) // to the guard

	instance int
	mu       sync.Mutex
	queue    []func()
	running  bool // a call, here or there
	ended    bool

	loop  *Loop // of the pipeline; nil: everything has its own goroutine
	clock Clock
	slow  int   // rises with slow calls on the loop, falls with quick ones
	apart int64 // until then, in monotonic microseconds, batches have the stage's own goroutine

	stage Stage // touched by one call at a time
}

// How quick a stage must be to be called on the loop. Its thread may lose its processor through no fault of the stage, so
// one slow call alone is none.
const (
	quickUs   = 250              // a call that takes longer is slow
	slowCall  = 4                // what it counts, against one for a quick call
	slowMost  = 3 * slowCall     // with that much the stage has its own goroutine
	slowAgain = slowMost - 1     // and later one slow call is enough
	apartUs   = 10 * 1000 * 1000 // how long it has
)

// stageWord is what a runner tells its guard.
type stageWord struct {
	instance int
	kind     stageWordKind
	items    []Item
	err      error // it has failed
	stack    []byte
}

type stageWordKind uint8

const (
	stageMade    stageWordKind = iota // the constructor has returned
	stageHandled                      // so has a batch
	stageMore                         // it hands on what it has kept
	stageEnded                        // its goroutine is free: nothing hangs
)

// do queues a call. Each tells the guard how it ended.
func (r *runner) do(kind stageWordKind, f func() ([]Item, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	r.queue = append(r.queue, func() { r.call(kind, f) })
	r.schedule()
}

// handle lets the stage handle a batch.
func (r *runner) handle(f func() ([]Item, error)) {
	if !r.here(f) {
		r.do(stageHandled, f)
	}
}

// here makes a call on the pipeline's loop, if nothing speaks against it.
func (r *runner) here(f func() ([]Item, error)) bool {
	r.mu.Lock()
	can := r.loop != nil && !r.running && !r.ended && r.clock.MonoUs() >= r.apart
	r.running = r.running || can
	r.mu.Unlock()
	if !can {
		return false
	}
	lent := r.loop.Lend(func() {
		began := r.clock.MonoUs()
		r.call(stageHandled, f)
		r.back(began, r.clock.MonoUs())
	})
	if !lent {
		r.back(0, 0)
	}
	return lent
}

// back ends a call that was made on the loop. What has been asked for meanwhile comes next.
func (r *runner) back(began, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now-began <= quickUs {
		r.slow = max(r.slow-1, 0)
	} else if r.slow += slowCall; r.slow >= slowMost {
		r.slow, r.apart = slowAgain, now+apartUs
	}
	r.running = false
	if len(r.queue) > 0 {
		r.schedule()
	}
}

func (r *runner) schedule() {
	if !r.running {
		r.running = true
		r.dispatcher.Schedule(r.run)
	}
}

func (r *runner) run() {
	for {
		r.mu.Lock()
		if len(r.queue) == 0 {
			r.running = false
			r.mu.Unlock()
			return
		}
		f := r.queue[0]
		r.queue = r.queue[1:]
		r.mu.Unlock()
		f()
	}
}

func (r *runner) call(kind stageWordKind, f func() ([]Item, error)) {
	word := &stageWord{instance: r.instance, kind: kind}
	defer func() {
		if reason := recover(); reason != nil {
			word.err, word.stack = fmt.Errorf("it panicked: %v", reason), debug.Stack()
		}
		if word.err != nil || kind != stageMore || len(word.items) > 0 {
			r.tell(word)
		}
	}()
	word.items, word.err = f()
}

// end lets the goroutine go when what it is doing is done. With close the stage gives back what it has; what still waits
// isn't called.
func (r *runner) end(closing bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	r.ended = true
	r.queue = []func(){func() {
		defer func() {
			_ = recover()
			r.release()
			r.tell(&stageWord{instance: r.instance, kind: stageEnded})
		}()
		if c, ok := r.stage.(StageCloser); ok && closing {
			c.Close()
		}
	}}
	r.schedule()
}
