//go:build unix

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupekeeper/troupe/bench"
	"github.com/troupekeeper/troupe/bench/page"
)

// flags are what most scenarios understand.
type flags struct {
	cfg     bench.Config
	servers string
	json    string
	html    string
	png     string
	quiet   bool
}

// New returns the command `bench` with its scenarios below it.
func New() *cobra.Command {
	root := &cobra.Command{
		Use:   "bench",
		Short: "Load a server that speaks ZooKeeper's protocol, check its answers and measure them",
		Long: `Load a server that speaks ZooKeeper's protocol, check its answers and measure them.

Every answer is checked: order, error code, length and content. A server that
answers wrongly fails the run, and the exit code is not 0. Ctrl-C ends a run
early with the results so far. Give --pid to see what the server itself uses.`,
		Example: `  troupe bench read -c 8 -w 32
  troupe bench lone --servers 127.0.0.1:2181
  troupe bench fill --keys 1000000 --pid $(pidof troupe)
  troupe bench compare --troupe ./troupe`,
	}
	root.AddCommand(
		steadyCommand("read", "Get random keys", bench.Read()),
		steadyCommand("write", "Set random keys", bench.Write()),
		mixedCommand(), bigCommand(),
		steadyCommand("prod-mix", "What many programs do with one service: mostly reads, and some of everything else", bench.ProdMix()),
		createCommand(), multiCommand(),
		steadyCommand("list", "List the children of random nodes", bench.List()),
		recipeCommand("lock", "Hand a lock over between sessions", 50, bench.Lock()),
		recipeCommand("queue", "Put items into a queue and take them", 8, bench.Queue()),
		recipeCommand("barrier", "Enter and leave a double barrier", 50, bench.Barrier()),
		steadyCommand("churn", "Open sessions and close each at once", bench.Churn()),
		idleCommand(), stormCommand(), failoverCommand(), fillCommand(), loneCommand(),
		echoCommand(), startCommand(), cleanCommand(), compareCommand(), growCommand(),
	)
	return root
}

// bind adds the flags that every scenario has.
func (f *flags) bind(c *cobra.Command) {
	f.cfg = bench.DefaultConfig()
	set := c.Flags()
	set.StringVarP(&f.servers, "servers", "s", strings.Join(f.cfg.Servers, ","), "host:port of each server, separated by commas")
	set.StringVar(&f.cfg.Keys.Root, "root", f.cfg.Keys.Root, "znode below which everything is created")
	set.IntVar(&f.cfg.Keys.Count, "keys", f.cfg.Keys.Count, "number of keys")
	set.IntVar(&f.cfg.Keys.ValueBytes, "size", f.cfg.Keys.ValueBytes, "bytes of each value")
	set.DurationVar(&f.cfg.SessionTimeout, "session-timeout", f.cfg.SessionTimeout, "session timeout to ask for")
	set.DurationVar(&f.cfg.ReplyTimeout, "reply-timeout", f.cfg.ReplyTimeout, "longest time to wait for an answer")
	set.IntSliceVar(&f.cfg.ServerPIDs, "pid", nil, "process ids of the servers on this machine, to measure what they use")
	set.StringVar(&f.json, "json", "", "write the results as JSON to this file, - for standard output instead of the table")
	set.StringVar(&f.html, "html", "", "write a page with the results and charts to this file")
	set.StringVar(&f.png, "png", "", "write the charts as a picture to this file")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "no progress line")
}

// bindLoad adds the flags that shape the load.
func (f *flags) bindLoad(c *cobra.Command) {
	set := c.Flags()
	set.IntVarP(&f.cfg.Sessions, "sessions", "c", f.cfg.Sessions, "connections, each with a session")
	set.IntVarP(&f.cfg.Window, "window", "w", f.cfg.Window, "requests outstanding on each connection")
	set.IntVar(&f.cfg.Threads, "threads", f.cfg.Threads, "threads of the generator")
	set.Float64Var(&f.cfg.Rate, "rate", 0, "operations due a second, as an open loop; 0 for a closed one")
	set.StringVar(&f.cfg.Distribution.Name, "dist", "uniform", "how often each key is used: uniform or zipf")
	set.Float64Var(&f.cfg.Distribution.Exponent, "zipf", 0.99, "exponent of the distribution zipf")
	f.bindTime(c)
}

// bindTime adds the flags of a run that ends by time.
func (f *flags) bindTime(c *cobra.Command) {
	c.Flags().DurationVar(&f.cfg.Warmup, "warmup", f.cfg.Warmup, "time with the same load before measuring")
	c.Flags().DurationVarP(&f.cfg.Duration, "duration", "d", f.cfg.Duration, "time measured")
	c.Flags().Int64VarP(&f.cfg.Requests, "requests", "n", 0, "requests to measure, instead of a duration and without a warm-up")
}

// runAll runs scenarios one after the other and reports on them together.
func (f *flags) runAll(c *cobra.Command, scenarios ...bench.Scenario) error {
	c.SilenceUsage = true
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f.cfg.Servers = strings.Split(f.servers, ",")
	f.countInstead(c)
	clear := f.progress()
	var results []*bench.Result
	var failed error
	for _, scenario := range scenarios {
		r, err := bench.Run(ctx, f.cfg, scenario)
		clear()
		if err != nil {
			failed = err
			break
		}
		results = append(results, r)
		failed = errors.Join(failed, r.Err())
		if r.Interrupted {
			break
		}
	}
	if len(results) > 0 {
		if err := f.write(c.OutOrStdout(), results); err != nil {
			return err
		}
	}
	return failed
}

// countInstead leaves out the times that a number of requests replaces, unless
// they were asked for.
func (f *flags) countInstead(c *cobra.Command) {
	if f.cfg.Requests == 0 {
		return
	}
	if !c.Flags().Changed("warmup") {
		f.cfg.Warmup = 0
	}
	if !c.Flags().Changed("duration") {
		f.cfg.Duration = 0
	}
}

// progress arranges for a progress line if standard error is a terminal.
func (f *flags) progress() (clear func()) {
	if f.quiet || !isTerminal(os.Stderr) {
		return func() {}
	}
	f.cfg.Progress, clear = bench.ProgressLine(os.Stderr)
	return clear
}

// write prints the table, or the JSON in its place or beside it.
func (f *flags) write(w io.Writer, results []*bench.Result) error {
	if f.json != "-" {
		if err := bench.WriteText(w, results); err != nil {
			return err
		}
	}
	if f.json != "" {
		if err := writeJSON(w, f.json, results); err != nil {
			return err
		}
	}
	return page.OfResults(results).Save(f.html, f.png)
}

// writeJSON writes v to a file, or to w for "-".
func writeJSON(w io.Writer, path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the results: %w", err)
	}
	b = append(b, '\n')
	if path == "-" {
		_, err = w.Write(b)
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

// isTerminal says whether someone is watching.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// second is the unit of the figures that start-up prints.
const second = float64(time.Second)
