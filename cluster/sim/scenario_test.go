package sim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestScenarios runs ensembles to which one kind of thing happens again and again, each because something was wrong with it
// once.
func TestScenarios(t *testing.T) {
	for name, tune := range map[string]func(*plan){
		"observers without a log, and leadership moves": func(p *plan) {
			p.observers, p.observerLog = 1, false
			p.clients, p.delay, p.jitter, p.lastCounter = 6, 0, 5*time.Millisecond, 0
			p.only("leadership is moved")
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(8) {
				r := Run(Options{Seed: 1000 + seed, Moves: 300, tune: tune})
				if r.Property != "" {
					t.Fatalf("seed %d violates %s: %s\n%s", r.Seed, r.Property, r.Reason, strings.Join(r.Events, "\n"))
				}
			}
		})
	}
}

// only lets nothing else happen, and these often.
func (p *plan) only(names ...string) {
	p.faults, p.faultEvery = nil, 12
	for i := range allFaults {
		if slices.Contains(names, allFaults[i].name) {
			p.faults = append(p.faults, &allFaults[i])
		}
	}
	if len(p.faults) != len(names) {
		panic("a fault of that name doesn't exist")
	}
}
