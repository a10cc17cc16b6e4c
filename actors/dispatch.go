package actors

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// throughput is how many messages an actor handles before others on the same loop get their turn.
const throughput = 64

// Loop is a dispatcher with one long-lived goroutine. Actors that share a loop never run at the same time, and a
// message between them costs no switch of goroutines, which is most of what a hop costs otherwise. An actor that
// can block gets a loop to itself (it is then "pinned").
type Loop struct {
	mu     sync.Mutex
	wake   *sync.Cond
	queue  []func()
	closed bool
	done   chan struct{}
}

// NewLoop starts the goroutine. Stop ends it.
func NewLoop() *Loop {
	l := &Loop{done: make(chan struct{})}
	l.wake = sync.NewCond(&l.mu)
	go l.run()
	return l
}

// Schedule queues fn. It is what protoactor calls when a mailbox has something to do.
func (l *Loop) Schedule(fn func()) {
	l.mu.Lock()
	if l.closed {
		// Only the farewells of actors that outlive their loop come here.
		l.mu.Unlock()
		go fn()
		return
	}
	l.queue = append(l.queue, fn)
	l.mu.Unlock()
	l.wake.Signal()
}

// Throughput is the number of messages that a mailbox may handle in one turn.
func (l *Loop) Throughput() int { return throughput }

// Stop lets the goroutine finish what is queued and end. It doesn't wait, so an actor may call it on its own loop.
func (l *Loop) Stop() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wake.Signal()
}

// Done is closed when the goroutine has ended.
func (l *Loop) Done() <-chan struct{} { return l.done }

func (l *Loop) run() {
	defer close(l.done)
	var batch []func()
	for {
		l.mu.Lock()
		for len(l.queue) == 0 && !l.closed {
			l.wake.Wait()
		}
		batch, l.queue = l.queue, batch[:0]
		closed := l.closed
		l.mu.Unlock()
		if closed && len(batch) == 0 {
			return
		}
		for i, fn := range batch {
			fn()
			batch[i] = nil
		}
	}
}

var _ actor.Dispatcher = (*Loop)(nil)

// Dispatchers decides where actors run. The simulation puts all of them on one seeded dispatcher.
type Dispatchers interface {
	// Shared is for stages that only compute. They never block.
	Shared() actor.Dispatcher
	// Conn is for the connection with that number. Connections never block either.
	Conn(n uint64) actor.Dispatcher
	// Pinned is for one actor that may block; release is called when that actor has stopped.
	Pinned(name string) (d actor.Dispatcher, release func())
}

// loops is the real world's Dispatchers.
type loops struct {
	shared *Loop
	conns  []*Loop
}

// NewLoops starts a loop for the stages and as many as given for the connections; with none of these the
// connections share the stages' loop. stop ends them all once their actors have stopped.
func NewLoops(conns int) (d Dispatchers, stop func()) {
	l := &loops{shared: NewLoop()}
	for range conns {
		l.conns = append(l.conns, NewLoop())
	}
	return l, func() {
		l.shared.Stop()
		for _, c := range l.conns {
			c.Stop()
		}
	}
}

func (l *loops) Shared() actor.Dispatcher { return l.shared }

func (l *loops) Conn(n uint64) actor.Dispatcher {
	if len(l.conns) == 0 {
		return l.shared
	}
	return l.conns[n%uint64(len(l.conns))]
}

func (l *loops) Pinned(string) (actor.Dispatcher, func()) {
	loop := NewLoop()
	return loop, loop.Stop
}
