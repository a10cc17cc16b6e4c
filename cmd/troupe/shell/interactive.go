package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/peterh/liner"

	"github.com/troupekeeper/troupe/server/client"
)

// Interactive talks to a person at the terminal that is the process's standard input and output, and returns the exit
// code, which is that of the last command. Ctrl-C stops a running command or empties the line; Ctrl-D ends.
func (s *Shell) Interactive(ctx context.Context) int {
	s.interactive = true
	fmt.Fprintf(s.opts.Out, "Connecting to %s\n", s.opts.Servers)
	if err := s.Connect(ctx, ""); err != nil {
		s.complain(err)
		return 1
	}
	defer s.Close()
	fmt.Fprintln(s.opts.Out, `Type "help" for the commands, "quit" or Ctrl-D to leave.`)

	line := liner.NewLiner()
	defer line.Close()
	line.SetCtrlCAborts(true)
	line.SetTabCompletionStyle(liner.TabPrints)
	line.SetWordCompleter(s.complete)
	s.screen.redraw = redrawPrompt
	s.loadHistory(line)
	defer s.saveHistory(line)

	code := 0
	for !s.ended {
		text, err := s.ask(line)
		switch {
		case errors.Is(err, liner.ErrPromptAborted):
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(s.opts.Out)
			return code
		case err != nil:
			s.complain(err)
			return 1
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if !secret(text) {
			line.AppendHistory(text)
		}
		code = s.runInterruptibly(ctx, text)
	}
	return code
}

func (s *Shell) ask(line *liner.State) (string, error) {
	s.screen.SetPrompting(true)
	defer s.screen.SetPrompting(false)
	return line.Prompt(s.prompt())
}

// prompt names server and state as zkCli does.
func (s *Shell) prompt() string {
	servers, state := s.opts.Servers, "CLOSED"
	if s.client != nil {
		switch st := s.client.State(); {
		case st == client.StateConnectedReadOnly:
			state = "CONNECTEDREADONLY"
		case st.Connected():
			state = "CONNECTED"
		case s.client.Err() == nil:
			state = "CONNECTING"
		}
		if strings.Contains(servers, ",") {
			servers = s.client.Server()
		}
	}
	return fmt.Sprintf("[zk: %s(%s) %d] ", servers, state, len(s.log))
}

// runInterruptibly carries out a line that Ctrl-C can stop.
func (s *Shell) runInterruptibly(ctx context.Context, text string) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	if err := s.RunLine(ctx, text); err != nil && !errors.Is(err, errQuit) {
		s.complain(err)
		return 1
	}
	return 0
}

// secret tells whether a line holds a credential, which belongs in no file.
func secret(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "addauth") }

func (s *Shell) loadHistory(line *liner.State) {
	if s.opts.History == "" {
		return
	}
	f, err := os.Open(s.opts.History)
	if err != nil {
		return // there is none yet, or none to be had: no reason not to start
	}
	defer f.Close()
	if _, err := line.ReadHistory(f); err != nil {
		fmt.Fprintf(s.opts.Err, "history %s: %v\n", s.opts.History, err)
	}
}

// saveHistory writes a file beside the old one and renames it, so that a crash leaves one or the other.
func (s *Shell) saveHistory(line *liner.State) {
	if s.opts.History == "" {
		return
	}
	if err := writeHistory(s.opts.History, line); err != nil {
		fmt.Fprintf(s.opts.Err, "history was not saved: %v\n", err)
	}
}

func writeHistory(file string, line *liner.State) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "history-*") // readable by its owner alone
	if err != nil {
		return err
	}
	_, err = line.WriteHistory(f)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// completeWait is how long a completion may ask the server: a person waits for it with a finger on the key.
const completeWait = time.Second
