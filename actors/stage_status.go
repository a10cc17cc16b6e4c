package actors

import (
	"sync"
)

// StageBoard is where the stages of somebody's own tell how they are. Anybody reads it.
type StageBoard struct {
	mu    sync.Mutex
	order []*StageStats
}

// StageStats is what is known of one stage on one server, over all its instances.
type StageStats struct {
	ID     string
	Place  Place
	Policy FailurePolicy

	Shown, Refused  Counter // items
	Failures, Stuck Counter // how often it has failed; and because it was stuck
	counters        map[string]*Counter

	mu      sync.Mutex
	state   string
	hangs   bool
	held    int
	oldest  int64
	failure string
	failed  int64
	applied uint64 // AfterCommit: what it was shown last
}

// StageStatus is a stage at one moment.
type StageStatus struct {
	ID, Place, Policy string
	State             string // starting, up, failed, or off: it has no work on a server of this role
	Hangs             bool   // its call hasn't returned although its time is over
	Held              int    // items that it has
	OldestUs          int64  // since when it has the oldest, monotonic microseconds; 0: it has none
	LastFailure       string
	LastFailureMs     int64 // wall clock, milliseconds since 1970; 0: never
	Counters          map[string]int64
}

// of finds a stage's account, or opens it.
func (b *StageBoard) of(s *ActiveStage) *StageStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, stats := range b.order {
		if stats.ID == s.ID {
			return stats
		}
	}
	stats := &StageStats{ID: s.ID, Place: s.Place, Policy: s.Policy, state: guardStates[guardOff], counters: map[string]*Counter{}}
	b.order = append(b.order, stats)
	return stats
}

// All lists the stages that have ever run on this server, in the order of their configuration.
func (b *StageBoard) All() []*StageStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*StageStats(nil), b.order...)
}

// Status tells how the stage does.
func (s *StageStats) Status() StageStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := StageStatus{
		ID: s.ID, Place: s.Place.String(), Policy: s.Policy.String(), State: s.state, Hangs: s.hangs, Held: s.held, OldestUs: s.oldest,
		LastFailure: s.failure, LastFailureMs: s.failed, Counters: map[string]int64{},
	}
	for name, c := range s.counters {
		status.Counters[name] = c.Load()
	}
	return status
}

func (s *StageStats) tell(state string, hangs bool, held int, oldest int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.hangs, s.held, s.oldest = state, hangs, held, oldest
}

func (s *StageStats) fail(err error, wallMs int64) {
	s.Failures.Inc()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure, s.failed = err.Error(), wallMs
}

// counter finds one of the stage's own counters, or makes it.
func (s *StageStats) counter(name string) *Counter {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counters[name]
	if c == nil {
		c = &Counter{}
		s.counters[name] = c
	}
	return c
}

// shown and wasShown keep how far a stage AfterCommit has come, over the ends of pipelines.
func (s *StageStats) shown(zxid uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applied = zxid
}

func (s *StageStats) wasShown() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.applied
}
