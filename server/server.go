package server

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server/stages"
)

// Options are what a server is made from. Only Config is required.
type Options struct {
	Config    *Config
	Log       zerolog.Logger                        // the zero value writes nothing
	FS        persistence.FS                        // the disk; nil: the real one
	Clock     actors.Clock                          // nil: the machine's
	Random    io.Reader                             // nil: crypto/rand
	Providers []auth.Provider                       // authentication schemes beside ip and digest
	Progress  func(persistence.Progress)            // hears how far a long recovery has come; may be nil
	Listen    func(string) (actors.Acceptor, error) // nil: TCP
	Network   cluster.Network                       // between servers; nil: TCP, or TLS if so configured
	Tune      func(*cluster.Options)                // is shown the settings of a member before it starts; may be nil
	// Stages run beside those that the key stages names, behind them at each place. Their settings are those of Config.
	Stages []actors.CustomStage
	// Wrap is given each new actor under the name of its kind and returns what runs in its place; nil: nothing is
	// wrapped. It is the door for tests that record messages or inject panics.
	Wrap func(name string, inner actor.Actor) actor.Actor
}

// Server is one Troupe server. New makes it, Start lets it serve, Stop ends it.
type Server struct {
	o       Options
	config  *Config
	log     zerolog.Logger
	runtime *actors.Runtime
	options actors.Options
	store   *persistence.Store
	client  actors.Acceptor
	doors   quorumDoors // of a member of an ensemble
	admin   *adminServer
	view    atomic.Pointer[actors.View]
	board   *cluster.StatusBoard // what the peer and its roles tell; nil on a server that runs alone
	started time.Time
	feed    *stages.Feed // nil unless the stage feed runs

	// moveLeader lets this server, while it leads, hand over to another voter, and returns when that one leads or can't.
	// It is set before Start; nil on a server that runs alone.
	moveLeader func(ctx context.Context, to messages.ServerID) error

	stopLoops func()
	listener  *actor.PID
	role      *actor.PID
	commands  *actor.PID

	once   sync.Once
	failed chan error // the first error that ends the server
	ready  chan struct{}
}

// New checks the configuration and makes a server; nothing is opened yet.
func New(o Options) (*Server, error) {
	if o.Config == nil {
		o.Config = DefaultConfig()
	}
	if o.FS == nil {
		o.FS = persistence.OSFS{}
	}
	if o.Clock == nil {
		o.Clock = actors.RealClock()
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Listen == nil {
		o.Listen = actors.ListenTCP
	}
	s := &Server{
		o: o, config: o.Config, log: o.Log, started: time.Now(),
		failed: make(chan error, 1), ready: make(chan struct{}),
	}
	s.options = actorOptions(o.Config, fourLetterWords())
	var err error
	if s.options.Stages, err = activeStages(o.Config, o.Stages); err != nil {
		return nil, err
	}
	s.ownFeed()
	if o.Config.Ensemble.Distributed() {
		s.board = &cluster.StatusBoard{}
		s.moveLeader = s.MoveLeader
	}
	return s, nil
}

// Start opens the data folder and the ports, recovers the state and serves. It returns when clients are served, or
// with the reason why they can't be; nothing is left open then. A member of an ensemble returns at once: it serves when
// there is a quorum, see Ready.
func (s *Server) Start() error {
	if err := s.start(); err != nil {
		s.Stop()
		return err
	}
	return nil
}

func (s *Server) start() (err error) {
	reg, err := authRegistry(s.config, s.o.Providers...)
	if err != nil {
		return err
	}
	// Ports come first: the commonest mistake is a second server, and its word should be about the port.
	if s.client, err = s.o.Listen(s.config.ClientListen()); err != nil {
		return portError("clientPort", s.config.ClientListen(), err)
	}
	if s.config.Ensemble.Distributed() {
		if err := s.openQuorumDoors(); err != nil {
			return err
		}
	}
	if err := s.openStore(); err != nil {
		return err
	}
	s.startRuntime()
	if err := s.startAdmin(); err != nil {
		return err
	}
	return s.startRole(reg)
}

func (s *Server) openStore() (err error) {
	var id [8]byte
	if _, err := io.ReadFull(s.o.Random, id[:]); err != nil {
		return fmt.Errorf("draw a database id: %w", err)
	}
	c := s.config
	s.store, err = persistence.OpenStore(persistence.StoreOptions{
		FS: s.o.FS, DataDir: c.Data.Dir, LogDir: c.Data.LogDir,
		NewDatabaseID: binary.BigEndian.Uint64(id[:]) | 1,
		TrustEmpty:    c.Data.SnapTrustEmpty,
		SegmentBytes:  c.Log.PreAllocSize,
		NoSync:        !c.Log.ForceSync,
		Compress:      c.Data.SnapCompression != "",
		Notice:        func(text string) { s.log.Warn().Str("component", "recovery").Msg(text) },
	})
	return err
}

// connLoops is how many goroutines read from clients, cut their bytes into requests and write to them; 0: the one of the
// stages does. With two processors that is the cheapest: what comes in goes to the log, or back to the client, without
// waking anybody. With more of them, system calls and parsing run beside the stages.
func connLoops(processors int) int { return min(max(processors-3, 0)/2, maxConnLoops) }

const maxConnLoops = 4

func (s *Server) startRuntime() {
	loops, stop := actors.NewLoops(connLoops(runtime.GOMAXPROCS(0)))
	s.stopLoops = stop
	s.runtime = actors.NewRuntime(actors.World{
		Clock: s.o.Clock, Random: s.o.Random, Dispatchers: loops, Log: s.log, Fatal: s.fatal,
		Library: NewSlogBridge(s.log), Wrap: s.o.Wrap,
	})
}

// startRole spawns downstream first: the commands, the listener that fills the pipeline, then the role that builds it.
func (s *Server) startRole(reg *auth.Registry) (err error) {
	root := s.runtime.System.Root
	if s.commands, err = root.SpawnNamed(s.commandProps(), "commands"); err != nil {
		return err
	}
	limits := actors.ListenerOptions{PerHost: s.config.Client.MaxPerIP, Total: s.config.Client.MaxTotal}
	if s.listener, err = root.SpawnNamed(actors.NewListener(s.runtime, s.client, limits), "listener"); err != nil {
		return err
	}
	if s.config.Ensemble.Distributed() {
		return s.startPeer(reg)
	}
	return s.startStandalone(reg)
}

func (s *Server) startStandalone(reg *auth.Registry) (err error) {
	root := s.runtime.System.Root
	var once sync.Once
	role := actors.Standalone{
		Options: &s.options, Auth: reg, Store: s.store, Listeners: []*actor.PID{s.listener}, Commands: s.commands,
		Progress: s.o.Progress,
		Ready:    func() { once.Do(func() { close(s.ready) }) },
		Failed:   s.fatal,
	}
	if s.role, err = root.SpawnNamed(actors.NewStandalone(s.runtime, role, &s.view), actors.StandaloneName()); err != nil {
		return err
	}
	select {
	case <-s.ready:
		return nil
	case err := <-s.failed:
		s.failed <- err
		return err
	}
}

// fatal notes the first error that the server can't go on after.
func (s *Server) fatal(err error) {
	s.log.Error().Err(err).Msg("the server can't go on")
	select {
	case s.failed <- err:
	default:
	}
}

// Failed delivers the error that ends a running server: the disk failed, or an invariant broke. The process must
// end then without another word to clients; the next start finds out what is on disk.
func (s *Server) Failed() <-chan error { return s.failed }

// ClientAddress is where clients connect to: host:port.
func (s *Server) ClientAddress() string { return s.client.Addr() }

// AdminAddress is where the commands answer over HTTP, "" when that is off.
func (s *Server) AdminAddress() string {
	if s.admin == nil {
		return ""
	}
	return s.admin.address()
}

// portInUse is syscall.EADDRINUSE in our words.
type portInUse struct{ text string }

func (e *portInUse) Error() string { return e.text }

func (e *portInUse) Unwrap() error { return syscall.EADDRINUSE }

// portError says in one line what is wrong with a port.
func portError(key, address string, err error) error {
	_, port, _ := net.SplitHostPort(address)
	if errors.Is(err, syscall.EADDRINUSE) {
		if strings.HasPrefix(key, "server.") {
			key = "port in the line " + key
		}
		return &portInUse{fmt.Sprintf("port %s is in use by another process: stop that one, or choose another %s", port, key)}
	}
	if errors.Is(err, syscall.EADDRNOTAVAIL) && strings.HasPrefix(key, "server.") {
		return fmt.Errorf("%s: this machine has no address %s: if it is that server, correct the line or set quorumListenOnAllIPs=true; "+
			"if not, correct the file myid", key, address)
	}
	if n, _ := strconv.Atoi(port); n > 0 && n < 1024 && errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("port %s needs more rights than this user has: choose a %s above 1023", port, key)
	}
	return fmt.Errorf("%s: can't listen on %s: %w", key, address, err)
}
