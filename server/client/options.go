package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// Defaults and limits of Options.
const (
	DefaultPort     = "2181"
	DefaultTimeout  = 10 * time.Second
	DefaultMaxReply = 64 << 20
)

// Options says which ensemble to talk to and how. Only Servers is needed.
type Options struct {
	Servers   []string      // "host:port" each; the port may be left out and is 2181 then
	KeepOrder bool          // try the servers in the given order instead of a random one
	Chroot    string        // a path that stands in front of all others, or ""
	Timeout   time.Duration // of the session, before the server puts it within its limits; 0 means 10 s
	Wait      bool          // Connect keeps trying until its context ends instead of giving up after one round
	ReadOnly  bool          // content with a server that has lost its ensemble and answers only reads
	Auth      []Auth        // credentials to present on each connection
	MaxReply  int           // the largest frame taken from a server, in bytes; 0 means 64 MiB

	// Session and Password take up a session that another Client opened (see Client.Session); 0 opens a new one.
	Session  messages.SessionID
	Password []byte

	// OnEvent gets watch events and changes of the connection's state, one at a time and in their order. It is
	// called on the goroutine that reads replies: it must not wait for a call of this Client. EventQueue.Push
	// fits here.
	OnEvent func(Event)

	given string // the servers in the order of the caller, for messages

	// Dial opens a connection; nil means plain TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
}

// Auth is one credential, for example scheme "digest" with "user:password".
type Auth struct {
	Scheme string
	Auth   []byte
}

// ParseServers splits a connection string "host:port,host:port/chroot" into servers and chroot, which is "" when there
// is none.
func ParseServers(s string) (servers []string, chroot string, err error) {
	if i := strings.IndexByte(s, '/'); i >= 0 {
		s, chroot = s[:i], s[i:]
		if chroot == "/" {
			chroot = ""
		} else if !messages.ValidPath(chroot) {
			return nil, "", fmt.Errorf("chroot %q is not a valid path: it must start with / and not end with it", chroot)
		}
	}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		addr, err := withPort(part)
		if err != nil {
			return nil, "", err
		}
		servers = append(servers, addr)
	}
	if len(servers) == 0 {
		return nil, "", fmt.Errorf("no server in %q: expected host:port[,host:port…][/chroot]", s)
	}
	return servers, chroot, nil
}

// withPort adds the default port to an address without one.
func withPort(addr string) (string, error) {
	if _, port, err := net.SplitHostPort(addr); err == nil {
		if port == "" {
			return addr + DefaultPort, nil
		}
		return addr, nil
	}
	host := strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]")
	joined := net.JoinHostPort(host, DefaultPort)
	if _, _, err := net.SplitHostPort(joined); err != nil || (strings.Contains(host, ":") && net.ParseIP(host) == nil) {
		return "", fmt.Errorf("server address %q is not host:port", addr)
	}
	return joined, nil
}

// complete checks the options and fills in what was left out.
func (o Options) complete() (Options, error) {
	if len(o.Servers) == 0 {
		return o, errors.New("options: Servers is empty; name at least one host:port")
	}
	servers := make([]string, len(o.Servers))
	for i, s := range o.Servers {
		addr, err := withPort(s)
		if err != nil {
			return o, fmt.Errorf("options: Servers: %w", err)
		}
		servers[i] = addr
	}
	o.given = strings.Join(servers, ",")
	o.Servers = servers
	if !o.KeepOrder {
		rand.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
	}
	if o.Chroot == "/" {
		o.Chroot = ""
	}
	if o.Chroot != "" && !messages.ValidPath(o.Chroot) {
		return o, fmt.Errorf("options: Chroot %q is not a valid path", o.Chroot)
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if ms := o.Timeout.Milliseconds(); ms < 1 || ms > 1<<31-1 {
		return o, fmt.Errorf("options: Timeout %v is out of range: 1 ms to %d ms", o.Timeout, int64(1<<31-1))
	}
	if o.MaxReply == 0 {
		o.MaxReply = DefaultMaxReply
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.Dial == nil {
		dialer := &net.Dialer{}
		o.Dial = func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) }
	}
	if o.Session != 0 && len(o.Password) != messages.PasswordLength {
		return o, fmt.Errorf("options: Password has %d bytes, a session's has %d", len(o.Password), messages.PasswordLength)
	}
	return o, nil
}

// attemptTimeout is how long one server gets to answer before the next one is tried.
func (o *Options) attemptTimeout() time.Duration {
	return max(o.Timeout/time.Duration(len(o.Servers)), 500*time.Millisecond)
}
