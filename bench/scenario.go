//go:build unix

package bench

import (
	"context"
	"fmt"
	"time"
)

// The steady scenarios: closed loops on existing keys, or on new ones.

// Read gets random keys.
func Read() Scenario {
	return Scenario{Name: "read", Title: "get of random keys", Prepare: Prepare, Load: func(p Part) Load {
		return NewWindow(p.Window, func(s *Session) { s.Get(p.Key()) })
	}}
}

// Write sets random keys to new values.
func Write() Scenario {
	return Scenario{Name: "write", Title: "set of random keys", Prepare: Prepare, Load: func(p Part) Load {
		return NewWindow(p.Window, func(s *Session) { s.Set(p.Key()) })
	}}
}

// Mixed gets random keys and sets some; readPercent is 0 to 100.
func Mixed(readPercent int) (Scenario, error) {
	if readPercent < 0 || readPercent > 100 {
		return Scenario{}, fmt.Errorf("share of reads %d: want 0 to 100 percent", readPercent)
	}
	title := fmt.Sprintf("%d %% get, %d %% set of random keys", readPercent, 100-readPercent)
	return Scenario{Name: "mixed", Title: title, Prepare: Prepare, Load: func(p Part) Load {
		return NewWindow(p.Window, func(s *Session) {
			key := p.Key()
			if int(p.Random.Below(100)) < readPercent {
				s.Get(key)
			} else {
				s.Set(key)
			}
		})
	}}, nil
}

// Echo sends values to an echo server: the ceiling for window and sessions.
func Echo() Scenario {
	return Scenario{Name: "echo", Title: "frames returned by an echo server", HangUp: true, Load: func(p Part) Load {
		return NewWindow(p.Window, func(s *Session) { s.Echo(p.Random.Below(p.Keys)) })
	}}
}

// each is a load that sends one request for each key of its share, in order.
type each struct {
	*Window
	next, step, end uint32
	expected        int32
}

// newEach returns a load that calls send once for each key; a refusal with the
// code expected is no error.
func newEach(p Part, expected int32, send func(*Session, uint32)) *each {
	e := &each{next: uint32(p.Loop), step: uint32(p.Loops), end: uint32(p.Keys), expected: expected}
	e.Window = NewWindow(p.Window, func(s *Session) {
		if e.next < e.end {
			send(s, e.next)
			e.next += e.step
		}
	})
	return e
}

// Done reports that each key had its request.
func (e *each) Done() bool { return e.next >= e.end }

// Expected accepts the one code that was named.
func (e *each) Expected(_ Op, code int32) bool { return code == e.expected && code != codeOK }

// Fill creates every key of the keyspace once. None may exist yet.
func Fill() Scenario {
	dirs := func(_ context.Context, cfg Config) error { return MakeDirs(cfg) }
	total := func(cfg Config) int64 { return int64(cfg.Keys.Count) }
	return Scenario{Name: "fill", Title: "create of every key in turn", Prepare: dirs, Total: total, Load: func(p Part) Load {
		return newEach(p, codeOK, (*Session).Create)
	}}
}

// createMissing creates the keys that do not exist yet.
func createMissing() Scenario {
	return Scenario{Name: "prepare", Load: func(p Part) Load {
		return newEach(p, codeNodeExists, (*Session).Create)
	}}
}

// setAll gives every key a value of this run's size.
func setAll() Scenario {
	return Scenario{Name: "prepare", Load: func(p Part) Load {
		return newEach(p, codeOK, (*Session).Set)
	}}
}

// deleteAll deletes the keys that exist.
func deleteAll() Scenario {
	return Scenario{Name: "clean", Load: func(p Part) Load {
		return newEach(p, codeNoNode, (*Session).Delete)
	}}
}

// Idle holds sessions that only ping, three times within each timeout.
func Idle() Scenario {
	return Scenario{Name: "idle", Title: "sessions that do nothing but ping", Load: func(Part) Load { return &idle{} }}
}

// idle spreads the pings evenly over time instead of sending them in waves.
type idle struct {
	Quiet
	began time.Duration
	sent  int
}

// Tick sends the pings that are due.
func (i *idle) Tick(now time.Duration, sessions []*Session) {
	if i.began == 0 {
		i.began = now
	}
	interval := sessions[0].Timeout() / 3
	if interval <= 0 {
		return
	}
	due := int(int64(len(sessions)) * int64(now-i.began) / int64(interval))
	for ; i.sent < due; i.sent++ {
		sessions[i.sent%len(sessions)].Ping()
	}
}

// Churn opens sessions and closes each at once, over and over.
func Churn() Scenario {
	return Scenario{Name: "churn", Title: "sessions opened and closed at once", Load: func(Part) Load { return churn{} }}
}

type churn struct{ Quiet }

// Start closes the session.
func (churn) Start(s *Session) { s.Close() }

// Closed opens the next one.
func (churn) Closed(*Session) bool { return true }
