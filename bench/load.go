//go:build unix

package bench

import (
	"context"
	"time"
)

// Load decides what the sessions of one loop send. Every loop of a run has its
// own, and calls it from one goroutine. Callbacks may send on the session they
// are given; what they send leaves when they return.
type Load interface {
	// Start is called for each session when the run begins, and again when a
	// session that was reopened is ready.
	Start(s *Session)
	// Answered is called for each answer that passed the checks. The code is 0
	// for success.
	Answered(s *Session, op Op, key uint32, code int32)
	// Event is called when a watch fires that [Session.Watch] left on the key.
	Event(s *Session, key uint32)
	// Closed is called when a session that the load closed is gone. The result
	// says whether to open a new one in its place.
	Closed(s *Session) (reopen bool)
	// Tick is called about a hundred times a second. It may send on any of the
	// loop's sessions.
	Tick(now time.Duration, sessions []*Session)
	// Done reports that the load will send nothing more. The run ends when all
	// loads are done and everything is answered.
	Done() bool
	// Expected reports whether a refusal with this code is part of the plan.
	Expected(op Op, code int32) bool
}

// Part tells a load which share of the run it has.
type Part struct {
	// Number of this loop, and how many loops there are.
	Loop, Loops int
	// Window is the number of outstanding requests to keep on each session.
	Window int
	// Keys is the number of keys of the run.
	Keys int
	// Random is a generator of its own for this loop.
	Random *Random
	// Keyspace is the run's.
	Keyspace Keyspace

	zipf *zipf // nil: all keys alike
}

// Key draws a key by the run's distribution.
func (p *Part) Key() uint32 {
	if p.zipf != nil {
		return p.zipf.key(p.Random.fraction())
	}
	return p.Random.Below(p.Keys)
}

// Scenario is a named way to load a server.
type Scenario struct {
	// Name is a single word.
	Name string
	// Title says in one line what it measures.
	Title string
	// Load makes the load of one loop.
	Load func(Part) Load
	// Check, if not nil, refuses a Config that the scenario cannot run with.
	Check func(Config) error
	// Prepare, if not nil, brings the server's tree into the state that the
	// scenario needs, before anything is measured.
	Prepare func(context.Context, Config) error
	// Total, if not nil, tells after how many requests the load is done.
	Total func(Config) int64
	// HangUp says that sessions end without a request to close them, for
	// servers that only echo.
	HangUp bool
}

// Quiet has an empty implementation of each method of [Load], to be embedded.
type Quiet struct{}

// Start sends nothing.
func (Quiet) Start(*Session) {}

// Answered sends nothing.
func (Quiet) Answered(*Session, Op, uint32, int32) {}

// Event sends nothing.
func (Quiet) Event(*Session, uint32) {}

// Closed opens no new session.
func (Quiet) Closed(*Session) bool { return false }

// Tick sends nothing.
func (Quiet) Tick(time.Duration, []*Session) {}

// Done reports false: the run ends by time.
func (Quiet) Done() bool { return false }

// Expected reports false: any refusal is an error.
func (Quiet) Expected(Op, int32) bool { return false }

// Closed loops: each answer makes room for one request.

// Window is a load that keeps a fixed number of requests outstanding on every
// session: the rate is what the server gives.
type Window struct {
	Quiet
	size  int
	next  func(*Session)
	paced bool
}

// NewWindow returns a load that calls next once for each request there is room
// for. A next that sends nothing leaves its place empty for good.
func NewWindow(size int, next func(*Session)) *Window { return &Window{size: size, next: next} }

// Start fills the window.
func (w *Window) Start(s *Session) {
	if w.paced {
		return
	}
	for range w.size {
		w.next(s)
	}
}

// Answered refills it.
func (w *Window) Answered(s *Session, _ Op, _ uint32, _ int32) {
	if !w.paced {
		w.next(s)
	}
}

// Pace leaves the filling to an open loop.
func (w *Window) Pace() { w.paced = true }

// Next sends one request.
func (w *Window) Next(s *Session) { w.next(s) }

// Random is a small, fast generator of random numbers (not for secrets).
type Random struct{ state uint64 }

// NewRandom returns a generator; equal seeds give equal numbers.
func NewRandom(seed uint64) *Random {
	return &Random{state: xorshift(seed*0x9E3779B97F4A7C15 + 1)}
}

// fraction returns a number from 0 to 1, exclusive.
func (r *Random) fraction() float64 {
	r.state = xorshift(r.state)
	return float64(r.state>>11) / (1 << 53)
}

// Below returns a number from 0 to n-1; n must be 1 to 2^32.
func (r *Random) Below(n int) uint32 {
	r.state = xorshift(r.state)
	return uint32((r.state >> 32) * uint64(n) >> 32)
}
