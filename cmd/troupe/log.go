package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/troupekeeper/troupe/cmd/troupe/dump"
	"github.com/troupekeeper/troupe/persistence"
)

const logDumpLong = `Prints the transactions of a log, a line each: zxid, the same as epoch/counter, time, session, operation,
what it changed. A multi has a further line for each of its operations, a closed session one for each ephemeral
that goes with it. An ACL is shown unless it is world:anyone:cdrwa. Nothing is written, and a server may be running.

FILE|DIR is a dataDir or dataLogDir, its troupe folder, or one segment; without it, the log of the configuration.

Exit code: 0 all of it was printed; 1 the log is damaged, what is before the damage was printed; 2 it can't be read.

With --json: `

const logCheckLong = `Verifies all of a log: each record's checksum, place and contents, and that the log fits the newest
snapshot beside it. Nothing is written, and a server may be running.

With --cut it repairs a damaged log by giving up what follows a spot, which is what the remedy in the report of a damage
names. It tells what will be lost, asks, and sets the bytes aside in files that begin with "cut." in the same folder. The
server must be stopped.

Exit code: 0 the log is whole; 1 it is damaged; 2 used wrongly, or it can't be read, or the cut wasn't carried out.`

// newLogCommand makes the subcommand log, which reads and repairs transaction logs.
func newLogCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "log",
		Short: "Print, check and repair the transaction log",
		Args:  noSubcommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newLogDumpCommand(), newLogCheckCommand())
	return c
}

// logDumpFlags are the flags of log dump.
type logDumpFlags struct {
	where  whereFlags
	style  styleFlags
	filter filterFlags
	tail   int
}

func newLogDumpCommand() *cobra.Command {
	f := &logDumpFlags{}
	c := &cobra.Command{
		Use:   "dump [FILE|DIR]",
		Short: "Print the transactions",
		Long:  logDumpLong + dump.LogFields,
		Example: `  troupe log dump --tail 20
  troupe log dump --path /locks --from 0x10000002a --data
  troupe log dump --session 0x10000a1b2c30000 /var/lib/troupe
  troupe log dump --json | jq 'select(.op == "delete")'`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.where.add(c)
	f.style.add(c)
	f.filter.add(c)
	c.Flags().IntVar(&f.tail, "tail", 0, "only the last `N` transactions (that match)")
	return c
}

func (f *logDumpFlags) run(cmd *cobra.Command, args []string) error {
	filter, err := f.filter.parse()
	if err != nil {
		return usageError{err}
	}
	if f.tail < 0 {
		return usageError{fmt.Errorf("--tail %d: it must be at least 1", f.tail)}
	}
	return reading(cmd, func(ctx context.Context) (bool, error) {
		place, err := f.where.log(args)
		if err != nil {
			return false, err
		}
		return dump.Log(ctx, dump.LogOptions{
			FS: persistence.OSFS{}, Place: place, Filter: filter, Style: f.style.style(), Tail: f.tail,
			Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(),
		})
	})
}

// logCheckFlags are the flags of log check.
type logCheckFlags struct {
	where whereFlags
	utc   bool
	cut   string
	yes   bool
}

func newLogCheckCommand() *cobra.Command {
	f := &logCheckFlags{}
	c := &cobra.Command{
		Use:   "check [FILE|DIR]",
		Short: "Verify a log, and repair it with --cut",
		Long:  logCheckLong,
		Example: `  troupe log check
  troupe log check /var/lib/troupe
  troupe log check --cut /var/lib/troupe/troupe/log/log.0000000000000001@4096`,
		Args: atMostOneArg,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.where.add(c)
	c.Flags().BoolVar(&f.utc, "utc", false, "times in UTC instead of local time")
	c.Flags().StringVar(&f.cut, "cut", "", "give up what follows the spot `FILE@OFFSET`")
	c.Flags().BoolVar(&f.yes, "yes", false, "with --cut: don't ask")
	return c
}

func (f *logCheckFlags) run(cmd *cobra.Command, args []string) error {
	style := dump.Style{Location: location(f.utc)}
	if f.cut != "" {
		return f.runCut(cmd, args, style)
	}
	if f.yes {
		return usageError{errors.New("--yes goes with --cut")}
	}
	return reading(cmd, func(ctx context.Context) (bool, error) {
		place, err := f.where.log(args)
		if err != nil {
			return false, err
		}
		return dump.CheckLog(ctx, persistence.OSFS{}, place, style, cmd.OutOrStdout())
	})
}

func (f *logCheckFlags) runCut(cmd *cobra.Command, args []string, style dump.Style) error {
	if len(args) > 0 || f.where.isSet() {
		return usageError{errors.New("--cut names the file; give no other file, folder or configuration")}
	}
	file, off, err := persistence.ParseCut(f.cut)
	if err != nil {
		return usageError{fmt.Errorf("--cut: %w", err)}
	}
	whole, err := dump.Cut(cmd.Context(), dump.CutOptions{
		FS: persistence.OSFS{}, File: file, Offset: off, Style: style, Out: cmd.OutOrStdout(),
		Agree: func() (bool, error) { return f.agree(cmd) },
	})
	return verdict(whole, err)
}

// agree asks the operator. From here on the cut is carried out to its end: Ctrl-C would leave half of it done.
func (f *logCheckFlags) agree(cmd *cobra.Command) (bool, error) {
	if !f.yes {
		in, isFile := cmd.InOrStdin().(*os.File)
		if isFile && !isTerminal(in) {
			return false, errors.New("--yes is needed when standard input is no terminal")
		}
		fmt.Fprint(cmd.OutOrStdout(), "Go on? Type yes: ")
		answer, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		if strings.TrimSpace(strings.ToLower(answer)) != "yes" {
			return false, nil
		}
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	return true, nil
}
