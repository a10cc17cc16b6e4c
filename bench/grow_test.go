//go:build unix

package bench

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/server"
)

// TestTroupeProcess is no test but a server, started by those that need one in
// a process of its own.
func TestTroupeProcess(t *testing.T) {
	if flag.NArg() != 1 {
		t.Skip("a server for other tests to start")
	}
	config, _, err := server.LoadConfig(flag.Arg(0), nil, map[string]string{"forceSync": "no"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Options{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	<-stop
	s.Stop()
}

// troupeSubject is this repository's server, without a program to be built.
func troupeSubject() Subject {
	return Subject{Name: "Troupe", Version: "1", Command: func(home string, members []Member, at int) ([]string, error) {
		config, err := writeZooConfig(home, members, at)
		return []string{os.Args[0], "-test.run=^TestTroupeProcess$", "-test.timeout=10m", config}, err
	}}
}

func smallGrowth(t *testing.T, largest map[string]int) GrowConfig {
	t.Helper()
	cfg := DefaultGrowConfig()
	cfg.Subjects, cfg.Largest = []Subject{troupeSubject()}, largest
	cfg.Warmup, cfg.Measure = 0, 50*time.Millisecond
	cfg.Dir, cfg.LogDir = t.TempDir(), t.TempDir()
	return cfg
}

// Every curve must have its figures at every point.
func TestGrow(t *testing.T) {
	g, err := Grow(context.Background(), smallGrowth(t, map[string]int{
		"connections": 10, "znodes": 2000, "value": 1000, "children": 2000, "watches": 1000, "servers": 1, "observers": 1,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Notes) > 0 {
		t.Errorf("notes %q", g.Notes)
	}
	for curve, want := range map[string]struct {
		sizes   []int
		metrics []string
	}{
		"connections": {[]int{1, 10}, []string{"get", "set"}},
		"znodes":      {[]int{1000, 2000}, []string{"create", "get", "set"}},
		"value":       {[]int{10, 100, 1000}, []string{"get", "set"}},
		"children":    {[]int{1000, 2000}, []string{"create", "list, per child", "get", "set"}},
		"watches":     {[]int{1000}, []string{"watches left", "events"}},
		"servers":     {[]int{1}, []string{"get", "set", "lone set, median"}},
		"observers":   {[]int{0, 1}, []string{"get", "set", "lone set, median"}},
	} {
		for _, metric := range want.metrics {
			var sizes []int
			for _, p := range g.Points {
				if p.Curve == curve && p.Metric == metric && p.Value > 0 && p.Unit != "" {
					sizes = append(sizes, p.Size)
				}
			}
			if !slices.Equal(sizes, want.sizes) {
				t.Errorf("%s, %s: figures at %v, want %v", curve, metric, sizes, want.sizes)
			}
		}
	}
}

// A server that cannot follow ends its curve, not the others.
func TestGrowNotesWhoCannotFollow(t *testing.T) {
	cfg := smallGrowth(t, map[string]int{"value": 10, "znodes": 1000})
	broken := Subject{Name: "Broken", Command: func(string, []Member, int) ([]string, error) { return []string{"false"}, nil }}
	cfg.Subjects = append(cfg.Subjects, broken)
	g, err := Grow(context.Background(), cfg)
	if err != nil || len(g.Notes) != 2 || !strings.Contains(g.Notes[0], "Broken could not follow") {
		t.Errorf("%v, notes %q", err, g.Notes)
	}
}

// A subject for which a point takes too long ends its curve, with a note that
// names the time, and the next curve goes on.
func TestGrowIsNotPatientForEver(t *testing.T) {
	cfg := smallGrowth(t, map[string]int{"connections": 1, "value": 10})
	cfg.Patience = time.Nanosecond
	g, err := Grow(context.Background(), cfg)
	if err == nil || len(g.Notes) != 2 || !strings.Contains(g.Notes[0], "connections 1: not done within 1ns") {
		t.Errorf("%v, notes %q", err, g.Notes)
	}
}

// An ensemble that fails once is measured again; what it gave before is dropped.
func TestGrowTriesAnEnsembleAgain(t *testing.T) {
	run := &growRun{points: []int{3, 5}, subject: Subject{Name: "A"}}
	for _, ensemble := range []bool{true, false} {
		g := &grower{cfg: DefaultGrowConfig(), out: &Growth{}}
		run.curve = GrowCurve{Name: "servers", ensemble: ensemble}
		tries := 0
		err := g.each(context.Background(), run, func(_ context.Context, n int) error {
			tries++
			g.add(run, n, "get", "ops/s", float64(tries), nil)
			if tries == 2 {
				return errNoAnswer
			}
			return nil
		})
		switch {
		case !ensemble && (err == nil || tries != 2):
			t.Errorf("one server: %v after %d tries", err, tries)
		case ensemble && (err != nil || len(g.out.Points) != 2 || g.out.Points[1].Value != 3 || len(g.out.Notes) != 1):
			t.Errorf("ensemble: %v, %+v, %q", err, g.out.Points, g.out.Notes)
		}
	}
}

// Who reads the figures must know how many of them others disturbed. What took
// too short a time to tell does not count.
func TestGrowCountsWhatWasNotQuiet(t *testing.T) {
	var said strings.Builder
	g := &grower{cfg: DefaultGrowConfig(), out: &Growth{}}
	g.cfg.Say = func(line string) { said.WriteString(line) }
	run := &growRun{curve: GrowCurve{Name: "value"}, subject: Subject{Name: "A"}}
	for _, r := range []*Result{nil, {Seconds: 2, ForeignCores: 0.1}, {Seconds: 0.1, ForeignCores: 1}, {Seconds: 2, ForeignCores: -1}} {
		g.add(run, 1, "get", "ops/s", 1, r)
	}
	if g.out.NotQuiet != 0 || strings.Contains(said.String(), "not quiet") {
		t.Errorf("%d not quiet, %s", g.out.NotQuiet, said.String())
	}
	g.add(run, 1, "set", "ops/s", 1, &Result{Seconds: 2, ForeignCores: 0.9})
	if g.out.NotQuiet != 1 || !strings.Contains(said.String(), "other programs kept 0.9 processors busy") {
		t.Errorf("%d not quiet, %s", g.out.NotQuiet, said.String())
	}
}

// A process that may not have so many sockets must not blame a server for it.
func TestTooManyConnectionsForThisProcess(t *testing.T) {
	if err := enoughFiles(1); err != nil {
		t.Error(err)
	}
	if err := enoughFiles(1 << 40); err != nil && !strings.Contains(err.Error(), "ulimit -n") {
		t.Error(err)
	}
}

// What was measured until an interruption is kept.
func TestGrowIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := smallGrowth(t, map[string]int{"value": 1_000_000})
	cfg.Say = func(line string) {
		if strings.Contains(line, "ops/s") {
			cancel()
		}
	}
	g, err := Grow(ctx, cfg)
	if err == nil || len(g.Points) == 0 {
		t.Errorf("%v, %d points", err, len(g.Points))
	}
}

func TestGrowErrorsNameTheRange(t *testing.T) {
	for name, change := range map[string]func(*GrowConfig){
		"subjects":    func(c *GrowConfig) { c.Subjects = nil },
		"measured":    func(c *GrowConfig) { c.Measure = 0 },
		"servers 10":  func(c *GrowConfig) { c.Largest["servers"] = 10 },
		"connections": func(c *GrowConfig) { c.Largest["connections"] = -1 },
		"patience":    func(c *GrowConfig) { c.Patience = -1 },
		"curves":      func(c *GrowConfig) { c.Largest["moons"] = 3 },
	} {
		cfg := smallGrowth(t, map[string]int{"znodes": 1000})
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
