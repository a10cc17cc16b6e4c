package sim_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/cluster/sim"
)

var (
	seed  = flag.Uint64("seed", 0, "run this seed alone")
	moves = flag.Int("steps", 0, "moves of a run; 0: the default")
	seeds = flag.Uint64("seeds", 0, "run so many seeds")
	from  = flag.Uint64("from", 1, "the first of them")
	all   = flag.String("log", "", "write every event to this file")
	tail  = flag.Int("tail", 0, "events that a failure tells; 0: the default")
)

// TestEnsembles runs a few seeds, one, or as many as asked for. A run that fails is played again by
//
//	go test ./cluster/sim -run TestEnsembles -seed N -v
func TestEnsembles(t *testing.T) {
	first, n := *from, *seeds
	switch {
	case *seed != 0:
		first, n = *seed, 1
	case n == 0 && testing.Short():
		n = 4
	case n == 0:
		n = 8
	}
	var log io.Writer
	if *all != "" {
		f, err := os.Create(*all)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		log = f
	}
	began := time.Now()
	var all sim.Stats
	var steps, txns, failed int64
	for i := first; i < first+n; i++ {
		r := sim.Run(sim.Options{Seed: i, Moves: *moves, Tail: *tail, Log: log})
		all.Add(r.Stats)
		steps += r.Steps
		txns += int64(r.Txns)
		if r.Property != "" {
			failed++
			report(t, &r)
		}
		if *seed != 0 {
			t.Logf("%s\n%d steps, %d transactions, %v, hash %#x", r.Plan, r.Steps, r.Txns, r.Elapsed, r.Hash)
		}
		if done := i - first + 1; *seeds != 0 && done%50 == 0 {
			fmt.Printf("%d seeds, %d failed, %d steps, %d transactions, %v\n", done, failed, steps, txns, time.Since(began).Round(time.Second))
		}
	}
	t.Logf("%d seeds, %d failed, %d steps, %d transactions\n%s", n, failed, steps, txns, all.String())
}

func report(t *testing.T, r *sim.Result) {
	t.Helper()
	events := r.Events
	if *seeds != 0 && *tail == 0 {
		events = nil
	}
	t.Errorf("seed %d violates %s: %s\n%s\n%s", r.Seed, r.Property, r.Reason, r.Plan, strings.Join(events, "\n"))
}

// TestSameSeedSameRun: without it no failure could be played again.
func TestSameSeedSameRun(t *testing.T) {
	for _, n := range []uint64{1, 2, 3} {
		a, b := sim.Run(sim.Options{Seed: n, Moves: 300}), sim.Run(sim.Options{Seed: n, Moves: 300})
		if a.Hash != b.Hash || a.Steps != b.Steps {
			t.Errorf("seed %d: %d steps with hash %#x, then %d with hash %#x", n, a.Steps, a.Hash, b.Steps, b.Hash)
		}
	}
}
