package server_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// serveWait ends a test that waits for something that doesn't come. It is no measure of speed.
const serveWait = 40 * time.Second

// setup is what a test server is made from.
type setup struct {
	keys    map[string]string
	options server.Options
}

// override changes a test server's setup.
type override func(*setup)

// with sets a key of zoo.cfg.
func with(key, value string) override { return func(s *setup) { s.keys[key] = value } }

// onDisk is a disk to serve from instead of one in memory.
func onDisk(fs persistence.FS) override { return func(s *setup) { s.options.FS = fs } }

// newServer makes a server on a free port of the loopback interface that isn't started yet. Its ticks are short, its disk
// is in memory, nobody is turned away for the number of connections.
func newServer(t *testing.T, overrides ...override) *server.Server {
	t.Helper()
	s := setup{keys: map[string]string{
		"clientPort": "0", "clientPortAddress": "127.0.0.1", "admin.enableServer": "false", "dataDir": "data",
		"tickTime": "100", "minSessionTimeout": "200", "maxSessionTimeout": "120000", "maxClientCnxns": "0",
		"preAllocSize": "64", "4lw.commands.whitelist": "*", "znode.container.checkIntervalMs": "100",
		"nio.sessionlessCnxnTimeout": "20000",
	}}
	s.options.Log = testLog(t)
	s.options.FS = persistence.NewMemFS()
	for _, o := range overrides {
		o(&s)
	}
	config, _, err := server.LoadConfig("", nil, s.keys)
	if err != nil {
		t.Fatal(err)
	}
	s.options.Config = config
	made, err := server.New(s.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Stop)
	return made
}

// startServer makes a server and starts it; it is stopped when the test ends.
func startServer(t *testing.T, overrides ...override) *server.Server {
	t.Helper()
	s := newServer(t, overrides...)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// testLog writes a server's warnings and errors to the test's own log, which shows only when the test fails or -v is given.
func testLog(t *testing.T) zerolog.Logger {
	return zerolog.New(newTestWriter(t)).Level(zerolog.WarnLevel)
}

func newTestWriter(t *testing.T) *testWriter {
	w := &testWriter{t: t}
	t.Cleanup(func() { w.mu.Lock(); defer w.mu.Unlock(); w.t = nil })
	return w
}

type testWriter struct {
	mu sync.Mutex
	t  *testing.T // nil when the test has ended
}

func (w *testWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.t != nil {
		w.t.Log(strings.TrimSpace(string(line)))
	}
	return len(line), nil
}

// serveContext ends with the test, or when the test waits for too long.
func serveContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), serveWait)
	t.Cleanup(cancel)
	return ctx
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	deadline := time.NewTimer(serveWait)
	defer deadline.Stop()
	for !holds() {
		select {
		case <-poll.C:
		case <-deadline.C:
			t.Fatalf("%s: not within %v", what, serveWait)
		}
	}
}

// receive takes the next value of a channel.
func receive[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(serveWait):
		t.Fatalf("%s: not within %v", what, serveWait)
	}
	panic("unreachable")
}

// dialClient opens a session with our own client; it is abandoned when the test ends.
func dialClient(t *testing.T, address string, change ...func(*client.Options)) *client.Client {
	t.Helper()
	o := client.Options{Servers: []string{address}, Timeout: 30 * time.Second}
	for _, f := range change {
		f(&o)
	}
	c, err := client.Connect(serveContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Abandon)
	return c
}

// wire is a connection on which a test writes bytes of its own.
type wire struct {
	net.Conn
	t *testing.T
}

func dialWire(t *testing.T, address string) *wire {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(serveWait)); err != nil {
		t.Fatal(err)
	}
	return &wire{Conn: c, t: t}
}

// sessionWire is a wire with a session of its own on it.
func sessionWire(t *testing.T, address string, timeout time.Duration) *wire {
	t.Helper()
	w := dialWire(t, address)
	r, err := w.handshake(timeout, 0, make([]byte, messages.PasswordLength))
	if err != nil || r.Session == 0 {
		t.Fatalf("handshake: %+v, %v", r, err)
	}
	return w
}

// handshake asks for a session and returns the answer.
func (w *wire) handshake(timeout time.Duration, id messages.SessionID, password []byte) (jute.ConnectResponse, error) {
	r := jute.ConnectRequest{Timeout: int32(timeout.Milliseconds()), Session: id, Password: password, HasReadOnly: true}
	frame, start := jute.BeginFrame(nil)
	w.write(jute.EndFrame(r.Append(frame), start))
	answer, err := w.frame()
	if err != nil {
		return jute.ConnectResponse{}, err
	}
	return jute.DecodeConnectResponse(answer)
}

// write doesn't mind that the server has closed the connection: what follows tells.
func (w *wire) write(b []byte) { _, _ = w.Write(b) }

// request makes the frame of a request; body is its record.
func requestFrame(xid int32, op messages.OpCode, body []byte) []byte {
	frame, start := jute.BeginFrame(nil)
	frame = jute.AppendRequestHeader(frame, jute.RequestHeader{Xid: xid, Op: op})
	return jute.EndFrame(append(frame, body...), start)
}

// frame reads one frame, without its length.
func (w *wire) frame() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(w, length[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err := io.ReadFull(w, frame)
	return frame, err
}

// reply reads frames up to the reply with this xid.
func (w *wire) reply(xid int32) (jute.ReplyHeader, error) {
	for {
		frame, err := w.frame()
		if err != nil {
			return jute.ReplyHeader{}, err
		}
		d := jute.NewDecoder(frame)
		h := jute.DecodeReplyHeader(&d)
		if d.Err() != nil || h.Xid == xid {
			return h, d.Err()
		}
	}
}

// mustEnd demands that the server closes the connection, whatever it says before.
func (w *wire) mustEnd(why string) {
	w.t.Helper()
	_, err := io.Copy(io.Discard, w)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.t.Errorf("%s: the server didn't close the connection within %v", why, serveWait)
	}
}

// mustServe demands that a connection with a session is served.
func (w *wire) mustServe(why string) {
	w.t.Helper()
	w.write(requestFrame(77, messages.OpExists, (&jute.PathWatch{Path: []byte("/")}).Append(nil)))
	if h, err := w.reply(77); err != nil || h.Err != messages.ErrOK {
		w.t.Errorf("%s: exists / was answered with %v, %v", why, h.Err, err)
	}
}

// serves demands that a server takes a new client, writes for it and reads.
func serves(t *testing.T, address, why string) {
	t.Helper()
	c, err := client.Connect(serveContext(t), client.Options{Servers: []string{address}, Timeout: 30 * time.Second})
	if err != nil {
		t.Fatalf("%s: no new client can connect: %v", why, err)
	}
	defer c.Close()
	path, err := c.Create(serveContext(t), "/serves-", []byte("x"), client.EphemeralSequential)
	if err == nil {
		_, _, err = c.Get(serveContext(t), path)
	}
	if err != nil {
		t.Fatalf("%s: %v", why, err)
	}
}

// code is the code with which a server has answered, 0 for success, ErrRuntimeInconsistency if it gave no answer.
func code(err error) messages.ErrCode {
	var c messages.ErrCode
	if err != nil && !errors.As(err, &c) {
		return messages.ErrRuntimeInconsistency // not an answer
	}
	return c
}

// number formats a name with a value in it.
func number(format string, v any) string { return fmt.Sprintf(format, v) }
