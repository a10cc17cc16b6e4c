package actors

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// throughput is how many messages an actor handles before others on the same loop get their turn.
const throughput = 64

// Loop is a dispatcher with one long-lived goroutine. Actors that share a loop never run at the same time, and a
// message between them costs no switch of goroutines, which is most of what a hop costs otherwise. An actor that
// can block gets a loop to itself (it is then "pinned"). Loops of a server wait in a poller, for their sockets and for work.
type Loop struct {
	mu     sync.Mutex
	wake   *sync.Cond
	queue  []func()
	closed bool
	asleep bool    // it waits in its poller, and must be woken
	poll   *poller // nil: it waits for wake
	done   chan struct{}

	// Of the goroutine that is the loop's at the moment; it may lose the loop to another one, see Lend.
	batch []func() // taken from the queue
	at    int      // how many of them have had their turn, or have it now
	turns int      // how many batches there were
	loans loans
}

// NewLoop starts the goroutine. Stop ends it.
func NewLoop() *Loop { return newLoop(nil) }

func newLoop(p *poller) *Loop {
	l := &Loop{done: make(chan struct{}), poll: p, loans: loans{clock: RealClock()}}
	l.wake = sync.NewCond(&l.mu)
	go l.run()
	return l
}

// Schedule queues fn. It is what protoactor calls when a mailbox has something to do.
func (l *Loop) Schedule(fn func()) {
	if !l.post(fn) {
		go fn() // only the farewells of actors that outlive their loop come here
	}
}

// post queues fn; false: the loop has been stopped.
func (l *Loop) post(fn func()) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.queue = append(l.queue, fn)
	l.unlockAndWake()
	return true
}

func (l *Loop) unlockAndWake() {
	asleep := l.asleep
	l.asleep = false
	l.mu.Unlock()
	switch {
	case l.poll == nil:
		l.wake.Signal()
	case asleep:
		l.poll.wakeUp()
	}
}

// Throughput is the number of messages that a mailbox may handle in one turn.
func (l *Loop) Throughput() int { return throughput }

// Stop lets the goroutine finish what is queued and end. It doesn't wait, so an actor may call it on its own loop.
func (l *Loop) Stop() {
	l.mu.Lock()
	l.closed = true
	l.unlockAndWake()
}

// Done is closed when the goroutine has ended.
func (l *Loop) Done() <-chan struct{} { return l.done }

// turnsPerLook is how many turns a loop that always has something to do takes before it looks at its sockets: what a
// read has set off comes to its end first, so that the next read finds more at once.
const turnsPerLook = 32

// run goes on where the goroutine before it has stopped.
func (l *Loop) run() {
	for over := false; !over; {
		for l.at < len(l.batch) {
			fn := l.batch[l.at]
			l.batch[l.at] = nil
			l.at++
			fn()
		}
		idle := len(l.batch) == 0
		if l.poll != nil && (idle || l.turns%turnsPerLook == 0) && !l.poll.look() && idle {
			l.sleep()
		}
		l.turns++
		l.batch, over = l.take(l.batch)
		l.at = 0
	}
	if l.poll != nil {
		l.poll.end()
	}
	close(l.done)
}

// take gives what is queued. A loop without sockets waits until there is something.
func (l *Loop) take(last []func()) (batch []func(), over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.poll == nil && len(l.queue) == 0 && !l.closed {
		l.wake.Wait()
	}
	batch, l.queue = l.queue, last[:0]
	return batch, l.closed && len(batch) == 0
}

// sleep waits for sockets and for whoever queues something.
func (l *Loop) sleep() {
	l.mu.Lock()
	l.asleep = len(l.queue) == 0 && !l.closed
	asleep := l.asleep
	l.mu.Unlock()
	if !asleep {
		return
	}
	ready := l.poll.wait()
	l.mu.Lock()
	l.asleep = false // before the sockets are served: what they set off is queued by this goroutine
	l.mu.Unlock()
	l.poll.serve(ready)
}

var _ actor.Dispatcher = (*Loop)(nil)

// MovingDispatcher is an actor's that may block for a while, and then doesn't any more: it begins with a goroutine of its own
// and is moved to the others when nothing of it can block. A turn that it has begun ends where it has begun.
type MovingDispatcher struct {
	mu         sync.Mutex
	at, shared actor.Dispatcher
}

// Schedule implements actor.Dispatcher.
func (d *MovingDispatcher) Schedule(fn func()) {
	d.mu.Lock()
	at := d.at
	d.mu.Unlock()
	at.Schedule(fn)
}

// Throughput implements actor.Dispatcher.
func (d *MovingDispatcher) Throughput() int { return d.shared.Throughput() }

// MoveToShared lets all later turns of the actor be taken where the stages take theirs.
func (d *MovingDispatcher) MoveToShared() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.shared
}

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
	l := &loops{shared: newLoop(newPoller())}
	for range conns {
		l.conns = append(l.conns, newLoop(newPoller()))
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

// Pinned has no sockets, but its poller wakes it more cheaply than Go's scheduler would.
func (l *loops) Pinned(string) (actor.Dispatcher, func()) {
	loop := newLoop(newPoller())
	return loop, loop.Stop
}
