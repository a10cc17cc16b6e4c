//go:build unix

package bench

import (
	"context"
	"sync"
	"testing"
	"time"
)

// Gaps that overlap are one outage; one that leaves somebody writing is not one
// for everybody; one that goes on is said to.
func TestTrackerFindsBreaks(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	k := newTracker(2, 50*time.Millisecond, start)
	for _, w := range []struct{ client, ms int }{
		{0, 10}, {1, 20}, {0, 60}, {1, 70}, // calm
		{0, 370}, {0, 415}, {1, 420}, // both were out from 60 and 70 on
		{0, 460}, {0, 500}, {0, 540}, {1, 550}, // only the second was out
		{0, 580}, {1, 590}, {0, 630},
	} {
		k.wrote(w.client, at(w.ms))
	}
	f := k.finish(at(700))
	want := []Break{
		{AtSeconds: 0.06, NobodyMS: 300, AllMS: 360, Clients: 2},
		{AtSeconds: 0.42, NobodyMS: 0, AllMS: 130, Clients: 1},
		{AtSeconds: 0.59, NobodyMS: 70, AllMS: 110, Clients: 2, Lasting: true},
	}
	if len(f.Breaks) != len(want) {
		t.Fatalf("got %+v, want %+v", f.Breaks, want)
	}
	for i, b := range f.Breaks {
		if b != want[i] {
			t.Errorf("break %d: got %+v, want %+v", i, b, want[i])
		}
	}
	if f.Writes != 14 || f.Course[0] != 4 || f.Course[1] != 0 {
		t.Errorf("%d writes, course %v", f.Writes, f.Course)
	}
}

// A server that goes away is an outage for its client until it has moved on.
func TestFailOverReportsAKill(t *testing.T) {
	f := startFake(t, nil)
	second, shut := f.door(t)
	cfg := f.config()
	cfg.Servers = append(cfg.Servers, second.Addr().String())
	cfg.Duration = time.Hour
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	kill := sync.OnceFunc(shut)
	var killedAt int64
	cfg.Progress = func(p Progress) {
		switch {
		case p.Scenario != "failover":
		case killedAt == 0 && p.Answers > 0:
			killedAt = p.Answers
			kill()
		case killedAt > 0 && p.Answers > killedAt+10:
			cancel()
		}
	}
	r, err := RunFailOver(ctx, cfg, 2, 2*outageBeat)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || r.Writes <= killedAt || r.Clients != 2 || len(r.Course) == 0 {
		t.Errorf("%+v", r)
	}
}

func TestFailOverErrorsNameTheRange(t *testing.T) {
	cfg := DefaultConfig()
	if _, err := RunFailOver(context.Background(), cfg, 1, time.Millisecond); err == nil {
		t.Error("a threshold below the time between writes was accepted")
	}
	cfg.Duration = 0
	if _, err := RunFailOver(context.Background(), cfg, 1, time.Second); err == nil {
		t.Error("no duration was accepted")
	}
}
