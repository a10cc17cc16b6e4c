package chaostest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// table collects times in columns.
type table struct {
	title   string
	columns []string
	rows    [][]string
	times   [][]time.Duration // by column
}

func newTable(title string, columns ...string) *table {
	return &table{title: title, columns: columns, times: make([][]time.Duration, len(columns))}
}

// What stands for a time: it was not seen to end, or there is none to be measured.
const (
	notYet = time.Duration(-1)
	none   = time.Duration(-2)
)

// add appends a row.
func (t *table) add(label string, times ...time.Duration) {
	row := []string{label}
	for i, d := range times {
		switch d {
		case notYet:
			row = append(row, "not in time")
		case none:
			row = append(row, "-")
		default:
			row = append(row, fmt.Sprintf("%.3f", d.Seconds()))
			t.times[i] = append(t.times[i], d)
		}
	}
	t.rows = append(t.rows, row)
}

// String is the table with the medians and the extremes of each column below.
func (t *table) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s (seconds)\n", t.title)
	line := func(cells []string) {
		fmt.Fprintf(&text, "  %-50s", cells[0])
		for _, cell := range cells[1:] {
			fmt.Fprintf(&text, " %14s", cell)
		}
		fmt.Fprintln(&text)
	}
	line(append([]string{""}, t.columns...))
	for _, row := range t.rows {
		line(row)
	}
	for _, end := range []struct {
		name string
		of   func(sorted []time.Duration) time.Duration
	}{
		{"smallest", func(s []time.Duration) time.Duration { return s[0] }},
		{"median", func(s []time.Duration) time.Duration { return s[len(s)/2] }},
		{"largest", func(s []time.Duration) time.Duration { return s[len(s)-1] }},
	} {
		cells := []string{end.name}
		for _, column := range t.times {
			cell := "-"
			if len(column) > 0 {
				cell = fmt.Sprintf("%.3f", end.of(slices.Sorted(slices.Values(column))).Seconds())
			}
			cells = append(cells, cell)
		}
		line(cells)
	}
	return text.String()
}

// awaitMember waits until a member that was just started or cut off serves again, and counts from a moment: it says that it
// has a role, and a session opened at it gets a write acknowledged.
func (e *ensemble) awaitMember(ctx context.Context, m *member, since time.Time) (time.Duration, error) {
	err := await(ctx, fmt.Sprintf("%v is a full member again", m), 10*time.Millisecond, func() error {
		_, err := m.srvr(ctx)
		return err
	})
	if err != nil {
		return 0, e.explain(err)
	}
	w := &writer{e: e, path: returnNode, servers: []string{m.addr}}
	defer w.drop()
	err = await(ctx, fmt.Sprintf("%v takes writes", m), writeEvery, func() error {
		if w.conn != nil || w.attach(ctx) {
			w.write(ctx)
		}
		if len(w.acks) == 0 {
			return fmt.Errorf("%d tries", w.next)
		}
		return nil
	})
	return time.Since(since), err
}

// goodWeather waits until all members serve and all writers have been writing for a moment.
func (ws *writers) goodWeather(ctx context.Context) (leader *member, err error) {
	if err := ws.e.awaitWhole(ctx); err != nil {
		return nil, err
	}
	pause(ctx, time.Second)
	ws.forget()
	if err := ws.awaitAll(ctx, time.Now()); err != nil {
		return nil, err
	}
	return ws.e.awaitLeader(ctx)
}

// TestLeaderKilled measures how long nobody's write is acknowledged after kill -9 of the leader, and how long it takes
// until the killed server is a full member again after its restart.
func TestLeaderKilled(t *testing.T) {
	e := newEnsemble(t, layout{voters: *serversFlag})
	ctx := testContext(t, time.Duration(*killsFlag+2)*patience)
	if err := e.start(ctx); err != nil {
		t.Fatal(err)
	}
	ws, err := startWriters(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.stop()
	times := newTable(fmt.Sprintf("leader killed, %s, %d servers, tick %v", e.target.name, *serversFlag, *tickFlag),
		"first write", "all writers", "longest gap", "full member")
	for i := range *killsFlag {
		leader, err := ws.goodWeather(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := leader.kill(); err != nil {
			t.Fatal(err)
		}
		killed := leader.signalled
		if err := ws.awaitAll(ctx, killed); err != nil {
			t.Fatal(e.explain(err))
		}
		first, _ := ws.since(killed)
		gap := ws.gap()
		started := time.Now()
		if err := leader.start(); err != nil {
			t.Fatal(err)
		}
		back, err := e.awaitMember(ctx, leader, started)
		if err != nil {
			t.Fatal(err)
		}
		times.add(fmt.Sprintf("%d: %v", i+1, leader), first[0], first[len(first)-1], gap, back)
	}
	result, err := ws.check(ctx)
	say("%v  %s", times, result)
	if err != nil {
		t.Error(err)
	}
}
