package server_test

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server/client"
)

// logBook keeps what a server logs.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *logBook) has(words string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Contains(b.text.String(), words)
}

// tail is the end of the book.
func (b *logBook) tail(most int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.text.String()
	return text[max(0, len(text)-most):]
}

// noting makes a server write its log into the book.
func noting(b *logBook) override {
	return func(s *setup) { s.options.Log = zerolog.New(b).Level(zerolog.DebugLevel) }
}

// TestStopLeavesNothing stops a server while clients are busy, while they are idle and while there are none. It must end
// by itself, and leave no goroutine, no connection and no lock behind.
func TestStopLeavesNothing(t *testing.T) {
	for _, kind := range []string{"nobody", "one idle client", "twenty idle clients", "busy clients", "silent connections"} {
		t.Run(kind, func(t *testing.T) {
			before := runtime.NumGoroutine()
			book, disk := &logBook{}, persistence.NewMemFS()
			s := startServer(t, noting(book), onDisk(disk), with("admin.enableServer", "true"), with("admin.serverPort", "0"))
			end := occupy(t, s.ClientAddress(), kind)
			stopped := make(chan struct{})
			began := time.Now()
			go func() { s.Stop(); close(stopped) }()
			receive(t, "the end of Stop", stopped)
			t.Logf("Stop took %v", time.Since(began).Round(time.Millisecond))
			if book.has("left behind") {
				t.Error("an actor didn't stop in time")
			}
			end()
			eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before })
			startServer(t, onDisk(disk)).Stop() // the folder is free again
		})
	}
}

// occupy keeps a server busy in some way; end stops the clients.
func occupy(t *testing.T, address, kind string) (end func()) {
	t.Helper()
	var clients []*client.Client
	var wires []*wire
	switch kind {
	case "one idle client":
		clients = append(clients, dialClient(t, address))
	case "twenty idle clients":
		for range 20 {
			clients = append(clients, dialClient(t, address))
		}
	case "busy clients":
		for range 8 {
			clients = append(clients, dialClient(t, address))
		}
	case "silent connections":
		for range 10 {
			wires = append(wires, dialWire(t, address), sessionWire(t, address, 30*time.Second))
		}
	}
	var busy sync.WaitGroup
	if kind == "busy clients" {
		warm := make(chan struct{}, 10_000)
		for _, c := range clients {
			busy.Go(func() {
				for {
					path, err := c.Create(t.Context(), "/busy-", nil, client.PersistentSequential)
					if err != nil {
						return
					}
					_, _, _ = c.Get(t.Context(), path)
					select {
					case warm <- struct{}{}:
					default:
					}
				}
			})
		}
		for range 500 {
			receive(t, "busy clients", warm)
		}
	}
	return func() {
		for _, c := range clients {
			c.Abandon()
		}
		for _, w := range wires {
			_ = w.Close()
		}
		busy.Wait()
	}
}

// TestRestartKeepsEverything: data, versions, sequence numbers, ACLs, and sessions with their passwords and ephemerals.
func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	ctx := serveContext(t)
	disk := onDisk(persistence.OSFS{})
	folder := with("dataDir", t.TempDir())
	first := startServer(t, disk, folder)
	c := dialClient(t, first.ClientAddress())
	paths := []string{"/data", "/q", "/acl", "/eph"}
	create := func(c *client.Client, path string, o client.CreateOptions) string {
		t.Helper()
		made, err := c.CreateWith(ctx, path, []byte(path), o)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	create(c, "/data", client.CreateOptions{})
	create(c, "/q", client.CreateOptions{})
	create(c, "/q/n-", client.CreateOptions{Mode: client.PersistentSequential})
	create(c, "/acl", client.CreateOptions{ACL: messages.WorldACL(messages.PermRead)})
	create(c, "/eph", client.CreateOptions{Mode: client.Ephemeral})
	for range 3 {
		if _, err := c.Set(ctx, "/data", []byte("last"), -1); err != nil {
			t.Fatal(err)
		}
	}
	stats := map[string]messages.Stat{}
	for _, path := range paths {
		s, err := c.Exists(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		stats[path] = s
	}
	session, password := c.Session()
	first.Stop()
	c.Abandon()

	second := startServer(t, disk, folder)
	again := dialClient(t, second.ClientAddress(), func(o *client.Options) { o.Session, o.Password = session, password })
	if got, _ := again.Session(); got != session {
		t.Errorf("session %v became %v", session, got)
	}
	for _, path := range paths {
		if s, err := again.Exists(ctx, path); err != nil || s != stats[path] {
			t.Errorf("%s after a restart: %+v %v\nbefore %+v", path, s, err, stats[path])
		}
	}
	if data, _, err := again.Get(ctx, "/data"); err != nil || string(data) != "last" {
		t.Errorf("data %q %v", data, err)
	}
	if _, err := again.Set(ctx, "/acl", nil, -1); code(err) != messages.ErrNoAuth {
		t.Errorf("a node that nobody may write was written: %v", err)
	}
	if made := create(again, "/q/n-", client.CreateOptions{Mode: client.PersistentSequential}); made != "/q/n-0000000001" {
		t.Errorf("the sequence went on with %s", made)
	}
	if list, err := again.Ephemerals(ctx, "/"); err != nil || !slices.Equal(list, []string{"/eph"}) {
		t.Errorf("ephemerals %v %v", list, err)
	}
	if err := again.CloseSession(ctx); err != nil {
		t.Fatal(err)
	}
	third := dialClient(t, second.ClientAddress())
	if _, err := third.Exists(ctx, "/eph"); code(err) != messages.ErrNoNode {
		t.Errorf("an ephemeral after the end of its session: %v", err)
	}
}

// TestSessionsOfARestartExpire: sessions that nobody takes up after a restart end with their timeout.
func TestSessionsOfARestartExpire(t *testing.T) {
	t.Parallel()
	ctx := serveContext(t)
	disk := onDisk(persistence.NewMemFS())
	first := startServer(t, disk)
	c := dialClient(t, first.ClientAddress(), func(o *client.Options) { o.Timeout = 500 * time.Millisecond })
	if _, err := c.Create(ctx, "/eph", nil, client.Ephemeral); err != nil {
		t.Fatal(err)
	}
	c.DropConnection()
	first.Stop()
	c.Abandon()
	second := dialClient(t, startServer(t, disk).ClientAddress())
	eventually(t, "the end of a session that nobody took up", func() bool {
		_, err := second.Exists(ctx, "/eph")
		return code(err) == messages.ErrNoNode
	})
}
