package cluster

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// tlsTransport is an actors.Transport. Encryption has no call that writes only what fits, so everything is written by a
// goroutine for as long as there is something to write; reading has another one.
type tlsTransport struct {
	conn tlsConn
	tcp  *net.TCPConn

	mu      sync.Mutex
	resume  chan struct{} // not nil while reading is paused
	reading bool
	writing bool
	closed  bool // by this side
}

// tlsConn is a tls.Conn, or one that finds out whether it is one.
type tlsConn interface {
	net.Conn
	Handshake() error
	CloseWrite() error
}

// tlsReadBuffer holds four records.
const tlsReadBuffer = 64 << 10

// tlsLinger is how long a connection that this side has closed may take to write what was in hand, and how long it still
// reads to throw it away: the kernel resets a connection that is closed with unread bytes, and the other side
// might lose the word that told it why.
const tlsLinger = time.Second

// tlsHandshake bounds the handshake of a connection that was accepted. The link's own deadline is shorter as a rule.
const tlsHandshake = 10 * time.Second

func newTLSTransport(conn tlsConn, tcp *net.TCPConn) *tlsTransport {
	return &tlsTransport{conn: conn, tcp: tcp}
}

// Remote implements actors.Transport.
func (t *tlsTransport) Remote() string { return t.tcp.RemoteAddr().String() }

// Start implements actors.Transport.
func (t *tlsTransport) Start(received func(chunk []byte, err error)) {
	t.mu.Lock()
	t.reading = !t.closed
	t.mu.Unlock()
	if t.reading {
		go t.readLoop(received)
	}
}

func (t *tlsTransport) readLoop(received func(chunk []byte, err error)) {
	err := t.handshake()
	buf := make([]byte, tlsReadBuffer)
	for err == nil {
		t.awaitResume()
		var n int
		n, err = t.conn.Read(buf)
		if n > 0 && !t.isClosed() {
			received(append([]byte(nil), buf[:n]...), nil)
		}
	}
	t.mu.Lock()
	t.reading = false
	closed, writing := t.closed, t.writing
	t.mu.Unlock()
	if !closed {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		received(nil, tlsWords(err))
		return
	}
	if !writing {
		_ = t.tcp.Close()
	}
}

// handshake does what is left of it, for a connection that was accepted.
func (t *tlsTransport) handshake() error {
	t.mu.Lock()
	if !t.closed {
		_ = t.tcp.SetDeadline(time.Now().Add(tlsHandshake))
	}
	t.mu.Unlock()
	err := t.conn.Handshake()
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		_, _ = t.tcp.Write(notEncrypted)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		_ = t.tcp.SetDeadline(time.Time{})
	}
	return err
}

func (t *tlsTransport) awaitResume() {
	t.mu.Lock()
	resume := t.resume
	t.mu.Unlock()
	if resume != nil {
		<-resume
	}
}

func (t *tlsTransport) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// Pause implements actors.Transport.
func (t *tlsTransport) Pause(stop bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case stop && t.resume == nil && !t.closed:
		t.resume = make(chan struct{})
	case !stop && t.resume != nil:
		close(t.resume)
		t.resume = nil
	}
}

// TryWrite implements actors.Transport. It takes nothing: all is left to WriteRest.
func (t *tlsTransport) TryWrite([]byte) (int, error) {
	if t.isClosed() {
		return 0, net.ErrClosed
	}
	return 0, nil
}

// WriteRest implements actors.Transport.
func (t *tlsTransport) WriteRest(b []byte, done func(error)) {
	t.mu.Lock()
	closed := t.closed
	t.writing = !closed
	t.mu.Unlock()
	go func() {
		if closed {
			done(net.ErrClosed)
			return
		}
		_, err := t.conn.Write(b)
		t.mu.Lock()
		t.writing = false
		closed := t.closed
		t.mu.Unlock()
		if closed {
			t.end()
		}
		done(err)
	}()
}

// Close implements actors.Transport. What WriteRest has in hand is still written, within limits.
func (t *tlsTransport) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	if t.resume != nil {
		close(t.resume)
		t.resume = nil
	}
	_ = t.tcp.SetDeadline(time.Now().Add(tlsLinger))
	if !t.writing {
		go t.end()
	}
}

// end says that nothing more comes, and leaves the rest to the reading goroutine.
func (t *tlsTransport) end() {
	err := t.conn.CloseWrite()
	if err == nil {
		err = t.tcp.CloseWrite()
	}
	t.mu.Lock()
	reading := t.reading
	t.mu.Unlock()
	if err != nil || !reading {
		_ = t.tcp.Close()
	}
}
