package server_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// A server in memory, inside of a program or a test.
func ExampleEmbed() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	e, err := server.Embed(ctx, server.EmbedOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Stop()

	c, err := client.Connect(ctx, client.Options{Servers: e.Addresses()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	path, err := c.Create(ctx, "/hello", []byte("world"), client.Persistent)
	fmt.Println(path, err)
	// Output: /hello <nil>
}

// An ensemble whose leader is stopped while a client goes on.
func ExampleEmbed_ensemble() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	e, err := server.Embed(ctx, server.EmbedOptions{Servers: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Stop()
	e.StopServer(e.Leader())

	c, err := client.Connect(ctx, client.Options{Servers: e.Addresses(), Wait: true})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	path, err := c.Create(ctx, "/still", nil, client.Persistent)
	fmt.Println(path, err)
	// Output: /still <nil>
}

// A stage that lets nobody write below /frozen.
func ExampleEmbed_stage() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	frozen := actors.CustomStage{
		ID: "frozen", Place: actors.BeforePrep,
		New: func(*actors.CustomEnv) (actors.Stage, error) {
			return actors.StageFunc(func(batch []actors.Item) []actors.Item {
				for i := range batch {
					for _, c := range batch[i].Changes() {
						if messages.HasPathPrefix(c.Path, "/frozen") {
							batch[i].Refuse(messages.ErrNoAuth)
						}
					}
				}
				return batch
			}), nil
		},
	}
	e, err := server.Embed(ctx, server.EmbedOptions{Stages: []actors.CustomStage{frozen}})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Stop()

	c, err := client.Connect(ctx, client.Options{Servers: e.Addresses()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	_, err = c.Create(ctx, "/frozen/food", nil, client.Persistent)
	fmt.Println(err)
	// Output: create /frozen/food: not authorised
}

// The committed changes below a path, from the beginning, in the server's own program. client.Feed does the same from outside.
func ExampleServer_Feed() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	e, err := server.Embed(ctx, server.EmbedOptions{Keys: map[string]string{"stages": "feed"}})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Stop()
	c, err := client.Connect(ctx, client.Options{Servers: e.Addresses()})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for _, path := range []string{"/app", "/app/a", "/other"} {
		if _, err := c.Create(ctx, path, nil, client.Persistent); err != nil {
			log.Fatal(err)
		}
	}
	if err := c.Delete(ctx, "/app/a", -1); err != nil {
		log.Fatal(err)
	}

	feed, err := e.Server(1).Feed().Subscribe("/app", 0)
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		event, err := feed.Next(ctx)
		if err != nil {
			log.Fatal(err)
		}
		for _, change := range event.Changes {
			fmt.Println(change.Type, change.Path)
		}
	}
	// Output:
	// created /app
	// created /app/a
	// deleted /app/a
}
