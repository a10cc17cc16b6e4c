package cluster

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
)

// Connections with and without TLS at one port.

// newEitherTransport waits for the first byte, which tells whether the other side speaks TLS. Whoever has dialled speaks
// first.
func newEitherTransport(tcp *net.TCPConn, config *tls.Config) *tlsTransport {
	return newTLSTransport(&eitherConn{TCPConn: tcp, config: config}, tcp)
}

// eitherConn is what its first byte says: a connection over TLS or one without.
type eitherConn struct {
	*net.TCPConn // deadlines and addresses
	config       *tls.Config

	mu     sync.Mutex
	chosen tlsConn // nil: not known yet
}

// plainConn is a connection whose first bytes were read already.
type plainConn struct {
	*net.TCPConn
	first []byte
}

// Handshake implements tlsConn: there is none.
func (c *plainConn) Handshake() error { return nil }

// Read implements net.Conn.
func (c *plainConn) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.TCPConn.Read(b)
}

// Handshake implements tlsConn. The reading goroutine calls it before it reads.
func (c *eitherConn) Handshake() error {
	first := make([]byte, 1)
	if _, err := io.ReadFull(c.TCPConn, first); err != nil {
		return err
	}
	plain := &plainConn{c.TCPConn, first}
	var chosen tlsConn = plain
	if first[0] == recordHandshake {
		chosen = tls.Server(plain, c.config)
	}
	c.mu.Lock()
	c.chosen = chosen
	c.mu.Unlock()
	return chosen.Handshake()
}

// known is the connection, once it is known which.
func (c *eitherConn) known() (tlsConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chosen == nil {
		return nil, net.ErrClosed
	}
	return c.chosen, nil
}

// Read implements net.Conn.
func (c *eitherConn) Read(b []byte) (int, error) {
	conn, err := c.known()
	if err != nil {
		return 0, err
	}
	return conn.Read(b)
}

// Write implements net.Conn. Nothing is written to somebody who has said nothing.
func (c *eitherConn) Write(b []byte) (int, error) {
	conn, err := c.known()
	if err != nil {
		return 0, err
	}
	return conn.Write(b)
}

// CloseWrite implements tlsConn.
func (c *eitherConn) CloseWrite() error {
	conn, err := c.known()
	if err != nil {
		return err
	}
	return conn.CloseWrite()
}
