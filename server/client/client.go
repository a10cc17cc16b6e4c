package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// Client is one session. All methods may be called from any goroutine.
type Client struct {
	opts   Options
	cancel context.CancelFunc // ends run
	ready  chan struct{}      // closed when the first connection stands, or none is to be had
	done   chan struct{}      // closed when run has ended
	wake   chan struct{}      // tells the writer that there is something in out; one token is enough

	mu       sync.Mutex
	state    State
	server   string // of the current or the last connection
	conn     net.Conn
	session  messages.SessionID
	password []byte
	timeout  time.Duration // as the server granted it
	last     messages.Zxid // the newest zxid seen in a reply
	xid      int32
	out      []byte  // whole frames that the writer has not taken
	pending  []*Call // without reply yet, oldest first
	authing  []*authCall
	auths    []Auth // accepted credentials, to be repeated
	watches  watchTable
	writable bool  // a server that takes writes has served the session: others know it, too
	closing  bool  // closeSession is on its way: the end of the connection is expected
	final    error // why the client is of no more use
}

// authCall is a credential on its way. Its replies have an xid of their own and may overtake others.
type authCall struct {
	Call
	auth    Auth
	replay  bool             // accepted on an earlier connection
	refused messages.ErrCode // by the server
}

// Connect opens a session and returns when it stands. Without Options.Wait it gives up after all servers have been
// tried once; the error, which wraps ErrNoServer, tells why the last one failed. The end of ctx ends the attempt, not
// a session that stands.
func Connect(ctx context.Context, opts Options) (*Client, error) {
	opts, err := opts.complete()
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.Background())
	c := &Client{
		opts: opts, cancel: cancel, session: opts.Session, password: opts.Password, timeout: opts.Timeout,
		ready: make(chan struct{}), done: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	if c.writable = c.session != 0; !c.writable {
		c.password = make([]byte, messages.PasswordLength)
	}
	go c.run(running)
	select {
	case <-c.ready:
	case <-ctx.Done():
		c.Abandon()
		return nil, fmt.Errorf("connect to %s: %w", opts.given, ctx.Err())
	}
	if err := c.Err(); err != nil {
		<-c.done
		return nil, err
	}
	for _, a := range opts.Auth {
		if err := c.AddAuth(ctx, a.Scheme, a.Auth); err != nil {
			return nil, errors.Join(err, ignoreLoss(c.Close()))
		}
	}
	return c, nil
}

// ignoreLoss drops the errors that only tell that there was no connection to close.
func ignoreLoss(err error) error {
	if errors.Is(err, ErrConnectionLoss) {
		return nil
	}
	return err
}

// Session is the session's id and password, with which another Client can take it up.
func (c *Client) Session() (messages.SessionID, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session, c.password
}

// Timeout is the session's timeout as the server granted it.
func (c *Client) Timeout() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.timeout
}

// State is where the client stands now.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Server is the address of the server that the client is, or was last, connected to.
func (c *Client) Server() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server
}

// LastZxid is the newest zxid that the client has seen in a reply.
func (c *Client) LastZxid() messages.Zxid {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// Err is nil as long as the session may live; afterwards it tells how it ended: ErrClosed, ErrSessionExpired,
// ErrAuthFailed, ErrNoServer.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.final
}

// Done is closed when the client is of no more use; Err tells why.
func (c *Client) Done() <-chan struct{} { return c.done }

// closeWait is how long Close waits for the server's answer.
const closeWait = 3 * time.Second

// Close ends the session: its ephemeral nodes are deleted. It waits up to three seconds for the server's word; the
// error tells that the session goes on until its timeout. Closing again does nothing.
func (c *Client) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	return c.CloseSession(ctx)
}

// CloseSession is Close with a time limit of the caller's.
func (c *Client) CloseSession(ctx context.Context) error {
	c.mu.Lock()
	if c.final != nil || c.closing {
		c.mu.Unlock()
		<-c.done
		return nil
	}
	connected := c.state.Connected()
	c.closing = true
	c.mu.Unlock()
	err := ErrConnectionLoss
	if connected {
		err = c.Send(messages.OpCloseSession, nil).Wait(ctx)
	}
	c.Abandon()
	if err != nil {
		return &Error{Op: messages.OpCloseSession, Err: fmt.Errorf("session %v ends only with its timeout: %w", c.session, err)}
	}
	return nil
}

// Abandon drops the connection and leaves the session to its timeout, as a crash would do.
func (c *Client) Abandon() {
	c.finish(ErrClosed)
	<-c.done
}

// DropConnection breaks the connection, as a network fault would do. The client connects anew by itself.
func (c *Client) DropConnection() {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// finish makes err the end of the client. The first one counts.
func (c *Client) finish(err error) {
	c.mu.Lock()
	if c.final == nil {
		c.final = err
	}
	c.mu.Unlock()
	c.cancel()
}

// setState publishes a change of state.
func (c *Client) setState(s State) {
	c.mu.Lock()
	changed := c.state != s
	c.state = s
	c.mu.Unlock()
	if changed {
		c.opts.OnEvent(Event{Type: EventSession, State: s})
	}
}

// AddAuth presents a credential; it is repeated on each later connection. The error ErrAuthFailed means that the
// server refuses it, which costs the connection but not the session.
func (c *Client) AddAuth(ctx context.Context, scheme string, auth []byte) error {
	call := &authCall{Call: Call{Op: messages.OpAuth, Done: make(chan struct{})}, auth: Auth{scheme, auth}}
	c.mu.Lock()
	if err := c.final; err != nil {
		c.mu.Unlock()
		return &Error{Op: call.Op, Err: err}
	}
	c.out = appendAuth(c.out, call.auth)
	c.authing = append(c.authing, call)
	c.mu.Unlock()
	c.wakeWriter()
	if err := call.Wait(ctx); err != nil {
		return &Error{Op: call.Op, Err: err}
	}
	return nil
}

func appendAuth(dst []byte, a Auth) []byte {
	h := jute.RequestHeader{Xid: messages.XidAuth, Op: messages.OpAuth}
	return appendRequest(dst, h, &jute.AuthPacket{Scheme: a.Scheme, Auth: a.Auth})
}

func (c *Client) wakeWriter() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
