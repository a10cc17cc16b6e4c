//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What an operation costs as something grows. Each curve changes one thing and
// leaves all else alone, so a server that scales draws flat lines.

// GrowConfig says what grows, and how far.
type GrowConfig struct {
	// Subjects are the servers, in the order in which they take turns.
	Subjects []Subject
	// Largest is the last point of each curve, by the names of [GrowCurves].
	// Points are the powers of ten below it, and itself. A curve that is
	// missing or 0 is left out.
	Largest map[string]int
	// Warmup precedes each measure under load and Measure is its length.
	Warmup, Measure time.Duration
	// Patience is how long each point may take; a subject that needs longer
	// ends its curve there. 0 waits for ever.
	Patience time.Duration
	// Dir is where the servers keep their data, LogDir gets their output.
	Dir, LogDir string
	// Say is told what happens, a line at a time; Progress as in [Config].
	Say      func(string)
	Progress func(Progress)
}

// GrowCurve is something that can grow.
type GrowCurve struct {
	Name string
	// Title says what is on the horizontal axis.
	Title string
	// First, Usual and Most are the first point, the last one unless a config
	// says otherwise, and the largest that may be asked for.
	First, Usual, Most int
	measure            func(*grower, context.Context, *growRun) error
	// ensemble says that each point has an ensemble of its own.
	ensemble bool
}

// GrowCurves lists what can grow. The usual sizes take about ten minutes in all
// and less than 2 GiB.
func GrowCurves() []GrowCurve {
	return []GrowCurve{
		{"connections", "connections, each with a session", 1, 1000, 50_000, (*grower).connections, false},
		{"znodes", "znodes of 100 bytes", 1000, 100_000, KeysMax, (*grower).znodes, false},
		{"value", "bytes of each value", 10, 1_000_000, ValueBytesMax, (*grower).values, false},
		{"children", "children of one node", 1000, 100_000, 5_000_000, (*grower).children, false},
		{"watches", "watches, on as many znodes", 1000, 100_000, KeysMax, (*grower).watches, false},
		{"servers", "servers of the ensemble", 1, 5, EnsembleMax, (*grower).servers, true},
		{"observers", "observers of an ensemble of three", 1, 2, EnsembleMax, (*grower).observers, true},
	}
}

// DefaultGrowConfig has all curves up to their usual sizes.
func DefaultGrowConfig() GrowConfig {
	cfg := GrowConfig{
		Largest: make(map[string]int), Warmup: 500 * time.Millisecond, Measure: 2 * time.Second, Patience: 3 * time.Minute,
		Say: func(string) {},
	}
	for _, c := range GrowCurves() {
		cfg.Largest[c.Name] = c.Usual
	}
	return cfg
}

// Validate returns an error that names the field and its allowed range.
func (c GrowConfig) Validate() error {
	if len(c.Subjects) == 0 {
		return errors.New("subjects: want at least one server")
	}
	if c.Measure < 50*time.Millisecond {
		return fmt.Errorf("measured time %v: want 50ms or more", c.Measure)
	}
	if c.Patience < 0 {
		return fmt.Errorf("patience %v: want 0 or more", c.Patience)
	}
	known := 0
	for _, curve := range GrowCurves() {
		largest, ok := c.Largest[curve.Name]
		if ok {
			known++
		}
		if largest != 0 && (largest < curve.First || largest > curve.Most) {
			return fmt.Errorf("%s %d: want %d to %d, or 0 to leave it out", curve.Name, largest, curve.First, curve.Most)
		}
	}
	if known != len(c.Largest) {
		return fmt.Errorf("curves %v: some are not known", c.Largest)
	}
	// Otherwise it would only turn out then that the generator can't follow.
	return enoughFiles(c.Largest["connections"])
}

// points are the sizes to measure.
func (c GrowCurve) points(largest int) []int {
	if c.Name == "servers" {
		var odd []int
		for n := 1; n <= largest; n += 2 {
			odd = append(odd, n)
		}
		return odd
	}
	var all []int
	if c.Name == "observers" {
		for n := range largest + 1 {
			all = append(all, n)
		}
		return all
	}
	const decade = 10
	for n := c.First; n < largest; n *= decade {
		all = append(all, n)
	}
	return append(all, largest)
}

// Growth is everything that was measured, in the order in which it was.
type Growth struct {
	Began    string            `json:"began"`
	Machine  MachineInfo       `json:"machine"`
	Subjects []string          `json:"subjects"`
	Versions map[string]string `json:"versions"`
	Notes    []string          `json:"notes,omitempty"` // what could not be measured
	// NotQuiet counts the figures that were taken while other programs ran.
	NotQuiet int         `json:"not_quiet,omitempty"`
	Points   []GrowPoint `json:"points"`
}

// GrowPoint is one figure.
type GrowPoint struct {
	Curve   string  `json:"curve"`
	Subject string  `json:"subject"`
	Size    int     `json:"size"`
	Metric  string  `json:"metric"`
	Unit    string  `json:"unit"`
	Value   float64 `json:"value"`
	// Result is the run that it was taken from, if there was one.
	Result *Result `json:"result,omitempty"`
}

// grower carries out a growth.
type grower struct {
	cfg GrowConfig
	out *Growth
}

// growRun is one curve of one subject.
type growRun struct {
	curve   GrowCurve
	subject Subject
	points  []int
}

// Grow measures each curve with each subject, on fresh servers. A subject that
// cannot follow ends its curve with a note. When ctx is cancelled it returns
// what it has so far with the error.
func Grow(ctx context.Context, cfg GrowConfig) (*Growth, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	g := &grower{cfg: cfg, out: &Growth{
		Began: time.Now().UTC().Format(time.RFC3339), Machine: machineInfo(), Versions: make(map[string]string),
	}}
	for _, s := range cfg.Subjects {
		g.out.Subjects = append(g.out.Subjects, s.Name)
		g.out.Versions[s.Name] = s.Version
	}
	for _, curve := range GrowCurves() {
		largest := cfg.Largest[curve.Name]
		if largest == 0 {
			continue
		}
		for _, s := range cfg.Subjects {
			run := &growRun{curve: curve, subject: s, points: curve.points(largest)}
			cfg.Say(fmt.Sprintf("%s, %s: %v", curve.Name, s.Name, run.points))
			err := curve.measure(g, ctx, run)
			if ctx.Err() != nil {
				return g.out, fmt.Errorf("%s, %s: %w", curve.Name, s.Name, ctx.Err())
			}
			if errors.Is(err, errWrongAnswer) {
				return g.out, fmt.Errorf("%s, %s: %w", curve.Name, s.Name, err)
			}
			if err != nil {
				g.note(fmt.Sprintf("%s: %s could not follow: %v", curve.Name, s.Name, err))
			}
		}
	}
	if len(g.out.Points) == 0 {
		return g.out, errors.New("nothing was measured")
	}
	return g.out, nil
}

// each measures the points of a curve one after the other. What fails with an
// ensemble is tried once more, as in a comparison, and noted.
func (g *grower) each(ctx context.Context, run *growRun, use func(context.Context, int) error) error {
	for _, n := range run.points {
		had := len(g.out.Points)
		late, err := g.point(ctx, n, use)
		if err != nil && run.curve.ensemble && !late && ctx.Err() == nil && !errors.Is(err, errWrongAnswer) {
			g.note(fmt.Sprintf("%s %d, %s was done again: %v", run.curve.Name, n, run.subject.Name, err))
			g.out.Points = g.out.Points[:had]
			_, err = g.point(ctx, n, use)
		}
		if err != nil {
			return fmt.Errorf("%s %d: %w", run.curve.Name, n, err)
		}
	}
	return nil
}

// point measures one point. If that takes too long it is interrupted, as Ctrl-C
// would.
func (g *grower) point(ctx context.Context, n int, use func(context.Context, int) error) (late bool, err error) {
	if g.cfg.Patience == 0 {
		return false, use(ctx, n)
	}
	limited, cancel := context.WithTimeout(ctx, g.cfg.Patience)
	defer cancel()
	err = use(limited, n)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return true, fmt.Errorf("not done within %v: %w", g.cfg.Patience, err)
	}
	return false, err
}

// note keeps what went otherwise than planned, and says it.
func (g *grower) note(text string) {
	g.out.Notes = append(g.out.Notes, text)
	g.cfg.Say("  " + text)
}

const (
	// quietCores is how many processors other programs may keep busy during a
	// run that counts as quiet.
	quietCores = 0.3
	// quietSeconds is the length of a run from which on that can be told.
	quietSeconds = 0.5
)

// quiet says that no other program is known to have disturbed a run.
func (r *Result) quiet() bool {
	return r == nil || r.Seconds < quietSeconds || r.ForeignCores <= quietCores
}

// with runs a function with fresh servers of the run's subject.
func (g *grower) with(ctx context.Context, run *growRun, servers int, use func(Config) error) error {
	return g.withObservers(ctx, run, servers, 0, use)
}

// withObservers does so with an ensemble that has observers besides.
func (g *grower) withObservers(ctx context.Context, run *growRun, servers, observers int, use func(Config) error) error {
	c := &comparer{
		cfg: CompareConfig{
			Ensemble: servers, Observers: observers, Dir: g.cfg.Dir, LogDir: g.cfg.LogDir, Keys: DefaultConfig().Keys, Say: g.cfg.Say,
		},
		out: &Comparison{},
	}
	return c.withServers(ctx, run.subject, func(_ *fleet, cfg Config) error {
		cfg.Warmup, cfg.Duration, cfg.Progress = g.cfg.Warmup, g.cfg.Measure, g.cfg.Progress
		return use(cfg)
	})
}

// run runs a scenario and accepts only a complete one without errors.
func (g *grower) run(ctx context.Context, cfg Config, scenario Scenario) (*Result, error) {
	cfg.SkipPrepare = true
	c := &comparer{cfg: CompareConfig{Progress: g.cfg.Progress}}
	return c.run(ctx, cfg, scenario)
}

// add keeps a figure and says it.
func (g *grower) add(run *growRun, size int, metric, unit string, value float64, r *Result) {
	g.out.Points = append(g.out.Points, GrowPoint{
		Curve: run.curve.Name, Subject: run.subject.Name, Size: size, Metric: metric, Unit: unit, Value: value, Result: r,
	})
	line := fmt.Sprintf("  %-9s %9s %-12s %-28s %s %s", run.subject.Name, formatCount(float64(size)), run.curve.Name, metric,
		formatValue(value), unit)
	if !r.quiet() {
		g.out.NotQuiet++
		line += fmt.Sprintf(" (not quiet: other programs kept %.1f processors busy)", r.ForeignCores)
	}
	g.cfg.Say(line)
}

// rates measures gets and sets with a shape of load.
func (g *grower) rates(ctx context.Context, run *growRun, cfg Config, size int) error {
	for _, load := range []struct {
		metric   string
		scenario Scenario
	}{{"get", Read()}, {"set", Write()}} {
		r, err := g.run(ctx, cfg, load.scenario)
		if err != nil {
			return err
		}
		g.add(run, size, load.metric, "ops/s", r.PerSecond, r)
	}
	return nil
}

// memory is the servers' resident memory in bytes; unknown where there is no
// /proc.
func memory(cfg Config) (bytes float64, ok bool) {
	s := takeSnapshot(cfg.ServerPIDs)
	return float64(s.server.RSSBytes), s.serverErr == nil && s.server.RSSBytes > 0
}
