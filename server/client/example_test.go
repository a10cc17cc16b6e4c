package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// Reads a node and waits until it changes.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var events client.EventQueue
	c, err := client.Connect(ctx, client.Options{Servers: []string{"127.0.0.1:2181"}, OnEvent: events.Push})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	if _, err := c.Create(ctx, "/setting", []byte("on"), client.Persistent); err != nil && !errors.Is(err, messages.ErrNodeExists) {
		log.Fatal(err)
	}
	data, stat, err := c.GetW(ctx, "/setting")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("version %d: %s\n", stat.Version, data)
	event, err := events.NextWatch(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(event.Type, event.Path)
}

// Puts a thousand requests on their way before it looks at the first answer.
func ExampleClient_Send() {
	ctx := context.Background()
	c, err := client.Connect(ctx, client.Options{Servers: []string{"127.0.0.1:2181"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	calls := make([]*client.Call, 1000)
	for i := range calls {
		calls[i] = c.Send(messages.OpCreate, client.CreateRecord(messages.OpCreate, client.NewCreate("/n-", nil, client.PersistentSequential)))
	}
	for _, call := range calls {
		if err := call.Wait(ctx); err != nil {
			log.Fatal(err)
		}
	}
}
