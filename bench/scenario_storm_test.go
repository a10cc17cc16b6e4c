//go:build unix

package bench

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestStormTellsEveryWatcher(t *testing.T) {
	f := startFake(t, nil)
	second, _ := f.door(t)
	cfg := f.config()
	cfg.Servers = append(cfg.Servers, second.Addr().String())
	cfg.Sessions = 21
	cfg.Duration = 300 * time.Millisecond
	r := mustRun(t, cfg, Storm())
	sets, events, last := r.of(OpSet).Count, r.of(OpEvent).Count, r.of(OpLastEvent).Count
	// The measured time may begin and end within a storm.
	if r.Err() != nil || last < 1 || events < 20*(last-1) || events > 20*(sets+1) {
		t.Errorf("%d sets, %d events, %d last ones; %v %+v", sets, events, last, r.Err(), r.Messages)
	}
	if count, _ := r.Operations(); count != events || !strings.Contains(r.Notes(), "event and its renewed watch: ") {
		t.Errorf("%d operations, want the %d events: %s", count, events, r.Notes())
	}
}

// An event that does not come is noticed in time.
func TestStormMissesAnEvent(t *testing.T) {
	f := startFake(t, nil)
	f.spoil = func(_ int, op int32, b []byte) []byte {
		if op == opCodes[OpSet] {
			clear(f.watchers) // so that nobody will be told
		}
		return b
	}
	cfg := f.config()
	cfg.Sessions, cfg.Duration, cfg.ReplyTimeout = 5, 400*time.Millisecond, 100*time.Millisecond
	r := mustRun(t, cfg, Storm())
	if r.Lost != 4 || r.Wrong != 0 || len(r.Messages) != 1 || !strings.Contains(r.Messages[0].Text, errNoEvent.Error()) {
		t.Errorf("%d lost, want 4; %d wrong; %+v", r.Lost, r.Wrong, r.Messages)
	}
}

// An event that tells of something else than what was done is a lie.
func TestStormToldOfSomethingElse(t *testing.T) {
	f := startFake(t, nil)
	f.eventKind = 4
	cfg := f.config()
	cfg.Duration = 200 * time.Millisecond
	r := mustRun(t, cfg, Storm())
	if r.Wrong != 1 || !strings.Contains(r.Messages[0].Text, "type 4") {
		t.Errorf("%d wrong, want 1; %+v", r.Wrong, r.Messages)
	}
}

func TestStormErrorsNameTheRange(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"sessions": func(c *Config) { c.Sessions = 1 },
		"threads":  func(c *Config) { c.Threads = 2 },
		"duration": func(c *Config) { c.Duration = 0 },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		if _, err := Run(context.Background(), cfg, Storm()); err == nil || !strings.Contains(err.Error(), "storm: "+name) {
			t.Errorf("storm, %s: %v", name, err)
		}
	}
}
