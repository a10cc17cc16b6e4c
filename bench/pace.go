//go:build unix

package bench

import (
	"fmt"
	"time"
)

// Open loops: requests are due at fixed times, whether or not the server has
// answered the ones before. A closed loop waits when the server does, and so
// leaves out just those requests that would have had to wait; here each one's
// latency runs from the time it was due, which corrects for that.

// Pacer is a load that can send one operation at a time when told to, as an
// open loop needs it.
type Pacer interface {
	Load
	// Pace is called once, before Start, and makes the load send nothing by
	// itself.
	Pace()
	// Next sends one operation.
	Next(s *Session)
}

// pace is the timetable of one loop.
type pace struct {
	load     Pacer
	interval time.Duration
	window   int
	due      time.Duration // of the next request, by the loop's clock; 0 before the start
	turn     int           // session that comes next
}

// paceLoad makes a timetable for a load. The rate is that of all loops.
func paceLoad(cfg *Config, name string, load Load, loops int) (*pace, error) {
	p, ok := load.(Pacer)
	if !ok {
		return nil, fmt.Errorf("rate %v: %s has no open loop, want 0", cfg.Rate, name)
	}
	p.Pace()
	interval := time.Duration(float64(time.Second) * float64(loops) / cfg.Rate)
	return &pace{load: p, interval: max(1, interval), window: cfg.Window}, nil
}

// untilDue is how long the loop may wait for sockets.
func (p *pace) untilDue(l *loop, limit time.Duration) time.Duration {
	if p == nil || p.due == 0 || l.draining {
		return limit
	}
	l.clock()
	if p.due <= l.now {
		return limit // late already: an answer has to make room
	}
	return min(limit, p.due-l.now)
}

// backlog counts the requests that are due and not sent.
func (p *pace) backlog(now time.Duration) int64 {
	if p == nil || p.due == 0 || p.due > now {
		return 0
	}
	return int64((now-p.due)/p.interval) + 1
}

// sendDue sends what is due on the sessions in turn, as far as they have room.
// What is late leaves in batches, as many for a session as it has room for.
func (l *loop) sendDue() {
	p := l.pace
	if p == nil || !l.started || l.draining {
		return
	}
	l.clock()
	if p.due == 0 {
		p.due = l.now
	}
	for p.due <= l.now && l.sent < l.quota {
		s := p.room(l.sessions)
		if s == nil {
			break
		}
		for p.due <= l.now && l.sent < l.quota && s.waiting.size < p.window {
			l.stamp = p.due
			p.load.Next(s)
			p.due += p.interval
		}
		if err := s.flush(); err != nil {
			l.drop(s, err)
		}
	}
	l.stamp = l.now
}

// room returns the next session with fewer requests outstanding than its window.
func (p *pace) room(sessions []*Session) *Session {
	for range sessions {
		s := sessions[p.turn]
		if p.turn++; p.turn == len(sessions) {
			p.turn = 0
		}
		if s.state == stateOpen && s.waiting.size < p.window {
			return s
		}
	}
	return nil
}
