//go:build unix

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/troupekeeper/troupe/bench"
	"github.com/troupekeeper/troupe/bench/page"
)

// steadyCommand is a scenario with the usual flags and nothing else.
func steadyCommand(use, short string, scenario bench.Scenario) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	c.RunE = func(c *cobra.Command, _ []string) error { return f.runAll(c, scenario) }
	f.bind(c)
	f.bindLoad(c)
	return c
}

// shapedCommand is a scenario with the usual flags and one that shapes it.
func shapedCommand(use, short string, shape func(*pflag.FlagSet), scenario func() (bench.Scenario, error)) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, err := scenario()
		if err != nil {
			return err
		}
		return f.runAll(c, s)
	}
	f.bind(c)
	f.bindLoad(c)
	shape(c.Flags())
	return c
}

func mixedCommand() *cobra.Command {
	var reads int
	return shapedCommand("mixed", "Get and set random keys",
		func(set *pflag.FlagSet) { set.IntVar(&reads, "reads", 70, "percentage of reads") },
		func() (bench.Scenario, error) { return bench.Mixed(reads) })
}

func createCommand() *cobra.Command {
	var kind string
	return shapedCommand("create", "Create new keys and delete each after it",
		func(set *pflag.FlagSet) {
			set.StringVar(&kind, "kind", "plain", "plain, sequential, ephemeral or ephemeral-sequential")
		},
		func() (bench.Scenario, error) {
			parsed, err := bench.ParseCreateKind(kind)
			return bench.CreateDeleteOf(parsed), err
		})
}

func multiCommand() *cobra.Command {
	var sets int
	return shapedCommand("multi", "Set several keys in each transaction",
		func(set *pflag.FlagSet) { set.IntVar(&sets, "sets", 10, "sets in a transaction") },
		func() (bench.Scenario, error) { return bench.Multi(sets) })
}

// bigCommand is the mix with values that do not fit into one read call.
func bigCommand() *cobra.Command {
	f := &flags{}
	var reads int
	c := &cobra.Command{Use: "big", Short: "Get and set big values, 256 KiB unless --size says otherwise", Args: cobra.NoArgs}
	c.RunE = func(c *cobra.Command, _ []string) error {
		scenario, err := bench.Mixed(reads)
		if err != nil {
			return err
		}
		scenario.Name = "big"
		return f.runAll(c, scenario)
	}
	f.bind(c)
	f.bindLoad(c)
	const keys, size = 64, 256 << 10
	setDefault(c, "keys", keys)
	setDefault(c, "size", size)
	c.Flags().IntVar(&reads, "reads", 50, "percentage of reads")
	return c
}

// recipeCommand is a recipe, in which the sessions wait for each other.
func recipeCommand(use, short string, sessions int, scenario bench.Scenario) *cobra.Command {
	f := &flags{}
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	c.RunE = func(c *cobra.Command, _ []string) error { return f.runAll(c, scenario) }
	f.bind(c)
	c.Flags().IntVarP(&f.cfg.Sessions, "sessions", "c", sessions, "connections, each with a session")
	if use == "queue" {
		c.Flags().IntVarP(&f.cfg.Window, "window", "w", f.cfg.Window, "requests outstanding on each connection")
	}
	f.bindTime(c)
	return c
}

// setDefault gives a flag another default, in the help too.
func setDefault(c *cobra.Command, name string, value int) {
	flag := c.Flags().Lookup(name)
	flag.DefValue = strconv.Itoa(value)
	if err := flag.Value.Set(flag.DefValue); err != nil {
		panic(err) // a number
	}
}

func idleCommand() *cobra.Command {
	f := &flags{}
	c := &cobra.Command{Use: "idle", Short: "Hold sessions that do nothing but ping", Args: cobra.NoArgs}
	c.RunE = func(c *cobra.Command, _ []string) error { return f.runAll(c, bench.Idle()) }
	f.bind(c)
	f.cfg.Sessions, f.cfg.Warmup = 5000, 0
	c.Flags().IntVarP(&f.cfg.Sessions, "sessions", "c", f.cfg.Sessions, "sessions to hold")
	f.bindTime(c)
	return c
}

func stormCommand() *cobra.Command {
	f := &flags{}
	watchers := 1000
	c := &cobra.Command{
		Use: "storm", Short: "Set one key that many sessions watch, until the last one knows", Args: cobra.NoArgs,
		Long: `Set one key that many sessions watch, and time each event and the last one of each
set. Watchers read again and renew their watch at once; when all have, the next set follows.`,
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		f.cfg.Sessions = watchers + 1
		return f.runAll(c, bench.Storm())
	}
	f.bind(c)
	c.Flags().IntVar(&watchers, "watchers", watchers, "sessions that watch")
	f.bindTime(c)
	return c
}

// failoverCommand has a report of its own, as it counts outages, not answers.
func failoverCommand() *cobra.Command {
	f := &flags{}
	clients, threshold := 0, 50*time.Millisecond
	c := &cobra.Command{
		Use: "failover", Short: "Write all the time and report outages; killing servers is up to you", Args: cobra.NoArgs,
		Long: `Have clients write every 5 ms and report how long any of them, and all of them, could not,
while you kill and restart servers. Clients resume their sessions at the next server of the list. A
lost session, or a znode without its last acknowledged write, fails the run.`,
		Example: "  troupe bench failover -s 127.0.0.1:2181,127.0.0.1:2182,127.0.0.1:2183 -d 2m --html failover.html",
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		c.SilenceUsage = true
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		f.cfg.Servers = strings.Split(f.servers, ",")
		if clients == 0 {
			clients = max(3, len(f.cfg.Servers))
		}
		clear := f.progress()
		report, err := bench.RunFailOver(ctx, f.cfg, clients, threshold)
		clear()
		if report == nil {
			return err
		}
		return errors.Join(f.writeFailOver(c.OutOrStdout(), report), err)
	}
	f.bind(c)
	f.cfg.Duration = time.Minute
	c.Flags().DurationVarP(&f.cfg.Duration, "duration", "d", f.cfg.Duration, "time to watch")
	c.Flags().IntVarP(&clients, "clients", "c", 0, "clients that write; 0 for one at each server, and at least 3")
	c.Flags().DurationVar(&threshold, "longer-than", threshold, "shortest gap between a client's writes that is an outage")
	return c
}

// writeFailOver prints the report in each form that was asked for.
func (f *flags) writeFailOver(w io.Writer, report *bench.FailOver) error {
	if f.json != "-" {
		if err := report.WriteText(w); err != nil {
			return err
		}
	}
	if f.json != "" {
		if err := writeJSON(w, f.json, report); err != nil {
			return err
		}
	}
	return page.OfFailOver(report).Save(f.html, f.png)
}

func fillCommand() *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use: "fill", Short: "Create every key once, as fast as the server takes them", Args: cobra.NoArgs,
		Long: "Create every key once, as fast as the server takes them. None may exist yet; `troupe bench clean` removes them.",
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return f.runAll(c, bench.Fill()) }
	f.bind(c)
	f.cfg.Window, f.cfg.Warmup, f.cfg.Duration = 64, 0, 0
	c.Flags().IntVarP(&f.cfg.Sessions, "sessions", "c", f.cfg.Sessions, "connections, each with a session")
	c.Flags().IntVarP(&f.cfg.Window, "window", "w", f.cfg.Window, "requests outstanding on each connection")
	return c
}

func loneCommand() *cobra.Command {
	f := &flags{}
	c := &cobra.Command{Use: "lone", Short: "Latency of a single client that waits for each answer", Args: cobra.NoArgs}
	c.RunE = func(c *cobra.Command, _ []string) error {
		return f.runAll(c, bench.Read(), bench.Write())
	}
	f.bind(c)
	f.cfg.Sessions, f.cfg.Window = 1, 1
	f.bindTime(c)
	return c
}

func echoCommand() *cobra.Command {
	f := &flags{}
	c := &cobra.Command{
		Use: "echo", Short: "The ceiling: frames returned by an echo server inside this process", Args: cobra.NoArgs,
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		server, err := bench.StartEcho()
		if err != nil {
			return err
		}
		defer server.Stop()
		f.servers, f.cfg.ServerInside = server.Address(), true
		return f.runAll(c, bench.Echo())
	}
	f.bind(c)
	f.bindLoad(c)
	for _, unused := range []string{"servers", "pid", "root"} {
		_ = c.Flags().MarkHidden(unused) // fails only for a flag that does not exist
	}
	return c
}

func cleanCommand() *cobra.Command {
	f := &flags{}
	c := &cobra.Command{Use: "clean", Short: "Delete the keys that other scenarios left", Args: cobra.NoArgs}
	c.RunE = func(c *cobra.Command, _ []string) error {
		c.SilenceUsage = true
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		f.cfg.Servers = strings.Split(f.servers, ",")
		clear := f.progress()
		defer clear()
		return bench.Clean(ctx, f.cfg)
	}
	f.bind(c)
	return c
}

// startup is the result of the start scenario.
type startup struct {
	Command      []string `json:"command"`
	Key          string   `json:"key"`
	SecondsFirst float64  `json:"seconds_to_first_read"`
	RSSBytes     int64    `json:"rss_bytes"`
}

func startCommand() *cobra.Command {
	f := &flags{}
	var key uint32
	var limit time.Duration
	var logPath string
	c := &cobra.Command{
		Use: "start [flags] -- COMMAND [ARGUMENT...]", Short: "Time from starting a server to the first successful read",
		Example: "  troupe bench start --keys 1000000 --key 999999 -- troupe serve zoo.cfg", Args: cobra.MinimumNArgs(1),
	}
	c.RunE = func(c *cobra.Command, argv []string) error {
		c.SilenceUsage = true
		ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		f.cfg.Servers = strings.Split(f.servers, ",")
		if int(key) >= f.cfg.Keys.Count {
			return fmt.Errorf("key %d: want 0 to %d", key, f.cfg.Keys.Count-1)
		}
		s, err := timeStart(ctx, f.cfg, key, limit, argv, logPath)
		if err != nil {
			return err
		}
		if f.json != "-" {
			fmt.Fprintf(c.OutOrStdout(), "first read of %s after %.2f s, server memory %d MiB\n", s.Key, s.SecondsFirst, s.RSSBytes>>20)
		}
		if f.json != "" {
			return writeJSON(c.OutOrStdout(), f.json, s)
		}
		return nil
	}
	f.bind(c)
	c.Flags().Uint32Var(&key, "key", 0, "number of the key to read")
	c.Flags().DurationVar(&limit, "limit", 5*time.Minute, "longest time to wait for the read")
	c.Flags().StringVar(&logPath, "log", os.DevNull, "file for the server's output")
	return c
}

// timeStart starts the server, waits for the first read and stops it again.
func timeStart(ctx context.Context, cfg bench.Config, key uint32, limit time.Duration, argv []string, logPath string) (*startup, error) {
	p, took, err := bench.TimeStart(ctx, cfg, key, limit, argv, "", logPath)
	if err != nil {
		return nil, err
	}
	usage, usageErr := bench.ReadUsage(p.PID())
	if err := p.Stop(); err != nil {
		return nil, err
	}
	return &startup{
		Command: argv, Key: cfg.Keys.Path(key), SecondsFirst: float64(took) / second, RSSBytes: usage.RSSBytes,
	}, usageErr
}
