package chaostest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// silences are the ways in which a leader stops talking without being gone.
var silences = []struct {
	name  string
	brief bool // it is run by default
	wires bool
	do    func(e *ensemble, leader *member) error
}{
	{"paused", true, false, func(_ *ensemble, leader *member) error { return leader.pause() }},
	{"isolated from servers", false, true, func(e *ensemble, leader *member) error {
		e.isolate(leader, true, true, false)
		return nil
	}},
	{"isolated from everybody", false, true, func(e *ensemble, leader *member) error {
		e.isolate(leader, true, true, true)
		return nil
	}},
	{"mute", false, true, func(e *ensemble, leader *member) error {
		e.isolate(leader, false, true, false)
		return nil
	}},
	{"deaf to servers", true, true, func(e *ensemble, leader *member) error {
		e.isolate(leader, true, false, false)
		return nil
	}},
	{"deaf to everybody", false, true, func(e *ensemble, leader *member) error {
		e.isolate(leader, true, false, true)
		return nil
	}},
}

// silenceHeld is how long a leader is kept silent while no write is acknowledged.
const silenceHeld = 20 * time.Second

// TestSilentLeader measures how long it takes until writes are acknowledged again when the leader is still there but
// isn't heard or hears nothing, and until it is a full member again when that is over.
func TestSilentLeader(t *testing.T) {
	e := newEnsemble(t, layout{voters: *serversFlag})
	ctx := testContext(t, time.Duration(*silencesFlag+1)*5*patience)
	if err := e.start(ctx); err != nil {
		t.Fatal(err)
	}
	ws, err := startWriters(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.stop()
	times := newTable(fmt.Sprintf("leader silent, %s, %d servers, tick %v, given up after 5", e.target.name, *serversFlag, *tickFlag),
		"first write", "all writers", "longest gap", "full member")
	for _, s := range silences {
		rounds := *silencesFlag
		if s.brief || *onlyFlag != "" {
			rounds = max(rounds, 1)
		}
		for range rounds {
			if *onlyFlag != "" && !slices.Contains(strings.Split(*onlyFlag, ","), s.name) {
				break
			}
			if s.wires && !e.net.apart {
				t.Logf("%s: left out, it needs separate hosts", s.name)
				break
			}
			if err := ws.silence(ctx, times, s.name, s.do); err != nil {
				say("%v", times)
				t.Fatalf("%s: %v", s.name, err)
			}
		}
	}
	result, err := ws.check(ctx)
	say("%v  %s", times, result)
	if err != nil {
		t.Error(err)
	}
}

// silence makes the leader silent once and adds a row to the table.
func (ws *writers) silence(ctx context.Context, times *table, name string, do func(*ensemble, *member) error) error {
	leader, err := ws.goodWeather(ctx)
	if err != nil {
		return err
	}
	if err := do(ws.e, leader); err != nil {
		return err
	}
	begun := time.Now()
	held, cancel := context.WithTimeout(ctx, silenceHeld)
	defer cancel()
	err = ws.awaitAll(held, begun)
	first, all := ws.since(begun)
	if err != nil && len(first) == 0 && ws.e.target.patient {
		return ws.e.explain(fmt.Errorf("no write is acknowledged while the leader is silent: %w", err))
	}
	gap := ws.gap()
	healed := time.Now()
	ws.e.net.heal()
	if leader.paused {
		if err := leader.resume(); err != nil {
			return err
		}
	}
	back, err := ws.e.awaitMember(ctx, leader, healed)
	if err != nil {
		return err
	}
	row := []time.Duration{notYet, notYet, gap, back}
	if len(first) > 0 {
		row[0] = first[0]
	}
	if all {
		row[1] = first[len(first)-1]
	}
	times.add(fmt.Sprintf("%s (%v)", name, leader), row...)
	return nil
}
