package chaostest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// clients is the host of all clients; the members' hosts have their ids.
const clients = 0

// hostIP is the address of a separate host.
func hostIP(id int) netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, byte(10 + id)}) }

// hostOf is the host that has the address a packet goes to, -1 if none.
func (n *network) hostOf(ip []byte) int {
	if id := int(ip[3]) - 10; ip[0] == 10 && ip[1] == 77 && ip[2] == 0 && id >= 0 && id < len(n.hosts) {
		return id
	}
	return -1
}

// wireBytes is the largest packet of a wire. Large ones spare the two cores of a small machine most of the carrying.
const wireBytes = 32 << 10

// network carries packets between hosts: it is the only way from one to the other, so it decides for each pair and
// direction what is lost and what comes late. When the hosts are not separate it is this machine's loopback, which
// loses nothing.
type network struct {
	apart bool
	hosts []*host
	links [][]*link // [from][to]
	ports map[portKey]int
	done  chan struct{}
	busy  sync.WaitGroup
}

// link is one direction between two hosts.
type link struct {
	lost  atomic.Bool
	delay atomic.Int64 // in nanoseconds
	queue chan late
}

// late is a packet with the moment at which it may arrive.
type late struct {
	due    time.Time
	packet []byte
}

// portKey names a port of a host that isn't separate: such hosts must not take the same ones.
type portKey struct{ host, port int }

// newNetwork makes a network of the clients' host and so many more. apart asks for separate hosts.
func newNetwork(hosts int, apart bool) (*network, error) {
	n := &network{apart: apart, done: make(chan struct{}), ports: map[portKey]int{}}
	for id := range hosts + 1 {
		h, err := newHost(id, apart)
		if err != nil {
			n.close()
			return nil, err
		}
		n.hosts = append(n.hosts, h)
	}
	for range n.hosts {
		row := make([]*link, len(n.hosts))
		for i := range row {
			row[i] = &link{queue: make(chan late, 4096)}
		}
		n.links = append(n.links, row)
	}
	if apart {
		for from := range n.hosts {
			n.busy.Go(func() { n.carry(from) })
			for to := range n.hosts {
				n.busy.Go(func() { n.deliver(from, to) })
			}
		}
	}
	return n, nil
}

func (n *network) close() {
	close(n.done)
	for _, h := range n.hosts {
		h.close()
	}
	n.busy.Wait()
}

// carry takes what a host sends and puts it on its way.
func (n *network) carry(from int) {
	buf := make([]byte, 64<<10)
	for {
		size, err := n.hosts[from].tun.Read(buf)
		if err != nil {
			return // closed
		}
		if size < 20 || buf[0]>>4 != 4 {
			continue
		}
		to := n.hostOf(buf[16:20])
		if to < 0 || to == from {
			continue
		}
		l := n.links[from][to]
		delay := time.Duration(l.delay.Load())
		switch {
		case l.lost.Load():
		case delay > 0 || len(l.queue) > 0: // not past the ones that wait
			select {
			case l.queue <- late{time.Now().Add(delay), append([]byte(nil), buf[:size]...)}:
			default: // as a router does when it can't keep up
			}
		default:
			n.arrive(to, buf[:size])
		}
	}
}

// deliver hands over the late packets of a link.
func (n *network) deliver(from, to int) {
	l := n.links[from][to]
	for {
		select {
		case p := <-l.queue:
			timer := time.NewTimer(time.Until(p.due))
			select {
			case <-timer.C:
			case <-n.done:
				timer.Stop()
				return
			}
			if !l.lost.Load() {
				n.arrive(to, p.packet)
			}
		case <-n.done:
			return
		}
	}
}

func (n *network) arrive(to int, packet []byte) {
	_, _ = n.hosts[to].tun.Write(packet) // what doesn't fit is lost, and TCP knows what to do
}

// lose makes all packets of a direction vanish, or lets them pass.
func (n *network) lose(from, to int, lost bool) { n.links[from][to].lost.Store(lost) }

// cut takes away both directions, or gives them back.
func (n *network) cut(a, b int, lost bool) {
	n.lose(a, b, lost)
	n.lose(b, a, lost)
}

// slow makes both directions slower by this much each.
func (n *network) slow(a, b int, delay time.Duration) {
	n.links[a][b].delay.Store(int64(delay))
	n.links[b][a].delay.Store(int64(delay))
}

// heal undoes all of that.
func (n *network) heal() {
	for from := range n.links {
		for _, l := range n.links[from] {
			l.lost.Store(false)
			l.delay.Store(0)
		}
	}
}

// ip is where a host listens.
func (n *network) ip(host int) string {
	if n.apart {
		return hostIP(host).String()
	}
	return "127.0.0.1"
}

// port is the number that a host uses for a port: its own on a separate one, otherwise a free one, always the same.
func (n *network) port(host, port int) (int, error) {
	if n.apart {
		return port, nil
	}
	key := portKey{host, port}
	if n.ports[key] == 0 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		n.ports[key] = l.Addr().(*net.TCPAddr).Port
	}
	return n.ports[key], nil
}

// dial connects the clients' host to an address.
func (n *network) dial(ctx context.Context, addr string) (conn net.Conn, err error) {
	var dialer net.Dialer
	if !n.apart {
		return dialer.DialContext(ctx, "tcp", addr)
	}
	if trip := n.hosts[clients].within(func() { conn, err = dialer.DialContext(ctx, "tcp", addr) }); trip != nil {
		return nil, trip
	}
	return conn, err
}

// address joins a host's address and port.
func (n *network) address(host, port int) string {
	return net.JoinHostPort(n.ip(host), strconv.Itoa(port))
}

// mayBeSeparate tells why hosts can't be separate here, nil if they can.
func mayBeSeparate() error {
	if !separate || os.Geteuid() != 0 {
		return fmt.Errorf("separate networks need Linux and root")
	}
	h, err := newHost(1, true)
	if err == nil {
		h.close()
	}
	return err
}
