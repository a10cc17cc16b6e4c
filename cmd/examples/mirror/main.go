package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

func main() {
	feed := flag.String("feed", "127.0.0.1:8080", "admin ports of the source, separated by commas; their key stages names feed")
	source := flag.String("source", "127.0.0.1:2181", "the source's servers, for the copy that the mirror begins with")
	target := flag.String("target", "127.0.0.1:2191", "the target's servers")
	path := flag.String("path", "/app", "the subtree")
	place := flag.String("position", "/mirror-position", "node of the target that says how far the mirror has come")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	m := &mirror{path: *path, place: *place, feed: strings.Split(*feed, ",")}
	if err := m.run(ctx, *source, *target); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "mirror:", err)
		os.Exit(1)
	}
}

type mirror struct {
	path, place string
	feed        []string
	target      *client.Client
}

func (m *mirror) run(ctx context.Context, source, target string) (err error) {
	if m.target, err = client.Connect(ctx, client.Options{Servers: strings.Split(target, ","), Wait: true}); err != nil {
		return err
	}
	defer m.target.Close()
	data, _, err := m.target.Get(ctx, m.place)
	if errors.Is(err, messages.ErrNoNode) {
		data, err = m.begin(ctx, source)
	}
	if err != nil {
		return err
	}
	after := messages.Zxid(binary.BigEndian.Uint64(data))
	fmt.Printf("mirroring %s behind %v\n", m.path, after)
	return client.Feed(ctx, client.FeedOptions{Servers: m.feed, Path: m.path, After: after, Resume: true},
		func(e *client.FeedEvent) error { return m.apply(ctx, e) })
}

// begin copies what is there. What changes meanwhile comes by the feed once more, and is then written over: the copy is behind
// the zxid that it is said to be behind, so nothing is missed.
func (m *mirror) begin(ctx context.Context, source string) ([]byte, error) {
	from, err := client.Connect(ctx, client.Options{Servers: strings.Split(source, ","), Wait: true})
	if err != nil {
		return nil, err
	}
	defer from.Close()
	if err := from.Sync(ctx, m.path); err != nil {
		return nil, err
	}
	var position [8]byte
	binary.BigEndian.PutUint64(position[:], uint64(from.LastZxid()))
	if err := m.copy(ctx, from, m.path); err != nil {
		return nil, err
	}
	_, err = m.target.Create(ctx, m.place, position[:], client.Persistent)
	return position[:], err
}

func (m *mirror) copy(ctx context.Context, from *client.Client, path string) error {
	data, stat, err := from.Get(ctx, path)
	if errors.Is(err, messages.ErrNoNode) {
		return nil // it has gone meanwhile
	}
	if err != nil || stat.EphemeralOwner != 0 {
		return err
	}
	if err := m.put(ctx, path, data); err != nil {
		return err
	}
	names, _, err := from.Children(ctx, path)
	if err != nil && !errors.Is(err, messages.ErrNoNode) {
		return err
	}
	for _, name := range names {
		if err := m.copy(ctx, from, messages.JoinPath(path, name)); err != nil {
			return err
		}
	}
	return nil
}

// apply brings one transaction over, then notes that. Each step may be done twice, so a kill in between does no harm.
func (m *mirror) apply(ctx context.Context, e *client.FeedEvent) error {
	for _, c := range e.Changes {
		var err error
		switch {
		case c.Ephemeral:
			continue // it belongs to a session of the source
		case c.Type == "created":
			err = m.put(ctx, c.Path, c.Data)
		case c.Type == "changed":
			_, err = m.target.Set(ctx, c.Path, c.Data, -1)
		case c.Type == "deleted":
			err = m.target.Delete(ctx, c.Path, -1)
		}
		if err != nil && !errors.Is(err, messages.ErrNoNode) {
			return fmt.Errorf("%s %s: %w", c.Type, c.Path, err)
		}
		fmt.Printf("%v %s %s\n", e.Zxid, c.Type, c.Path)
	}
	var position [8]byte
	binary.BigEndian.PutUint64(position[:], uint64(e.Zxid))
	_, err := m.target.Set(ctx, m.place, position[:], -1)
	return err
}

// put creates a node with everything above it, or sets its data.
func (m *mirror) put(ctx context.Context, path string, data []byte) error {
	_, err := m.target.Create(ctx, path, data, client.Persistent)
	switch {
	case errors.Is(err, messages.ErrNodeExists):
		_, err = m.target.Set(ctx, path, data, -1)
	case errors.Is(err, messages.ErrNoNode):
		if err = m.put(ctx, messages.ParentPath(path), nil); err == nil {
			err = m.put(ctx, path, data)
		}
	}
	return err
}
