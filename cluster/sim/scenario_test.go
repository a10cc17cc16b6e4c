package sim

import (
	"strings"
	"testing"
)

// TestScenarios runs ensembles to which one kind of thing happens again and again, each because something was wrong with it
// once.
func TestScenarios(t *testing.T) {
	for _, theme := range themes {
		t.Run(theme.name, func(t *testing.T) {
			var all Stats
			for seed := range uint64(6) {
				r := Run(Options{Seed: 1000 + seed, Moves: 300, tune: theme.tune})
				all.Add(r.Stats)
				if r.Property != "" {
					t.Fatalf("seed %d violates %s: %s\n%s", r.Seed, r.Property, r.Reason, strings.Join(r.Events, "\n"))
				}
			}
			t.Log(all.String())
		})
	}
}
