package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// The mirror is killed again and again while the source changes; at the end both are the same.
func TestMirror(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	source, err := server.Embed(ctx, server.EmbedOptions{Keys: map[string]string{"stages": "feed"}})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()
	target, err := server.Embed(ctx, server.EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Stop()
	from, to := connect(t, ctx, source), connect(t, ctx, target)
	create := func(path string) {
		if _, err := from.Create(ctx, path, []byte(path), client.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	create("/app")
	for n := range 30 {
		create(fmt.Sprintf("/app/%d", n))
	}
	for life := range 6 {
		inner, kill := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() {
			m := &mirror{path: "/app", place: "/position", feed: []string{source.Server(1).AdminAddress()}}
			done <- m.run(inner, source.ConnectString(), target.ConnectString())
		}()
		for n := range 20 {
			create(fmt.Sprintf("/app/%d/%d", life, n))
			if _, err := from.Set(ctx, "/app", []byte(fmt.Sprint(life, n)), -1); err != nil {
				t.Fatal(err)
			}
		}
		if err := from.Delete(ctx, fmt.Sprintf("/app/%d", 29-life), -1); err != nil {
			t.Fatal(err)
		}
		if life == 5 { // this one may finish
			await(t, ctx, func() bool { return listing(t, ctx, from, "/app") == listing(t, ctx, to, "/app") })
		}
		kill()
		<-done
	}
}

func connect(t *testing.T, ctx context.Context, e *server.Embedded) *client.Client {
	t.Helper()
	c, err := client.Connect(ctx, client.Options{Servers: e.Addresses()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// listing is a subtree in words; what is not there is the empty word.
func listing(t *testing.T, ctx context.Context, c *client.Client, path string) string {
	t.Helper()
	data, _, err := c.Get(ctx, path)
	if err != nil {
		return ""
	}
	text := fmt.Sprintf("%s=%s\n", path, data)
	names, err := c.ChildNames(ctx, path)
	if err != nil {
		return ""
	}
	for _, name := range names {
		text += listing(t, ctx, c, path+"/"+name)
	}
	return text
}

func await(t *testing.T, ctx context.Context, holds func() bool) {
	t.Helper()
	for poll := time.NewTicker(20 * time.Millisecond); !holds(); {
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatal("the mirror is not the same in time")
		}
	}
}
