package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// EmbedOptions say what Embed starts. The zero value is one server in memory.
type EmbedOptions struct {
	Servers   int                          // that vote; 0 means 1
	Observers int                          // beside them
	Dir       string                       // folder for their data, one below it for each server; "": in memory
	Keys      map[string]string            // keys of zoo.cfg, for all servers
	Stages    []actors.CustomStage         // that run beside those that the key stages names
	Log       zerolog.Logger               // the zero value writes nothing
	Change    func(n int, o *Options)      // is shown what each server, counted from 1, is made from; may be nil
	Listen    func() (net.Listener, error) // finds free ports; nil: of 127.0.0.1
}

// Embedded is a server, or an ensemble, inside of this program: on free ports of the loopback interface, in memory or on disk.
// Servers are counted from 1, as their ids are.
type Embedded struct {
	o       EmbedOptions
	configs []*Config
	disks   []persistence.FS

	mu      sync.Mutex
	servers []*Server
}

// embedTries is how often free ports are looked for: between that and their use another program may take one.
const embedTries = 10

// Embed starts what o says and returns when all of it serves, or with the reason why it can't. Stop ends it.
func Embed(ctx context.Context, o EmbedOptions) (*Embedded, error) {
	if o.Servers < 0 || o.Observers < 0 || o.Servers+o.Observers > messages.MaxServerID {
		return nil, fmt.Errorf("%d servers and %d observers: allowed are 0 or more of each, %d together",
			o.Servers, o.Observers, messages.MaxServerID)
	}
	o.Servers = max(o.Servers, 1)
	if o.Listen == nil {
		o.Listen = func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	}
	var err error
	for range embedTries {
		var e *Embedded
		if e, err = newEmbedded(o); err != nil {
			return nil, err
		}
		if err = e.startAll(ctx); err == nil {
			return e, nil
		}
		e.Stop()
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, err
		}
	}
	return nil, err
}

func newEmbedded(o EmbedOptions) (*Embedded, error) {
	n := o.Servers + o.Observers
	ports, err := embedPorts(o, 3*n)
	if err != nil {
		return nil, err
	}
	members := map[string]string{}
	for i := range n {
		role := "participant"
		if i >= o.Servers {
			role = "observer"
		}
		members[fmt.Sprintf("server.%d", i+1)] = fmt.Sprintf("127.0.0.1:%d:%d:%s;127.0.0.1:%d", ports[3*i], ports[3*i+1], role, ports[3*i+2])
	}
	e := &Embedded{o: o, servers: make([]*Server, n)}
	for i := range n {
		keys := map[string]string{
			"clientPortAddress": "127.0.0.1", "clientPort": strconv.Itoa(ports[3*i+2]), "admin.serverPort": "0", "dataDir": "data",
			"tickTime": "200", "initLimit": "20", "syncLimit": "10", "minSessionTimeout": "200", "maxSessionTimeout": "120000",
			"maxClientCnxns": "0", "4lw.commands.whitelist": "*", "preAllocSize": "1024",
		}
		var disk persistence.FS = persistence.OSFS{}
		if o.Dir == "" {
			disk = persistence.NewMemFS()
		} else {
			keys["dataDir"] = filepath.Join(o.Dir, strconv.Itoa(i+1))
		}
		if n > 1 {
			maps.Copy(keys, members)
			keys["myid"] = strconv.Itoa(i + 1)
		}
		maps.Copy(keys, o.Keys)
		config, _, err := LoadConfig("", nil, keys)
		if err != nil {
			return nil, err
		}
		e.configs, e.disks = append(e.configs, config), append(e.disks, disk)
	}
	return e, nil
}

func embedPorts(o EmbedOptions, n int) (ports []int, err error) {
	for range n {
		l, err := o.Listen()
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // all of them at the end, so that none is found twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func (e *Embedded) startAll(ctx context.Context) error {
	for n := range e.servers {
		if err := e.begin(n + 1); err != nil {
			return err
		}
	}
	for n := range e.servers {
		if err := e.await(ctx, n+1); err != nil {
			return err
		}
	}
	return nil
}

func (e *Embedded) begin(n int) error {
	o := Options{Config: e.configs[n-1], FS: e.disks[n-1], Stages: e.o.Stages, Log: e.o.Log.With().Int("server", n).Logger()}
	if e.o.Change != nil {
		e.o.Change(n, &o)
	}
	s, err := New(o)
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		return fmt.Errorf("server %d: %w", n, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.servers[n-1] = s
	return nil
}

func (e *Embedded) await(ctx context.Context, n int) error {
	s := e.Server(n)
	if s == nil {
		return fmt.Errorf("server %d was stopped before it served", n)
	}
	select {
	case <-s.Ready():
		return nil
	case err := <-s.Failed():
		return fmt.Errorf("server %d: %w", n, err)
	case <-ctx.Done():
		return fmt.Errorf("server %d does not serve yet: %w", n, ctx.Err())
	}
}

// Len is the number of servers, those that are stopped included.
func (e *Embedded) Len() int { return len(e.servers) }

// Server is one of the servers, nil while it is stopped.
func (e *Embedded) Server(n int) *Server {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.servers[n-1]
}

// Address is where clients of one server connect to: host:port. It stays the same when the server is stopped and started.
func (e *Embedded) Address(n int) string { return e.configs[n-1].ClientListen() }

// Addresses are those of all servers.
func (e *Embedded) Addresses() []string {
	list := make([]string, e.Len())
	for i := range list {
		list[i] = e.Address(i + 1)
	}
	return list
}

// ConnectString is all addresses, as clients of the protocol take them: host:port,host:port.
func (e *Embedded) ConnectString() string { return strings.Join(e.Addresses(), ",") }

// Leader is the server that leads, or the only one; 0 while none does.
func (e *Embedded) Leader() int {
	for n := 1; n <= e.Len(); n++ {
		s := e.Server(n)
		if s == nil {
			continue
		}
		if role, ok := s.Serving(); ok && (role == actors.RoleLeader || role == actors.RoleStandalone) {
			return n
		}
	}
	return 0
}

// StopServer stops one server, which hands over first if it leads. Its data stays for StartServer.
func (e *Embedded) StopServer(n int) {
	e.mu.Lock()
	s := e.servers[n-1]
	e.servers[n-1] = nil
	e.mu.Unlock()
	if s != nil {
		s.Stop()
	}
}

// StartServer starts a server that was stopped, and returns when it serves.
func (e *Embedded) StartServer(ctx context.Context, n int) error {
	if e.Server(n) != nil {
		return fmt.Errorf("server %d runs", n)
	}
	if err := e.begin(n); err != nil {
		return err
	}
	return e.await(ctx, n)
}

// Stop stops all servers. What is in memory is gone then.
func (e *Embedded) Stop() {
	var all sync.WaitGroup
	for n := 1; n <= e.Len(); n++ {
		all.Go(func() { e.StopServer(n) })
	}
	all.Wait()
}
