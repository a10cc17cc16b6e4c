package actors

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// tcpAcceptor accepts TCP connections.
type tcpAcceptor struct{ listener *net.TCPListener }

// ListenTCP binds the address (host:port; port 0 picks a free one).
func ListenTCP(address string) (Acceptor, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for clients: %w", address, err)
	}
	return &tcpAcceptor{listener: l.(*net.TCPListener)}, nil
}

func (a *tcpAcceptor) Addr() string { return a.listener.Addr().String() }

func (a *tcpAcceptor) Close() { _ = a.listener.Close() }

// Start accepts until the listener is closed. Running out of file descriptors passes; it waits and tries again.
func (a *tcpAcceptor) Start(accepted func(Transport), failed func(error)) {
	go func() {
		for {
			c, err := a.listener.AcceptTCP()
			switch {
			case err == nil:
				if t, err := newTCPTransport(c); err == nil {
					accepted(t)
				}
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

	mu      sync.Mutex
	resume  chan struct{} // not nil while reading is paused
	closed  bool          // by this side
	reading bool
}

func newTCPTransport(c *net.TCPConn) (*tcpTransport, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	_ = c.SetNoDelay(true)
	return &tcpTransport{conn: c, raw: raw, remote: c.RemoteAddr().String()}, nil
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
	readErr := t.raw.Read(func(fd uintptr) bool {
		buf := readBuffers.Get().(*[]byte)
		defer readBuffers.Put(buf)
		n, e := syscall.Read(int(fd), *buf)
		for errors.Is(e, syscall.EINTR) {
			n, e = syscall.Read(int(fd), *buf)
		}
		switch {
		case errors.Is(e, syscall.EAGAIN):
			return false
		case e != nil:
			err = e
		case n > 0:
			chunk = append(make([]byte, 0, n), (*buf)[:n]...)
		}
		return true
	})
	if err == nil {
		err = readErr
	}
	return chunk, err
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
	writeErr := t.raw.Write(func(fd uintptr) bool {
		for n < len(b) {
			m, e := syscall.Write(int(fd), b[n:])
			switch {
			case e == nil:
				n += m
			case errors.Is(e, syscall.EINTR):
			case errors.Is(e, syscall.EAGAIN):
				return true
			default:
				err = e
				return true
			}
		}
		return true
	})
	if err == nil {
		err = writeErr
	}
	return n, err
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
