package actors

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// ConnOptions are the limits at the door.
type ConnOptions struct {
	MaxFrame         int           // bytes of one request (jute.maxbuffer)
	MinTimeout       int32         // milliseconds, what a session may ask for at least …
	MaxTimeout       int32         // … and at most
	TickMs           int64         // a session's deadline is a multiple of it
	OutstandingLimit int64         // requests of all connections that may wait for their answers (globalOutstandingLimit)
	HandshakeTimeout time.Duration // how long a connection may be without a session
	// PendingOutput is how many bytes may wait to be written before the connection stops reading; a client that
	// doesn't read its replies so can't fill the server's memory with its requests' answers.
	PendingOutput int
	// OutputLimit is how many bytes may wait at all. Watch events come unasked, so this bounds a client that has
	// stopped reading; it is cut off.
	OutputLimit int
	Words       map[string]bool // the four-letter words that are commands, white-listed or not
	// Refuse, unless it is empty, is why no session can be had at the moment; four-letter words are answered all the same.
	Refuse        string
	ReadOnly      bool     // only clients that are content with reads get a session
	FreshReads    bool     // all reads are fresh ones (reads.linearizable)
	RequireScheme []string // requests of clients that have proved none of these schemes are refused; nil: no rule
}

// DefaultConnOptions are ZooKeeper's defaults with a tick of 2 s.
func DefaultConnOptions() ConnOptions {
	return ConnOptions{
		MaxFrame:         jute.DefaultFrameLimit,
		MinTimeout:       4000,
		MaxTimeout:       40000,
		TickMs:           2000,
		OutstandingLimit: 1000,
		HandshakeTimeout: 10 * time.Second,
		PendingOutput:    1 << 20,
		OutputLimit:      256 << 20,
	}
}

type connPhase uint8

const (
	phaseFirstBytes connPhase = iota // nothing known yet: a frame or a four-letter word
	phaseConnect                     // frames: the next one is the ConnectRequest
	phaseWaiting                     // the session is being opened; what arrives waits
	phaseServing                     // requests
	phaseClosed                      // nothing more is read; output still goes out
)

// Conn is one client's connection: it cuts the stream into requests, keeps the handshake and the identities, and
// collects what is to be written. It decides; connActor reads, writes and sends.
type Conn struct {
	opts     ConnOptions
	auth     *auth.Registry
	lastZxid func() messages.Zxid // of this server's tree
	id       messages.ConnID
	peer     auth.Peer

	phase      connPhase
	first      []byte
	split      jute.Splitter
	legacy     bool // the client doesn't know the readOnly field
	session    messages.SessionID
	timeout    int32
	deadline   int64 // bucket of the last touch that was reported, in ticks
	touched    int64 // when that was, monotonic milliseconds
	identities []messages.Identity

	batch       *messages.Requests // nil: nothing has been read
	lastBatch   int                // size of the last batch, for the capacity of the next one
	outstanding int64              // requests without an answer
	out         []byte
	authRefused bool
	fresh       bool // the client's reads must see all that was acknowledged before
	closeReason string
	closeQuiet  bool // the reason is an everyday one
}

// NewConn makes the core of a connection from remote (ip:port). lastZxid tells how far this server's tree is.
func NewConn(id messages.ConnID, remote string, opts ConnOptions, reg *auth.Registry, lastZxid func() messages.Zxid) *Conn {
	peer := auth.Peer{Remote: remote}
	return &Conn{
		opts: opts, auth: reg, lastZxid: lastZxid, id: id, peer: peer, fresh: opts.FreshReads,
		split:      jute.Splitter{Limit: opts.MaxFrame},
		identities: []messages.Identity{auth.PeerIdentity(peer)},
	}
}

// Bytes takes what has arrived at nowUs (monotonic microseconds) and returns what is to be sent. The requests
// among it wait for TakeRequests.
func (c *Conn) Bytes(chunk []byte, nowUs int64) messages.Outbox {
	if c.phase == phaseClosed {
		return nil
	}
	if c.phase == phaseFirstBytes {
		var word messages.Outbox
		if chunk, word = c.firstBytes(chunk); chunk == nil {
			return word
		}
	}
	err := c.split.Feed(chunk)
	out := c.frames(nowUs)
	if err != nil {
		c.close(fmt.Sprintf("%v (limit %d bytes, jute.maxbuffer)", err, c.opts.MaxFrame), false)
	}
	return out
}

// firstBytes waits for four bytes and looks whether they are a word. It returns what belongs to the frames.
func (c *Conn) firstBytes(chunk []byte) ([]byte, messages.Outbox) {
	c.first = append(c.first, chunk...)
	if len(c.first) < 4 {
		return nil, nil
	}
	word := string(c.first[:4])
	if !c.opts.Words[word] {
		c.phase = phaseConnect
		rest := c.first
		c.first = nil
		return rest, nil
	}
	if word == "stmk" && len(c.first) < 12 {
		return nil, nil // its mask follows
	}
	c.phase = phaseClosed
	msg := &messages.FourLetterWord{Conn: c.id, Word: word, Argument: c.first[4:]}
	return nil, messages.Outbox{}.To(SlotCommands, msg)
}

// SlotCommands is where four-letter words go; the server's front end sits there.
const SlotCommands messages.Slot = 100

func (c *Conn) frames(nowUs int64) (out messages.Outbox) {
	for c.phase == phaseConnect || c.phase == phaseServing {
		frame, ok := c.split.Next()
		if !ok {
			break
		}
		if c.phase == phaseConnect {
			out = append(out, c.connect(frame, nowUs)...)
			continue
		}
		out = append(out, c.request(frame, nowUs)...)
	}
	if c.phase == phaseServing {
		out = append(out, c.touch(nowUs)...)
	}
	return out
}

// connect answers nothing yet: the session is opened, or taken up, by the stages.
func (c *Conn) connect(frame []byte, nowUs int64) messages.Outbox {
	r, err := jute.DecodeConnectRequest(frame)
	if err != nil {
		c.close("broken ConnectRequest: "+err.Error(), false)
		return nil
	}
	if c.opts.Refuse != "" {
		c.close(c.opts.Refuse, true)
		return nil
	}
	if c.opts.ReadOnly && !r.ReadOnly {
		c.close("this server only serves reads at the moment, and the client wants more", true)
		return nil
	}
	if last := c.lastZxid(); int64(r.LastZxidSeen) > int64(last) {
		c.close(fmt.Sprintf("the client has seen zxid %v, this server only %v: it must try another server",
			r.LastZxidSeen, last), false)
		return nil
	}
	c.legacy = !r.HasReadOnly
	c.phase = phaseWaiting
	return messages.Outbox{}.To(messages.SlotFront, &messages.Connect{
		Conn:     c.id,
		Session:  r.Session,
		Password: r.Password,
		Timeout:  min(max(r.Timeout, c.opts.MinTimeout), c.opts.MaxTimeout),
		Received: nowUs,
	})
}

// SessionReady answers the handshake and goes on with what has arrived meanwhile.
func (c *Conn) SessionReady(m *messages.SessionReady, nowUs int64) messages.Outbox {
	if c.phase != phaseWaiting {
		return nil
	}
	c.session, c.timeout, c.phase = m.Session, m.Timeout, phaseServing
	c.connectResponse(jute.ConnectResponse{Timeout: m.Timeout, Session: m.Session, Password: m.Password})
	return c.frames(nowUs)
}

// SessionRefused answers the handshake with zeros, which clients read as "expired", and ends the connection.
func (c *Conn) SessionRefused() {
	c.connectResponse(jute.ConnectResponse{Password: make([]byte, messages.PasswordLength)})
	c.close("the session it asked for has expired, or the password is wrong", true)
}

func (c *Conn) connectResponse(r jute.ConnectResponse) {
	r.HasReadOnly, r.ReadOnly = !c.legacy, c.opts.ReadOnly
	var start int
	c.out, start = jute.BeginFrame(c.out)
	c.out = jute.EndFrame(r.Append(c.out), start)
}

func (c *Conn) request(frame []byte, nowUs int64) messages.Outbox {
	if len(frame) < jute.RequestHeaderSize {
		c.close(fmt.Sprintf("a frame of %d bytes has no room for a request header", len(frame)), false)
		return nil
	}
	d := jute.NewDecoder(frame)
	h := jute.DecodeRequestHeader(&d)
	switch h.Op {
	case messages.OpAuth:
		return c.authenticate(h.Xid, &d)
	case messages.OpSASL:
		c.sasl(h.Xid, &d)
		return nil
	}
	if !c.mayAsk(h.Op) {
		c.reply(h.Xid, messages.ErrSessionClosedNeedsAuth)
		c.close(fmt.Sprintf("not authenticated by any of %v (enforce.auth.schemes)", c.opts.RequireScheme), false)
		return nil
	}
	known := h.Op.Known()
	if !known && h.Op < 0 {
		h.Op = messages.OpError // createSession, for one, is the server's own word, and no client may say it
	}
	if c.batch == nil {
		c.batch = messages.NewRequests(batchCap(c.lastBatch, 1))
	}
	c.batch.Items = append(c.batch.Items, messages.Request{
		Conn: c.id, Session: c.session, Xid: h.Xid, Op: h.Op, Body: d.Rest(),
		Identities: c.identities, Fresh: c.fresh, Received: nowUs,
	})
	if h.Op == messages.OpCloseSession || (h.Op == messages.OpCheck && !c.opts.ReadOnly) || !known {
		c.phase = phaseClosed // final answers, then the connection ends; what follows is not read
	}
	return nil
}

// mayAsk applies enforce.auth: pings and goodbyes are free.
func (c *Conn) mayAsk(op messages.OpCode) bool {
	if len(c.opts.RequireScheme) == 0 || op == messages.OpPing || op == messages.OpCloseSession {
		return true
	}
	for _, scheme := range c.opts.RequireScheme {
		for i := range c.identities {
			if c.identities[i].Scheme == scheme || c.identities[i].Scheme == messages.SchemeSuper {
				return true
			}
		}
	}
	return false
}

// authenticate is answered at once, before requests that came earlier, as clients expect.
func (c *Conn) authenticate(xid int32, d *jute.Decoder) messages.Outbox {
	p := jute.DecodeAuthPacket(d)
	if d.Err() != nil {
		c.close("broken auth packet: "+d.Err().Error(), false)
		return nil
	}
	if p.Scheme == SchemeTroupe {
		c.wish(xid, string(p.Auth))
		return nil
	}
	ids, err := c.auth.Authenticate(c.peer, c.identities, p.Scheme, p.Auth)
	if err != nil {
		c.authRefused = true
		c.reply(xid, messages.ErrAuthFailed)
		c.close(err.Error(), errors.Is(err, auth.ErrRefused))
		return nil
	}
	c.identities = ids
	c.reply(xid, messages.ErrOK)
	return messages.Outbox{}.To(messages.SlotNext, &messages.ConnIdentities{Conn: c.id, Identities: ids})
}

// sasl has no provider yet: an empty token tells the client so.
func (c *Conn) sasl(xid int32, d *jute.Decoder) {
	if _, ok := d.View(); !ok {
		c.close("a SASL packet without a token", false)
		return
	}
	start := c.replyHeader(xid, messages.ErrOK)
	c.out = jute.EndFrame(jute.AppendBuffer(c.out, nil), start)
}

func (c *Conn) replyHeader(xid int32, code messages.ErrCode) (start int) {
	c.out, start = jute.BeginFrame(c.out)
	c.out = jute.AppendReplyHeader(c.out, jute.ReplyHeader{Xid: xid, Err: code})
	return start
}

func (c *Conn) reply(xid int32, code messages.ErrCode) {
	start := c.replyHeader(xid, code)
	c.out = jute.EndFrame(c.out, start)
}

// touch reports a sign of life only when it moves the session's deadline to another tick: the tracker so hears of
// a busy session once a tick, not once a request.
func (c *Conn) touch(nowUs int64) messages.Outbox {
	now := nowUs / 1000
	if d := (now + int64(c.timeout)) / c.opts.TickMs; d != c.deadline {
		c.deadline, c.touched = d, now
		return messages.Outbox{}.To(messages.SlotTracker, &messages.Touch{Session: c.session, Now: now})
	}
	return nil
}

// Relinked repeats the last sign of life: the tracker is another one now, and the one before it may have had no leader to
// pass it on to.
func (c *Conn) Relinked() messages.Outbox {
	if c.session == 0 || c.touched == 0 {
		return nil
	}
	return messages.Outbox{}.To(messages.SlotTracker, &messages.Touch{Session: c.session, Now: c.touched})
}

// TakeRequests hands over what has been read since the last call; nil: nothing.
func (c *Conn) TakeRequests() *messages.Requests {
	batch := c.batch
	if batch == nil {
		return nil // replies went out, and nothing came: that says nothing about the next batch
	}
	c.batch, c.lastBatch = nil, len(batch.Items)
	c.outstanding += int64(len(batch.Items))
	return batch
}

// Output takes frames that stages have made. It returns how many requests they answer.
func (c *Conn) Output(m *messages.Output) {
	if len(c.out) == 0 {
		c.out = m.Frames // the usual case: nothing else waits, nothing is copied
	} else {
		c.out = append(reserveFrames(c.out, len(m.Frames)), m.Frames...)
		giveFrames(m.Frames)
	}
	c.outstanding -= int64(m.Replies)
	if m.Close {
		c.close("", true)
	}
}

// TakeOutput hands over the bytes to be written.
func (c *Conn) TakeOutput() []byte {
	out := c.out
	c.out = nil
	return out
}

// Pause tells whether the connection should stop reading: its session is being opened, or too much waits, here (pending
// bytes of output) or in the whole server (outstanding requests, while some of them are this connection's own).
func (c *Conn) Pause(outstanding int64, pending int) bool {
	return c.phase == phaseWaiting || pending > c.opts.PendingOutput || (c.outstanding > 0 && outstanding > c.opts.OutstandingLimit)
}

// HandshakeTimeout ends a connection that has no session yet. It tells whether it does.
func (c *Conn) HandshakeTimeout() bool {
	if c.session != 0 || c.closeReason != "" {
		return false
	}
	c.close(fmt.Sprintf("no session within %v", c.opts.HandshakeTimeout), true)
	return true
}

// close notes that the connection ends when its output has gone; the first reason stays. quiet ones are everyday
// events, which are logged for debugging only.
func (c *Conn) close(reason string, quiet bool) {
	if c.closeReason == "" {
		if reason == "" {
			reason = "closed"
		}
		c.closeReason, c.closeQuiet = reason, quiet
	}
	c.phase = phaseClosed
}

// Closing tells whether the connection ends, and why.
func (c *Conn) Closing() (reason string, quiet, closing bool) {
	return c.closeReason, c.closeQuiet, c.closeReason != ""
}
