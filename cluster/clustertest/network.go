package clustertest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/actortest"
)

// Network connects hosts. All fields may be changed at any time.
type Network struct {
	// Buffer is how many bytes of one direction of a connection are under way or unread before writing has to wait.
	Buffer int
	// Delay is how long bytes from one host to another are under way; nil: no time. Order is kept whatever it says.
	Delay func(from, to string) time.Duration

	steps  *actortest.Steps
	clock  actors.Clock
	rand   *rand.Rand // cuts streams into chunks; nil: what has come arrives at once
	hosts  map[string]*Host
	conns  []*Conn // those that have not ended on both sides
	paths  map[path]*state
	dialed int
}

// path is one direction between two hosts.
type path struct{ from, to string }

// state is what is wrong with it.
type state struct{ stalled, refused bool }

// defaultBuffer is about what two sockets hold.
const defaultBuffer = 128 << 10

// NewNetwork makes one on a dispatcher and a clock. With a seed other than 0 streams arrive in chunks of random sizes, and
// what was under way when a process crashed arrives or not.
func NewNetwork(steps *actortest.Steps, clock actors.Clock, seed uint64) *Network {
	n := &Network{Buffer: defaultBuffer, steps: steps, clock: clock, hosts: map[string]*Host{}, paths: map[path]*state{}}
	if seed != 0 {
		n.rand = rand.New(rand.NewPCG(seed, 2))
	}
	return n
}

// Host is the host of that name, which is made if there is none. Its addresses are name:port.
func (n *Network) Host(name string) *Host {
	h := n.hosts[name]
	if h == nil {
		h = &Host{net: n, name: name, listeners: map[string]*listener{}}
		n.hosts[name] = h
	}
	return h
}

func (n *Network) path(from, to string) *state {
	p := n.paths[path{from, to}]
	if p == nil {
		p = &state{}
		n.paths[path{from, to}] = p
	}
	return p
}

// Stall lets nothing through from one host to the other until Heal. Bytes wait, dials in either direction time out.
func (n *Network) Stall(from, to string) { n.path(from, to).stalled = true }

// Heal ends a Stall: what has waited arrives. A dial that was under way is lost all the same.
func (n *Network) Heal(from, to string) {
	n.path(from, to).stalled = false
	n.wake()
}

// Partition stalls both directions between each host of the one side and each of the other.
func (n *Network) Partition(side, other []string) {
	for _, a := range side {
		for _, b := range other {
			n.Stall(a, b)
			n.Stall(b, a)
		}
	}
}

// HealAll ends every Stall and every Refuse.
func (n *Network) HealAll() {
	clear(n.paths)
	n.wake()
}

// Refuse turns away, or no longer turns away, dials from one host to the other. Connections that exist stay.
func (n *Network) Refuse(from, to string, refuse bool) { n.path(from, to).refused = refuse }

// Conns are the connections that have not ended on both sides, in the order in which they were dialled.
func (n *Network) Conns() []*Conn { return slices.Clone(n.conns) }

func (n *Network) wake() {
	for _, c := range n.conns {
		c.pipes[0].schedule()
		c.pipes[1].schedule()
	}
}

func (n *Network) delay(from, to string) time.Duration {
	if n.Delay == nil {
		return 0
	}
	return n.Delay(from, to)
}

// Host is one server's place in the network: a cluster.Network.
type Host struct {
	net       *Network
	name      string
	listeners map[string]*listener
	life      int // counts crashes: what belongs to an earlier life does nothing any more
	vanished  bool
}

// Name is the host part of its addresses.
func (h *Host) Name() string { return h.name }

// Listen implements cluster.Network. The address must be on this host.
func (h *Host) Listen(address string) (actors.Acceptor, error) {
	name, err := split(address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	case name != h.name:
		return nil, fmt.Errorf("listen on %s: this is the host %s", address, h.name)
	case h.listeners[address] != nil:
		return nil, fmt.Errorf("listen on %s: address already in use", address)
	}
	l := &listener{host: h, address: address}
	h.listeners[address] = l
	return l, nil
}

// split is the host of an address. (Package net has one too, but this file is to stay clear of real networks.)
func split(address string) (name string, err error) {
	i := strings.LastIndexByte(address, ':')
	if i <= 0 {
		return "", errors.New("the address is not host:port")
	}
	return address[:i], nil
}

// Errors of Dial, as the kernel's.
var (
	errTimeout = errors.New("i/o timeout")
	errRefused = errors.New("connection refused")
	errNoHost  = errors.New("no such host")
)

// Dial implements cluster.Network.
func (h *Host) Dial(address string, timeout time.Duration, done func(actors.Transport, error)) {
	n, life := h.net, h.life
	end := func(t actors.Transport, err error) {
		if h.life == life {
			done(t, err)
		}
	}
	fail := func(after time.Duration, err error) {
		n.later(after, func() { end(nil, fmt.Errorf("connect to %s: %w", address, err)) })
	}
	name, err := split(address)
	if err != nil {
		fail(0, err)
		return
	}
	there, back := n.delay(h.name, name), n.delay(name, h.name)
	n.later(min(there, timeout), func() {
		to := n.hosts[name]
		switch {
		case h.life != life:
		case to == nil:
			fail(0, errNoHost)
		case to.vanished || h.vanished || n.path(h.name, name).stalled || n.path(name, h.name).stalled || there+back > timeout:
			fail(timeout-min(there, timeout), errTimeout)
		case to.listeners[address] == nil || n.path(h.name, name).refused:
			fail(back, errRefused)
		default:
			c := n.connect(h, to, address)
			to.listeners[address].offer(&c.ends[1])
			n.later(back, func() {
				if h.life == life {
					done(&c.ends[0], nil)
				}
			})
		}
	})
}

// later makes f a step, after a while or at once.
func (n *Network) later(d time.Duration, f func()) {
	if d <= 0 {
		n.steps.Schedule(f)
		return
	}
	n.clock.After(d, func() { n.steps.Schedule(f) })
}

// Crash ends the process on the host: nobody listens, and its connections break on the other sides. What runs on the host
// hears of nothing any more. A new process may Listen at once.
func (h *Host) Crash() {
	for _, c := range h.die() {
		if n := h.net; n.rand == nil || n.rand.IntN(2) == 0 {
			c.reset()
		} else {
			c.endOf(h.name).shut() // the kernel still delivers what was written
		}
	}
}

// Vanish switches the machine off, or cuts it off for good: no other host hears of it. Boot brings it back.
func (h *Host) Vanish() {
	h.die()
	h.vanished = true
}

// Boot brings a machine back that has vanished. It knows nothing of connections to its earlier life, so these break when
// something arrives on them.
func (h *Host) Boot() {
	h.vanished = false
	h.net.wake()
}

func (h *Host) die() (conns []*Conn) {
	for _, c := range h.net.Conns() {
		if e := c.endOf(h.name); e != nil && e.life == h.life {
			conns = append(conns, c)
		}
	}
	h.life++
	clear(h.listeners)
	return conns
}

// listener is an actors.Acceptor.
type listener struct {
	host     *Host
	address  string
	accepted func(actors.Transport)
	backlog  []*end
}

func (l *listener) Start(accepted func(actors.Transport), _ func(error)) {
	l.accepted = accepted
	for _, e := range l.backlog {
		l.offer(e)
	}
	l.backlog = nil
}

func (l *listener) offer(e *end) {
	if l.accepted == nil {
		l.backlog = append(l.backlog, e)
		return
	}
	accepted, life := l.accepted, l.host.life
	l.host.net.steps.Schedule(func() {
		if l.host.life == life {
			accepted(e)
		}
	})
}

func (l *listener) Addr() string { return l.address }

func (l *listener) Close() {
	if l.host.listeners[l.address] == l {
		delete(l.host.listeners, l.address)
	}
	for _, e := range l.backlog {
		e.conn.reset()
	}
	l.backlog = nil
}
