package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/troupekeeper/troupe/server/client"
)

// Options says which servers a Shell talks to and how it speaks.
type Options struct {
	Servers  string        // host:port[,host:port…][/chroot]
	Admin    string        // host:port[/path] of a server's HTTP commands
	Timeout  time.Duration // of the session; 0 means the client's default
	ReadOnly bool          // content with a server that answers only reads
	Wait     bool          // keep trying to connect instead of giving up after one round
	JSON     bool          // get, ls and stat print JSON
	Verbose  bool          // print changes of the session's state
	Stop     bool          // a script ends with its first failure
	Version  string        // what the command version prints

	Out, Err io.Writer
	Terminal bool   // a person looks at Err: progress and hints are welcome
	History  string // the file of the interactive history; "" keeps none
}

// Shell carries out commands. It is used by one goroutine; only events come in beside it.
type Shell struct {
	opts     Options
	screen   *screen
	commands map[string]*command

	client       *client.Client
	chroot       string // of the client
	printWatches atomic.Bool
	interactive  bool
	log          []string // the lines of this shell, for history and redo
	ended        bool
}

// errQuit is what the command quit returns.
var errQuit = errors.New("quit")

// New makes a Shell that is not connected.
func New(opts Options) *Shell {
	s := &Shell{opts: opts, screen: &screen{out: opts.Out}, commands: map[string]*command{}}
	s.printWatches.Store(true)
	for _, c := range newCommands() {
		s.commands[c.name] = c
	}
	return s
}

// Connect opens a session with the servers of the connection string, or of Options when it is empty. An earlier
// session is closed.
func (s *Shell) Connect(ctx context.Context, servers string) error {
	if servers != "" {
		s.opts.Servers = servers
	}
	list, chroot, err := client.ParseServers(s.opts.Servers)
	if err != nil {
		return err
	}
	s.Close()
	c, err := client.Connect(ctx, client.Options{
		Servers: list, Chroot: chroot, Timeout: s.opts.Timeout, Wait: s.opts.Wait, ReadOnly: s.opts.ReadOnly, OnEvent: s.onEvent,
	})
	if err != nil {
		return err
	}
	s.client, s.chroot = c, chroot
	return nil
}

// Close ends the session, if there is one.
func (s *Shell) Close() {
	if s.client == nil {
		return
	}
	if err := s.client.Close(); err != nil {
		s.complain(err)
	}
	s.client = nil
}

// RunLine carries out one line of text.
func (s *Shell) RunLine(ctx context.Context, line string) error {
	words, err := splitLine(line)
	if err != nil || len(words) == 0 {
		return err
	}
	s.log = append(s.log, line)
	return s.Run(ctx, words)
}

// Run carries out one command. What it prints has been written when Run returns.
func (s *Shell) Run(ctx context.Context, words []string) error {
	defer s.screen.Flush()
	cmd := s.commands[words[0]]
	if cmd == nil {
		return s.notFound(words[0])
	}
	args, err := cmd.parse(words[1:])
	if err != nil {
		return err
	}
	if !cmd.local {
		if s.client == nil {
			return errNotConnected
		}
		if err := s.client.Err(); err != nil {
			return fmt.Errorf("%w: %w", errNotConnected, err)
		}
	}
	return cmd.run(ctx, s, args)
}

// OneShot carries out one command and returns the exit code.
func (s *Shell) OneShot(ctx context.Context, words []string) int {
	if cmd := s.commands[words[0]]; cmd == nil || !cmd.local {
		if err := s.Connect(ctx, ""); err != nil {
			s.complain(err)
			return 1
		}
		defer s.Close()
	}
	if err := s.Run(ctx, words); err != nil && !errors.Is(err, errQuit) {
		s.complain(err)
		return 1
	}
	return 0
}

// complain prints an error, after all that was printed before it.
func (s *Shell) complain(err error) {
	s.screen.Flush()
	fmt.Fprintln(s.opts.Err, explain(err))
	if h := hint(err); h != "" && s.opts.Terminal {
		fmt.Fprintln(s.opts.Err, "  "+h)
	}
}

// printf prints to the shell's output.
func (s *Shell) printf(format string, args ...any) { fmt.Fprintf(s.screen, format, args...) }
