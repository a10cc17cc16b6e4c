//go:build unix

package bench

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeServer speaks just enough of the protocol, and lies when it is told to.
type fakeServer struct {
	listener net.Listener // of the first door
	mu       sync.Mutex
	nodes    map[string][]byte
	zxid     int64
	requests int
	sessions int64
	watchers map[string][]net.Conn
	// eventKind is the type in each watch event.
	eventKind int32
	// forgetful says that sessions have expired when they are resumed.
	forgetful bool
	// spoil changes or withholds the answer to request number n (from 1, over
	// all sessions). It returns nil to hang up.
	spoil func(n int, op int32, answer []byte) []byte
}

func startFake(t *testing.T, spoil func(n int, op int32, answer []byte) []byte) *fakeServer {
	t.Helper()
	f := &fakeServer{nodes: make(map[string][]byte), watchers: make(map[string][]net.Conn), eventKind: eventDataChanged, spoil: spoil}
	f.listener, _ = f.door(t)
	return f
}

// door opens one more address of the server, as if it were one of an ensemble.
// The function returned shuts it with all its connections, as a kill does.
func (f *fakeServer) door(t *testing.T) (l net.Listener, shut func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wait.Go(func() {
				defer c.Close()
				f.serve(&plainClient{conn: c})
			})
		}
	})
	shut = func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			c.Close()
		}
	}
	t.Cleanup(func() {
		l.Close()
		wait.Wait()
	})
	return l, shut
}

// config is a short run against the fake.
func (f *fakeServer) config() Config {
	cfg := DefaultConfig()
	cfg.Servers = []string{f.listener.Addr().String()}
	cfg.Sessions, cfg.Window, cfg.Warmup, cfg.Duration = 2, 4, 0, 0
	cfg.Keys = Keyspace{Root: "/bench/fake", Count: 300, ValueBytes: 20}
	cfg.ReplyTimeout = 2 * time.Second
	return cfg
}

// paths returns the number of nodes below a prefix.
func (f *fakeServer) paths(prefix string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for path := range f.nodes {
		if strings.HasPrefix(path, prefix) {
			n++
		}
	}
	return n
}

func (f *fakeServer) serve(c *plainClient) {
	connect, err := c.frame()
	if err != nil {
		return
	}
	if _, err := c.conn.Write(f.greeting(connect)); err != nil {
		return
	}
	for {
		body, err := c.frame()
		if err != nil || len(body) < 8 {
			return
		}
		if op := int32(be.Uint32(body[4:])); !f.handle(c.conn, int32(be.Uint32(body)), op, body[8:]) || op == opCodes[OpClose] {
			return
		}
	}
}

// handle answers one request and fires the watches that it sets off, in one
// order for all connections. It reports false when the connection is to end.
func (f *fakeServer) handle(c net.Conn, xid, op int32, record []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	answer := f.answer(xid, op, record)
	if answer == nil {
		return false
	}
	if _, err := c.Write(append(be.AppendUint32(nil, uint32(len(answer))), answer...)); err != nil {
		return false
	}
	if len(record) < 5 {
		return true
	}
	path := string(record[4 : 4+be.Uint32(record)])
	switch {
	case op == opCodes[OpWatch] && record[len(record)-1] == 1:
		f.watchers[path] = append(f.watchers[path], c)
	case op == opCodes[OpSet]:
		event := f.event(path)
		for _, watcher := range f.watchers[path] {
			_, _ = watcher.Write(event)
		}
		delete(f.watchers, path)
	}
	return true
}

// event is the frame that tells a watcher of a set.
func (f *fakeServer) event(path string) []byte {
	b := be.AppendUint32(nil, uint32(replyHeaderBytes+12+len(path)))
	b = be.AppendUint32(b, ^uint32(0))
	b = be.AppendUint64(b, ^uint64(0))
	b = be.AppendUint32(b, codeOK)
	b = be.AppendUint32(b, uint32(f.eventKind))
	return appendString(be.AppendUint32(b, eventStateConnected), path)
}

// greeting opens a session, or resumes one for whoever knows its password.
func (f *fakeServer) greeting(connect []byte) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := int64(be.Uint64(connect[16:]))
	if id == 0 {
		f.sessions++
		id = f.sessions
	} else if zxid := int64(be.Uint64(connect[4:])); zxid > f.zxid || int64(be.Uint64(connect[28:])) != id || f.forgetful {
		id = 0
	}
	b := echoGreeting()
	if id == 0 {
		be.PutUint32(b[8:], 0) // no timeout: refused
	}
	be.PutUint64(b[12:], uint64(id))
	be.PutUint64(b[24:], uint64(id)) // the first half of the password
	return b
}

// answer executes one request.
func (f *fakeServer) answer(xid, op int32, record []byte) []byte {
	f.requests++
	f.zxid++
	code, out := f.execute(op, record)
	b := be.AppendUint32(nil, uint32(xid))
	b = be.AppendUint64(b, uint64(f.zxid))
	b = append(be.AppendUint32(b, uint32(code)), out...)
	if f.spoil != nil {
		b = f.spoil(f.requests, op, b)
	}
	return b
}

func (f *fakeServer) execute(op int32, record []byte) (code int32, out []byte) {
	switch op {
	case opCodes[OpPing], opCodes[OpClose]:
		return codeOK, nil
	case opCodes[OpSync]:
		return codeOK, record
	}
	n := int(be.Uint32(record))
	path, rest := string(record[4:4+n]), record[4+n:]
	data, exists := f.nodes[path]
	switch {
	case op == opCodes[OpCreate] && exists:
		return codeNodeExists, nil
	case op != opCodes[OpCreate] && !exists:
		return codeNoNode, nil
	}
	if op == opCodes[OpCreate] || op == opCodes[OpSet] {
		data = append([]byte(nil), rest[4:4+int(be.Uint32(rest))]...)
		f.nodes[path] = data
	}
	switch op {
	case opCodes[OpCreate]:
		return codeOK, appendString(nil, path)
	case opCodes[OpDelete]:
		delete(f.nodes, path)
		return codeOK, nil
	case opCodes[OpGet]:
		return codeOK, append(appendString(nil, string(data)), fakeStat(len(data))...)
	default:
		return codeOK, fakeStat(len(data))
	}
}

// fakeStat is a Stat in which only the length of the data is true.
func fakeStat(dataLength int) []byte {
	b := make([]byte, statBytes)
	be.PutUint32(b[statDataLengthOffset:], uint32(dataLength))
	return b
}
