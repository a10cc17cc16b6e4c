package actors

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAcceptedSockets: what is accepted without package net has its other side's name as package net writes it, and the options
// that clients' connections need; and a listener that is closed stops accepting.
func TestAcceptedSockets(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		t.Run(address, func(t *testing.T) {
			a, err := ListenTCP(address)
			if err != nil && address != ":0" {
				t.Skip("this machine has no such address: ", err)
			} else if err != nil {
				t.Fatal(err)
			}
			accepted := make(chan Transport, 1)
			a.Start(func(tr Transport) { accepted <- tr }, func(err error) { t.Error(err) })
			_, port, _ := net.SplitHostPort(a.Addr())
			host, _, _ := net.SplitHostPort(address)
			if host == "" {
				host = "127.0.0.1" // which a socket for both kinds of addresses shows as one of the new kind
			}
			client, err := net.Dial("tcp", net.JoinHostPort(host, port))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			s, ok := (<-accepted).(*polledSocket)
			if !ok {
				t.Fatal("package net has accepted it")
			}
			if s.Remote() != client.LocalAddr().String() {
				t.Errorf("the client is %v, the server calls it %q", client.LocalAddr(), s.Remote())
			}
			for name, option := range map[string]struct{ level, name, want int }{
				"no delay":   {unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
				"keep alive": {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
				"probes":     {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAlive},
			} {
				if got, err := unix.GetsockoptInt(s.fd, option.level, option.name); err != nil || got != option.want {
					t.Errorf("%s is %d, want %d (%v)", name, got, option.want, err)
				}
			}
			s.Close()
			a.Close()
			if again, err := net.Dial("tcp", net.JoinHostPort(host, port)); err == nil {
				again.Close()
				t.Error("a closed listener still accepts")
			}
		})
	}
}
