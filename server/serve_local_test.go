package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// take takes a client's session up at a server, once.
func (e *troupe) take(ctx context.Context, i int, c *client.Client) (*client.Client, error) {
	e.t.Helper()
	session, password := c.Session()
	got, err := client.Connect(ctx, client.Options{
		Servers: []string{e.address(i)}, Timeout: c.Timeout(), Session: session, Password: password,
	})
	if err == nil {
		e.t.Cleanup(got.Abandon)
	}
	return got, err
}

// A local session does what any other does, but for ephemerals; its server alone knows it.
func TestLocalSessions(t *testing.T) {
	e := newTroupe(t, 3, 1, "localSessionsEnabled=true").startAll()
	ctx := serveContext(t)
	for i := range e.servers {
		c := e.connect(ctx, i)
		path := fmt.Sprintf("/n%d", i)
		if _, err := c.Create(ctx, path, nil, client.Persistent); err != nil {
			t.Fatalf("server %d: %v", i+1, err)
		}
		if _, err := c.Set(ctx, path, []byte("x"), 0); err != nil {
			t.Errorf("server %d: %v", i+1, err)
		}
		if err := c.Sync(ctx, "/"); err != nil {
			t.Errorf("server %d: %v", i+1, err)
		}
		if _, err := c.Create(ctx, path+"/e", nil, client.Ephemeral); !errors.Is(err, messages.ErrEphemeralOnLocalSession) {
			t.Errorf("server %d: an ephemeral: %v", i+1, err)
		}
		c.Abandon()
		if _, err := e.take(ctx, (i+1)%4, c); !errors.Is(err, client.ErrSessionExpired) {
			t.Errorf("server %d: taken up at the next one: %v", i+1, err)
		}
		next, err := e.take(ctx, i, c)
		if err != nil {
			t.Fatalf("server %d: taken up there: %v", i+1, err)
		}
		if _, err := next.Set(ctx, path, []byte("y"), 1); err != nil {
			t.Errorf("server %d: %v", i+1, err)
		}
		if err := next.Close(); err != nil {
			t.Errorf("server %d: its goodbye: %v", i+1, err)
		}
		if _, err := e.take(ctx, i, next); !errors.Is(err, client.ErrSessionExpired) {
			t.Errorf("server %d: taken up after its end: %v", i+1, err)
		}
	}
}

// mntr asks a server for its numbers.
func mntr(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(serveWait)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "mntr"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// A silent client's local session ends, and a client that only pings keeps its.
func TestLocalSessionsExpireAtTheirServer(t *testing.T) {
	e := newTroupe(t, 3, 0, "localSessionsEnabled=true").startAll()
	ctx := serveContext(t)
	short := client.Options{Servers: []string{e.address(0)}, Timeout: 600 * time.Millisecond, Wait: true}
	alive, err := client.Connect(ctx, short)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(alive.Abandon)
	silent, err := client.Connect(ctx, short)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := alive.Session()
	silent.Abandon()
	eventually(t, "one session is left", func() bool { return strings.Contains(mntr(t, e.address(0)), "zk_local_sessions\t1\n") })
	if _, err := e.take(ctx, 0, silent); !errors.Is(err, client.ErrSessionExpired) {
		t.Errorf("the silent one is taken up: %v", err)
	}
	if _, err := alive.Exists(ctx, "/"); err != nil {
		t.Errorf("the one that pings: %v", err)
	}
	if now, _ := alive.Session(); now != before {
		t.Error("it has another session now")
	}
}

// An election costs local sessions their connections, not their lives.
func TestLocalSessionsOutliveAnElection(t *testing.T) {
	e := newTroupe(t, 3, 0, "localSessionsEnabled=true").startAll()
	ctx := serveContext(t)
	leader := e.leader()
	c := e.connect(ctx, (leader+1)%3)
	before, _ := c.Session()
	if _, err := c.Create(ctx, "/a", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	e.stop(leader)
	eventually(t, "a write", func() bool {
		_, err := c.Set(ctx, "/a", nil, -1)
		return err == nil
	})
	if now, _ := c.Session(); now != before {
		t.Error("it has another session now")
	}
}

// The first ephemeral makes a session everybody's.
func TestLocalSessionsBecomeGlobal(t *testing.T) {
	e := newTroupe(t, 3, 0, "localSessionsEnabled=true", "localSessionsUpgradingEnabled=true").startAll()
	ctx := serveContext(t)
	watcher := e.connect(ctx, 0)
	for i := range e.servers {
		c := e.connect(ctx, i)
		if _, err := c.Create(ctx, "/none/e", nil, client.Ephemeral); !errors.Is(err, messages.ErrNoNode) {
			t.Errorf("server %d: %v", i+1, err)
		}
		path := fmt.Sprintf("/e%d", i)
		for _, name := range []string{path, path + "b"} {
			if _, err := c.Create(ctx, name, nil, client.Ephemeral); err != nil {
				t.Fatalf("server %d: %v", i+1, err)
			}
		}
		c.Abandon()
		next, err := e.take(ctx, (i+1)%3, c)
		if err != nil {
			t.Fatalf("server %d: taken up at the next one: %v", i+1, err)
		}
		if list, err := next.Ephemerals(ctx, "/"); err != nil || len(list) != 2 {
			t.Errorf("server %d: its ephemerals at the next one: %v, %v", i+1, list, err)
		}
		if err := next.Close(); err != nil {
			t.Errorf("server %d: %v", i+1, err)
		}
		if err := watcher.Sync(ctx, "/"); err != nil {
			t.Fatal(err)
		}
		if _, err := watcher.Exists(ctx, path); !errors.Is(err, messages.ErrNoNode) {
			t.Errorf("server %d: after its end its ephemeral: %v", i+1, err)
		}
	}
}
