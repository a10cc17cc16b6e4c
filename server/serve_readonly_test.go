package server_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// reader opens a session that is content with reads.
func (e *troupe) reader(ctx context.Context, i int) *client.Client {
	e.t.Helper()
	c, err := client.Connect(ctx, client.Options{
		Servers: []string{e.address(i)}, Timeout: 10 * time.Second, Wait: true, ReadOnly: true,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = c.Close() })
	return c
}

// serves tells whether a server serves in a role.
func (e *troupe) serves(i int, want actors.Role) bool {
	role, ok := e.servers[i].Serving()
	return ok && role == want
}

func (e *troupe) awaitRole(i int, want actors.Role) {
	e.t.Helper()
	eventually(e.t, "server as "+want.String(), func() bool { return e.serves(i, want) })
}

// A member that has lost the others serves reads to those who accept that, and goes back to its ensemble with all of them.
func TestReadOnlyMember(t *testing.T) {
	e := newTroupe(t, 3, 0, "readonlymode.enabled=true").startAll()
	ctx := serveContext(t)
	writer := e.connect(ctx, 0)
	if _, err := writer.Create(ctx, "/seen", []byte("x"), client.Persistent); err != nil {
		t.Fatal(err)
	}
	session, password := writer.Session()
	e.stop(1)
	e.stop(2)
	e.awaitRole(0, actors.RoleReadOnly)

	reads := e.reader(ctx, 0)
	if data, _, err := reads.Get(ctx, "/seen"); err != nil || string(data) != "x" {
		t.Errorf("a read: %q, %v", data, err)
	}
	if _, err := reads.Create(ctx, "/none", nil, client.Persistent); !errors.Is(err, messages.ErrNotReadOnly) {
		t.Errorf("a write: %v", err)
	}
	if err := reads.Sync(ctx, "/"); !errors.Is(err, messages.ErrNotReadOnly) {
		t.Errorf("a sync: %v", err)
	}
	for name, o := range map[string]client.Options{
		"a client that wants to write":            {},
		"the holder of a session of the ensemble": {ReadOnly: true, Session: session, Password: password},
	} {
		o.Servers = []string{e.address(0)}
		c, err := client.Connect(ctx, o)
		if err == nil {
			_ = c.Close()
		}
		if err == nil || errors.Is(err, client.ErrSessionExpired) {
			t.Errorf("%s: %v; it must be told to look elsewhere", name, err)
		}
	}

	e.start(1)
	eventually(t, "the ensemble serves again", func() bool { return e.leader() >= 0 && !e.serves(0, actors.RoleReadOnly) })
	if _, err := writer.Create(ctx, "/again", nil, client.Persistent); err != nil && !errors.Is(err, client.ErrConnectionLoss) {
		t.Errorf("the old session: %v", err)
	}
	eventually(t, "the reader is served by the ensemble", func() bool {
		_, err := reads.Create(ctx, "/by-reader", nil, client.Persistent)
		return err == nil || errors.Is(err, messages.ErrNodeExists)
	})
	if state := reads.State(); state != client.StateSyncConnected {
		t.Errorf("the reader believes that it is %v", state)
	}
}

// A stage that fails costs the connections; reads are served again by and by, and the search goes on beside it.
func TestReadOnlyMemberSurvivesAFailingStage(t *testing.T) {
	e := newTroupe(t, 3, 0, "readonlymode.enabled=true")
	saboteur := &saboteur{}
	e.options = func(_ int, o *server.Options) {
		o.Wrap = func(name string, inner actor.Actor) actor.Actor { return &sabotaged{inner, name, saboteur} }
	}
	e.start(0)
	e.awaitRole(0, actors.RoleReadOnly)
	ctx := serveContext(t)
	c := e.reader(ctx, 0)
	saboteur.arm("final", "Deliveries", 1)
	if _, err := c.Exists(ctx, "/zookeeper"); !errors.Is(err, client.ErrConnectionLoss) {
		t.Errorf("the read that made a stage fail: %v", err)
	}
	eventually(t, "reads are served again", func() bool {
		_, err := c.Exists(ctx, "/zookeeper")
		return err == nil
	})
	if c.State() != client.StateConnectedReadOnly {
		t.Errorf("the reader believes that it is %v", c.State())
	}
	e.start(1)
	eventually(t, "a leader is found", func() bool { return e.leader() >= 0 })
}
