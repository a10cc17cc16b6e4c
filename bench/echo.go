package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// EchoServer returns every frame unchanged, after a handshake. It does nothing
// that a coordination service does, so the rate it reaches with a number of
// sessions and a window is a ceiling for this machine: goroutine per connection,
// one read call for what has arrived, one write call for what goes back.
type EchoServer struct {
	listener net.Listener
	wait     sync.WaitGroup
	mu       sync.Mutex
	conns    map[net.Conn]struct{}
	stopped  bool
}

// StartEcho starts an echo server on a free port of the loopback interface.
func StartEcho() (*EchoServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the echo server: %w", err)
	}
	e := &EchoServer{listener: l, conns: make(map[net.Conn]struct{})}
	e.wait.Go(e.accept)
	return e, nil
}

// Address is where it listens.
func (e *EchoServer) Address() string { return e.listener.Addr().String() }

// Stop closes all connections and waits until they are gone.
func (e *EchoServer) Stop() {
	_ = e.listener.Close()
	e.mu.Lock()
	e.stopped = true
	for c := range e.conns {
		_ = c.Close()
	}
	e.mu.Unlock()
	e.wait.Wait()
}

func (e *EchoServer) accept() {
	for {
		c, err := e.listener.Accept()
		if err != nil {
			return // stopped
		}
		e.mu.Lock()
		if e.stopped {
			e.mu.Unlock()
			_ = c.Close()
			return
		}
		e.conns[c] = struct{}{}
		e.mu.Unlock()
		e.wait.Go(func() {
			defer func() {
				_ = c.Close()
				e.mu.Lock()
				delete(e.conns, c)
				e.mu.Unlock()
			}()
			_ = e.serve(c)
		})
	}
}

// serve answers the handshake and then copies bytes, until the client closes.
func (e *EchoServer) serve(c net.Conn) error {
	buf := make([]byte, 64<<10)
	filled := 0
	for {
		n, err := c.Read(buf[filled:])
		if err != nil {
			return err
		}
		filled += n
		_, rest, need, err := nextFrame(buf[:filled])
		if err != nil {
			return err
		}
		if need > len(buf) {
			return errors.New("the handshake is too long")
		}
		if need > 0 {
			continue
		}
		if _, err := c.Write(append(echoGreeting(), rest...)); err != nil {
			return err
		}
		break
	}
	for {
		n, err := c.Read(buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return err
		}
	}
}

// echoGreeting is the answer to the handshake.
func echoGreeting() []byte {
	b := be.AppendUint32(nil, 4+4+8+4+passwordBytes+1)
	b = be.AppendUint32(b, 0)
	b = be.AppendUint32(b, 30_000)
	b = be.AppendUint64(b, 1)
	b = be.AppendUint32(b, passwordBytes)
	return append(b, make([]byte, passwordBytes+1)...)
}
