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
		return NewWindow(p.Window, func(s *Session) { s.Get(p.Random.Below(p.Keys)) })
	}}
}

// Write sets random keys to new values.
func Write() Scenario {
	return Scenario{Name: "write", Title: "set of random keys", Prepare: Prepare, Load: func(p Part) Load {
		return NewWindow(p.Window, func(s *Session) { s.Set(p.Random.Below(p.Keys)) })
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
			key := p.Random.Below(p.Keys)
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
	return Scenario{Name: "fill", Title: "create of every key in turn", Prepare: dirs, Load: func(p Part) Load {
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

// CreateDelete creates keys and deletes each when its creation was answered.
func CreateDelete() Scenario {
	return Scenario{
		Name: "create", Title: "create of new keys, each deleted after it",
		Check: func(c Config) error {
			if c.Keys.Count < 2*c.Sessions*c.Window {
				return fmt.Errorf("keys %d: want at least twice sessions times window, %d", c.Keys.Count, 2*c.Sessions*c.Window)
			}
			return nil
		},
		Prepare: func(ctx context.Context, cfg Config) error {
			if err := MakeDirs(cfg); err != nil {
				return err
			}
			return RemoveKeys(ctx, cfg)
		},
		Load: func(p Part) Load {
			c := &createDelete{Window: NewWindow(p.Window, nil)}
			for key := p.Loop; key < p.Keys; key += p.Loops {
				c.free = append(c.free, uint32(key))
			}
			return c
		},
	}
}

// createDelete creates the next key when the deletion of one was answered. A
// key is not used again before that, however slow the server of its session is.
type createDelete struct {
	*Window
	free []uint32 // a ring; the keys from head on are free, all but the used ones
	head int
	used int
}

// Start fills the window with creates.
func (c *createDelete) Start(s *Session) {
	for range c.size {
		c.create(s)
	}
}

func (c *createDelete) create(s *Session) {
	if c.used == len(c.free) {
		return // sessions that broke have kept their keys
	}
	s.Create(c.free[c.head])
	c.head = (c.head + 1) % len(c.free)
	c.used++
}

// Answered deletes what was created, then goes on.
func (c *createDelete) Answered(s *Session, op Op, key uint32, _ int32) {
	if op == OpCreate {
		s.Delete(key)
		return
	}
	c.free[(c.head+len(c.free)-c.used)%len(c.free)] = key
	c.used--
	c.create(s)
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
