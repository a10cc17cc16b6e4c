//go:build unix

package bench

import (
	"context"
	"time"
)

// The curves, one function each.

// The shape of the loads that nothing else is said of.
const (
	growSessions = 8
	growWindow   = 32
)

// connections load with one request outstanding on each connection, and hold as
// many idle sessions.
func (g *grower) connections(ctx context.Context, run *growRun) error {
	return g.each(ctx, run, func(ctx context.Context, n int) error {
		return g.with(ctx, run, 1, func(cfg Config) error {
			if err := Prepare(ctx, cfg); err != nil {
				return err
			}
			idle := cfg
			idle.Sessions, idle.Warmup = n, 0
			r, err := g.run(ctx, idle, Idle())
			if err != nil {
				return err
			}
			const enough = 100 // sessions, to be seen in pages of memory
			if r.Server != nil && n >= enough {
				g.add(run, n, "memory per idle session", "KiB", float64(r.Server.RSSAfter-r.Server.RSSBefore)/1024/float64(n), r)
			}
			cfg.Sessions, cfg.Window = n, 1
			return g.rates(ctx, run, cfg, n)
		})
	})
}

// znodes fills one server further and further.
func (g *grower) znodes(ctx context.Context, run *growRun) error {
	return g.with(ctx, run, 1, func(cfg Config) error {
		cfg.Sessions, cfg.Window = growSessions, growWindow
		empty, _ := memory(cfg)
		return g.fillEach(ctx, run, cfg, func(ctx context.Context, cfg Config, n int) error {
			if full, ok := memory(cfg); ok {
				g.add(run, n, "memory per znode", "B", max(0, full-empty)/float64(n), nil)
			}
			return g.rates(ctx, run, cfg, n)
		})
	})
}

// fillEach creates the keys up to each point and calls a function there.
func (g *grower) fillEach(ctx context.Context, run *growRun, cfg Config, use func(context.Context, Config, int) error) error {
	had := 0
	return g.each(ctx, run, func(ctx context.Context, n int) error {
		cfg.Keys.Count = n
		if err := MakeDirs(cfg); err != nil {
			return err
		}
		fill := cfg
		fill.Warmup, fill.Duration = 0, 0
		r, err := g.run(ctx, fill, fillFrom(uint32(had)))
		if err != nil {
			return err
		}
		had = n
		g.add(run, n, "create", "ops/s", r.PerSecond, r)
		return use(ctx, cfg, n)
	})
}

// fillFrom creates the keys from one on.
func fillFrom(first uint32) Scenario {
	s := Fill()
	s.Total = func(cfg Config) int64 { return int64(cfg.Keys.Count) - int64(first) }
	s.Load = func(p Part) Load {
		e := newEach(p, codeOK, (*Session).Create)
		e.next += first
		return e
	}
	return s
}

// values loads with values of each size, on few keys.
func (g *grower) values(ctx context.Context, run *growRun) error {
	return g.with(ctx, run, 1, func(cfg Config) error {
		const keys, window = 64, 4
		cfg.Sessions, cfg.Window, cfg.Keys.Count = growSessions, window, keys
		return g.each(ctx, run, func(ctx context.Context, n int) error {
			cfg.Keys.ValueBytes = n
			if err := Prepare(ctx, cfg); err != nil {
				return err
			}
			return g.rates(ctx, run, cfg, n)
		})
	})
}

// children fills one directory further and further, and lists it.
func (g *grower) children(ctx context.Context, run *growRun) error {
	return g.with(ctx, run, 1, func(cfg Config) error {
		cfg.Sessions, cfg.Window, cfg.Keys.PerDir = growSessions, growWindow, KeysMax
		return g.fillEach(ctx, run, cfg, func(ctx context.Context, cfg Config, n int) error {
			lone := cfg
			lone.Sessions, lone.Window = 1, 1
			r, err := g.run(ctx, lone, List())
			if err != nil {
				return err
			}
			g.add(run, n, "list, per child", "ns", r.Main().P50US*1e3/float64(n), r)
			return g.rates(ctx, run, cfg, n)
		})
	})
}

// watches leaves a watch on each of so many znodes, holds them, and fires all.
func (g *grower) watches(ctx context.Context, run *growRun) error {
	return g.each(ctx, run, func(ctx context.Context, n int) error {
		return g.with(ctx, run, 1, func(cfg Config) error {
			cfg.Sessions, cfg.Window, cfg.Keys.Count = growSessions, growWindow, n
			if err := MakeDirs(cfg); err != nil {
				return err
			}
			cfg.Warmup, cfg.Duration = 0, 0
			if _, err := g.run(ctx, cfg, Fill()); err != nil {
				return err
			}
			before, known := memory(cfg)
			r, err := g.run(ctx, cfg, watchEach(false))
			if err != nil {
				return err
			}
			g.add(run, n, "watches left", "per second", r.PerSecond, r)
			if known && r.Server != nil {
				g.add(run, n, "memory per watch", "B", max(0, float64(r.Server.RSSAfter)-before)/float64(n), nil)
			}
			r, err = g.run(ctx, cfg, watchEach(true))
			if err != nil {
				return err
			}
			g.add(run, n, "events", "per second", float64(n)/max(r.of(OpLastEvent).MaxUS/1e6, 1e-9), r)
			return nil
		})
	})
}

// watchEach leaves a watch on each key, and then, if it is to fire them, sets
// each key and waits for all events.
func watchEach(fire bool) Scenario {
	return Scenario{Name: "watches", Title: "a watch on every key", Load: func(p Part) Load {
		return &watchLoad{part: p, fire: fire}
	}}
}

// watchLoad goes over the keys once to watch and once to set.
type watchLoad struct {
	Quiet
	part          Part
	fire          bool
	next, watched int
	set           int // of the keys
	told          int
	began         time.Duration
}

// Start fills the window.
func (w *watchLoad) Start(s *Session) {
	for range w.part.Window {
		w.send(s)
	}
}

// send watches the next key, or sets one when all are watched.
func (w *watchLoad) send(s *Session) {
	switch {
	case w.next < w.part.Keys:
		s.Watch(uint32(w.next))
		w.next++
	case w.fire && w.watched == w.part.Keys && w.set < w.part.Keys:
		if w.set == 0 {
			w.began = s.Now()
		}
		s.Set(uint32(w.set))
		w.set++
	}
}

// Answered goes on. The session whose watch was the last begins to set, with
// its window; the others have nothing more to do.
func (w *watchLoad) Answered(s *Session, op Op, _ uint32, code int32) {
	if op == OpWatch && code == codeOK {
		if w.watched++; w.watched == w.part.Keys {
			w.Start(s)
			return
		}
	}
	w.send(s)
}

// Event counts, and times the last one since the first set.
func (w *watchLoad) Event(s *Session, _ uint32) {
	if w.told++; w.told == w.part.Keys {
		s.Record(OpLastEvent, s.Now()-w.began)
	}
}

// Done reports that everything was watched, and told if it was to be.
func (w *watchLoad) Done() bool {
	return w.watched == w.part.Keys && (!w.fire || w.told == w.part.Keys)
}

// servers starts ensembles of each size.
func (g *grower) servers(ctx context.Context, run *growRun) error {
	return g.each(ctx, run, func(ctx context.Context, n int) error {
		return g.with(ctx, run, n, func(cfg Config) error { return g.ensembleRates(ctx, run, cfg, n) })
	})
}

// observers starts an ensemble of three with so many observers. Clients are at
// all servers.
func (g *grower) observers(ctx context.Context, run *growRun) error {
	const voters = 3
	return g.each(ctx, run, func(ctx context.Context, n int) error {
		return g.withObservers(ctx, run, voters, n, func(cfg Config) error { return g.ensembleRates(ctx, run, cfg, n) })
	})
}

// ensembleRates measures gets, sets, and a lone client's sets at a follower.
func (g *grower) ensembleRates(ctx context.Context, run *growRun, cfg Config, size int) error {
	if err := Prepare(ctx, cfg); err != nil {
		return err
	}
	cfg.Sessions, cfg.Window = growSessions, growWindow
	if err := g.rates(ctx, run, cfg, size); err != nil {
		return err
	}
	cfg.Sessions, cfg.Window = 1, 1
	r, err := g.run(ctx, cfg, Write())
	if err != nil {
		return err
	}
	g.add(run, size, "lone set, median", "us", r.Main().P50US, r)
	return nil
}
