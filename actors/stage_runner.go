package actors

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// runner is the goroutine of one instance of a stage. It isn't an actor: one that hangs for ever must not keep its pipeline
// from stopping, so it is left behind, and its late words are ignored by their instance's number.
type runner struct {
	dispatcher actor.Dispatcher
	release    func()
	tell       func(msg any) // to the guard

	instance int
	mu       sync.Mutex
	queue    []func()
	running  bool
	ended    bool

	stage Stage // touched by its goroutine alone
}

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
