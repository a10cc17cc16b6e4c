//go:build unix

package bench

import (
	"context"
	"errors"
	"time"
)

// Storm has every session but the first watch one key, which the first sets:
// how long it takes until the last one knows. Watchers read again and renew
// their watch at once, as those of any recipe do, and when all have, the next
// set follows.
func Storm() Scenario {
	return Scenario{
		Name: "storm", Title: "one set that all other sessions watch",
		Prepare: func(ctx context.Context, cfg Config) error {
			cfg.Keys.Count = 1 // the others stay untouched
			return Prepare(ctx, cfg)
		},
		Check: func(c Config) error {
			switch {
			case c.Sessions < 2:
				return errors.New("sessions 1: want at least 2, a writer and a watcher")
			case c.Threads != 1:
				return errors.New("threads: want 1, for one clock that times the set and the events")
			case c.Duration == 0:
				return errors.New("duration 0: want more, as storms follow one another without end")
			}
			return nil
		},
		Load: func(Part) Load { return &storm{} },
	}
}

// storm counts what came of the last set.
type storm struct {
	Quiet
	watchers, armed, told int
	writer                *Session
	sent                  time.Duration
	flying                bool // the set has not reached everybody yet
	answered              bool
}

// Start makes the first session the writer and lets the others watch.
func (st *storm) Start(s *Session) {
	if s.Index() == 0 {
		st.writer, st.answered = s, true
		return
	}
	st.watchers++
	s.Watch(0)
}

// Answered counts the watches that stand.
func (st *storm) Answered(_ *Session, op Op, _ uint32, code int32) {
	switch {
	case op == OpSet:
		st.answered = true
	case op == OpWatch && code == codeOK:
		st.armed++
	}
}

// Event times the event and renews the watch.
func (st *storm) Event(s *Session, key uint32) {
	took := s.Now() - st.sent
	s.Record(OpEvent, took)
	if st.told++; st.told == st.watchers {
		s.Record(OpLastEvent, took)
		st.flying = false
	}
	s.Watch(key)
}

// Tick sends the next set when everybody watches, and gives up on sessions that
// were not told of the last one.
func (st *storm) Tick(now time.Duration, sessions []*Session) {
	if st.flying {
		if now-st.sent > st.writer.loop.options.ReplyTimeout {
			for _, s := range sessions {
				if len(s.armed) > 0 {
					s.GiveUp()
				}
			}
		}
		return
	}
	if st.writer != nil && st.answered && st.armed == st.watchers {
		st.armed, st.told, st.sent, st.flying, st.answered = 0, 0, now, true, false
		st.writer.Set(0)
	}
}
