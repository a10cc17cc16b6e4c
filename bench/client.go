//go:build unix

package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// plainClient is a connection for the few calls that are not measured under
// load: creating directories, asking whether a server is there, writing while
// servers fail. It waits for each answer.
type plainClient struct {
	conn    net.Conn
	xid     int32
	zxid    int64     // the newest seen, which a later connection must know
	session connected // empty until one was opened
	buf     []byte
	// curious says that a server which does not answer the handshake is asked
	// for what it is, which may take longer than the handshake itself.
	curious bool
}

// errWrongAnswer says that a server broke the protocol or told something untrue.
var errWrongAnswer = errors.New("wrong answer")

// plainTimeout is the session timeout asked for, in milliseconds.
const plainTimeout = 30_000

// dialPlain opens a session; the timeout holds for each step of it and for each
// later call.
func dialPlain(address string, timeout time.Duration) (*plainClient, error) {
	c := &plainClient{}
	if err := c.dial(address, timeout); err != nil {
		return nil, err
	}
	return c, nil
}

// dial connects to a server and opens a session, or resumes the one that the
// client has. An error leaves the client without a connection.
func (c *plainClient) dial(address string, timeout time.Duration) error {
	conn, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return explainDial(fmt.Errorf("connect to %s: %w", address, err))
	}
	c.conn, c.xid = conn, 0
	if err := c.greet(timeout); err != nil {
		c.hangUp()
		return fmt.Errorf("open a session with %s: %w", address, err)
	}
	return nil
}

// hangUp closes the connection but not the session.
func (c *plainClient) hangUp() {
	_ = c.conn.Close()
	c.conn = nil
}

func (c *plainClient) greet(timeout time.Duration) error {
	if err := c.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := c.conn.Write(appendResume(nil, plainTimeout, c.zxid, c.session)); err != nil {
		return err
	}
	body, err := c.greeting(timeout)
	if err != nil {
		return explainGreeting(err)
	}
	session, err := parseConnected(body)
	if err != nil {
		return err
	}
	if c.session.sessionID != 0 && session.sessionID != c.session.sessionID {
		return fmt.Errorf("asked for session %#x, got %#x", c.session.sessionID, session.sessionID)
	}
	c.session = session
	return nil
}

// greeting reads the frame that answers the handshake, if it is one.
func (c *plainClient) greeting(timeout time.Duration) ([]byte, error) {
	var first [64]byte
	began := time.Now()
	if c.curious {
		if err := c.conn.SetReadDeadline(began.Add(min(timeout, silenceLimit))); err != nil {
			return nil, err
		}
	}
	n, err := io.ReadAtLeast(c.conn, first[:], 4)
	address := c.conn.RemoteAddr().String()
	if n == 0 && timeout > silenceLimit && c.curious && errors.Is(err, os.ErrDeadlineExceeded) && !speaksHTTP(address) {
		// A slow server, as far as one can tell.
		if err := c.conn.SetReadDeadline(began.Add(timeout)); err != nil {
			return nil, err
		}
		n, err = io.ReadAtLeast(c.conn, first[:], 4)
	}
	if c.curious && n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, explainSilence(errNoAnswer, address)
	}
	if err != nil {
		return nil, err
	}
	if err := checkGreeting(first[:n]); err != nil {
		return nil, err
	}
	body := make([]byte, be.Uint32(first[:]))
	have := copy(body, first[4:n])
	if err := c.conn.SetReadDeadline(began.Add(timeout)); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(c.conn, body[have:])
	return body, err
}

// frame reads one frame; the result is valid until the next call.
func (c *plainClient) frame() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return nil, err
	}
	length := int32(be.Uint32(head[:]))
	if length < 0 || length > frameBytesMax {
		return nil, fmt.Errorf("frame announces %d bytes, allowed are 0 to %d", length, frameBytesMax)
	}
	if cap(c.buf) < int(length) {
		c.buf = make([]byte, length)
	}
	c.buf = c.buf[:length]
	_, err := io.ReadFull(c.conn, c.buf)
	return c.buf, err
}

// call sends one request and waits for its answer.
func (c *plainClient) call(op Op, timeout time.Duration, record func([]byte) []byte) (code int32, answer []byte, err error) {
	c.xid++
	b, start := beginFrame(nil, c.xid, op)
	if record != nil {
		b = record(b)
	}
	if err := c.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return 0, nil, err
	}
	if _, err := c.conn.Write(endFrame(b, start)); err != nil {
		return 0, nil, fmt.Errorf("%s: %w", op, err)
	}
	body, err := c.frame()
	if err != nil {
		return 0, nil, fmt.Errorf("answer to %s: %w", op, err)
	}
	h, answer, err := parseHeader(body)
	if err != nil {
		return 0, nil, fmt.Errorf("answer to %s: %w", op, err)
	}
	if h.xid != c.xid {
		return 0, nil, fmt.Errorf("%w: answer to %s has xid %d, want %d", errWrongAnswer, op, h.xid, c.xid)
	}
	c.zxid = max(c.zxid, h.zxid)
	return h.code, answer, nil
}

// mkdir creates a node without data, if it does not exist yet.
func (c *plainClient) mkdir(path string, timeout time.Duration) error {
	code, _, err := c.call(OpCreate, timeout, func(b []byte) []byte {
		b = be.AppendUint32(appendString(b, path), 0)
		return be.AppendUint32(append(b, openACL...), 0)
	})
	if err == nil && code != codeOK && code != codeNodeExists {
		err = errors.New(codeName(code))
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return nil
}

// rmdir deletes a node, if it exists and has no children.
func (c *plainClient) rmdir(path string, timeout time.Duration) error {
	code, _, err := c.call(OpDelete, timeout, func(b []byte) []byte {
		return be.AppendUint32(appendString(b, path), ^uint32(0))
	})
	if err == nil && code != codeOK && code != codeNoNode {
		err = errors.New(codeName(code))
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", path, err)
	}
	return nil
}

// children lists the names below a node; a node that is not there has none.
func (c *plainClient) children(path string, timeout time.Duration) ([]string, error) {
	code, answer, err := c.call(OpChildren, timeout, func(b []byte) []byte { return append(appendString(b, path), 0) })
	switch {
	case err == nil && code == codeNoNode:
		return nil, nil
	case err == nil && code != codeOK:
		err = errors.New(codeName(code))
	}
	var names []string
	if err == nil {
		names, err = parseNames(answer)
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	return names, nil
}

// removeTree deletes a node with all below it, if it exists.
func (c *plainClient) removeTree(path string, timeout time.Duration) error {
	names, err := c.children(path, timeout)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.removeTree(path+"/"+name, timeout); err != nil {
			return err
		}
	}
	return c.rmdir(path, timeout)
}

// get reads a key and checks its value.
func (c *plainClient) get(k Keyspace, key uint32, timeout time.Duration) error {
	code, answer, err := c.call(OpGet, timeout, func(b []byte) []byte {
		return append(appendString(b, k.Path(key)), 0)
	})
	if err == nil && code != codeOK {
		err = errors.New(codeName(code))
	}
	if err == nil {
		err = checkData(answer, key, k.ValueBytes)
	}
	if err != nil {
		return fmt.Errorf("get %s: %w", k.Path(key), err)
	}
	return nil
}

// sync waits until the server has applied everything that was committed before.
func (c *plainClient) sync(path string, timeout time.Duration) error {
	code, _, err := c.call(OpSync, timeout, func(b []byte) []byte { return appendString(b, path) })
	if err == nil && code != codeOK {
		err = errors.New(codeName(code))
	}
	if err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}

// close closes the session and the connection. It is asked for politely, so
// that the server need not keep the session until it expires.
func (c *plainClient) close() {
	_, _, _ = c.call(OpClose, time.Second, nil)
	_ = c.conn.Close()
}

// serverMode asks a server with the word srvr whether it leads, follows or is
// alone ("leader", "follower", "standalone"; also "observer", "read-only").
func serverMode(address string, timeout time.Duration) (string, error) {
	const answerMax = 64 << 10
	conn, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return "", fmt.Errorf("connect to %s: %w", address, err)
	}
	defer conn.Close()
	if err = conn.SetDeadline(time.Now().Add(timeout)); err == nil {
		_, err = io.WriteString(conn, "srvr")
	}
	var answer []byte
	if err == nil {
		answer, err = io.ReadAll(io.LimitReader(conn, answerMax))
	}
	if err != nil {
		return "", fmt.Errorf("ask %s for its mode: %w", address, err)
	}
	for line := range strings.Lines(string(answer)) {
		if mode, ok := strings.CutPrefix(line, "Mode: "); ok {
			return strings.TrimSpace(mode), nil
		}
	}
	first, _, _ := strings.Cut(string(answer), "\n")
	return "", fmt.Errorf("%s tells no mode, but %q", address, first)
}
