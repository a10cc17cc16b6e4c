package stagetest

import (
	"encoding/binary"
	"fmt"

	"github.com/troupekeeper/troupe/actors/actortest"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// Client is a client of a Server. It checks what every client relies on: each request is answered once, in order, and zxids
// never fall.
type Client struct {
	s       *Server
	peer    *actortest.Peer
	split   jute.Splitter
	ready   bool
	refused bool
	xid     int32
	waiting []int32
	last    messages.Zxid
	got     []Reply
	wrong   error
}

// Reply is the answer to a request.
type Reply struct {
	Xid  int32
	Zxid messages.Zxid
	Err  messages.ErrCode
	Body []byte
}

// Connect opens a session. The test ends if there is none, which may be the stage's will: see Dial.
func (s *Server) Connect() *Client {
	c := s.Dial()
	s.Settle()
	if c.Take(); !c.ready {
		s.fail("no session")
	}
	return c
}

// Dial asks for a session and doesn't wait.
func (s *Server) Dial() *Client {
	c := &Client{s: s, peer: s.net.Dial(), split: jute.Splitter{Limit: 1 << 30}}
	if c.peer == nil {
		s.fail("nobody accepts connections")
	}
	r := jute.ConnectRequest{Timeout: 30_000, Password: make([]byte, messages.PasswordLength), HasReadOnly: true}
	c.peer.Send(framed(r.Append(nil)))
	return c
}

func framed(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// Ask sends a request and doesn't wait.
func (c *Client) Ask(op messages.OpCode, body []byte) {
	c.xid++
	c.waiting = append(c.waiting, c.xid)
	c.peer.Send(framed(append(jute.AppendRequestHeader(nil, jute.RequestHeader{Xid: c.xid, Op: op}), body...)))
}

// Take gives the replies that have come since the last call.
func (c *Client) Take() []Reply {
	if err := c.split.Feed(c.peer.Receive()); err != nil {
		c.fault("%v", err)
	}
	for frame, ok := c.split.Next(); ok; frame, ok = c.split.Next() {
		c.frame(frame)
	}
	got := c.got
	c.got = nil
	return got
}

func (c *Client) frame(frame []byte) {
	if !c.ready && !c.refused {
		r, err := jute.DecodeConnectResponse(frame)
		if err != nil {
			c.fault("%v", err)
		}
		c.ready, c.refused = r.Timeout > 0, r.Timeout == 0
		return
	}
	d := jute.NewDecoder(frame)
	h := jute.DecodeReplyHeader(&d)
	switch {
	case h.Xid < 0:
		return
	case len(c.waiting) == 0 || c.waiting[0] != h.Xid:
		c.fault("a reply to request %d came, unanswered are %v", h.Xid, c.waiting)
		return
	case h.Zxid < c.last && h.Err != messages.ErrUnimplemented:
		c.fault("the reply to request %d has zxid %v, one before it %v", h.Xid, h.Zxid, c.last)
	case h.Err != messages.ErrUnimplemented:
		c.last = h.Zxid
	}
	c.waiting = c.waiting[1:]
	c.got = append(c.got, Reply{Xid: h.Xid, Zxid: h.Zxid, Err: h.Err, Body: d.Rest()})
}

func (c *Client) fault(format string, args ...any) {
	if c.wrong == nil {
		c.wrong = fmt.Errorf(format, args...)
	}
}

// Closed tells whether the server has closed the connection.
func (c *Client) Closed() bool { return c.peer.Closed() }

// Hangup ends the connection.
func (c *Client) Hangup() { c.peer.Hangup() }

// Do sends a request, lets the server work, and gives the reply; ok is false if there is none yet.
func (c *Client) Do(op messages.OpCode, body []byte) (r Reply, ok bool) {
	c.Ask(op, body)
	c.s.Settle()
	for _, r := range c.Take() {
		if r.Xid == c.xid {
			return r, true
		}
	}
	return Reply{}, false
}

// must is Do for what has to be answered.
func (c *Client) must(op messages.OpCode, body []byte) Reply {
	r, ok := c.Do(op, body)
	if c.wrong != nil {
		c.s.fail("%v", c.wrong)
	}
	if !ok {
		c.s.fail("%v was not answered", op)
	}
	return r
}

// Create creates a node that is anybody's, and gives the code of the answer.
func (c *Client) Create(path, data string) messages.ErrCode {
	return c.must(messages.OpCreate, createBody(path, data)).Err
}

// Set changes a node's data.
func (c *Client) Set(path, data string) messages.ErrCode {
	return c.must(messages.OpSetData, setBody(path, data)).Err
}

// Delete removes a node.
func (c *Client) Delete(path string) messages.ErrCode {
	return c.must(messages.OpDelete, (&jute.PathVersion{Path: path, Version: -1}).Append(nil)).Err
}

// Get reads a node's data.
func (c *Client) Get(path string) (string, messages.ErrCode) {
	r := c.must(messages.OpGetData, readBody(path))
	d := jute.NewDecoder(r.Body)
	if r.Err != messages.ErrOK {
		return "", r.Err
	}
	return string(d.Buffer()), messages.ErrOK
}

func createBody(path, data string) []byte {
	r := jute.CreateRequest{Path: path, Data: []byte(data), ACL: messages.WorldACL(messages.PermAll)}
	return r.Append(nil, messages.OpCreate)
}

func setBody(path, data string) []byte {
	r := jute.SetDataRequest{Path: path, Data: []byte(data), Version: -1}
	return r.Append(nil)
}

func readBody(path string) []byte { return (&jute.PathWatch{Path: []byte(path)}).Append(nil) }
