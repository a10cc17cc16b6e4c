package server

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/troupekeeper/troupe/actors"
)

// Main is a whole program around a server, for a main.go of one's own with stages of one's own:
//
//	func main() { os.Exit(server.Main(os.Args[1:], myStage)) }
//
// The arguments are those of troupe serve, as far as they are named here: [--set key=value …] [--help-config] [zoo.cfg]. Stages
// given here run without being named in the key stages; those that were registered run where they are named. Main returns
// the exit code: 0 after SIGINT or SIGTERM, 1 when the server can't go on, 2 for wrong arguments.
func Main(args []string, stages ...actors.CustomStage) int {
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	keys := map[string]string{}
	f.Func("set", "set any key of the configuration: --set key=value", func(pair string) error {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return errors.New("write it as key=value")
		}
		keys[strings.TrimSpace(key)] = strings.TrimSpace(value)
		return nil
	})
	help := f.Bool("help-config", false, "print every key with unit, default and effect")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case f.NArg() > 1:
		fmt.Fprintln(os.Stderr, "one configuration file at most")
		return 2
	}
	if *help {
		for _, s := range stages {
			actors.RegisterStage(s) // so that their keys are shown, too
		}
		if err := WriteConfigHelp(os.Stdout); err != nil {
			return 1
		}
		return 0
	}
	if err := run(f.Arg(0), keys, stages, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// run serves until a signal or a failure that the server can't go on after.
func run(path string, keys map[string]string, stages []actors.CustomStage, out io.Writer) error {
	config, warnings, err := loadProgram(path, os.Environ(), keys, stages)
	if err != nil {
		return err
	}
	log, done, err := OpenLogger(config.Logging, time.Now)
	if err != nil {
		return err
	}
	defer func() { _ = done() }()
	for _, w := range warnings {
		log.Warn().Str("component", "configuration").Msg(w.String())
	}
	TuneRuntime()
	s, err := New(Options{Config: config, Log: log, Stages: stages})
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(stop)
	if err := s.Start(); err != nil {
		return err
	}
	fmt.Fprintf(out, "clients: %s\n", s.ClientAddress())
	if address := s.AdminAddress(); address != "" {
		fmt.Fprintf(out, "stages:  http://%s%s/stages\n", address, config.Admin.CommandURL)
	}
	select {
	case <-stop:
		s.Stop()
		return nil
	case err := <-s.Failed():
		return fmt.Errorf("stopped: %w", err) // nothing more is written: only a new start knows what is on disk
	}
}
