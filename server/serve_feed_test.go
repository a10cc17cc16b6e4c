package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

func TestFeedOverHTTP(t *testing.T) {
	e := embed(t, server.EmbedOptions{Keys: map[string]string{"stages": "feed"}})
	ctx := serveContext(t)
	c := connectTo(t, e.Addresses()...)
	for _, path := range []string{"/app", "/app/a", "/other", "/app/b"} {
		if _, err := c.Create(ctx, path, []byte("v"), client.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	base := "http://" + e.Server(1).AdminAddress() + "/feed"
	for query, want := range map[string]struct {
		status int
		text   string
	}{
		"?path=app":   {http.StatusBadRequest, "write it from the root"},
		"?after=soon": {http.StatusBadRequest, "is not a zxid"},
	} {
		answer, err := http.Get(base + query)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != want.status || !strings.Contains(string(text), want.text) {
			t.Errorf("%s: %d %s", query, answer.StatusCode, text)
		}
	}
	var seen []string
	done := errors.New("enough")
	err := client.Feed(ctx, client.FeedOptions{Servers: []string{e.Server(1).AdminAddress()}, Path: "/app", Resume: true},
		func(event *client.FeedEvent) error {
			for _, change := range event.Changes {
				seen = append(seen, change.Type+" "+change.Path+" "+string(change.Data))
			}
			if len(seen) == 3 {
				return done
			}
			return nil
		})
	if got := strings.Join(seen, ", "); !errors.Is(err, done) || got != "created /app v, created /app/a v, created /app/b v" {
		t.Errorf("%v: %s", err, got)
	}
}

// consumer follows the feed and is interrupted at random; what it has dealt with, and up to where, it keeps together, as a
// program does that writes both with one transaction.
type consumer struct {
	paths []string
	after messages.Zxid
	kills int
}

func (c *consumer) run(ctx context.Context, servers []string, until func() bool) error {
	random := rand.New(rand.NewPCG(1, 2))
	for !until() {
		life, kill := context.WithCancel(ctx)
		events, most := 0, random.IntN(60)
		timer := time.AfterFunc(time.Duration(1+random.IntN(40))*time.Millisecond, kill)
		random.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
		err := client.Feed(life, client.FeedOptions{Servers: servers, Path: "/load", After: c.after, Resume: true},
			func(e *client.FeedEvent) error {
				if events++; events > most {
					return context.Canceled // it dies before it has dealt with this one
				}
				for _, change := range e.Changes {
					if change.Type == "created" && change.Path != "/load" {
						c.paths = append(c.paths, change.Path)
					}
				}
				c.after = e.Zxid
				return nil
			})
		timer.Stop()
		kill()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, context.Canceled) {
			return err
		}
		c.kills++
	}
	return nil
}

// A consumer that is killed and taken up again a hundred times, on an ensemble under load whose leaders are stopped, sees
// every change once and in order.
func TestFeedConsumerMissesNothing(t *testing.T) {
	e := embed(t, server.EmbedOptions{Servers: 3, Keys: map[string]string{"stages": "feed"}})
	ctx, cancel := context.WithTimeout(t.Context(), 3*serveWait)
	defer cancel()
	c := connectTo(t, e.Addresses()...)
	if _, err := c.Create(ctx, "/load", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	written := make(chan int)
	go func() {
		n := 0
		for ; !stop.Load(); n++ {
			_, _ = c.Create(ctx, fmt.Sprintf("/load/%d", n), nil, client.Persistent)
		}
		written <- n
	}()
	var admin []string
	for n := 1; n <= 3; n++ {
		admin = append(admin, e.Server(n).AdminAddress())
	}
	cons := &consumer{}
	last := messages.Zxid(0)
	leaders, next := 0, 25
	err := cons.run(ctx, admin, func() bool {
		if cons.kills >= next && leaders < 3 { // three leaders are stopped, and come back
			next += 25
			if n := e.Leader(); n > 0 {
				leaders++
				e.StopServer(n)
				if err := e.StartServer(ctx, n); err != nil {
					t.Error(err)
				}
				for i := range admin {
					admin[i] = e.Server(i + 1).AdminAddress() // they have changed
				}
			}
		}
		if cons.kills >= 100 && !stop.Swap(true) {
			<-written
			stat, err := c.Set(ctx, "/load", []byte("end"), -1)
			for err != nil && ctx.Err() == nil {
				stat, err = c.Set(ctx, "/load", []byte("end"), -1)
			}
			last = stat.Mzxid
		}
		return last != 0 && cons.after >= last
	})
	if err != nil {
		t.Fatalf("after %d kills at %v of %v: %v", cons.kills, cons.after, last, err)
	}
	if err := c.Sync(ctx, "/load"); err != nil {
		t.Fatal(err)
	}
	want := children(t, ctx, c, "/load")
	if len(cons.paths) != len(want) {
		t.Fatalf("%d changes are seen, %d nodes were created", len(cons.paths), len(want))
	}
	for i := range want {
		if cons.paths[i] != want[i] {
			t.Fatalf("change %d is %s, want %s", i, cons.paths[i], want[i])
		}
	}
	t.Logf("%d changes, %d kills of the consumer, %d of leaders", len(want), cons.kills, leaders)
}

// children lists the children of a node in the order in which they were created.
func children(t *testing.T, ctx context.Context, c *client.Client, path string) []string {
	t.Helper()
	names, _, err := c.Children(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]messages.Zxid{}
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = path + "/" + name
		stat, err := c.Exists(ctx, list[i])
		if err != nil {
			t.Fatal(err)
		}
		at[list[i]] = stat.Czxid
	}
	sort.Slice(list, func(i, j int) bool { return at[list[i]] < at[list[j]] })
	return list
}
