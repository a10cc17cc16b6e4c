package client

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

const (
	readBuffer   = 64 << 10
	keepOutMax   = 1 << 20 // a larger write buffer is not kept for the next time
	backoffFirst = 50 * time.Millisecond
	backoffMax   = time.Second
	briefly      = time.Second // a connection that holds no longer counts as a failed attempt
)

// run holds the session: connection after connection, until the client is final.
func (c *Client) run(ctx context.Context) {
	defer close(c.done)
	failed, brief := 0, 0
	for i := 0; ctx.Err() == nil; i++ {
		addr := c.opts.Servers[i%len(c.opts.Servers)]
		conn, err := c.attach(ctx, addr)
		if err == nil {
			failed = 0
			start := time.Now()
			err = c.serve(ctx, conn, addr)
			c.lose(err)
			if brief++; time.Since(start) > briefly {
				brief = 0
			}
			pause(ctx, brief-1) // the first time the next server is tried at once
			continue
		}
		if failed++; errors.Is(err, ErrSessionExpired) {
			c.finish(err)
		} else if failed%len(c.opts.Servers) == 0 {
			c.roundFailed(ctx, failed/len(c.opts.Servers), err)
		}
	}
	err := c.Err()
	c.failAll(err)
	switch {
	case errors.Is(err, ErrSessionExpired):
		c.setState(StateExpired)
	case errors.Is(err, ErrAuthFailed):
		c.setState(StateAuthFailed)
	case errors.Is(err, ErrClosed):
		c.setState(StateClosed)
	}
	c.markReady()
}

// roundFailed is called when all servers have been tried without success: who waits for an answer hears it.
func (c *Client) roundFailed(ctx context.Context, round int, cause error) {
	var op *net.OpError
	if errors.As(cause, &op) {
		cause = op.Err // the address stands in front of it
	}
	err := fmt.Errorf("%w at %s: %w", ErrNoServer, c.opts.given, cause)
	select {
	case <-c.ready:
		c.failAll(fmt.Errorf("%w: %w", ErrConnectionLoss, err))
	default:
		if !c.opts.Wait {
			c.finish(err)
			return
		}
	}
	pause(ctx, round)
}

// pause waits before the next attempt, longer each time, and by chance so that the clients of a lost server don't
// come back all at once.
func pause(ctx context.Context, times int) {
	if times < 1 {
		return
	}
	longest := min(backoffFirst<<min(times-1, 10), backoffMax)
	timer := time.NewTimer(longest/2 + rand.N(longest/2))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (c *Client) markReady() {
	select {
	case <-c.ready:
	default:
		close(c.ready)
	}
}

// attach opens a connection and opens or takes up the session on it.
func (c *Client) attach(ctx context.Context, addr string) (net.Conn, error) {
	limit := c.opts.attemptTimeout()
	dialing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := c.opts.Dial(dialing, addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.SetDeadline(time.Now().Add(limit))
	if err = c.handshake(conn); err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return conn, nil
}

// handshake exchanges the connect records.
func (c *Client) handshake(conn net.Conn) error {
	c.mu.Lock()
	req := jute.ConnectRequest{
		LastZxidSeen: c.last, Timeout: int32(c.opts.Timeout.Milliseconds()), Session: c.session, Password: c.password,
		ReadOnly: c.opts.ReadOnly, HasReadOnly: true,
	}
	if !c.writable {
		// A session that was opened at a server that only serves reads ends with that server's state, so another one is asked
		// for. Nothing is lost: there is nothing that such a session could own.
		req.Session, req.Password = 0, make([]byte, messages.PasswordLength)
	}
	c.mu.Unlock()
	frame, start := jute.BeginFrame(nil)
	if _, err := conn.Write(jute.EndFrame(req.Append(frame), start)); err != nil {
		return err
	}
	buf, err := readFrame(conn, c.opts.MaxReply)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	resp, err := jute.DecodeConnectResponse(buf)
	if err != nil {
		return fmt.Errorf("handshake: %w: %w", ErrProtocol, err)
	}
	if resp.Timeout <= 0 {
		return fmt.Errorf("session %v: %w", req.Session, ErrSessionExpired)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.password = resp.Session, resp.Password
	c.timeout = time.Duration(resp.Timeout) * time.Millisecond
	c.state = StateSyncConnected // its event follows in serve
	if resp.ReadOnly {
		c.state = StateConnectedReadOnly
	} else {
		c.writable = true
	}
	return nil
}

// serve uses a connection until it breaks.
func (c *Client) serve(ctx context.Context, conn net.Conn, addr string) error {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c.mu.Lock()
	c.conn, c.server = conn, addr
	c.out = append(c.restore(), c.out...)
	timeout, state := c.timeout, c.state
	c.mu.Unlock()
	c.opts.OnEvent(Event{Type: EventSession, State: state})
	c.markReady()

	quit, written := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		c.write(conn, timeout/3, quit)
	}()
	err := c.read(&deadlineReader{conn, timeout * 2 / 3})
	conn.Close()
	close(quit)
	<-written
	return err
}

// restore makes the frames that a new connection starts with: credentials, then watches. The mutex is held.
func (c *Client) restore() []byte {
	var frames []byte
	again := make([]*authCall, 0, len(c.auths)+len(c.authing))
	for _, a := range c.auths {
		frames = appendAuth(frames, a)
		again = append(again, &authCall{Call: Call{Op: messages.OpAuth, Done: make(chan struct{})}, auth: a, replay: true})
	}
	c.authing = append(again, c.authing...)
	for _, r := range c.watches.requests(c.last, setWatchesLimit) {
		frames = appendRequest(frames, jute.RequestHeader{Xid: messages.XidSetWatches, Op: r.op}, r)
	}
	return frames
}

// lose tells everybody that the connection is gone.
func (c *Client) lose(cause error) {
	c.mu.Lock()
	c.conn = nil
	closing := c.closing
	c.mu.Unlock()
	switch {
	case closing, errors.Is(cause, ErrClosed):
		c.finish(ErrClosed)
	case errors.Is(cause, ErrAuthFailed):
		c.finish(cause)
	}
	c.failAll(fmt.Errorf("%w: %s: %w", ErrConnectionLoss, c.Server(), cause))
	if c.Err() == nil {
		c.setState(StateDisconnected)
	}
}

// failAll ends all calls without reply, and forgets what has not been written.
func (c *Client) failAll(err error) {
	c.mu.Lock()
	if c.final != nil {
		err = c.final
	}
	pending, authing := c.pending, c.authing
	c.pending, c.authing, c.out = nil, nil, nil
	c.mu.Unlock()
	for _, call := range pending {
		call.finish(err)
	}
	for _, call := range authing {
		if call.refused != messages.ErrOK {
			call.finish(call.refused)
			continue
		}
		call.finish(err)
	}
}

// write sends what collects in out, and a ping when nothing was sent for the time idle.
func (c *Client) write(conn net.Conn, idle time.Duration, quit <-chan struct{}) {
	ping := time.NewTimer(idle)
	defer ping.Stop()
	var spare []byte
	for {
		c.mu.Lock()
		buf := c.out
		c.out = spare[:0]
		c.mu.Unlock()
		if spare = buf; cap(spare) > keepOutMax {
			spare = nil
		}
		if len(buf) > 0 {
			conn.SetWriteDeadline(time.Now().Add(2 * idle))
			if _, err := conn.Write(buf); err != nil {
				conn.Close() // the reader notices
				return
			}
			ping.Reset(idle)
			continue
		}
		select {
		case <-c.wake:
		case <-ping.C:
			c.mu.Lock()
			c.out = appendRequest(c.out, jute.RequestHeader{Xid: messages.XidPing, Op: messages.OpPing}, nil)
			c.mu.Unlock()
		case <-quit:
			return
		}
	}
}

// deadlineReader fails a read that brings nothing for so long that the peer must be dead: it would have answered a
// ping by then.
type deadlineReader struct {
	conn    net.Conn
	silence time.Duration
}

func (r *deadlineReader) Read(p []byte) (int, error) {
	if err := r.conn.SetReadDeadline(time.Now().Add(r.silence)); err != nil {
		return 0, err
	}
	return r.conn.Read(p)
}

// readFrame reads one frame without its length prefix.
func readFrame(r io.Reader, limit int) ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, ErrClosedByServer
		}
		return nil, err
	}
	n := int32(binary.BigEndian.Uint32(prefix[:]))
	if n < 0 {
		return nil, fmt.Errorf("%w: frame of %d bytes", ErrProtocol, n)
	}
	if int(n) > limit {
		return nil, fmt.Errorf("%w: %d bytes, the limit MaxReply is %d", errTooLarge, n, limit)
	}
	buf := make([]byte, n)
	_, err := io.ReadFull(r, buf)
	return buf, err
}

// read takes replies and events until the connection breaks.
func (c *Client) read(conn io.Reader) error {
	r := bufio.NewReaderSize(conn, readBuffer)
	for {
		frame, err := readFrame(r, c.opts.MaxReply)
		if err != nil {
			return err
		}
		if err := c.receive(frame); err != nil {
			return err
		}
	}
}
