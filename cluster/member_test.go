package cluster

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors"
)

// Observers come back one after the other: each waits for a part of both delays, and without delays not at all.
func TestObserverDelay(t *testing.T) {
	m := &member{rt: &actors.Runtime{World: actors.World{Random: rand.NewChaCha8([32]byte{1})}}}
	if got := m.observerDelay(); got != 0 {
		t.Errorf("without delays it waits %v", got)
	}
	m.ObserverReconnectDelay, m.ObserverElectionDelay = 300*time.Millisecond, 200*time.Millisecond
	seen, limit := map[time.Duration]bool{}, m.ObserverReconnectDelay+m.ObserverElectionDelay
	beyond := false // what one of them alone could give
	for range 200 {
		got := m.observerDelay()
		if got < 0 || got >= limit {
			t.Fatalf("it waits %v, at most %v are allowed", got, limit)
		}
		seen[got] = true
		beyond = beyond || got > m.ObserverReconnectDelay
	}
	if len(seen) < 150 || !beyond {
		t.Errorf("%d different waits; one beyond the longer of both: %v", len(seen), beyond)
	}
}
