//go:build unix

package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
)

// What the machine allows, measured in the same run with the same loads: the
// column "limit".

// Names under which the limits appear among the samples: what an echo server
// reached, and a server that does the least that answers demand.
const (
	EchoSubject = "echo"
	BareSubject = "bare"
)

// echoMeasures are the shapes of load in which answers depend on requests only,
// by window and sessions.
func echoMeasures() []loadMeasure {
	return []loadMeasure{
		{name: "echo w32 c8", scenario: Echo(), window: 32, sessions: 8, value: rate},
		{name: "echo w1 c64", scenario: Echo(), window: 1, sessions: 64, value: rate},
		{name: "echo w1 c1, median", scenario: Echo(), window: 1, sessions: 1, value: median},
	}
}

// bareMeasures are what the bare server gets of the loads: all that one server
// gets, but for the one at half load, which needs a rate.
func bareMeasures(watchers int) []loadMeasure { return standaloneMeasures(watchers) }

// ceilings measures the limits that are known before the subjects.
func (c *comparer) ceilings(ctx context.Context, round int) error {
	echo, err := StartEcho()
	if err != nil {
		return err
	}
	cfg := c.config([]string{echo.Address()}, nil)
	cfg.ServerInside = true
	err = c.limitsOf(ctx, cfg, EchoSubject, round, echoMeasures())
	echo.Stop()
	if err != nil {
		return err
	}
	return c.withBare(c.cfg.Keys, func(cfg Config) error {
		return c.limitsOf(ctx, cfg, BareSubject, round, bareMeasures(c.cfg.Watchers))
	})
}

// halfCeiling measures the limit of the row at half load, once its rate is known.
func (c *comparer) halfCeiling(ctx context.Context, round int) error {
	return c.withBare(c.cfg.Keys, func(cfg Config) error {
		return c.limitsOf(ctx, cfg, BareSubject, round, []loadMeasure{halfMeasure(c.peak(round))})
	})
}

// fillCeiling measures the limit of creating many keys.
func (c *comparer) fillCeiling(ctx context.Context) error {
	keys := c.cfg.Keys
	keys.Count = c.cfg.FillKeys
	return c.withBare(keys, func(cfg Config) error {
		cfg.Sessions, cfg.Window, cfg.Warmup, cfg.Duration, cfg.SkipPrepare = fillSessions, fillWindow, 0, 0, true
		r, err := c.run(ctx, cfg, Fill())
		if err == nil {
			c.add(measureFill, BareSubject, 1, r.PerSecond, r)
		}
		return err
	})
}

// withBare runs a function with a bare server, whose file is where the subjects
// have their data.
func (c *comparer) withBare(keys Keyspace, use func(Config) error) error {
	b, err := startBare(c.cfg.Dir, keys)
	if err != nil {
		return err
	}
	cfg := c.config([]string{b.address}, nil)
	cfg.Keys, cfg.ServerInside = keys, true
	return errors.Join(use(cfg), b.stop())
}

func (c *comparer) limitsOf(ctx context.Context, cfg Config, subject string, round int, measures []loadMeasure) error {
	for _, m := range measures {
		if err := c.measure(ctx, m, cfg, subject, round); err != nil {
			return fmt.Errorf("limit of %s, %s server: %w", m.name, subject, err)
		}
	}
	return nil
}

// limits are the better figures of the echo server and the bare one. Neither is
// the limit itself: each only shows that the machine can do that much. A lone
// set's echo takes a sync of the disk longer; what else that costs, it can't tell.
func (c *Comparison) limits(row reportRow, view reportTable) map[int]float64 {
	lower := row.lower || view.unit != ""
	limits := c.values(row.echo, EchoSubject, view.of)
	if strings.HasPrefix(row.measure, "set ") {
		syncs := c.values(measureSync, DiskSubject, view.of)
		for round := range limits {
			if sync, ok := syncs[round]; ok && view.unit == "" {
				limits[round] += sync
			} else {
				delete(limits, round)
			}
		}
	}
	for round, bare := range c.values(cmp.Or(row.bare, row.measure), BareSubject, view.of) {
		if echo, ok := limits[round]; !ok || lower == (bare < echo) {
			limits[round] = bare
		}
	}
	return limits
}
