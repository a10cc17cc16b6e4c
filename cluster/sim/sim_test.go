package sim_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/cluster/sim"
)

var (
	seed  = flag.Uint64("seed", 0, "run this seed alone")
	moves = flag.Int("steps", 0, "moves of a run; 0: the default")
	seeds = flag.Uint64("seeds", 0, "run so many seeds")
	from  = flag.Uint64("from", 1, "the first of them")
	twice = flag.Bool("twice", false, "run each seed twice: both runs must be the same")
	all   = flag.String("log", "", "write every event to this file")
	tail  = flag.Int("tail", 0, "events that a failure tells; 0: the default")
)

// figures are what many runs came to.
type figures struct {
	began               time.Time
	stats               sim.Stats
	seeds, failed       uint64
	steps, transactions int64
	virtual             time.Duration
}

func (f *figures) add(r *sim.Result) {
	f.stats.Add(r.Stats)
	f.seeds++
	f.steps += r.Steps
	f.transactions += int64(r.Txns)
	f.virtual += r.Elapsed
	if r.Property != "" {
		f.failed++
	}
}

func (f *figures) String() string {
	took := time.Since(f.began)
	return fmt.Sprintf("%d seeds, %d failed, %.2f virtual hours, %d steps, %d transactions, %v, %.0f steps a second", f.seeds, f.failed,
		f.virtual.Hours(), f.steps, f.transactions, took.Round(time.Second), float64(f.steps)/took.Seconds())
}

// TestEnsembles runs a few seeds, one, or as many as asked for. A run that fails is played again by
//
//	go test ./cluster/sim -run TestEnsembles -seed N -v
//
// and this runs for hours, says every 50 seeds how far it is, and when it is interrupted what it has come to:
//
//	go test ./cluster/sim -run TestEnsembles -seeds 1000000 -from N -timeout 0 -v
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
	if *seeds != 0 {
		defer debug.SetGCPercent(debug.SetGCPercent(400)) // each run leaves a whole world behind
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stop)
	sum := figures{began: time.Now()}
	for i := first; i < first+n && len(stop) == 0; i++ {
		o := sim.Options{Seed: i, Moves: *moves, Tail: *tail, Log: log}
		r := sim.Run(o)
		sum.add(&r)
		if r.Property != "" {
			report(t, &r)
		}
		if *twice {
			sameAgain(t, o, &r)
		}
		if *seed != 0 {
			t.Logf("%s\n%d steps, %d transactions, %v, hash %#x", r.Plan, r.Steps, r.Txns, r.Elapsed, r.Hash)
		}
		if *seeds != 0 && sum.seeds%50 == 0 {
			fmt.Println(&sum)
		}
	}
	if len(stop) > 0 {
		fmt.Printf("interrupted: %v\n%s", &sum, sum.stats.String())
	}
	t.Logf("%v\n%s", &sum, sum.stats.String())
}

func report(t *testing.T, r *sim.Result) {
	t.Helper()
	events := r.Events
	if *seeds != 0 && *tail == 0 {
		events = nil
	}
	t.Errorf("seed %d violates %s: %s\n%s\n%s", r.Seed, r.Property, r.Reason, r.Plan, strings.Join(events, "\n"))
}

// TestSameSeedSameRun: without it no failure could be played again. For more seeds than these there is -twice.
func TestSameSeedSameRun(t *testing.T) {
	for _, n := range []uint64{1, 2, 3} {
		o := sim.Options{Seed: n, Moves: 300}
		r := sim.Run(o)
		sameAgain(t, o, &r)
	}
}

func sameAgain(t *testing.T, o sim.Options, a *sim.Result) {
	t.Helper()
	if b := sim.Run(o); a.Hash != b.Hash || a.Steps != b.Steps {
		t.Errorf("seed %d: %d steps with hash %#x, then %d with hash %#x", o.Seed, a.Steps, a.Hash, b.Steps, b.Hash)
	}
}
