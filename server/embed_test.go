package server_test

import (
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

func embed(t *testing.T, o server.EmbedOptions) *server.Embedded {
	t.Helper()
	o.Log = testLog(t)
	e, err := server.Embed(serveContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return e
}

func connectTo(t *testing.T, addresses ...string) *client.Client {
	t.Helper()
	c, err := client.Connect(serveContext(t), client.Options{Servers: addresses, Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// What is on disk is there again for the next program, and for a server that was stopped.
func TestEmbedOnDisk(t *testing.T) {
	dir := t.TempDir()
	ctx := serveContext(t)
	for round, servers := range []int{3, 3} {
		e := embed(t, server.EmbedOptions{Servers: servers, Observers: 1, Dir: dir})
		c := connectTo(t, e.Addresses()...)
		if round == 0 {
			if _, err := c.Create(ctx, "/kept", []byte("x"), client.Persistent); err != nil {
				t.Fatal(err)
			}
		}
		if data, _, err := c.Get(ctx, "/kept"); err != nil || string(data) != "x" {
			t.Fatalf("round %d: %q, %v", round, data, err)
		}
		e.StopServer(4)
		if e.Server(4) != nil {
			t.Fatal("a stopped server is still there")
		}
		if err := e.StartServer(ctx, 4); err != nil {
			t.Fatal(err)
		}
		again := connectTo(t, e.Address(4))
		if err := again.Sync(ctx, "/"); err != nil {
			t.Fatal(err)
		}
		if _, err := again.Exists(ctx, "/kept"); err != nil {
			t.Fatal(err)
		}
		e.Stop()
	}
}

func TestEmbedTellsWhatIsWrong(t *testing.T) {
	for want, o := range map[string]server.EmbedOptions{
		"tickTime":        {Keys: map[string]string{"tickTime": "soon"}},
		`"none-such"`:     {Keys: map[string]string{"stages": "none-such"}},
		"-1 observers":    {Observers: -1},
		"255 together":    {Servers: 200, Observers: 56},
		"a path, as /app": {Keys: map[string]string{"stages": "ratelimit", "stage.ratelimit.node": "limits"}},
	} {
		if _, err := server.Embed(serveContext(t), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want it to name %s", err, want)
		}
	}
}
