package differ

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// writer builds a record in ZooKeeper's encoding.
type writer struct{ bytes []byte }

func (w *writer) int(v int32)   { w.bytes = binary.BigEndian.AppendUint32(w.bytes, uint32(v)) }
func (w *writer) long(v int64)  { w.bytes = binary.BigEndian.AppendUint64(w.bytes, uint64(v)) }
func (w *writer) bool(v bool)   { w.bytes = append(w.bytes, map[bool]byte{true: 1}[v]) }
func (w *writer) raw(v []byte)  { w.bytes = append(w.bytes, v...) }
func (w *writer) string(v *str) { w.buffer((*[]byte)(v)) }

// str is a string or, as a nil pointer, null.
type str []byte

func text(s string) *str {
	v := str(s)
	return &v
}

func (s *str) String() string {
	if s == nil {
		return "null"
	}
	return fmt.Sprintf("%q", []byte(*s))
}

func (w *writer) buffer(v *[]byte) {
	if v == nil {
		w.int(-1)
		return
	}
	w.int(int32(len(*v)))
	w.raw(*v)
}

// reader takes a record apart. The first bad length is remembered; what is read after it is zero.
type reader struct {
	bytes []byte
	err   error
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.bytes) {
		if r.err == nil {
			r.err = fmt.Errorf("%d bytes wanted, %d left", n, len(r.bytes))
		}
		return make([]byte, max(0, min(n, 8)))
	}
	v := r.bytes[:n]
	r.bytes = r.bytes[n:]
	return v
}

func (r *reader) int() int32  { return int32(binary.BigEndian.Uint32(r.take(4))) }
func (r *reader) long() int64 { return int64(binary.BigEndian.Uint64(r.take(8))) }
func (r *reader) bool() bool  { return r.take(1)[0] != 0 }

func (r *reader) buffer() *str {
	n := r.int()
	if n == -1 || r.err != nil {
		return nil
	}
	v := str(r.take(int(n)))
	return &v
}

func (r *reader) strings() []string {
	var list []string
	for n := r.int(); n > 0 && r.err == nil; n-- {
		list = append(list, r.buffer().String())
	}
	return list
}

const (
	requestTimeout = 20 * time.Second
	sessionMS      = 8000
)

var errClosed = errors.New("closed")

// wire is one connection with its session.
type wire struct {
	conn    net.Conn
	session int64
	passwd  []byte
}

// dial opens a connection and a session; with a session id it attaches to that session.
func dial(address string, session int64, passwd []byte) (*wire, error) {
	conn, err := net.DialTimeout("tcp", address, requestTimeout)
	if err != nil {
		return nil, err
	}
	var w writer
	w.int(0)
	w.long(0)
	w.int(sessionMS)
	w.long(session)
	w.buffer(&passwd)
	w.bool(false)
	c := &wire{conn: conn}
	if err := c.send(w.bytes); err != nil {
		return nil, err
	}
	frame, err := c.receive()
	if err != nil {
		return nil, fmt.Errorf("handshake with %s: %w", address, err)
	}
	r := reader{bytes: frame}
	r.int()
	timeout := r.int()
	c.session = r.long()
	if secret := r.buffer(); secret != nil {
		c.passwd = *secret
	}
	if timeout == 0 {
		conn.Close()
		return c, errClosed
	}
	return c, r.err
}

func (c *wire) send(body []byte) error {
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	_, err := c.conn.Write(append(frame, body...))
	return err
}

// receive returns the next frame, or errClosed when the server has closed the connection.
func (c *wire) receive() ([]byte, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(requestTimeout)); err != nil {
		return nil, err
	}
	var length [4]byte
	if _, err := io.ReadFull(c.conn, length[:]); err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return nil, fmt.Errorf("no answer within %v", requestTimeout)
		}
		return nil, errClosed
	}
	frame := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(c.conn, frame); err != nil {
		return nil, errClosed
	}
	return frame, nil
}
