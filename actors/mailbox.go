package actors

import (
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// Drained is delivered to an actor, as its next message, when its queue has run empty after at least one message.
// It is the place to do once what would be wasteful per message: to fsync, to flush a socket, to pass a batch on.
// Batches so grow with the load, and no timer is needed.
type Drained struct{}

// drained is boxed once.
var drained any = Drained{}

// Mailbox is a queue that the sender appends to under a mutex and the receiver takes whole. In contrast to the
// library's it tells its actor when it is Drained, inside the section in which no other message can run, and
// keeps the rest of a batch when a message panics.
type Mailbox struct {
	mu        sync.Mutex
	user      []any
	sys       []any
	scheduled bool // guarded by mu: run is queued or running

	sysWaiting atomic.Bool
	length     atomic.Int64

	// The rest belongs to whoever runs the mailbox.
	batch      []any
	next       int
	suspended  bool
	signal     bool // a message was handled since the last Drained
	invoker    actor.MessageInvoker
	dispatcher actor.Dispatcher
	onPanic    func(reason, message any, stack []byte)
	runFunc    func()
}

// NewMailbox makes one. onPanic hears of each panic before supervision does; it may be nil.
func NewMailbox(onPanic func(reason, message any, stack []byte)) *Mailbox {
	m := &Mailbox{onPanic: onPanic}
	m.runFunc = m.run
	return m
}

// PostUserMessage queues a message.
func (m *Mailbox) PostUserMessage(message any) {
	m.length.Add(1)
	m.mu.Lock()
	m.user = append(m.user, message)
	m.schedule()
}

// PostSystemMessage queues a message of the library's own, which overtakes the others.
func (m *Mailbox) PostSystemMessage(message any) {
	m.mu.Lock()
	m.sys = append(m.sys, message)
	m.sysWaiting.Store(true)
	m.schedule()
}

// schedule unlocks mu.
func (m *Mailbox) schedule() {
	start := !m.scheduled
	m.scheduled = true
	m.mu.Unlock()
	if start {
		m.dispatcher.Schedule(m.runFunc)
	}
}

// RegisterHandlers is called by the library once, before the first message.
func (m *Mailbox) RegisterHandlers(invoker actor.MessageInvoker, dispatcher actor.Dispatcher) {
	m.invoker, m.dispatcher = invoker, dispatcher
}

// Start is called by the library when the actor is complete.
func (m *Mailbox) Start() {}

// UserMessageCount is the number of messages that wait.
func (m *Mailbox) UserMessageCount() int { return int(m.length.Load()) }

// run handles messages until there are none, or until others on this dispatcher should have their turn.
func (m *Mailbox) run() {
	var current any
	defer func() {
		if reason := recover(); reason != nil {
			if m.onPanic != nil {
				m.onPanic(reason, current, debug.Stack())
			}
			m.invoker.EscalateFailure(reason, current)
			m.dispatcher.Schedule(m.runFunc) // still scheduled: the suspension waits among the system messages
		}
	}()
	for range m.dispatcher.Throughput() {
		if m.sysWaiting.Load() {
			current = m.takeSystem()
			m.handleSystem(current)
			continue
		}
		if m.suspended {
			if m.rest() {
				return
			}
			continue
		}
		if m.next < len(m.batch) {
			current = m.batch[m.next]
			m.batch[m.next] = nil
			m.next++
			m.signal = true
			m.length.Add(-1)
			m.invoker.InvokeUserMessage(current)
			continue
		}
		if m.swap() {
			continue
		}
		if m.signal {
			m.signal = false
			current = drained
			m.invoker.InvokeUserMessage(drained)
			continue
		}
		if m.rest() {
			return
		}
	}
	m.dispatcher.Schedule(m.runFunc)
}

// swap takes all that has been queued meanwhile.
func (m *Mailbox) swap() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.batch, m.user = m.user, m.batch[:0]
	if cap(m.user) > shrinkAbove {
		m.user = nil // a burst is over: give its memory back
	}
	m.next = 0
	return len(m.batch) > 0
}

// shrinkAbove is the capacity beyond which an emptied queue isn't kept.
const shrinkAbove = 4096

// rest marks the mailbox idle unless something has come meanwhile.
func (m *Mailbox) rest() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.sys) > 0 || (!m.suspended && len(m.user) > 0) {
		return false
	}
	m.scheduled = false
	return true
}

func (m *Mailbox) takeSystem() any {
	m.mu.Lock()
	defer m.mu.Unlock()
	msg := m.sys[0]
	m.sys = m.sys[1:]
	if len(m.sys) == 0 {
		m.sys = nil
		m.sysWaiting.Store(false)
	}
	return msg
}

func (m *Mailbox) handleSystem(msg any) {
	switch msg.(type) {
	case *actor.SuspendMailbox:
		m.suspended = true
	case *actor.ResumeMailbox:
		m.suspended = false
	default:
		m.invoker.InvokeSystemMessage(msg)
	}
}

var _ actor.Mailbox = (*Mailbox)(nil)
