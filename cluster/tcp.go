package cluster

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/troupekeeper/troupe/actors"
)

// TCPOptions are what the kernel does for a connection between servers. Nagle's algorithm is always off.
type TCPOptions struct {
	// KeepAlive is how long a connection is idle before the kernel asks whether the other side is still there, and how long
	// it waits between two such questions; 0: it never asks.
	KeepAlive time.Duration
	// UnackedLimit is how long bytes may stay unacknowledged, or the other side may not read, before the kernel gives the
	// connection up (TCP_USER_TIMEOUT), where it can be told; 0: the kernel's own limit, which is many minutes. It must
	// be longer than a link may wait for its owner (LinkOptions.AdoptTimeout).
	UnackedLimit time.Duration
	// Resolver finds the addresses of hosts; nil: the system's.
	Resolver *net.Resolver
}

// ownLookup is how long the name of a server's own host may take to be resolved. Who listens is the peer's actor, which has
// other things to do; it tries again.
const ownLookup = 250 * time.Millisecond

// own is the address to listen on for a host and port of this server's own line. Errors wrap the net.DNSError.
func (o TCPOptions) own(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || net.ParseIP(host) != nil {
		return address, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), ownLookup)
	defer cancel()
	resolver := o.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, err := resolver.LookupHost(ctx, host)
	if err != nil {
		return "", fmt.Errorf("listen on %s for other servers: %w", address, err)
	}
	return net.JoinHostPort(found[0], port), nil
}

// DefaultTCPOptions notice within seconds that the other side's machine is gone.
func DefaultTCPOptions() TCPOptions {
	return TCPOptions{KeepAlive: 5 * time.Second, UnackedLimit: 15 * time.Second}
}

// NewTCP is the real network, unencrypted: it belongs into a network that nobody else can reach.
func NewTCP(o TCPOptions) Network { return tcpNetwork{o} }

type tcpNetwork struct{ opts TCPOptions }

// Listen implements Network.
func (n tcpNetwork) Listen(address string) (actors.Acceptor, error) {
	address, err := n.opts.own(address)
	if err != nil {
		return nil, err
	}
	return actors.ListenTCPFor("other servers", address, func(c *net.TCPConn) (actors.Transport, error) {
		n.opts.apply(c)
		return actors.NewTCPTransport(c)
	})
}

// Dial implements Network.
func (n tcpNetwork) Dial(address string, timeout time.Duration, done func(actors.Transport, error)) {
	dialTCP(address, timeout, n.opts, func(_ context.Context, c *net.TCPConn) (actors.Transport, error) {
		return actors.NewTCPTransport(c)
	}, done)
}

// dialTCP connects on a goroutine of its own and prepares the connection there, all within the timeout. prepare owns the
// connection, also when it fails.
func dialTCP(address string, timeout time.Duration, o TCPOptions,
	prepare func(context.Context, *net.TCPConn) (actors.Transport, error), done func(actors.Transport, error),
) {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		var t actors.Transport
		c, err := (&net.Dialer{KeepAlive: -1, Resolver: o.Resolver}).DialContext(ctx, "tcp", address)
		if err == nil {
			tcp := c.(*net.TCPConn)
			o.apply(tcp)
			t, err = prepare(ctx, tcp)
		}
		if err != nil {
			done(nil, fmt.Errorf("connect to %s: %w", address, err))
			return
		}
		done(t, nil)
	}()
}

// apply sets the options. A kernel that knows one of them not leaves the link to its own deadlines.
func (o TCPOptions) apply(c *net.TCPConn) {
	_ = c.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable: o.KeepAlive > 0, Idle: o.KeepAlive, Interval: o.KeepAlive, Count: keepAliveProbes,
	})
	if o.UnackedLimit > 0 {
		setUnackedLimit(c, o.UnackedLimit)
	}
}

// keepAliveProbes is how many questions in a row may stay unanswered.
const keepAliveProbes = 3
