package client_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/server/client"
)

func TestParseServers(t *testing.T) {
	for in, want := range map[string]string{
		"h":                            "[h:2181] ",
		"h:1":                          "[h:1] ",
		"h:1,i , 10.0.0.1:3":           "[h:1 i:2181 10.0.0.1:3] ",
		"h:1,i:2/app/x":                "[h:1 i:2] /app/x",
		"h/":                           "[h:2181] ",
		"[::1]:5,[::2],::3":            "[[::1]:5 [::2]:2181 [::3]:2181] ",
		"":                             "error",
		"/app":                         "error",
		"h:1/app/":                     "error",
		"h:1/a//b":                     "error",
		"a:b:c":                        "error",
		"h:1,,":                        "[h:1] ",
		"zoo-0.zoo.svc.cluster.local:": "[zoo-0.zoo.svc.cluster.local:2181] ",
	} {
		servers, chroot, err := client.ParseServers(in)
		got := fmt.Sprint(servers, " ", chroot)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: %s, want %s (%v)", in, got, want, err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []client.Options{
		{},
		{Servers: []string{"a:b:c"}},
		{Servers: []string{"h"}, Chroot: "app"},
		{Servers: []string{"h"}, Timeout: time.Microsecond},
		{Servers: []string{"h"}, Timeout: 30 * 24 * time.Hour},
		{Servers: []string{"h"}, Session: 5, Password: []byte("short")},
	} {
		if _, err := client.Connect(context.Background(), o); err == nil || !strings.HasPrefix(err.Error(), "options: ") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestEventQueueWaits(t *testing.T) {
	var q client.EventQueue
	ctx, cancel := context.WithCancel(testContext(t))
	first := make(chan client.Event)
	go func() {
		e, _ := q.Next(ctx)
		first <- e
	}()
	q.Push(client.Event{Path: "/a"})
	if e := <-first; e.Path != "/a" {
		t.Fatalf("event %+v", e)
	}
	q.Push(client.Event{Type: client.EventSession})
	q.Push(client.Event{Type: 1, Path: "/b"})
	if e, err := q.NextWatch(ctx); err != nil || e.Path != "/b" {
		t.Fatalf("event %+v, %v", e, err)
	}
	cancel()
	if _, err := q.Next(ctx); err == nil {
		t.Fatal("an event came out of nothing")
	}
}

func TestFourLetterWord(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			word := make([]byte, 4)
			io.ReadFull(conn, word)
			if string(word) != "hang" {
				fmt.Fprintf(conn, "you said %s\n", word)
				conn.Close()
			}
		}
	}()
	answer, err := client.FourLetterWord(testContext(t), ln.Addr().String(), "ruok")
	if err != nil || answer != "you said ruok\n" {
		t.Fatalf("%q, %v", answer, err)
	}
	ctx, cancel := context.WithCancel(testContext(t))
	done := inBackground(func() error {
		_, err := client.FourLetterWord(ctx, ln.Addr().String(), "hang")
		return err
	})
	cancel()
	if err := <-done; err == nil {
		t.Fatal("an answer although the context ended")
	}
	if _, err := client.FourLetterWord(testContext(t), ln.Addr().String(), "toolong"); err == nil {
		t.Fatal("a word of seven letters was sent")
	}
}
