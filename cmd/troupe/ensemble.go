package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/peterh/liner"
	"github.com/spf13/cobra"
)

// ensembleFlags are what a new ensemble is made of. An ensemble that is there already stays as it is.
type ensembleFlags struct {
	servers, observers, basePort int
	folder                       string
}

func newEnsembleCommand() *cobra.Command {
	f := &ensembleFlags{}
	c := &cobra.Command{
		Use:   "ensemble",
		Short: "Start several servers on this machine, to try out an ensemble",
		Long: "Start several servers on this machine that agree, each a process of its own with a folder of its own, and show who\n" +
			"leads. On a terminal, keys kill, stop, pause and revive them. The folder stays; the next start takes it up again.\n" +
			"Everything listens on loopback only: this is for trying out and for tests.",
		Example: "  troupe ensemble\n  troupe ensemble --servers 5 --observers 1 --data-dir ./five",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	c.Flags().IntVar(&f.servers, "servers", 3, "servers that vote")
	c.Flags().IntVar(&f.observers, "observers", 0, "servers that only follow")
	c.Flags().IntVar(&f.basePort, "base-port", 2181, "client port of the first server; the next one takes the next port")
	c.Flags().StringVar(&f.folder, "data-dir", "./troupe-ensemble", "folder for configurations, data and logs")
	return c
}

func (f *ensembleFlags) run(cmd *cobra.Command) error {
	layout, err := f.layout(cmd)
	if err != nil {
		return err
	}
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program, which the servers are to run: %w", err)
	}
	quit := make(chan os.Signal, 2)
	signal.Notify(quit, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	live := isTerminal(os.Stdout)
	e := newEnsemble(layout, func(config string) *exec.Cmd { return exec.Command(binary, "serve", config) }, os.Stdout, live)

	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	started := make(chan error, 1)
	go func() { started <- e.start(ctx) }()
	select {
	case err = <-started:
	case <-quit:
		cancel()
		<-started
		return nil
	}
	if err != nil {
		return err
	}
	keys, restore := readKeys(live)
	defer restore()
	e.screen(keys != nil)
	err = e.serve(keys, quit)
	e.stop(quit)
	return err
}

// layout takes up the ensemble in the folder, or makes one.
func (f *ensembleFlags) layout(cmd *cobra.Command) (ensembleLayout, error) {
	folder, err := filepath.Abs(f.folder)
	if err != nil {
		return ensembleLayout{}, err
	}
	found, err := readEnsemble(folder)
	if err != nil {
		return found, err
	}
	if len(found.Servers) > 0 {
		if err := f.compare(cmd, found); err != nil {
			return found, err
		}
		return found, found.checkPorts(portFree)
	}
	planned, err := planEnsemble(folder, f.servers, f.observers, f.basePort, portFree)
	if err != nil {
		return planned, err
	}
	return planned, planned.write()
}

// compare refuses flags that ask for another ensemble than the folder holds.
func (f *ensembleFlags) compare(cmd *cobra.Command, found ensembleLayout) error {
	voters, observers := 0, 0
	for _, s := range found.Servers {
		if s.Observer {
			observers++
		} else {
			voters++
		}
	}
	for _, c := range []struct {
		flag       string
		asked, has int
	}{
		{"servers", f.servers, voters}, {"observers", f.observers, observers},
		{"base-port", f.basePort, found.Servers[0].ClientPort},
	} {
		if cmd.Flags().Changed(c.flag) && c.asked != c.has {
			return usageError{fmt.Errorf("%s holds an ensemble whose --%s is %d, not %d: leave the flag out, choose another --data-dir, "+
				"or remove the folder", found.Folder, c.flag, c.has, c.asked)}
		}
	}
	return nil
}

// readKeys lets single keys arrive as they are pressed, and gives back what ends that. Without a terminal there are none.
func readKeys(live bool) (<-chan byte, func()) {
	if _, err := liner.TerminalMode(); err != nil || !live {
		return nil, func() {}
	}
	terminal := liner.NewLiner() // its mode is what is wanted of it: no echo, no lines; signals still work
	keys := make(chan byte)
	go func() {
		var key [1]byte
		for {
			if n, err := os.Stdin.Read(key[:]); err != nil || n == 0 {
				return
			}
			keys <- key[0]
		}
	}()
	return keys, func() {
		if err := terminal.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			fmt.Fprintln(os.Stderr, "troupe: the terminal's mode could not be restored; type reset:", err)
		}
	}
}
