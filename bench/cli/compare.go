//go:build unix

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/troupekeeper/troupe/bench"
	"github.com/troupekeeper/troupe/bench/page"
)

// compareFlags are what the comparison has beyond its configuration.
type compareFlags struct {
	cfg       bench.CompareConfig
	troupe    string
	arguments []string
	only      string
	out       string
	noInstall bool
	both      bool
	quiet     bool
}

func compareCommand() *cobra.Command {
	f := &compareFlags{cfg: bench.DefaultCompareConfig()}
	c := &cobra.Command{
		Use: "compare", Short: "Measure Debian's ZooKeeper and Troupe in turn on this machine", Args: cobra.NoArgs,
		Long: `Measure Debian's ZooKeeper and Troupe in turn on this machine, A B A B, one server at
a time, with the same configuration file, and print ratios with their spread.

ZooKeeper is installed with apt-get when it is missing and this is run as root.
With --ensemble 3 each is an ensemble of three servers on this machine, with clients at
all of them; fill and start are left out, and the leader is killed a few times.

With --both one server is compared first, then an ensemble.

Raw results, the table, a page, a picture and the servers' logs are written into a folder.`,
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		c.SilenceUsage = true
		f.forEnsemble(c)
		return f.run(c)
	}
	set := c.Flags()
	f.bindSubjects(set)
	set.IntVar(&f.cfg.Rounds, "rounds", f.cfg.Rounds, "how often each server takes its turn")
	set.DurationVar(&f.cfg.Warmup, "warmup", f.cfg.Warmup, "load before the measures of a turn; a JVM needs it")
	set.DurationVar(&f.cfg.Measure, "measure", f.cfg.Measure, "time of each measure")
	set.IntVar(&f.cfg.IdleSessions, "idle", f.cfg.IdleSessions, "idle sessions to hold, 0 for none")
	set.DurationVar(&f.cfg.IdleHold, "idle-hold", f.cfg.IdleHold, "how long to hold them")
	set.IntVar(&f.cfg.FillKeys, "fill", f.cfg.FillKeys, "znodes to fill and to start with, 0 for none")
	set.IntVar(&f.cfg.Ensemble, "ensemble", 0, "servers of each, 3 or more; 0 for one that runs alone")
	set.BoolVar(&f.both, "both", false, "measure one server of each, then an ensemble of each, for one page")
	set.IntVar(&f.cfg.Watchers, "watchers", f.cfg.Watchers, "sessions that watch one key, 0 for none")
	set.IntVar(&f.cfg.Kills, "kills", f.cfg.Kills, "ensembles: how often a round kills the leader, 0 for never")
	set.StringVar(&f.cfg.Dir, "dir", os.TempDir(), "folder for the servers' data, best on the disk that matters")
	set.StringVarP(&f.out, "out", "o", "bench-compare", "folder for the raw results, the table and the servers' logs")
	return c
}

// bindSubjects adds the flags that say what is measured.
func (f *compareFlags) bindSubjects(set *pflag.FlagSet) {
	self, err := os.Executable()
	if err != nil {
		self = "troupe"
	}
	set.StringVar(&f.troupe, "troupe", self, "troupe program to compare")
	set.StringSliceVar(&f.arguments, "troupe-arg", nil, "further arguments for troupe serve")
	set.StringVar(&f.only, "only", "", "measure only zookeeper or only troupe")
	set.BoolVar(&f.noInstall, "no-install", false, "do not install a missing ZooKeeper")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "no progress line")
}

// ensembleWarmup is how long ensembles are loaded first, unless a flag says
// otherwise: several JVMs share the processors, so each warms up more slowly.
const ensembleWarmup = 30 * time.Second

// bothEnsemble is the number of servers when nobody asks for another.
const bothEnsemble = 3

// forEnsemble sets what is another default for ensembles.
func (f *compareFlags) forEnsemble(c *cobra.Command) {
	if f.cfg.Ensemble <= 1 || f.both {
		return
	}
	if !c.Flags().Changed("warmup") {
		f.cfg.Warmup = ensembleWarmup
	}
	if !c.Flags().Changed("fill") {
		f.cfg.FillKeys = 0
	}
}

func (f *compareFlags) run(c *cobra.Command) error {
	ctx, clear, stop := f.prepare(c)
	defer stop()
	if err := f.subjects(); err != nil {
		return err
	}
	var err error
	if f.cfg.LogDir, err = f.folder(); err != nil {
		return err
	}
	comparisons, failed := f.compare(ctx)
	clear()
	if len(comparisons) == 0 {
		return failed
	}
	if failed != nil && ctx.Err() != nil {
		failed = errors.New("interrupted; the table holds what was measured until then")
	}
	return errors.Join(f.report(c, comparisons), failed)
}

// prepare arranges for Ctrl-C, for a progress line and for what is said.
func (f *compareFlags) prepare(c *cobra.Command) (ctx context.Context, clear, stop func()) {
	ctx, stop = signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	clear = func() {}
	if !f.quiet && isTerminal(os.Stderr) {
		f.cfg.Progress, clear = bench.ProgressLine(os.Stderr)
	}
	f.cfg.Say = func(line string) {
		clear()
		fmt.Fprintln(c.ErrOrStderr(), line)
	}
	return ctx, clear, stop
}

// folder makes the folder for the results and returns its full path.
func (f *compareFlags) folder() (string, error) {
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for the results: %w", err)
	}
	path, err := filepath.Abs(f.out)
	if err != nil {
		return "", fmt.Errorf("find the folder for the results: %w", err)
	}
	return path, nil
}

// compare compares servers alone, ensembles, or one after the other both.
func (f *compareFlags) compare(ctx context.Context) ([]*bench.Comparison, error) {
	runs := []bench.CompareConfig{f.cfg}
	if f.both {
		alone, several := f.cfg, f.cfg
		alone.Ensemble = 0
		several.Ensemble, several.FillKeys = max(bothEnsemble, f.cfg.Ensemble), 0
		several.Warmup = max(ensembleWarmup, f.cfg.Warmup)
		runs = []bench.CompareConfig{alone, several}
	}
	var all []*bench.Comparison
	for _, cfg := range runs {
		comparison, err := bench.Compare(ctx, cfg)
		if comparison != nil {
			all = append(all, comparison)
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// subjects finds the servers, and installs ZooKeeper if need be.
func (f *compareFlags) subjects() error {
	only := strings.ToLower(f.only)
	if only != "" && only != "troupe" && only != "zookeeper" {
		return fmt.Errorf("--only %q: want zookeeper or troupe", f.only)
	}
	if only != "troupe" {
		peer, err := bench.ZooKeeperSubject()
		if errors.Is(err, bench.ErrNoZooKeeper) && !f.noInstall {
			if err = bench.InstallZooKeeper(f.cfg.Say); err == nil {
				peer, err = bench.ZooKeeperSubject()
			}
		}
		if err != nil {
			return err
		}
		f.cfg.Subjects = append(f.cfg.Subjects, peer)
	}
	if only != "zookeeper" {
		own, err := bench.TroupeSubject(f.troupe, f.arguments...)
		if err != nil {
			return err
		}
		f.cfg.Subjects = append(f.cfg.Subjects, own)
	}
	return nil
}

// report prints the tables, and writes them, the raw results, the page and the
// picture into the folder.
func (f *compareFlags) report(c *cobra.Command, comparisons []*bench.Comparison) error {
	var failed error
	for _, comparison := range comparisons {
		if err := comparison.WriteText(c.OutOrStdout()); err != nil {
			return err
		}
		prefix := ""
		if f.both && comparison.Ensemble > 0 {
			prefix = "ensemble-"
		}
		table, err := os.Create(filepath.Join(f.out, prefix+"table.txt"))
		if err != nil {
			return fmt.Errorf("write the table: %w", err)
		}
		err = comparison.WriteText(table)
		if err := errors.Join(err, table.Close()); err != nil {
			return fmt.Errorf("write the table: %w", err)
		}
		failed = errors.Join(failed, writeJSON(c.OutOrStdout(), filepath.Join(f.out, prefix+"results.json"), comparison))
	}
	html, png := filepath.Join(f.out, "results.html"), filepath.Join(f.out, "results.png")
	return errors.Join(failed, page.OfComparisons(comparisons...).Save(html, png))
}
