package server_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// auditTrail counts the audit log's lines on nodes that went with their sessions: by server and path.
type auditTrail struct {
	mu    sync.Mutex
	lines map[int]map[string]int
	to    *testWriter // gets what is remarkable
}

func (a *auditTrail) Write(text []byte) (int, error) {
	var line struct {
		Server  int    `json:"server"`
		Level   string `json:"level"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(text, &line); err == nil && strings.Contains(line.Message, "operation=ephemeralZNodeDeletion") {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.lines[line.Server] == nil {
			a.lines[line.Server] = map[string]int{}
		}
		_, path, _ := strings.Cut(line.Message, "znode=")
		path, _, _ = strings.Cut(path, "\t")
		a.lines[line.Server][path]++
	}
	if line.Level == zerolog.LevelInfoValue {
		return len(text), nil
	}
	return a.to.Write(text)
}

// everywhere tells whether each of n servers has a line on the node.
func (a *auditTrail) everywhere(n int, path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range n {
		if a.lines[i+1][path] == 0 {
			return false
		}
	}
	return true
}

// In an ensemble each server, observers too, writes down once what goes with a session, wherever its client was and whoever led.
func TestAuditOfSessionsInAnEnsemble(t *testing.T) {
	const servers = 4
	trail := &auditTrail{lines: map[int]map[string]int{}, to: newTestWriter(t)}
	ctx := serveContext(t)
	e, err := server.Embed(ctx, server.EmbedOptions{
		Servers: servers - 1, Observers: 1, Keys: map[string]string{"audit.enable": "true"}, Log: zerolog.New(trail).Level(zerolog.InfoLevel),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	ends := func(n int, path string, timeout time.Duration, how func(c *client.Client)) {
		t.Helper()
		c, err := client.Connect(ctx, client.Options{Servers: []string{e.Address(n)}, Timeout: timeout, Wait: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Create(ctx, path, nil, client.Ephemeral); err != nil {
			t.Fatal(err)
		}
		how(c)
		eventually(t, "all servers have written down the end of "+path, func() bool { return trail.everywhere(servers, path) })
	}
	closed := func(n int, path string) {
		ends(n, path, time.Minute, func(c *client.Client) { _ = c.CloseSession(ctx) })
	}
	lost := func(n int, path string) { ends(n, path, 2*time.Second, func(c *client.Client) { c.Abandon() }) }
	closed(1, "/closed-1")
	lost(2, "/lost-2")
	closed(4, "/closed-4")
	from := e.Leader()
	to := from%(servers-1) + 1
	eventually(t, "the handover", func() bool { return e.Server(from).MoveLeader(ctx, messages.ServerID(to)) == nil })
	eventually(t, "the heir leads", func() bool { return e.Leader() == to })
	lost(3, "/lost-3")
	closed(1, "/last")

	trail.mu.Lock()
	defer trail.mu.Unlock()
	for n := 1; n <= servers; n++ {
		if got := trail.lines[n]; len(got) != 5 {
			t.Errorf("server %d: %v", n, got)
		}
		for path, times := range trail.lines[n] {
			if times != 1 {
				t.Errorf("server %d has written down the end of %s %d times", n, path, times)
			}
		}
	}
}
