package cluster

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTCPOptionsReachTheKernel(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	tcp := c.(*net.TCPConn)
	TCPOptions{KeepAlive: 7 * time.Second, UnackedLimit: 9 * time.Second}.apply(tcp)
	raw, err := tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		for name, o := range map[string]struct{ level, option, want int }{
			"no delay":     {unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			"keep-alive":   {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			"idle":         {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 7},
			"interval":     {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 7},
			"user timeout": {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 9000},
		} {
			if got, err := unix.GetsockoptInt(int(fd), o.level, o.option); err != nil || got != o.want {
				t.Errorf("%s: %d, %v; want %d", name, got, err, o.want)
			}
		}
	})
}
