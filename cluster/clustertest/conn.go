package clustertest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troupekeeper/troupe/actors"
)

// Conn is one connection, for a test that wants to do something to it.
type Conn struct {
	// Number counts the connections of a network, From has dialled To at Address.
	Number            int
	From, To, Address string

	net    *Network
	ends   [2]end  // of the host that has dialled, and of the other
	pipes  [2]pipe // to ends[1] and to ends[0]
	broken bool
}

// Errors of a connection that has ended, as the kernel's.
var (
	errReset  = errors.New("connection reset by peer")
	errClosed = errors.New("use of closed network connection")
)

func (n *Network) connect(from, to *Host, address string) *Conn {
	n.dialed++
	c := &Conn{Number: n.dialed, From: from.name, To: to.name, Address: address, net: n}
	back := fmt.Sprintf("%s:%d", from.name, 40_000+n.dialed)
	c.ends[0] = end{conn: c, host: from, life: from.life, remote: address, out: &c.pipes[0], in: &c.pipes[1]}
	c.ends[1] = end{conn: c, host: to, life: to.life, remote: back, out: &c.pipes[1], in: &c.pipes[0]}
	c.pipes[0] = pipe{conn: c, from: &c.ends[0], to: &c.ends[1], cut: -1}
	c.pipes[1] = pipe{conn: c, from: &c.ends[1], to: &c.ends[0], cut: -1}
	n.conns = append(n.conns, c)
	return c
}

// endOf is the end on a host; nil if there is none.
func (c *Conn) endOf(host string) *end {
	switch host {
	case c.From:
		return &c.ends[0]
	case c.To:
		return &c.ends[1]
	}
	return nil
}

// Cut breaks the connection: what is under way is lost, and both sides hear of it.
func (c *Conn) Cut() { c.reset() }

// CutAfter breaks the connection when n more bytes from a host have been read on the other side.
func (c *Conn) CutAfter(from string, n int) {
	p := c.endOf(from).out
	p.cut = n
	p.schedule()
}

// Waiting is how many bytes from a host the other side hasn't read.
func (c *Conn) Waiting(from string) int { return c.endOf(from).out.bytes }

// Paused tells whether a host has stopped reading.
func (c *Conn) Paused(host string) bool { return c.endOf(host).paused }

func (c *Conn) reset() {
	if c.broken {
		return
	}
	c.broken = true
	c.forget()
	for i := range c.ends {
		c.pipes[i].segments, c.pipes[i].bytes = nil, 0
		c.ends[i].restFailed(errReset)
		c.pipes[i].schedule()
	}
}

// forget takes the connection from the list of the network.
func (c *Conn) forget() {
	c.net.conns = slices.DeleteFunc(c.net.conns, func(o *Conn) bool { return o == c })
}

// pipe is one direction of a connection.
type pipe struct {
	conn     *Conn
	from, to *end
	segments []segment
	bytes    int // in segments
	cut      int // bytes that are read before the connection breaks; -1: it doesn't
	queued   bool
}

// segment is bytes on their way, or the end of the stream.
type segment struct {
	bytes []byte
	due   int64 // monotonic microseconds
	fin   bool
}

// put takes what there is room for.
func (p *pipe) put(b []byte) int {
	n := min(len(b), max(p.conn.net.Buffer-p.bytes, 0))
	if n > 0 {
		p.push(segment{bytes: append([]byte(nil), b[:n]...)})
	}
	return n
}

func (p *pipe) push(s segment) {
	n := p.conn.net
	s.due = n.clock.MonoUs() + n.delay(p.from.host.name, p.to.host.name).Microseconds()
	if k := len(p.segments); k > 0 {
		s.due = max(s.due, p.segments[k-1].due)
	}
	p.segments = append(p.segments, s)
	p.bytes += len(s.bytes)
	p.schedule()
}

// schedule makes the next delivery a step, if there is something to deliver and somebody to read it.
func (p *pipe) schedule() {
	if p.queued || !p.ready() {
		return
	}
	n := p.conn.net
	p.queued = true
	run := func() { n.steps.Schedule(p.deliver) }
	if len(p.segments) > 0 {
		if wait := p.segments[0].due - n.clock.MonoUs(); wait > 0 {
			n.clock.After(microseconds(wait), run)
			return
		}
	}
	run()
}

func (p *pipe) ready() bool {
	switch to := p.to; {
	case p.conn.broken:
		return to.reads()
	case len(p.segments) == 0 && p.cut != 0:
		return false
	case to.host.vanished || p.from.host.vanished || p.conn.net.path(p.from.host.name, to.host.name).stalled:
		return false
	case to.closed || !to.alive():
		return true // thrown away on arrival
	default:
		return to.reads() && !to.paused
	}
}

func (p *pipe) deliver() {
	p.queued = false
	if !p.ready() {
		return
	}
	switch {
	case p.conn.broken:
		p.to.tell(errReset)
		return
	case p.to.closed:
		p.segments, p.bytes = nil, 0
		p.from.flushRest()
		return
	case !p.to.alive():
		p.conn.reset()
		return
	case p.cut == 0:
		p.conn.reset()
		return
	case p.segments[0].fin:
		p.to.tell(nil)
		return
	}
	p.to.received(p.next(), nil)
	p.from.flushRest()
	p.schedule()
}

// readSize is what the real transport reads at once.
const readSize = 64 << 10

// next takes a chunk of what has arrived.
func (p *pipe) next() []byte {
	n := p.conn.net
	size := readSize
	if n.rand != nil && n.rand.IntN(2) == 0 {
		size = 1 + n.rand.IntN(100)
	}
	if p.cut >= 0 {
		size = min(size, p.cut)
	}
	var chunk []byte
	for now := n.clock.MonoUs(); len(p.segments) > 0 && len(chunk) < size; {
		s := &p.segments[0]
		if s.fin || s.due > now {
			break
		}
		k := min(len(s.bytes), size-len(chunk))
		chunk = append(chunk, s.bytes[:k]...)
		if s.bytes = s.bytes[k:]; len(s.bytes) == 0 {
			p.segments = p.segments[1:]
		}
	}
	p.bytes -= len(chunk)
	if p.cut >= 0 {
		p.cut -= len(chunk)
	}
	return chunk
}

// end is one side of a connection: an actors.Transport.
type end struct {
	conn     *Conn
	host     *Host
	life     int // of the host, when the connection was made
	remote   string
	in, out  *pipe
	received func([]byte, error)
	told     bool // that the stream has ended
	closed   bool // by this side
	paused   bool
	rest     []byte // of WriteRest
	restDone func(error)
}

var _ actors.Transport = (*end)(nil)

func (e *end) alive() bool { return e.host.life == e.life }

func (e *end) reads() bool { return e.received != nil && !e.told && !e.closed && e.alive() }

func (e *end) tell(err error) {
	e.told = true
	e.received(nil, err)
}

// Remote implements actors.Transport.
func (e *end) Remote() string { return e.remote }

// Start implements actors.Transport.
func (e *end) Start(received func([]byte, error)) {
	e.received = received
	e.in.schedule()
}

// TryWrite implements actors.Transport.
func (e *end) TryWrite(b []byte) (int, error) {
	switch {
	case e.closed || !e.alive():
		return 0, errClosed
	case e.conn.broken:
		return 0, errReset
	}
	return e.out.put(b), nil
}

// WriteRest implements actors.Transport.
func (e *end) WriteRest(b []byte, done func(error)) {
	e.rest, e.restDone = b, done
	switch {
	case e.closed:
		e.restFailed(errClosed)
	case e.conn.broken:
		e.restFailed(errReset)
	default:
		e.flushRest()
	}
}

func (e *end) flushRest() {
	if e.restDone == nil {
		return
	}
	if e.rest = e.rest[e.out.put(e.rest):]; len(e.rest) == 0 {
		e.restFailed(nil)
	}
}

// restFailed ends WriteRest, well or not.
func (e *end) restFailed(err error) {
	done := e.restDone
	if done == nil {
		return
	}
	e.rest, e.restDone = nil, nil
	e.conn.net.steps.Schedule(func() {
		if e.alive() {
			done(err)
		}
	})
}

// Pause implements actors.Transport.
func (e *end) Pause(stop bool) {
	e.paused = stop
	e.in.schedule()
}

// Close implements actors.Transport.
func (e *end) Close() {
	if e.closed || !e.alive() {
		return
	}
	e.shut()
}

// shut ends the stream behind what was written.
func (e *end) shut() {
	e.closed = true
	e.restFailed(errClosed)
	if !e.conn.broken {
		e.out.push(segment{fin: true})
	}
	e.in.schedule()
	if e.conn.ends[0].closed && e.conn.ends[1].closed {
		e.conn.forget()
	}
}

func microseconds(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
