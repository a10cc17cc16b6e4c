package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupekeeper/troupe/server"
)

// serveFlags are the flags that have a name of their own; every key of the configuration can be set with --set.
type serveFlags struct {
	set        []string
	helpConfig bool
	pprof      string
	keys       map[string]*string
}

// namedKeys are the keys that most people set, by the flag that sets them.
var namedKeys = []namedKey{
	{"client-port", "clientPort", "port for clients; 0 takes any free one"},
	{"client-address", "clientPortAddress", "address to listen on for clients"},
	{"data-dir", "dataDir", "folder for snapshots and, unless --data-log-dir is given, the log"},
	{"data-log-dir", "dataLogDir", "folder for the transaction log"},
	{"admin-port", "admin.serverPort", "HTTP port of the admin server; 0 takes any free one"},
	{"log-level", "log.level", "trace, debug, info, warn or error"},
	{"log-format", "log.format", "console, json, or auto: console on a terminal"},
}

type namedKey struct{ flag, key, usage string }

// settingName is the flag where the configuration knows it, so that its errors name what was typed, else the key.
func (k namedKey) settingName() string {
	if strings.EqualFold(strings.ReplaceAll(k.flag, "-", ""), strings.ReplaceAll(k.key, ".", "")) {
		return k.flag
	}
	return k.key
}

func newServeCommand() *cobra.Command {
	f := &serveFlags{keys: map[string]*string{}}
	c := &cobra.Command{
		Use:   "serve [zoo.cfg]",
		Short: "Start a server",
		Long: "Start a server. Without a file it serves on 127.0.0.1:2181 and keeps its data in ./troupe-data.\n" +
			"An unchanged zoo.cfg works. Flags win over TROUPE_* variables, these over ZOO_* variables and the file.\n\n" +
			"Go's own variables count as well: GOMAXPROCS is how many goroutines run at a time (default: two more than there\n" +
			"are processors, for who waits for the disk and for sockets); GOGC is how much garbage may collect, in % of what\n" +
			"lives (default: 50 to 800, less with a larger tree).",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	for _, k := range namedKeys {
		f.keys[k.key] = c.Flags().String(k.flag, "", k.usage)
	}
	c.Flags().StringArrayVar(&f.set, "set", nil, "set any key of the configuration: --set key=value")
	c.Flags().BoolVar(&f.helpConfig, "help-config", false, "print every key with unit, default and effect")
	c.Flags().StringVar(&f.pprof, "pprof", "", "serve Go's profiles at this address, for example 127.0.0.1:6060")
	return c
}

func (f *serveFlags) run(cmd *cobra.Command, args []string) error {
	if f.helpConfig {
		return server.WriteConfigHelp(cmd.OutOrStdout())
	}
	path := os.Getenv("TROUPE_CONFIG")
	if len(args) > 0 {
		path = args[0]
	}
	flags, err := f.settings(cmd)
	if err != nil {
		return err
	}
	config, warnings, err := server.LoadConfig(path, os.Environ(), flags)
	if err != nil {
		return err
	}
	log, done, err := server.OpenLogger(config.Logging, time.Now)
	if err != nil {
		return err
	}
	defer func() { _ = done() }()
	for _, w := range warnings {
		log.Warn().Str("component", "configuration").Msg(w.String())
	}
	if err := servePprof(f.pprof); err != nil {
		return err
	}
	server.TuneRuntime()
	s, err := server.New(server.Options{Config: config, Log: log, Progress: newProgress(os.Stderr)})
	if err != nil {
		return err
	}
	return serve(cmd, s, config)
}

// settings collects the keys that flags set.
func (f *serveFlags) settings(cmd *cobra.Command) (map[string]string, error) {
	flags := map[string]string{}
	for _, pair := range f.set {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usageError{fmt.Errorf("--set %q: write it as key=value", pair)}
		}
		flags[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	for _, k := range namedKeys {
		if cmd.Flags().Changed(k.flag) {
			flags[k.settingName()] = *f.keys[k.key]
		}
	}
	return flags, nil
}

// serve runs until a signal or a failure that the server can't go on after.
func serve(cmd *cobra.Command, s *server.Server, config *server.Config) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		<-signals
		os.Exit(1) // the second signal doesn't wait
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	if err := s.Start(); err != nil {
		return err
	}
	printScreen(cmd.OutOrStdout(), s, config)
	select {
	case <-stop:
		s.Stop()
		return nil
	case err := <-s.Failed():
		// Nothing more is written: after a failure of the disk only a new start knows what is on it.
		return fmt.Errorf("stopped: %w", err)
	}
}

// servePprof opens Go's profiling pages, for developers.
func servePprof(address string) error {
	if address == "" {
		return nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--pprof %s: %w", address, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	go func() { _ = (&http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}).Serve(l) }()
	return nil
}
