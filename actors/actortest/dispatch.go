package actortest

import (
	"math/rand/v2"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// Steps is a dispatcher for everything: what actors want to do waits in it until the test runs it, one piece at a
// time, on the test's goroutine. With a seed the next piece is chosen by chance, so the same seed gives the same
// interleaving and another seed another one.
type Steps struct {
	mu    sync.Mutex
	queue []func()
	rand  *rand.Rand
	mood  int // with a seed: which piece is next, for a while
	left  int // pieces until the mood changes
}

// The moods. Newest first starves what waits: the races of an actor that doesn't get its turn need it, and choosing
// evenly hardly ever shows them.
const (
	moodAny = iota
	moodNewest
	moodOldest
	moods
	longestMood = 150
)

// NewSteps makes a dispatcher that runs pieces in the order in which they came.
func NewSteps() *Steps { return &Steps{} }

// NewSeeded makes one that chooses by chance.
func NewSeeded(seed uint64) *Steps { return &Steps{rand: rand.New(rand.NewPCG(seed, 0))} }

// Schedule implements actor.Dispatcher.
func (s *Steps) Schedule(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, fn)
}

// Throughput implements actor.Dispatcher: one message a step, so that any interleaving can happen.
func (s *Steps) Throughput() int { return 1 }

// Shared implements actors.Dispatchers.
func (s *Steps) Shared() actor.Dispatcher { return s }

// Conn implements actors.Dispatchers.
func (s *Steps) Conn(uint64) actor.Dispatcher { return s }

// Pinned implements actors.Dispatchers.
func (s *Steps) Pinned(string) (actor.Dispatcher, func()) { return s, func() {} }

// Step runs one piece; false when there is none.
func (s *Steps) Step() bool {
	s.mu.Lock()
	n := len(s.queue)
	if n == 0 {
		s.mu.Unlock()
		return false
	}
	i := s.choose(n)
	fn := s.queue[i]
	s.queue = append(s.queue[:i], s.queue[i+1:]...)
	s.mu.Unlock()
	fn()
	return true
}

func (s *Steps) choose(n int) int {
	if s.rand == nil {
		return 0
	}
	if s.left--; s.left < 0 {
		s.mood, s.left = s.rand.IntN(moods), s.rand.IntN(longestMood)
	}
	switch s.mood {
	case moodNewest:
		return n - 1
	case moodOldest:
		return 0
	}
	return s.rand.IntN(n)
}

// Settle runs until nothing is left to do and returns the number of steps.
func (s *Steps) Settle() (steps int) {
	for s.Step() {
		steps++
	}
	return steps
}
