package client_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

// patience ends a test that waits for something that doesn't come.
const patience = 20 * time.Second

// fakeServer accepts connections and leaves all that happens on them to the test.
type fakeServer struct {
	t     *testing.T
	ln    net.Listener
	conns chan *fakeConn
}

func newFakeServer(t *testing.T) *fakeServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeServer{t: t, ln: ln, conns: make(chan *fakeConn, 100)}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.conns <- &fakeConn{t: t, Conn: conn}
		}
	}()
	return s
}

func (s *fakeServer) addr() string { return s.ln.Addr().String() }

// accept waits for the next connection and reads its connect request.
func (s *fakeServer) accept() *fakeConn {
	s.t.Helper()
	select {
	case c := <-s.conns:
		s.t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(patience))
		req, err := jute.DecodeConnectRequest(c.frame())
		if err != nil {
			s.t.Fatal(err)
		}
		c.connect = req
		return c
	case <-time.After(patience):
		s.t.Fatal("no connection came")
		return nil
	}
}

// fakeConn is the server's side of one connection.
type fakeConn struct {
	net.Conn
	t       *testing.T
	connect jute.ConnectRequest
}

func (c *fakeConn) frame() []byte {
	c.t.Helper()
	buf, err := c.tryFrame()
	if err != nil {
		c.t.Fatalf("reading a frame: %v", err)
	}
	return buf
}

func (c *fakeConn) tryFrame() ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(c, prefix[:]); err != nil {
		return nil, err
	}
	buf := make([]byte, binary.BigEndian.Uint32(prefix[:]))
	_, err := io.ReadFull(c, buf)
	return buf, err
}

func (c *fakeConn) send(payload []byte) {
	c.t.Helper()
	frame, start := jute.BeginFrame(nil)
	if _, err := c.Write(jute.EndFrame(append(frame, payload...), start)); err != nil {
		c.t.Fatalf("writing a frame: %v", err)
	}
}

var password = []byte("0123456789abcdef")

// welcome grants the session with that id, or refuses with timeout 0.
func (c *fakeConn) welcome(session messages.SessionID, timeout time.Duration) {
	c.t.Helper()
	c.send((&jute.ConnectResponse{
		Timeout: int32(timeout.Milliseconds()), Session: session, Password: password, HasReadOnly: true,
	}).Append(nil))
}

// next waits for a request that is no ping; pings are answered.
func (c *fakeConn) next() (jute.RequestHeader, []byte) {
	c.t.Helper()
	for {
		d := jute.NewDecoder(c.frame())
		h := jute.DecodeRequestHeader(&d)
		if h.Op != messages.OpPing {
			return h, d.Rest()
		}
		c.reply(h.Xid, 0, messages.ErrOK, nil)
	}
}

// expect is next and checks the operation.
func (c *fakeConn) expect(op messages.OpCode) (jute.RequestHeader, []byte) {
	c.t.Helper()
	h, body := c.next()
	if h.Op != op {
		c.t.Fatalf("request %v came, expected %v", h.Op, op)
	}
	return h, body
}

func (c *fakeConn) reply(xid int32, zxid messages.Zxid, code messages.ErrCode, body []byte) {
	c.t.Helper()
	c.send(append(jute.AppendReplyHeader(nil, jute.ReplyHeader{Xid: xid, Zxid: zxid, Err: code}), body...))
}

func (c *fakeConn) event(what messages.EventType, path string) {
	c.t.Helper()
	e := jute.WatcherEvent{Type: what, State: messages.StateSyncConnected, Path: path}
	c.send(e.Append(jute.AppendReplyHeader(nil, jute.ReplyHeader{Xid: messages.XidWatchEvent, Zxid: 1<<64 - 1})))
}

// open connects a client to the fake server; the session has id 7.
func open(t *testing.T, s *fakeServer, o client.Options) (*client.Client, *fakeConn) {
	t.Helper()
	o.Servers = append(o.Servers, s.addr())
	type result struct {
		c   *client.Client
		err error
	}
	done := make(chan result, 1)
	go func() {
		c, err := client.Connect(testContext(t), o)
		done <- result{c, err}
	}()
	conn := s.accept()
	conn.welcome(7, patience)
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(r.c.Abandon)
	return r.c, conn
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// inBackground runs f beside the test and gives its error.
func inBackground(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

func waitFor(t *testing.T, done <-chan error, want error) {
	t.Helper()
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			t.Fatalf("got error %v, want %v", err, want)
		}
	case <-time.After(patience):
		t.Fatal("the call doesn't return")
	}
}
