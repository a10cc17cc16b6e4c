package actortest

import (
	"sort"
	"sync"
	"time"

	"github.com/troupekeeper/troupe/actors"
)

// Clock stands still until a test moves it. It starts at a fixed time of day.
type Clock struct {
	mu     sync.Mutex
	us     int64 // since the start
	timers []*timer
	serial int64
}

// startWallMs is 2020-01-01 00:00 UTC.
const startWallMs int64 = 1_577_836_800_000

type timer struct {
	clock  *Clock
	at     int64
	serial int64 // timers of one moment fire in the order in which they were set
	fire   func()
}

// NewClock makes one.
func NewClock() *Clock { return &Clock{us: 1} }

// WallMs implements actors.Clock.
func (c *Clock) WallMs() int64 { return startWallMs + c.MonoUs()/1000 }

// MonoUs implements actors.Clock.
func (c *Clock) MonoUs() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.us
}

// After implements actors.Clock.
func (c *Clock) After(d time.Duration, f func()) actors.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serial++
	t := &timer{clock: c, at: c.us + d.Microseconds(), serial: c.serial, fire: f}
	c.timers = append(c.timers, t)
	return t
}

// Stop implements actors.Timer.
func (t *timer) Stop() {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	for i, other := range t.clock.timers {
		if other == t {
			t.clock.timers = append(t.clock.timers[:i], t.clock.timers[i+1:]...)
			return
		}
	}
}

// Advance moves the clock on, timer by timer, and calls settle after each, so that what a timer sets off is done
// before the next one fires. settle may be nil.
func (c *Clock) Advance(d time.Duration, settle func()) {
	c.mu.Lock()
	end := c.us + d.Microseconds()
	c.mu.Unlock()
	for {
		fire := c.next(end)
		if fire == nil {
			return
		}
		fire()
		if settle != nil {
			settle()
		}
	}
}

// next takes the timer that fires next, not later than end, and moves the clock there.
func (c *Clock) next(end int64) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	sort.Slice(c.timers, func(i, j int) bool {
		a, b := c.timers[i], c.timers[j]
		return a.at < b.at || (a.at == b.at && a.serial < b.serial)
	})
	if len(c.timers) == 0 || c.timers[0].at > end {
		c.us = max(c.us, end)
		return nil
	}
	t := c.timers[0]
	c.timers = c.timers[1:]
	c.us = max(c.us, t.at)
	return t.fire
}
