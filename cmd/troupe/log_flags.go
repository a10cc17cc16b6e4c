package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupekeeper/troupe/cmd/troupe/dump"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server"
)

// whereFlags say which log or snapshots are meant when no argument does.
type whereFlags struct{ config, dataDir, dataLogDir string }

func (f *whereFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.config, "config", "", "the server's `zoo.cfg` (default $TROUPE_CONFIG, as for serve)")
	c.Flags().StringVar(&f.dataDir, "data-dir", "", "the server's `dataDir`")
	c.Flags().StringVar(&f.dataLogDir, "data-log-dir", "", "the server's `dataLogDir`")
}

func (f *whereFlags) isSet() bool { return f.config != "" || f.dataDir != "" || f.dataLogDir != "" }

func (f *whereFlags) log(args []string) (dump.Place, error) {
	dataDir := ""
	name, err := f.folder(args, func(c *server.Config) string {
		dataDir = c.Data.Dir
		return c.Data.LogDir
	})
	if err != nil {
		return dump.Place{}, err
	}
	place, err := dump.FindLog(persistence.OSFS{}, name)
	if err == nil && dataDir != "" {
		place = place.WithDataDir(dataDir)
	}
	return place, err
}

func (f *whereFlags) snapshots(args []string) (dump.Place, error) {
	name, err := f.folder(args, func(c *server.Config) string { return c.Data.Dir })
	if err != nil {
		return dump.Place{}, err
	}
	return dump.FindSnapshots(persistence.OSFS{}, name)
}

// folder is the argument, or what the configuration that serve would use says.
func (f *whereFlags) folder(args []string, of func(*server.Config) string) (string, error) {
	if len(args) > 0 {
		if f.isSet() {
			return "", errors.New("give either a file or folder, or --config, --data-dir and --data-log-dir")
		}
		return args[0], nil
	}
	config := f.config
	if config == "" {
		config = os.Getenv("TROUPE_CONFIG")
	}
	set := map[string]string{}
	if f.dataDir != "" {
		set["dataDir"] = f.dataDir
	}
	if f.dataLogDir != "" {
		set["dataLogDir"] = f.dataLogDir
	}
	c, _, err := server.LoadConfig(config, os.Environ(), set)
	if err != nil {
		return "", err
	}
	if dir := of(c); dir != "" {
		return dir, nil
	}
	return c.Data.Dir, nil
}

// styleFlags are those of both dumps.
type styleFlags struct {
	dump.Style
	utc bool
}

func (f *styleFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.JSON, "json", false, "an object a line, with the fields listed above")
	c.Flags().BoolVar(&f.Data, "data", false, "show data: text if it can be printed, otherwise hexadecimal")
	c.Flags().BoolVar(&f.Full, "full", false, "with --data: all of it, not only the first 200 bytes")
	c.Flags().BoolVar(&f.Secrets, "secrets", false, "show passwords of sessions")
	c.Flags().BoolVar(&f.utc, "utc", false, "times in UTC instead of local time")
}

func (f *styleFlags) style() dump.Style {
	s := f.Style
	s.Location = location(f.utc)
	s.Data = s.Data || s.Full
	return s
}

func location(utc bool) *time.Location {
	if utc {
		return time.UTC
	}
	return time.Local
}

// filterFlags are those of log dump.
type filterFlags struct {
	from, to, path, session string
	ops                     []string
}

func (f *filterFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.from, "from", "", "begin with this `ZXID`: 0x10000002a, 1/42 (epoch/counter) or decimal")
	c.Flags().StringVar(&f.to, "to", "", "end with this `ZXID`")
	c.Flags().StringVar(&f.path, "path", "", "only this node and those below; `PATH`* for all paths that begin so")
	c.Flags().StringVar(&f.session, "session", "", "only this session's `ID`: 0x10000a1b2c30000 or decimal")
	c.Flags().StringSliceVar(&f.ops, "op", nil, "only these operations: `NAME`[,NAME…], such as delete")
}

func (f *filterFlags) parse() (filter dump.Filter, err error) {
	filter = dump.Filter{Path: f.path, Ops: f.ops}
	if f.from != "" {
		if filter.From, err = dump.ParseZxid(f.from); err != nil {
			return filter, fmt.Errorf("--from: %w", err)
		}
	}
	if f.to != "" {
		if filter.To, err = dump.ParseZxid(f.to); err != nil {
			return filter, fmt.Errorf("--to: %w", err)
		}
	}
	if f.session != "" {
		if filter.Session, err = dump.ParseSession(f.session); err != nil {
			return filter, fmt.Errorf("--session: %w", err)
		}
	}
	return filter, filter.Validate()
}

// reading runs a command that only reads. Ctrl-C ends it between two lines, and a second one at once; a reader of the
// output that has seen enough, such as head, ends it without a word.
func reading(cmd *cobra.Command, run func(ctx context.Context) (whole bool, err error)) error {
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	whole, err := run(ctx)
	switch {
	case errors.Is(err, syscall.EPIPE):
		return nil
	case errors.Is(err, context.Canceled):
		return exitCode(130)
	}
	return verdict(whole, err)
}

// verdict turns the outcome into an exit code: 1 is for damage alone, so that a script can rely on it.
func verdict(whole bool, err error) error {
	if err != nil {
		return usageError{err}
	}
	if !whole {
		return exitCode(1)
	}
	return nil
}

func atMostOneArg(cmd *cobra.Command, args []string) error {
	if err := cobra.MaximumNArgs(1)(cmd, args); err != nil {
		return usageError{err}
	}
	return nil
}

func noSubcommand(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown subcommand %q; see --help", args[0])}
	}
	return nil
}
