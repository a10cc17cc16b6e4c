package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/peterh/liner"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/troupekeeper/troupe/cmd/troupe/shell"
	"github.com/troupekeeper/troupe/server"
)

const cliLong = `Talks to a running ensemble, of Troupe or of ZooKeeper. With a command it carries that out and ends; its
exit code is not 0 when the command failed. Without one it reads commands: from a terminal with history and completion,
otherwise line by line (the exit code tells whether one failed).

The commands are those of ZooKeeper's zkCli with the same options and output. "help" lists them, "help create" explains
one.`

const cliExample = `  troupe cli ls /
  troupe cli --server 10.0.0.1:2181,10.0.0.2:2181/app get -s /limits
  troupe cli --json ls -s /services
  troupe cli < commands.txt`

// newCLICommand makes the subcommand cli. What goes wrong in a command it prints
// itself; the error is an exitCode then.
func newCLICommand() *cobra.Command {
	var o shell.Options
	var trash string
	cmd := &cobra.Command{
		Use:                "cli [flags] [command [arguments]]",
		Short:              "Read and change nodes, with zkCli's commands",
		Long:               cliLong,
		Example:            cliExample,
		SilenceUsage:       true,
		SilenceErrors:      true,
		DisableFlagParsing: true, // zkCli's own flags have one dash, and those of a command are the command's
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	flags.StringVarP(&o.Servers, "server", "s", defaultServer(), "servers and chroot: host:port[,host:port…][/chroot]; also $TROUPE_SERVER")
	flags.StringVar(&o.Admin, "admin", defaultAdmin(), "HTTP commands of a server, for leader and move-leader: host:port[/path]; "+
		"also $TROUPE_ADMIN")
	flags.VarP((*milliseconds)(&o.Timeout), "timeout", "t", "session timeout, in milliseconds or as 10s")
	flags.BoolVarP(&o.ReadOnly, "readonly", "r", false, "be content with a server that answers only reads")
	flags.BoolVarP(&o.Wait, "waitforconnection", "w", false, "keep trying until a server answers")
	flags.BoolVar(&o.JSON, "json", false, "get, ls and stat print JSON")
	flags.BoolVarP(&o.Verbose, "verbose", "v", false, "print changes of the session's state")
	flags.BoolVar(&o.Stop, "fail-fast", false, "a script ends with its first failure")
	flags.StringVar(&trash, "client-configuration", "", "zkCli's option for a file of Java properties; without effect")
	help := flags.BoolP("help", "h", false, "show this help")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := flags.Parse(doubleDashes(flags, args)); err != nil {
			return usageError{fmt.Errorf("cli: %w; see troupe cli --help", err)}
		}
		if *help {
			return cmd.Help()
		}
		o.Version, o.Out, o.Err = cliVersion(), os.Stdout, os.Stderr
		o.Terminal, o.History = isTerminal(os.Stderr), historyFile()
		if code := runShell(cmd.Context(), o, flags.Args()); code != 0 {
			return exitCode(code)
		}
		return nil
	}
	return cmd
}

func runShell(ctx context.Context, o shell.Options, words []string) int {
	if ctx == nil {
		ctx = context.Background()
	}
	s := shell.New(o)
	_, err := liner.TerminalMode() // fails unless standard input is a terminal
	if len(words) == 0 && err == nil && isTerminal(os.Stdout) {
		return s.Interactive(ctx)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(words) > 0 {
		return s.OneShot(ctx, words)
	}
	return s.Script(ctx, os.Stdin)
}

// doubleDashes gives zkCli's long flags, which have one dash, the second one. Words from the first that is no flag on
// belong to a command.
func doubleDashes(flags *pflag.FlagSet, args []string) []string {
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if !strings.HasPrefix(arg, "-") || arg == "--" {
			return append(out, args[i:]...)
		}
		name, _, inline := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		flag := flags.Lookup(name)
		if flag == nil && len(name) == 1 {
			flag = flags.ShorthandLookup(name)
		} else if flag != nil && !strings.HasPrefix(arg, "--") {
			arg = "-" + arg
		}
		out = append(out, arg)
		if flag != nil && flag.NoOptDefVal == "" && !inline && i+1 < len(args) { // its value is no flag
			i++
			out = append(out, args[i])
		}
	}
	return out
}

func defaultServer() string {
	if s := os.Getenv("TROUPE_SERVER"); s != "" {
		return s
	}
	return "127.0.0.1:2181"
}

func defaultAdmin() string {
	if s := os.Getenv("TROUPE_ADMIN"); s != "" {
		return s
	}
	return shell.DefaultAdmin
}

// historyFile is where the user's state belongs, or "" when the user has no home.
func historyFile() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "troupe", "cli_history")
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// cliVersion is the program's version with the commit it was built from, where that is known.
func cliVersion() string {
	if commit := server.Commit(); commit != "" {
		return server.Version + "-" + commit
	}
	return server.Version
}

// milliseconds is a duration that may be written as a bare number of milliseconds, as zkCli has it.
type milliseconds time.Duration

// String implements pflag.Value.
func (m *milliseconds) String() string {
	if *m == 0 {
		return "10s"
	}
	return time.Duration(*m).String()
}

// Set implements pflag.Value.
func (m *milliseconds) Set(text string) error {
	d, err := time.ParseDuration(text)
	if n, numErr := strconv.ParseInt(text, 10, 32); numErr == nil {
		d, err = time.Duration(n)*time.Millisecond, nil
	}
	if err != nil || d < time.Millisecond {
		return fmt.Errorf("%q is not a time: expected milliseconds or a duration such as 10s, at least 1 ms", text)
	}
	*m = milliseconds(d)
	return nil
}

// Type implements pflag.Value.
func (m *milliseconds) Type() string { return "duration" }
