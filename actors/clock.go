package actors

import (
	"time"
)

// Clock is the only source of time. Nothing in this folder but realClock asks the machine.
type Clock interface {
	// WallMs is the time of day in milliseconds since 1970. It may jump.
	WallMs() int64
	// MonoUs is a time in microseconds that never goes back; its zero is anywhere.
	MonoUs() int64
	// After calls f once, d from now, on any goroutine. f must not block: it sends a message.
	After(d time.Duration, f func()) Timer
}

// Timer is a pending call of Clock.After.
type Timer interface {
	// Stop prevents the call if it hasn't begun.
	Stop()
}

// RealClock is the machine's clock.
func RealClock() Clock { return &realClock{start: time.Now()} }

type realClock struct{ start time.Time }

func (c *realClock) WallMs() int64 { return time.Now().UnixMilli() }

func (c *realClock) MonoUs() int64 { return time.Since(c.start).Microseconds() + 1 }

func (c *realClock) After(d time.Duration, f func()) Timer { return realTimer{time.AfterFunc(d, f)} }

type realTimer struct{ *time.Timer }

func (t realTimer) Stop() { t.Timer.Stop() }

// monoMs is the monotonic clock in the milliseconds that sessions count in.
func monoMs(c Clock) int64 { return c.MonoUs() / 1000 }
