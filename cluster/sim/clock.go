package sim

import (
	"container/heap"
	"time"

	"github.com/troupekeeper/troupe/actors"
)

// Clock is the time of the whole world. It stands still until the world moves it, and fires timers in the order in which
// they are due; those of one moment in the order in which they were set.
type Clock struct {
	us     int64
	serial int64
	timers timerHeap
}

// startWallMs is 2020-01-01 00:00 UTC.
const startWallMs int64 = 1_577_836_800_000

// NewClock makes one.
func NewClock() *Clock { return &Clock{us: 1} }

// WallMs implements actors.Clock.
func (c *Clock) WallMs() int64 { return startWallMs + c.us/1000 }

// MonoUs implements actors.Clock.
func (c *Clock) MonoUs() int64 { return c.us }

// After implements actors.Clock.
func (c *Clock) After(d time.Duration, f func()) actors.Timer {
	c.serial++
	t := &timer{clock: c, at: c.us + max(d.Microseconds(), 0), serial: c.serial, fire: f}
	heap.Push(&c.timers, t)
	return t
}

// Next is when the next timer is due.
func (c *Clock) Next() (us int64, ok bool) {
	if len(c.timers) == 0 {
		return 0, false
	}
	return c.timers[0].at, true
}

// Move lets time pass up to a moment and fires what is due by then.
func (c *Clock) Move(us int64) {
	for len(c.timers) > 0 && c.timers[0].at <= us {
		t := heap.Pop(&c.timers).(*timer)
		c.us = max(c.us, t.at)
		t.fire()
	}
	c.us = max(c.us, us)
}

type timer struct {
	clock      *Clock
	at, serial int64
	place      int // in the heap, from 1; 0: it is not there
	fire       func()
}

// Stop implements actors.Timer.
func (t *timer) Stop() {
	if t.place > 0 {
		heap.Remove(&t.clock.timers, t.place-1)
	}
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || (h[i].at == h[j].at && h[i].serial < h[j].serial)
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	*h = append(*h, t)
	t.place = len(*h)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.place = 0
	return t
}

// lane is one life of one server: where its actors take their turns and its timers run. When the process has died nothing
// of it moves any more, wherever it was; while it is paused everything waits.
type lane struct {
	w      *World
	skew   int64 // of its time of day, in milliseconds
	rate   int64 // milliseconds of its clock in a second
	dead   bool
	paused bool
	held   []func()
}

// Schedule implements actor.Dispatcher.
func (l *lane) Schedule(fn func()) {
	l.w.steps.Schedule(func() { l.run(fn) })
}

func (l *lane) run(fn func()) {
	switch {
	case l.dead:
	case l.paused:
		l.held = append(l.held, fn)
	default:
		fn()
	}
}

func (l *lane) resume() {
	l.paused = false
	held := l.held
	l.held = nil
	for _, fn := range held {
		l.Schedule(fn)
	}
}

// Throughput implements actor.Dispatcher: one message a step, so that any interleaving can happen.
func (l *lane) Throughput() int { return 1 }

// WallMs implements actors.Clock.
func (l *lane) WallMs() int64 { return startWallMs + l.MonoUs()/1000 + l.skew }

// MonoUs implements actors.Clock.
func (l *lane) MonoUs() int64 { return l.w.clock.us * l.rate / 1000 }

// After implements actors.Clock. By its own clock the server never gets up too early.
func (l *lane) After(d time.Duration, f func()) actors.Timer {
	us := (max(d.Microseconds(), 0)*1000 + l.rate - 1) / l.rate
	return l.w.clock.After(time.Duration(us)*time.Microsecond, func() { l.run(f) })
}
