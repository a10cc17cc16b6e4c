package gozk

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
)

const (
	// sessionTimeout lies between two and twenty ticks for any tick from 500 to 2000 ms, so the server takes it as it is.
	sessionTimeout = 8 * time.Second

	// patience is how long a test waits for something that must happen.
	patience = 40 * time.Second
)

var open = zk.WorldACL(zk.PermAll)

// client is a connection of the library together with the wires below it, which a test can cut.
type client struct {
	*zk.Conn
	t      *testing.T
	states chan zk.State

	mu      sync.Mutex
	wires   []net.Conn
	refused bool
}

// server returns the addresses of the servers under test, with commas between, or skips the test.
func server(t *testing.T) string {
	t.Helper()
	address := os.Getenv("INTEROP_SERVER")
	if address == "" {
		t.Skip("INTEROP_SERVER names no server")
	}
	return address
}

// need skips the test when the server lacks a feature.
func need(t *testing.T, feature string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("INTEROP_LACK"), ","), feature) {
		t.Skipf("the server lacks %s", feature)
	}
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// connect returns a client that has a session; it is closed when the test ends.
func connect(t *testing.T, timeout time.Duration) *client {
	t.Helper()
	c := &client{t: t, states: make(chan zk.State, 1000)}
	conn, events, err := zk.Connect(strings.Split(server(t), ","), timeout, zk.WithLogger(quiet{}), zk.WithDialer(c.dial))
	if err != nil {
		t.Fatal(err)
	}
	c.Conn = conn
	t.Cleanup(conn.Close)
	go func() {
		for event := range events {
			if event.Type == zk.EventSession {
				c.states <- event.State
			}
		}
	}()
	c.await(zk.StateHasSession)
	return c
}

// fresh is the client, which now sees all that anybody was told to be done: its server may know it later than others.
func (c *client) fresh() *client {
	c.t.Helper()
	if _, err := c.Sync("/"); err != nil {
		c.t.Fatalf("sync: %v", err)
	}
	return c
}

func (c *client) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused {
		return nil, net.ErrClosed
	}
	wire, err := net.DialTimeout(network, address, timeout)
	if err == nil {
		c.wires = append(c.wires, wire)
	}
	return wire, err
}

// cut breaks the connection; refuse says whether new ones fail as well.
func (c *client) cut(refuse bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = refuse
	for _, wire := range c.wires {
		wire.Close()
	}
	c.wires = nil
}

// await waits for a state, passing over others.
func (c *client) await(want zk.State) {
	c.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		select {
		case state := <-c.states:
			if state == want {
				return
			}
		case <-deadline.C:
			c.t.Fatalf("the state %v did not come", want)
		}
	}
}

// withRoot makes a node for this test alone, which goes away with the test, and returns its path.
func (c *client) withRoot() string {
	c.t.Helper()
	random := make([]byte, 6)
	if _, err := rand.Read(random); err != nil {
		c.t.Fatal(err)
	}
	root := "/go-" + hex.EncodeToString(random)
	c.create(root, "")
	address := server(c.t)
	c.t.Cleanup(func() { sweep(address, root) })
	return root
}

// sweep deletes a node and all below it.
func sweep(address, root string) {
	sweeper, _, err := zk.Connect(strings.Split(address, ","), sessionTimeout, zk.WithLogger(quiet{}))
	if err == nil {
		deleteAll(sweeper, root)
		sweeper.Close()
	}
}

func deleteAll(conn *zk.Conn, path string) {
	children, _, _ := conn.Children(path)
	for _, child := range children {
		deleteAll(conn, path+"/"+child)
	}
	_ = conn.Delete(path, -1)
}

func (c *client) create(path, data string) {
	c.t.Helper()
	if _, err := c.Create(path, []byte(data), 0, open); err != nil {
		c.t.Fatalf("create %s: %v", path, err)
	}
}

func (c *client) set(path, data string) *zk.Stat {
	c.t.Helper()
	stat, err := c.Set(path, []byte(data), -1)
	if err != nil {
		c.t.Fatalf("set %s: %v", path, err)
	}
	return stat
}

func (c *client) get(path string) (string, *zk.Stat) {
	c.t.Helper()
	data, stat, err := c.Get(path)
	if err != nil {
		c.t.Fatalf("get %s: %v", path, err)
	}
	return string(data), stat
}

// expect waits for the one event of a watch.
func expect(t *testing.T, events <-chan zk.Event, kind zk.EventType, path string) {
	t.Helper()
	select {
	case event := <-events:
		if event.Type != kind || event.Path != path {
			t.Fatalf("event %v of %s (%v), want %v of %s", event.Type, event.Path, event.Err, kind, path)
		}
	case <-time.After(patience):
		t.Fatalf("no event, want %v of %s", kind, path)
	}
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		<-ticker.C
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func fails(t *testing.T, what string, got, want error) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: error %v, want %v", what, got, want)
	}
}
