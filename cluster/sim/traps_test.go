package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestTraps: each moment comes and each strike is done, and all that must hold holds.
func TestTraps(t *testing.T) {
	everything := func(p *plan) {
		p.reconfig, p.changeEvery, p.trapEvery, p.stepCost = true, 10, 15, 0
		p.trapMoments = slices.Concat(moments, membersMoments)
		for _, s := range strikes {
			p.trapStrikes = append(p.trapStrikes, s.name)
		}
	}
	var all Stats
	for seed := range uint64(40) {
		r := Run(Options{Seed: 2000 + seed, Moves: 400, tune: everything})
		all.Add(r.Stats)
		if r.Property != "" {
			t.Fatalf("seed %d violates %s: %s\n%s", r.Seed, r.Property, r.Reason, strings.Join(r.Events, "\n"))
		}
		if len(unreached(&all)) == 0 {
			t.Logf("%d runs\n%s", seed+1, all.String())
			return
		}
	}
	t.Errorf("never: %q", unreached(&all))
}

// unreached are the moments and the strikes that did not come.
func unreached(s *Stats) (names []string) {
	for _, on := range slices.Concat(moments, membersMoments) {
		if name := fmt.Sprintf("trap: when %s", on); s.Counts[name] == 0 {
			names = append(names, name)
		}
	}
	for i := range strikes {
		if name := "trap: then " + strikes[i].name; s.Counts[name] == 0 {
			names = append(names, name)
		}
	}
	return names
}
