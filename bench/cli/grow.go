//go:build unix

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/troupekeeper/troupe/bench"
	"github.com/troupekeeper/troupe/bench/page"
)

// growFlags are what the growth has beyond its configuration.
type growFlags struct {
	cfg     bench.GrowConfig
	find    compareFlags // finds the subjects
	largest map[string]*int
}

func growCommand() *cobra.Command {
	f := &growFlags{cfg: bench.DefaultGrowConfig(), largest: make(map[string]*int)}
	c := &cobra.Command{
		Use: "grow", Short: "Measure how cost grows with connections, znodes, values, children, watches and servers", Args: cobra.NoArgs,
		Long: `Measure what operations cost as something grows: connections, znodes, the size of values,
children of one node, watches, servers of an ensemble. Each curve is measured at the powers of ten up to
its largest point, on fresh servers of ZooKeeper and Troupe in turn; 0 leaves a curve out.

The raw data, a page and a picture with a chart for each curve go into a folder. Ctrl-C ends it early
with the results so far.`,
		Example: `  troupe bench grow --troupe ./troupe
  troupe bench grow --only troupe --connections 10000 --znodes 10000000 --children 1000000 --watches 1000000 --servers 7`,
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		c.SilenceUsage = true
		return f.run(c)
	}
	set := c.Flags()
	for _, curve := range bench.GrowCurves() {
		f.largest[curve.Name] = set.Int(curve.Name, curve.Usual, "largest number of "+curve.Title)
	}
	set.Lookup("value").Usage = "largest size of a value, in bytes"
	f.find.bindSubjects(set)
	set.DurationVar(&f.cfg.Warmup, "warmup", f.cfg.Warmup, "load before each measure")
	set.DurationVar(&f.cfg.Measure, "measure", f.cfg.Measure, "time of each measure")
	set.DurationVar(&f.cfg.Patience, "patience", f.cfg.Patience, "time that a point may take until the curve ends there, 0 for any")
	set.StringVar(&f.cfg.Dir, "dir", os.TempDir(), "folder for the servers' data, best on the disk that matters")
	set.StringVarP(&f.find.out, "out", "o", "bench-grow", "folder for the raw data, the page, the picture and the servers' logs")
	return c
}

func (f *growFlags) run(c *cobra.Command) error {
	ctx, clear, stop := f.find.prepare(c)
	defer stop()
	f.cfg.Say, f.cfg.Progress = f.find.cfg.Say, f.find.cfg.Progress
	for name, largest := range f.largest {
		f.cfg.Largest[name] = *largest
	}
	if err := f.find.subjects(); err != nil {
		return err
	}
	f.cfg.Subjects = f.find.cfg.Subjects
	if err := f.cfg.Validate(); err != nil {
		return err
	}
	var err error
	if f.cfg.LogDir, err = f.find.folder(); err != nil {
		return err
	}
	growth, failed := bench.Grow(ctx, f.cfg)
	clear()
	if growth == nil || len(growth.Points) == 0 {
		return failed
	}
	if failed != nil && ctx.Err() != nil {
		failed = errors.New("interrupted; the folder holds what was measured until then")
	}
	in := func(name string) string { return filepath.Join(f.find.out, name) }
	err = errors.Join(writeJSON(c.OutOrStdout(), in("growth.json"), growth), page.OfGrowth(growth).Save(in("growth.html"), in("growth.png")))
	if err == nil {
		fmt.Fprintf(c.OutOrStdout(), "%d figures; see %s, growth.png and growth.json beside it\n", len(growth.Points), in("growth.html"))
	}
	return errors.Join(err, failed)
}
