package actors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// tcpAcceptor accepts TCP connections.
type tcpAcceptor struct {
	addr     string
	listener io.Closer
	accept   func() (Transport, error) // waits for one; neither: one came that can't be had any more
}

// ListenTCP binds the address (host:port; port 0 picks a free one) for clients.
func ListenTCP(address string) (Acceptor, error) {
	l, err := listenTCP("clients", address)
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	listener, accept, err := acceptSockets(l)
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen on %s for clients: %w", address, err)
	}
	return &tcpAcceptor{addr, listener, accept}, nil
}

// ListenTCPFor binds the address for those whom the error then names. prepare makes a transport of each connection that
// comes, without waiting for anything; it closes the connection if it can't.
func ListenTCPFor(whom, address string, prepare func(*net.TCPConn) (Transport, error)) (Acceptor, error) {
	l, err := listenTCP(whom, address)
	if err != nil {
		return nil, err
	}
	return &tcpAcceptor{l.Addr().String(), l, acceptConns(l, prepare)}, nil
}

func listenTCP(whom, address string) (*net.TCPListener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false) // nobody asks for it, and plain sockets hand their options down to what they accept
	l, err := c.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for %s: %w", address, whom, err)
	}
	return l.(*net.TCPListener), nil
}

// acceptConns accepts connections of package net's.
func acceptConns(l *net.TCPListener, prepare func(*net.TCPConn) (Transport, error)) func() (Transport, error) {
	return func() (Transport, error) {
		c, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		t, err := prepare(c)
		if err != nil {
			return nil, nil
		}
		return t, nil
	}
}

func (a *tcpAcceptor) Addr() string { return a.addr }

func (a *tcpAcceptor) Close() { _ = a.listener.Close() }

// Start accepts until the listener is closed. Running out of file descriptors passes; it waits and tries again.
func (a *tcpAcceptor) Start(accepted func(Transport), failed func(error)) {
	go func() {
		for {
			t, err := a.accept()
			switch {
			case err == nil && t == nil:
			case err == nil:
				accepted(t)
			case errors.Is(err, net.ErrClosed):
				return
			case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOBUFS):
				failed(fmt.Errorf("accept: %w; raise the limit of open files (ulimit -n)", err))
				<-time.After(acceptRetry)
			case errors.Is(err, syscall.ECONNABORTED):
			default:
				failed(fmt.Errorf("accept: %w", err))
				<-time.After(acceptRetry)
			}
		}
	}()
}

// acceptRetry is the pause after a failed accept: long enough not to spin, short enough not to be noticed.
const acceptRetry = 50 * time.Millisecond

// tcpTransport reads on one goroutine, which holds no buffer while it waits, and writes without blocking.
type tcpTransport struct {
	conn   *net.TCPConn
	raw    syscall.RawConn
	remote string

	// What the calls below need and give. They are made once: a closure for each read would cost an allocation each.
	readFunc, writeFunc func(fd uintptr) bool
	chunk               []byte // of the reading goroutine
	readErr             error
	toWrite             []byte // of the connection's actor
	written             int
	writeErr            error

	mu      sync.Mutex
	resume  chan struct{} // not nil while reading is paused
	closed  bool          // by this side
	reading bool
}

// NewTCPTransport makes a transport of a connection, which it owns from then on, also when it fails.
func NewTCPTransport(c *net.TCPConn) (Transport, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	_ = c.SetNoDelay(true)
	t := &tcpTransport{conn: c, raw: raw, remote: c.RemoteAddr().String()}
	t.readFunc, t.writeFunc = t.readNow, t.writeNow
	return t, nil
}

func (t *tcpTransport) Remote() string { return t.remote }

// readBuffers are taken when a socket is readable and given back when its bytes have been copied out, so ten
// thousand idle connections need none.
var readBuffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

func (t *tcpTransport) Start(received func(chunk []byte, err error)) {
	t.mu.Lock()
	t.reading = !t.closed
	t.mu.Unlock()
	if t.reading {
		go t.readLoop(received)
	}
}

func (t *tcpTransport) readLoop(received func(chunk []byte, err error)) {
	for {
		t.awaitResume()
		chunk, err := t.read()
		closed, ended := t.afterRead(len(chunk) == 0)
		switch {
		case closed && ended:
			_ = t.conn.Close()
			return
		case closed: // see Close: what still comes is thrown away
		case ended:
			received(nil, err)
			return
		default:
			received(chunk, nil)
		}
	}
}

func (t *tcpTransport) afterRead(ended bool) (closed, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ended {
		t.reading = false
	}
	return t.closed, ended
}

// read waits for bytes and returns a copy of them. No bytes and no error mean that the other side has closed.
func (t *tcpTransport) read() (chunk []byte, err error) {
	readErr := t.raw.Read(t.readFunc)
	chunk, err = t.chunk, t.readErr
	t.chunk, t.readErr = nil, nil
	if err == nil {
		err = readErr
	}
	return chunk, err
}

// readNow is called when the socket may be readable; false waits until it is.
func (t *tcpTransport) readNow(fd uintptr) bool {
	buf := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(buf)
	n, err := syscall.Read(int(fd), *buf)
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Read(int(fd), *buf)
	}
	switch {
	case err == syscall.EAGAIN: //nolint:errorlint // a system call's own number, on the hot path
		return false
	case err != nil:
		t.readErr = err
	case n > 0:
		t.chunk = append(make([]byte, 0, n), (*buf)[:n]...)
	}
	return true
}

func (t *tcpTransport) awaitResume() {
	t.mu.Lock()
	resume := t.resume
	t.mu.Unlock()
	if resume != nil {
		<-resume
	}
}

func (t *tcpTransport) Pause(stop bool) {
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

func (t *tcpTransport) TryWrite(b []byte) (n int, err error) {
	t.toWrite, t.written = b, 0
	writeErr := t.raw.Write(t.writeFunc)
	n, err = t.written, t.writeErr
	t.toWrite, t.writeErr = nil, nil
	if err == nil {
		err = writeErr
	}
	return n, err
}

// writeNow writes what the socket takes and never asks to wait.
func (t *tcpTransport) writeNow(fd uintptr) bool {
	for t.written < len(t.toWrite) {
		n, err := syscall.Write(int(fd), t.toWrite[t.written:])
		switch {
		case err == nil:
			t.written += n
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return true
		default:
			t.writeErr = err
			return true
		}
	}
	return true
}

func (t *tcpTransport) WriteRest(b []byte, done func(err error)) {
	go func() {
		_, err := t.conn.Write(b)
		done(err)
	}()
}

// linger is how long a closed connection still reads, to throw it away: closing a socket with unread bytes makes
// the kernel reset it, and the client might lose the reply that told it why.
const linger = time.Second

func (t *tcpTransport) Close() {
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
	if !t.reading {
		_ = t.conn.Close()
		return
	}
	_ = t.conn.CloseWrite()
	_ = t.conn.SetReadDeadline(time.Now().Add(linger))
}
