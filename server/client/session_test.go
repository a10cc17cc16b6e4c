package client_test

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

func TestPingKeepsAnIdleSessionAlive(t *testing.T) {
	s := newFakeServer(t)
	done := inBackground(func() error {
		c, err := client.Connect(testContext(t), client.Options{Servers: []string{s.addr()}})
		if err == nil {
			t.Cleanup(c.Abandon)
		}
		return err
	})
	conn := s.accept()
	conn.welcome(7, 300*time.Millisecond)
	waitFor(t, done, nil)
	for range 3 {
		d := jute.NewDecoder(conn.frame())
		if h := jute.DecodeRequestHeader(&d); h.Op != messages.OpPing || h.Xid != messages.XidPing {
			t.Fatalf("an idle client sent %+v", h)
		}
		conn.reply(messages.XidPing, 0, messages.ErrOK, nil)
	}
	// Now the pings stay without answer, and the client must look for another connection with the same session.
	again := s.accept()
	if again.connect.Session != 7 || !bytes.Equal(again.connect.Password, password) {
		t.Fatalf("connect request %+v after a silent server", again.connect)
	}
}

func TestReconnectTakesUpTheSession(t *testing.T) {
	s := newFakeServer(t)
	var events client.EventQueue
	c, conn := open(t, s, client.Options{OnEvent: events.Push})
	ctx := testContext(t)

	lost := inBackground(func() error { _, err := c.Create(ctx, "/lost", nil, client.Persistent); return err })
	conn.expect(messages.OpCreate)
	conn.Close()
	waitFor(t, lost, client.ErrConnectionLoss)

	waiting := inBackground(func() error { _, err := c.Exists(ctx, "/n"); return err })
	again := s.accept()
	if again.connect.Session != 7 || !bytes.Equal(again.connect.Password, password) {
		t.Fatalf("second connect request: %+v", again.connect)
	}
	again.welcome(7, patience)
	h, _ := again.expect(messages.OpExists)
	again.reply(h.Xid, 42, messages.ErrNoNode, nil)
	waitFor(t, waiting, messages.ErrNoNode)
	if c.LastZxid() != 42 {
		t.Fatalf("last zxid %v, want 0x2a", c.LastZxid())
	}
	for _, want := range []client.State{client.StateSyncConnected, client.StateDisconnected, client.StateSyncConnected} {
		if e, err := events.Next(ctx); err != nil || e.Type != client.EventSession || e.State != want {
			t.Fatalf("event %+v (%v), want state %v", e, err, want)
		}
	}
}

func TestExpiredSession(t *testing.T) {
	s := newFakeServer(t)
	var events client.EventQueue
	c, conn := open(t, s, client.Options{OnEvent: events.Push})
	conn.Close()
	again := s.accept()
	again.welcome(0, 0)
	<-c.Done()
	if _, err := c.Exists(testContext(t), "/"); !errors.Is(err, client.ErrSessionExpired) || !errors.Is(err, messages.ErrSessionExpired) {
		t.Fatalf("a call after the end of the session: %v", err)
	}
	if !errors.Is(c.Err(), client.ErrSessionExpired) || c.State() != client.StateExpired {
		t.Fatalf("error %v, state %v", c.Err(), c.State())
	}
	var last client.Event
	for _, e := range events.Take() {
		last = e
	}
	if last.State != client.StateExpired {
		t.Fatalf("last event %+v", last)
	}
	if err := c.Close(); err != nil {
		t.Fatalf("Close after the end: %v", err)
	}
}

func TestCloseEndsTheSession(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	closed := inBackground(c.Close)
	h, _ := conn.expect(messages.OpCloseSession)
	conn.reply(h.Xid, 9, messages.ErrOK, nil)
	conn.Close()
	waitFor(t, closed, nil)
	if !errors.Is(c.Err(), client.ErrClosed) || c.State() != client.StateClosed {
		t.Fatalf("error %v, state %v", c.Err(), c.State())
	}
	if err := c.Sync(testContext(t), "/"); !errors.Is(err, client.ErrClosed) {
		t.Fatalf("a call after Close: %v", err)
	}
}

func TestCloseTellsThatTheSessionLivesOn(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	closed := inBackground(c.Close)
	conn.expect(messages.OpCloseSession)
	conn.Close()
	waitFor(t, closed, client.ErrClosed)
}

func TestNextServerIsTried(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()
	s := newFakeServer(t)
	c, _ := open(t, s, client.Options{Servers: []string{dead.Addr().String()}, KeepOrder: true})
	if c.Server() != s.addr() {
		t.Fatalf("connected to %s", c.Server())
	}
}

func TestNoServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	_, err = client.Connect(testContext(t), client.Options{Servers: []string{addr}})
	if !errors.Is(err, client.ErrNoServer) || !strings.Contains(err.Error(), addr) {
		t.Fatalf("Connect: %v", err)
	}
}

func TestWaitForAServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tried := make(chan struct{}, 100)
	go func() { // a server that closes each connection without a word, as one does that is not ready
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conn.Close()
			tried <- struct{}{}
		}
	}()
	s := newFakeServer(t)
	done := inBackground(func() error {
		c, err := client.Connect(testContext(t), client.Options{
			Servers: []string{ln.Addr().String(), s.addr()}, KeepOrder: true, Wait: true,
		})
		if err == nil {
			t.Cleanup(c.Abandon)
		}
		return err
	})
	<-tried
	s.accept().Close() // the first round has failed
	<-tried
	s.accept().welcome(7, patience)
	waitFor(t, done, nil)
	ln.Close()
}

func TestRequestsFailWhenNoServerComesBack(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	s.ln.Close()
	conn.Close()
	err := c.Sync(testContext(t), "/")
	if !errors.Is(err, client.ErrConnectionLoss) {
		t.Fatalf("a request without a server: %v", err)
	}
	if c.Err() != nil {
		t.Fatalf("the client gave up: %v", c.Err())
	}
}
