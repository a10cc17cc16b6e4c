//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// CompareConfig says how to compare two servers.
type CompareConfig struct {
	// Subjects are the servers, in the order in which they take turns.
	Subjects []Subject
	// Rounds is how often each takes its turn.
	Rounds int
	// Warmup is how long each server is loaded before its measures begin; a
	// JVM needs 15 s or more. MeasureWarmup precedes and Measure is each one.
	Warmup, MeasureWarmup, Measure time.Duration
	// Keys are the znodes of the measures under load.
	Keys Keyspace
	// IdleSessions is the number of idle sessions held for IdleHold; 0 leaves
	// the measure out.
	IdleSessions int
	IdleHold     time.Duration
	// FillKeys is the number of znodes of the fill and the start; 0 leaves
	// both out.
	FillKeys int
	// Ensemble is the number of servers of each subject; 0 and 1 stand for one
	// that runs alone. Fill and start are for those alone.
	Ensemble int
	// Observers is the number of servers without a vote that an ensemble has besides.
	Observers int
	// Watchers is the number of sessions that watch one key, and Kills how often
	// in a round the leader of an ensemble is killed; 0 leaves either out.
	Watchers, Kills int
	// Dir is where the servers keep their data, each run in a folder of its
	// own that is removed after it. LogDir gets the servers' output.
	Dir, LogDir string
	// Say is told what happens, a line at a time; Progress as in [Config].
	Say      func(string)
	Progress func(Progress)
}

// DefaultCompareConfig returns three rounds that take less than ten minutes.
func DefaultCompareConfig() CompareConfig {
	return CompareConfig{
		Rounds: 3, Warmup: 15 * time.Second, MeasureWarmup: time.Second, Measure: 3 * time.Second,
		Keys:         Keyspace{Root: "/bench", Count: 10_000, ValueBytes: 100},
		IdleSessions: 5000, IdleHold: 10 * time.Second, FillKeys: 1_000_000, Watchers: 1000, Kills: 3,
		Say: func(string) {},
	}
}

// Validate returns an error that names the field and its allowed range.
func (c CompareConfig) Validate() error {
	switch {
	case len(c.Subjects) == 0:
		return errors.New("subjects: want at least one server")
	case c.Rounds < 0 || c.Rounds > 100:
		return fmt.Errorf("rounds %d: want 0 to 100", c.Rounds)
	case c.Measure < 100*time.Millisecond:
		return fmt.Errorf("measured time %v: want 100ms or more", c.Measure)
	case c.IdleSessions < 0 || c.IdleSessions > SessionsMax:
		return fmt.Errorf("idle sessions %d: want 0 to %d", c.IdleSessions, SessionsMax)
	case c.FillKeys < 0 || c.FillKeys > KeysMax:
		return fmt.Errorf("keys to fill %d: want 0 to %d", c.FillKeys, KeysMax)
	case c.Ensemble < 0 || c.Ensemble == 2 || c.Ensemble > EnsembleMax:
		return fmt.Errorf("ensemble of %d: want 3 to %d servers, or 0 for one alone", c.Ensemble, EnsembleMax)
	case c.Ensemble > 1 && c.FillKeys > 0:
		return fmt.Errorf("keys to fill %d: want 0 for an ensemble of %d", c.FillKeys, c.Ensemble)
	case c.Observers < 0 || c.Observers > EnsembleMax || c.Observers > 0 && c.Ensemble < 3:
		return fmt.Errorf("observers %d: want 0 to %d, of an ensemble", c.Observers, EnsembleMax)
	case c.Watchers < 0 || c.Watchers >= SessionsMax:
		return fmt.Errorf("watchers %d: want 0 to %d", c.Watchers, SessionsMax-1)
	case c.Kills < 0 || c.Kills > 100:
		return fmt.Errorf("kills %d: want 0 to 100", c.Kills)
	}
	return c.Keys.Validate()
}

// Sample is one figure that one run gave.
type Sample struct {
	Measure string  `json:"measure"`
	Subject string  `json:"subject"`
	Round   int     `json:"round"`
	Value   float64 `json:"value"`
	// Values are those of which Value is the median, if there was more than one.
	Values []float64 `json:"values,omitempty"`
	Result *Result   `json:"result,omitempty"`
}

// Comparison is everything a comparison measured.
type Comparison struct {
	Began    string            `json:"began"`
	Machine  MachineInfo       `json:"machine"`
	Versions map[string]string `json:"versions"`
	Subjects []string          `json:"subjects"`
	Ensemble int               `json:"ensemble,omitempty"` // servers of each subject; 0: one alone
	Rounds   int               `json:"rounds"`
	Notes    []string          `json:"notes,omitempty"` // what went otherwise than planned
	Samples  []Sample          `json:"samples"`
}

// MachineInfo says where a comparison ran.
type MachineInfo struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	Processors int    `json:"processors"`
	Model      string `json:"model,omitempty"`
	Kernel     string `json:"kernel,omitempty"`
	MemoryMiB  int64  `json:"memory_mib,omitempty"`
	Go         string `json:"go"`
}

// comparer carries out a comparison.
type comparer struct {
	cfg CompareConfig
	out *Comparison
}

// several says that each subject is an ensemble.
func (c *comparer) several() bool { return c.cfg.Ensemble > 1 }

// Compare runs the standard set of measures on each subject in turn, A B A B,
// one server or ensemble at a time. When ctx is cancelled, or a subject fails, it returns
// what it has so far with the error.
func Compare(ctx context.Context, cfg CompareConfig) (*Comparison, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &comparer{cfg: cfg, out: &Comparison{
		Began:   time.Now().UTC().Format(time.RFC3339),
		Machine: machineInfo(), Versions: make(map[string]string), Rounds: cfg.Rounds,
	}}
	if c.several() {
		c.out.Ensemble = cfg.Ensemble
	}
	for _, s := range cfg.Subjects {
		c.out.Subjects = append(c.out.Subjects, s.Name)
		c.out.Versions[s.Name] = s.Version
	}
	return c.out, c.all(ctx)
}

func (c *comparer) all(ctx context.Context) error {
	for round := 1; round <= c.cfg.Rounds; round++ {
		if err := c.ceilings(ctx, round); err != nil {
			return err
		}
		if err := c.disk(ctx, round); err != nil {
			return err
		}
		for _, s := range c.cfg.Subjects {
			c.cfg.Say(fmt.Sprintf("round %d of %d: %s", round, c.cfg.Rounds, s.Name))
			if err := c.turn(ctx, s, round); err != nil {
				return fmt.Errorf("round %d, %s: %w", round, s.Name, err)
			}
		}
		if err := c.halfCeiling(ctx, round); err != nil {
			return err
		}
	}
	if c.cfg.FillKeys == 0 {
		return nil
	}
	if err := c.fillCeiling(ctx); err != nil {
		return err
	}
	for _, s := range c.cfg.Subjects {
		c.cfg.Say(fmt.Sprintf("fill with %d znodes and start again: %s", c.cfg.FillKeys, s.Name))
		if err := c.fillAndStart(ctx, s); err != nil {
			return fmt.Errorf("fill, %s: %w", s.Name, err)
		}
	}
	return nil
}

// turn measures one subject once, idle sessions on servers of their own.
func (c *comparer) turn(ctx context.Context, s Subject, round int) error {
	who := fmt.Sprintf("round %d, %s", round, s.Name)
	if c.cfg.IdleSessions > 0 {
		idle := func(_ *fleet, cfg Config) error { return c.idle(ctx, s, cfg, round) }
		if err := c.again(ctx, who+", idle sessions", func() error { return c.withServers(ctx, s, idle) }); err != nil {
			return err
		}
	}
	return c.withServers(ctx, s, func(f *fleet, cfg Config) error {
		if err := c.again(ctx, who+", warm-up", func() error { return c.warmUp(ctx, cfg) }); err != nil {
			return err
		}
		if c.several() {
			return c.ensembleTurn(ctx, f, round)
		}
		for _, m := range standaloneMeasures(c.cfg.Watchers) {
			if err := c.measure(ctx, m, cfg, s.Name, round); err != nil {
				return err
			}
		}
		return c.measure(ctx, halfMeasure(c.peak(round)), cfg, s.Name, round)
	})
}

// peak is what the first subject reached with the mix in a round.
func (c *comparer) peak(round int) float64 {
	return c.out.values(measureMix, c.cfg.Subjects[0].Name, sampleValue)[round]
}

// warmUp prepares the keys and loads the servers for a while.
func (c *comparer) warmUp(ctx context.Context, cfg Config) error {
	if err := Prepare(ctx, cfg); err != nil {
		return err
	}
	if c.cfg.Warmup == 0 {
		return nil
	}
	mixed, err := Mixed(70)
	if err != nil {
		return err
	}
	cfg.Warmup, cfg.Duration, cfg.Window, cfg.Sessions = 0, c.cfg.Warmup, 32, 8
	if err := c.quietRun(ctx, cfg, mixed); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	return nil
}

// idle measures the memory of idle sessions. A few sessions come and go first,
// so that what the first session of all costs is not divided among them.
func (c *comparer) idle(ctx context.Context, s Subject, cfg Config, round int) error {
	first := cfg
	first.Sessions, first.Warmup, first.Duration = 64, 0, 2*time.Second
	if err := c.quietRun(ctx, first, Churn()); err != nil {
		return fmt.Errorf("open the first sessions: %w", err)
	}
	cfg.Sessions, cfg.Warmup, cfg.Duration = c.cfg.IdleSessions, 0, c.cfg.IdleHold
	r, err := c.run(ctx, cfg, Idle())
	if err != nil {
		return err
	}
	if r.Server == nil {
		return fmt.Errorf("the usage of the server is unknown: %v", r.Messages)
	}
	growth := float64(r.Server.RSSAfter-r.Server.RSSBefore) / 1024 / float64(c.cfg.IdleSessions)
	c.add(measureIdleMemory, s.Name, round, growth, nil)
	c.add(measureIdleCPU, s.Name, round, 100*r.Server.Cores, r)
	return nil
}

// measure runs one measure under load and keeps its figures.
func (c *comparer) measure(ctx context.Context, m loadMeasure, cfg Config, subject string, round int) error {
	r, err := c.tryMeasure(ctx, m, cfg)
	if err == nil {
		c.keep(m, subject, round, r)
	}
	return err
}

// tryMeasure runs one measure under load.
func (c *comparer) tryMeasure(ctx context.Context, m loadMeasure, cfg Config) (*Result, error) {
	cfg.Sessions, cfg.Window, cfg.Rate = m.sessions, m.window, m.rate
	cfg.Warmup, cfg.Duration, cfg.SkipPrepare = c.cfg.MeasureWarmup, c.cfg.Measure, true
	return c.run(ctx, cfg, m.scenario)
}

// quietRun runs something whose figures nobody wants.
func (c *comparer) quietRun(ctx context.Context, cfg Config, scenario Scenario) error {
	cfg.SkipPrepare = true
	_, err := c.run(ctx, cfg, scenario)
	return err
}

// run runs a scenario and accepts only a complete one without errors.
func (c *comparer) run(ctx context.Context, cfg Config, scenario Scenario) (*Result, error) {
	cfg.Progress = c.cfg.Progress
	r, err := Run(ctx, cfg, scenario)
	if err != nil {
		return nil, err
	}
	if r.Interrupted {
		return nil, fmt.Errorf("%s: %w", scenario.Name, ctx.Err())
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("%w: %v", err, r.Messages)
	}
	return r, nil
}

// The shape in which many keys are created.
const (
	fillSessions = 8
	fillWindow   = 64
)

// fillAndStart fills a fresh server, stops it in good order and times its start.
func (c *comparer) fillAndStart(ctx context.Context, s Subject) error {
	home, err := os.MkdirTemp(c.cfg.Dir, "fill-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	f, cfg, err := c.start(ctx, s, home)
	if err != nil {
		return err
	}
	cfg.Keys.Count = c.cfg.FillKeys
	cfg.Sessions, cfg.Window, cfg.Warmup, cfg.Duration = fillSessions, fillWindow, 0, 0
	r, err := c.run(ctx, cfg, Fill())
	if err == nil {
		c.add(measureFill, s.Name, 1, r.PerSecond, r)
		if r.Server != nil {
			c.add(measureFillMemory, s.Name, 1, float64(r.Server.RSSAfter)/float64(c.cfg.FillKeys), nil)
		}
		err = c.underSnapshots(ctx, f, cfg)
	}
	if err := errors.Join(err, f.stop()); err != nil {
		return err
	}

	argv, err := f.command(0)
	if err != nil {
		return err
	}
	const startLimit = 5 * time.Minute
	p, took, err := TimeStart(ctx, cfg, uint32(c.cfg.FillKeys-1), startLimit, argv, f.folder(0), f.logPath(0))
	if err != nil {
		return err
	}
	usage, err := ReadUsage(p.PID())
	if err := errors.Join(err, p.Stop()); err != nil {
		return err
	}
	c.add(measureStart, s.Name, 1, took.Seconds(), nil)
	c.add(measureStartMemory, s.Name, 1, float64(usage.RSSBytes)/float64(c.cfg.FillKeys), nil)
	return nil
}

// config is what all runs against some servers have in common.
func (c *comparer) config(addresses []string, pids []int) Config {
	cfg := DefaultConfig()
	cfg.Servers, cfg.Keys, cfg.ServerPIDs = addresses, c.cfg.Keys, pids
	return cfg
}

// add keeps a figure and says it.
func (c *comparer) add(measure, subject string, round int, value float64, r *Result) {
	c.out.Samples = append(c.out.Samples, Sample{Measure: measure, Subject: subject, Round: round, Value: value, Result: r})
	c.cfg.Say(fmt.Sprintf("  %-9s %-32s %s", subject, measure, formatValue(value)))
}

// machineInfo describes this machine as far as the system tells.
func machineInfo() MachineInfo {
	m := MachineInfo{OS: runtime.GOOS, Arch: runtime.GOARCH, Processors: runtime.NumCPU(), Go: runtime.Version()}
	m.Model, m.Kernel, m.MemoryMiB = systemInfo()
	return m
}
