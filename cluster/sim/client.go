package sim

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/cluster/clustertest"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// client is one client over all of its connections. Its session moves with it from server to server.
type client struct {
	w        *World
	name     string
	host     *clustertest.Host
	session  messages.SessionID
	password []byte
	timeout  int32
	opened   int64         // when the session was
	last     messages.Zxid // the newest that it has been told
	floor    messages.Zxid // what everybody had been told before its last sync that was answered
	xid      int32
	visit    *visit   // the connection that it uses
	prev     *visit   // the last one whose watches were all set
	left     []*visit // earlier ones of this session that may still be open
	heard    int64    // when a server last said something
	retryAt  int64
	always   *server
	gone     bool   // it does nothing more
	idle     bool   // it asks nothing of its own accord
	reads    bool   // it only reads: a write that waits would hold up what is behind it, and no read or sync would be seen to be old
	lively   []sign // of life, of late
}

// visit is one connection.
type visit struct {
	c       *client
	s       *server
	number  int
	t       actors.Transport
	split   jute.Splitter
	out     []byte // not taken by the network yet
	writing bool   // the network has some of it in hand
	ready   bool
	closed  bool
	asked   []question
	last    messages.Zxid
	began   int64
	said    int64 // when it last asked something
	data    map[string]messages.Zxid
	child   map[string]messages.Zxid // armed watches: the zxid after which they wait
	closing bool                     // it has said goodbye
	rearms  *rearm                   // watches of an earlier connection that are being set anew
}

// question is a request that was sent.
type question struct {
	xid   int32
	op    messages.OpCode
	path  string
	watch bool
	at    int64
	floor messages.Zxid // of a sync or a fresh read: what everybody had been told when it was asked
}

const (
	dialTimeout  = 500 * time.Millisecond
	lookEvery    = 100 * time.Millisecond
	handshakeMax = 3_000_000 // microseconds
)

// newClient makes a client that connects to a server of its choice, or to always the same one.
func (w *World) newClient(always *server) *client {
	w.clientSerial++
	c := &client{w: w, name: fmt.Sprintf("c%d", w.clientSerial), always: always, timeout: w.plan.sessionTimeout()}
	c.reads = w.clientSerial%4 == 0 || w.plan.freshReads && w.clientSerial%2 == 0
	c.host = w.net.Host(c.name)
	c.look()
	return c
}

// look is the client's timer: it comes back when it has lost its connection, and keeps its session alive.
func (c *client) look() {
	if c.gone {
		return
	}
	now := c.w.clock.us
	v := c.visit
	limit := int64(c.timeout) * 1000
	switch {
	case v == nil:
		if now >= c.retryAt {
			c.connect(c.choose())
		}
	case !v.ready:
		if now-v.began > handshakeMax {
			c.hangUp()
		}
	case len(v.asked) > 0 && now-max(c.heard, v.asked[0].at) > limit*2/3:
		c.hangUp()
	case now-v.said > limit/4:
		v.ask(question{op: messages.OpPing}, nil)
	}
	c.w.clock.After(lookEvery, c.look)
}

func (c *client) choose() *server {
	if c.always != nil {
		return c.always
	}
	return c.w.anyServer()
}

// connect opens a connection and asks for the session that the client has, or a new one.
func (c *client) connect(s *server) {
	c.w.visits++
	v := &visit{
		c: c, s: s, number: c.w.visits, split: jute.Splitter{Limit: 1 << 30}, last: c.last, began: c.w.clock.us, said: c.w.clock.us,
		data: map[string]messages.Zxid{}, child: map[string]messages.Zxid{},
	}
	c.visit = v
	c.host.Dial(s.address(clientPort), dialTimeout, func(t actors.Transport, err error) {
		if err != nil || v.closed {
			if t != nil {
				t.Close()
			}
			v.ended()
			return
		}
		v.t = t
		t.Start(v.received)
		r := jute.ConnectRequest{
			Timeout: c.timeout, Password: c.password, Session: c.session, LastZxidSeen: v.last, HasReadOnly: true,
		}
		if c.password == nil {
			r.Password = make([]byte, messages.PasswordLength)
		}
		c.w.trace.say(c.name, "asks %s for session %v, has seen %v", s.name, c.session, c.last)
		v.write(frameOf(r.Append(nil)))
	})
}

func frameOf(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// write sends bytes behind those that still wait.
func (v *visit) write(b []byte) {
	v.out = append(v.out, b...)
	if v.t == nil || v.closed || v.writing {
		return
	}
	out := v.out
	v.out = nil
	n, err := v.t.TryWrite(out)
	if err != nil || n == len(out) {
		return
	}
	v.writing = true
	v.t.WriteRest(out[n:], func(error) {
		v.writing = false
		v.write(nil)
	})
}

// hangUp ends the connection; the session lives on.
func (c *client) hangUp() {
	v := c.visit
	if v == nil {
		return
	}
	v.close()
	v.ended()
}

func (v *visit) close() {
	v.closed = true
	if v.t != nil {
		v.t.Close()
	}
}

// leave goes on to another connection without ending this one: what was asked on it may still be under way.
func (c *client) leave() {
	if c.visit != nil {
		c.left = append(c.left, c.visit)
		c.visit = nil
	}
}

// ended forgets a connection that is no more.
func (v *visit) ended() {
	v.closed = true
	if v.c.visit == v {
		v.c.visit = nil
		v.c.retryAt = v.c.w.clock.us + int64(v.c.w.rand.IntN(300_000))
	}
}

// drop lets the session go; the next one is a new one. Connections of the old one are hung up.
func (c *client) drop() {
	for _, v := range c.left {
		v.close()
	}
	c.hangUp()
	c.session, c.password, c.last, c.floor, c.xid, c.left = 0, nil, 0, 0, 0, nil
	c.prev, c.lively = nil, nil
}

func (v *visit) received(chunk []byte, err error) {
	if v.c.gone || v.closed {
		return
	}
	if len(chunk) == 0 {
		v.close()
		v.ended()
		return
	}
	if err := v.split.Feed(chunk); err != nil {
		v.c.w.fail("wire", "%s gets from %s: %v", v.c.name, v.s.name, err)
		return
	}
	for !v.c.w.failed() && !v.closed {
		frame, ok := v.split.Next()
		if !ok {
			return
		}
		v.c.heard = v.c.w.clock.us
		if !v.ready {
			v.handshake(frame)
			continue
		}
		v.reply(frame)
	}
}

func (v *visit) handshake(frame []byte) {
	c := v.c
	r, err := jute.DecodeConnectResponse(frame)
	if err != nil {
		c.w.fail("wire", "%s gets a broken handshake from %s: %v", c.name, v.s.name, err)
		return
	}
	if r.Timeout == 0 {
		c.w.trace.say(c.name, "is told by %s that session %v is no more", v.s.name, c.session)
		c.w.stats.add("session refused")
		if c.session == 0 {
			c.w.fail("sessions", "%s refuses %s a new session", v.s.name, c.name)
		}
		c.w.lost = append(c.w.lost, c.session)
		c.drop()
		return
	}
	if c.session != 0 && r.Session != c.session {
		c.w.fail("sessions", "%s asked %s for session %v and gets %v", c.name, v.s.name, c.session, r.Session)
		return
	}
	if state := c.w.history.sessions[r.Session]; state == nil && !c.w.plan.localSessions {
		c.w.fail("sessions", "%s gets session %v from %s, which was never opened", c.name, r.Session, v.s.name)
		return
	}
	if c.session == 0 {
		c.opened = c.w.clock.us
	}
	c.session, c.password, v.ready = r.Session, r.Password, true
	c.w.stats.add("session served")
	c.w.trace.say(c.name, "has session %v at %s", c.session, v.s.name)
	v.rearm()
}

// ask sends a request and doesn't wait.
func (v *visit) ask(q question, body []byte) {
	c := v.c
	q.xid, q.at = messages.XidPing, c.w.clock.us
	v.said = q.at
	if q.op != messages.OpPing {
		c.xid++
		q.xid = c.xid
		v.asked = append(v.asked, q)
		c.w.trace.say(c.name, "asks %s: %v#%d %s", v.s.name, q.op, q.xid, q.path)
	}
	v.write(frameOf(append(jute.AppendRequestHeader(nil, jute.RequestHeader{Xid: q.xid, Op: q.op}), body...)))
}
