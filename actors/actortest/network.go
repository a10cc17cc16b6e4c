package actortest

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/troupekeeper/troupe/actors"
)

// Network is an Acceptor in memory. A test dials it and holds the client's end of each connection. What arrives at a
// server is a step of the dispatcher, like everything else, so it interleaves with what the actors do. All of it runs
// on the test's goroutine.
type Network struct {
	steps    *Steps
	rand     *rand.Rand // cuts streams into chunks; nil: they arrive as they were sent
	accepted func(actors.Transport)
	dialed   int
}

// NewNetwork makes one on a dispatcher. With a seed other than 0 the streams arrive in chunks of random sizes.
func NewNetwork(steps *Steps, seed uint64) *Network {
	n := &Network{steps: steps}
	if seed != 0 {
		n.rand = rand.New(rand.NewPCG(seed, 1))
	}
	return n
}

// Start implements actors.Acceptor.
func (n *Network) Start(accepted func(actors.Transport), _ func(error)) { n.accepted = accepted }

// Addr implements actors.Acceptor.
func (n *Network) Addr() string { return "127.0.0.1:1" }

// Close implements actors.Acceptor.
func (n *Network) Close() { n.accepted = nil }

// Dial opens a connection; nil when nobody accepts.
func (n *Network) Dial() *Peer {
	if n.accepted == nil {
		return nil
	}
	n.dialed++
	p := &Peer{net: n, remote: fmt.Sprintf("127.0.0.1:%d", 10_000+n.dialed), Window: -1}
	n.accepted((*memTransport)(p))
	return p
}

// Peer is the client's end of a connection.
type Peer struct {
	// Window is how many bytes the client takes before it stops reading, as a process that hangs does; -1: all. See
	// Open.
	Window int

	net      *Network
	remote   string
	received func([]byte, error)
	toServer []byte
	toClient []byte
	ended    bool // by the client, behind toServer
	told     bool // the server has heard of it
	closed   bool // by the server
	paused   bool
	queued   bool // a delivery is among the steps
	rest     []byte
	restDone func(error)
}

// Send puts bytes on the way to the server.
func (p *Peer) Send(b []byte) {
	p.toServer = append(p.toServer, b...)
	p.schedule()
}

// Hangup ends the connection behind what was sent.
func (p *Peer) Hangup() {
	p.ended = true
	p.schedule()
}

// Receive takes what the server has sent.
func (p *Peer) Receive() []byte {
	b := p.toClient
	p.toClient = nil
	return b
}

// Open lets n more bytes through, and what waits for them.
func (p *Peer) Open(n int) {
	p.Window += n
	p.flush()
}

// Closed tells whether the server has closed the connection.
func (p *Peer) Closed() bool { return p.closed }

// Paused tells whether the server has stopped reading.
func (p *Peer) Paused() bool { return p.paused }

// Waiting is how many bytes the server hasn't read.
func (p *Peer) Waiting() int { return len(p.toServer) }

func (p *Peer) schedule() {
	if p.queued || p.received == nil || p.paused || p.told || (len(p.toServer) == 0 && !p.ended && !p.closed) {
		return
	}
	p.queued = true
	p.net.steps.Schedule(p.deliver)
}

// readSize is what the real transport reads at once.
const readSize = 64 << 10

func (p *Peer) deliver() {
	p.queued = false
	switch {
	case p.told:
	case p.closed:
		p.told = true
		p.received(nil, errors.New("closed"))
	case p.paused:
	case len(p.toServer) > 0:
		n := min(len(p.toServer), readSize)
		if p.net.rand != nil && p.net.rand.IntN(2) == 0 {
			n = 1 + p.net.rand.IntN(min(n, 100))
		}
		chunk := append([]byte(nil), p.toServer[:n]...)
		p.toServer = p.toServer[n:]
		p.received(chunk, nil)
	case p.ended:
		p.told = true
		p.received(nil, nil)
	}
	p.schedule()
}

// take lets through what the window allows.
func (p *Peer) take(b []byte) int {
	n := len(b)
	if p.Window >= 0 {
		n = min(n, p.Window)
		p.Window -= n
	}
	p.toClient = append(p.toClient, b[:n]...)
	return n
}

func (p *Peer) flush() {
	if p.restDone == nil {
		return
	}
	if p.rest = p.rest[p.take(p.rest):]; len(p.rest) == 0 || p.closed {
		done := p.restDone
		p.rest, p.restDone = nil, nil
		p.net.steps.Schedule(func() { done(nil) })
	}
}

// memTransport is the server's end.
type memTransport Peer

func (t *memTransport) Remote() string { return t.remote }

func (t *memTransport) Start(received func([]byte, error)) {
	t.received = received
	(*Peer)(t).schedule()
}

func (t *memTransport) TryWrite(b []byte) (int, error) {
	if t.closed {
		return 0, errors.New("closed")
	}
	return (*Peer)(t).take(b), nil
}

func (t *memTransport) WriteRest(b []byte, done func(error)) {
	t.rest, t.restDone = b, done
	(*Peer)(t).flush()
}

func (t *memTransport) Pause(stop bool) {
	t.paused = stop
	(*Peer)(t).schedule()
}

func (t *memTransport) Close() {
	t.closed, t.paused = true, false
	(*Peer)(t).schedule()
}

// Left tells whether the client has hung up.
func (p *Peer) Left() bool { return p.ended }
