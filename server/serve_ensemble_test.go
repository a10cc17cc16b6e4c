package server_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// troupe is an ensemble of servers in this process, each on a disk in memory that outlives its server.
type troupe struct {
	t       *testing.T
	configs []*server.Config
	disks   []*persistence.MemFS
	servers []*server.Server
	options func(i int, o *server.Options)
}

// newTroupe starts so many voters and observers, with short ticks.
func newTroupe(t *testing.T, voters, observers int, keys ...string) *troupe {
	t.Helper()
	e := &troupe{t: t}
	n := voters + observers
	ports := freePorts(t, 3*n)
	var lines strings.Builder
	for i := range n {
		role := "participant"
		if i >= voters {
			role = "observer"
		}
		fmt.Fprintf(&lines, "server.%d=127.0.0.1:%d:%d:%s;127.0.0.1:%d\n", i+1, ports[3*i], ports[3*i+1], role, ports[3*i+2])
	}
	for i := range n {
		dir := t.TempDir()
		text := "tickTime=200\ninitLimit=10\nsyncLimit=5\nminSessionTimeout=400\nmaxSessionTimeout=60000\nmaxClientCnxns=0\n" +
			"admin.enableServer=false\npreAllocSize=64\n4lw.commands.whitelist=*\ndataDir=" + dir + "\n" +
			strings.Join(keys, "\n") + "\n" + lines.String()
		writeFile(t, filepath.Join(dir, "myid"), fmt.Sprint(i+1))
		writeFile(t, filepath.Join(dir, "zoo.cfg"), text)
		config, _, err := server.LoadConfig(filepath.Join(dir, "zoo.cfg"), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		e.configs = append(e.configs, config)
		e.disks = append(e.disks, persistence.NewMemFS())
		e.servers = append(e.servers, nil)
	}
	t.Cleanup(func() {
		for i := range e.servers {
			e.stop(i)
		}
	})
	return e
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func (e *troupe) start(i int) {
	e.t.Helper()
	o := server.Options{Config: e.configs[i], FS: e.disks[i], Log: testLog(e.t).With().Int("server", i+1).Logger()}
	if e.options != nil {
		e.options(i, &o)
	}
	s, err := server.New(o)
	if err != nil {
		e.t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.servers[i] = s
}

func (e *troupe) startAll() *troupe {
	e.t.Helper()
	for i := range e.servers {
		e.start(i)
	}
	e.awaitServing()
	return e
}

func (e *troupe) stop(i int) {
	if e.servers[i] != nil {
		e.servers[i].Stop()
		e.servers[i] = nil
	}
}

// awaitServing waits until all servers that run serve.
func (e *troupe) awaitServing() {
	e.t.Helper()
	eventually(e.t, "all members serve", func() bool {
		for _, s := range e.servers {
			if s == nil {
				continue
			}
			if _, ok := s.Serving(); !ok {
				return false
			}
		}
		return true
	})
}

// leader is the index of the server that leads, -1 if none does.
func (e *troupe) leader() int {
	for i, s := range e.servers {
		if s == nil {
			continue
		}
		if role, ok := s.Serving(); ok && role == actors.RoleLeader {
			return i
		}
	}
	return -1
}

func (e *troupe) address(i int) string { return e.configs[i].ClientListen() }

// connect opens a session at one server.
func (e *troupe) connect(ctx context.Context, i int) *client.Client {
	e.t.Helper()
	return e.connectTo(ctx, e.address(i))
}

func (e *troupe) connectTo(ctx context.Context, addresses ...string) *client.Client {
	e.t.Helper()
	c, err := client.Connect(ctx, client.Options{Servers: addresses, Timeout: 10 * time.Second, Wait: true})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestEnsembleServesOnEveryMember(t *testing.T) {
	e := newTroupe(t, 3, 1).startAll()
	ctx := serveContext(t)
	var clients []*client.Client
	for i := range e.servers {
		c := e.connect(ctx, i)
		clients = append(clients, c)
		if _, err := c.Create(ctx, fmt.Sprintf("/from%d", i), []byte("x"), client.Persistent); err != nil {
			t.Fatalf("create at server %d: %v", i+1, err)
		}
	}
	for i, c := range clients {
		if err := c.Sync(ctx, "/"); err != nil {
			t.Fatalf("sync at server %d: %v", i+1, err)
		}
		for j := range clients {
			if data, _, err := c.Get(ctx, fmt.Sprintf("/from%d", j)); err != nil || string(data) != "x" {
				t.Fatalf("get at server %d: %q, %v", i+1, data, err)
			}
		}
	}
}

// The leader stops: the others go on with all that was acknowledged, and it comes back as a follower.
func TestEnsembleSurvivesItsLeader(t *testing.T) {
	e := newTroupe(t, 3, 0).startAll()
	ctx := serveContext(t)
	leader := e.leader()
	c := e.connectTo(ctx, e.address((leader+1)%3), e.address((leader+2)%3))
	for i := range 20 {
		if _, err := c.Create(ctx, fmt.Sprintf("/n%d", i), nil, client.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	e.stop(leader)
	eventually(t, "somebody else leads", func() bool { return e.leader() >= 0 })
	for i := range 20 {
		path := fmt.Sprintf("/n%d", i)
		eventually(t, path+" is there", func() bool { // the connection to a server that changes its role is lost
			_, err := c.Exists(ctx, path)
			if errors.Is(err, messages.ErrNoNode) {
				t.Fatalf("%s was acknowledged and is lost", path)
			}
			return err == nil
		})
	}
	eventually(t, "a write", func() bool {
		_, err := c.Create(ctx, "/after", nil, client.Persistent)
		return err == nil
	})
	e.start(leader)
	e.awaitServing()
	back := e.connect(ctx, leader)
	if err := back.Sync(ctx, "/"); err != nil {
		t.Fatal(err)
	}
	if _, err := back.Exists(ctx, "/after"); err != nil {
		t.Fatal(err)
	}
}

// Leadership is moved while clients of every member write, read and sync: none loses its connection, no request fails,
// each write happens once.
func TestHandOverCostsNobodyAnything(t *testing.T) {
	e := newTroupe(t, 3, 1).startAll()
	ctx := serveContext(t)
	load := e.load(ctx, 3)
	for range 6 {
		load.await(50)
		from := e.leader()
		if from < 0 {
			t.Fatal("nobody leads")
		}
		to := (from + 1) % 3
		eventually(t, "the handover begins", func() bool { // the heir may still be taking up the last one
			err := e.servers[from].MoveLeader(ctx, messages.ServerID(to+1))
			if err != nil && !strings.Contains(err.Error(), "up to date") {
				t.Fatalf("from server %d to server %d: %v", from+1, to+1, err)
			}
			return err == nil
		})
		eventually(t, "the heir leads", func() bool { return e.leader() == to })
	}
	load.end()
}

// When an epoch's counter comes to its end the next epoch begins, and nobody notices that either (ZOOKEEPER-1277).
func TestNextEpochCostsNobodyAnything(t *testing.T) {
	e := newTroupe(t, 3, 0)
	e.options = func(_ int, o *server.Options) {
		o.Tune = func(o *cluster.Options) { o.LastCounter = 300 }
	}
	e.startAll()
	ctx := serveContext(t)
	load := e.load(ctx, 2)
	load.await(1500)
	load.end()
	c := e.connect(ctx, 1)
	if _, err := c.Create(ctx, "/last", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	if stat, err := c.Exists(ctx, "/last"); err != nil || stat.Czxid.Epoch() < 4 {
		t.Fatalf("after 1500 writes the epoch is %d, %v", stat.Czxid.Epoch(), err)
	}
}

// With leaderServes=no the leader tells operators how it is, and gives nobody a session.
func TestLeaderThatServesNobody(t *testing.T) {
	e := newTroupe(t, 3, 0, "leaderServes=no").startAll()
	ctx := serveContext(t)
	leader := e.leader()
	if c, err := client.Connect(ctx, client.Options{Servers: []string{e.address(leader)}}); err == nil {
		_ = c.Close()
		t.Error("the leader has taken a client")
	}
	if text := mntr(t, e.address(leader)); !strings.Contains(text, "zk_server_state\tleader\n") {
		t.Errorf("the leader answers mntr with %q", text)
	}
	c := e.connect(ctx, (leader+1)%3)
	if _, err := c.Create(ctx, "/a", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	e.stop(leader)
	other := 3 - leader - (leader+1)%3
	eventually(t, "a write at the one that doesn't lead now", func() bool {
		for _, i := range []int{(leader + 1) % 3, other} {
			attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
			c, err := client.Connect(attempt, client.Options{Servers: []string{e.address(i)}})
			cancel()
			if err != nil {
				continue
			}
			_, err = c.Set(ctx, "/a", nil, -1)
			_ = c.Close()
			if err == nil {
				return i != e.leader()
			}
		}
		return false
	})
}

// load is clients of each member that write their own node with its version, sync and read it. Anything that fails is an
// error of the test, and so is another session than the first.
type load struct {
	e      *troupe
	stop   chan struct{}
	failed chan error
	done   sync.WaitGroup
	writes atomic.Int64
}

func (e *troupe) load(ctx context.Context, each int) *load {
	e.t.Helper()
	l := &load{e: e, stop: make(chan struct{}), failed: make(chan error, 256)}
	if _, err := e.connect(ctx, 0).Create(ctx, "/load", nil, client.Persistent); err != nil {
		e.t.Fatal(err)
	}
	for i := range e.servers {
		for j := range each {
			c := e.connect(ctx, i)
			path := fmt.Sprintf("/load/%d-%d", i, j)
			if _, err := c.Create(ctx, path, nil, client.Persistent); err != nil {
				e.t.Fatal(err)
			}
			l.done.Add(1)
			go func() {
				defer l.done.Done()
				if err := l.run(ctx, c, path); err != nil {
					l.failed <- fmt.Errorf("%s: %w", path, err)
				}
			}()
		}
	}
	return l
}

func (l *load) run(ctx context.Context, c *client.Client, path string) error {
	id, _ := c.Session()
	for version := int32(0); ; version++ {
		select {
		case <-l.stop:
			if now, _ := c.Session(); now != id {
				return errors.New("another session")
			}
			return nil
		default:
		}
		value := fmt.Sprint(version)
		stat, err := c.Set(ctx, path, []byte(value), version)
		if err != nil || stat.Version != version+1 {
			return fmt.Errorf("version %d after %d: %w", stat.Version, version, err)
		}
		if err := c.Sync(ctx, path); err != nil {
			return err
		}
		if data, _, err := c.Get(ctx, path); err != nil || string(data) != value {
			return fmt.Errorf("%q instead of %q: %w", data, value, err)
		}
		l.writes.Add(1)
	}
}

// await waits for so many more writes.
func (l *load) await(n int64) {
	l.e.t.Helper()
	before := l.writes.Load()
	eventually(l.e.t, "some writes", func() bool { return l.writes.Load() >= before+n || len(l.failed) > 0 })
}

// end stops the clients and fails the test with what failed.
func (l *load) end() {
	l.e.t.Helper()
	close(l.stop)
	l.done.Wait()
	close(l.failed)
	for err := range l.failed {
		l.e.t.Error(err)
	}
}
