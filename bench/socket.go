//go:build unix

package bench

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// errAgain says that a socket has nothing to read or no room to write now.
var errAgain = errors.New("not ready")

// dialSocket starts to connect and returns a non-blocking socket. It becomes
// writable when the connection stands or has failed; socketError tells which.
func dialSocket(addr *net.TCPAddr) (fd int, err error) {
	domain, sa := socketAddress(addr)
	fd, err = unix.Socket(domain, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, fmt.Errorf("open a socket for %v: %w", addr, err)
	}
	unix.CloseOnExec(fd)
	if err = unix.SetNonblock(fd, true); err == nil {
		// Requests leave in batches already; waiting for more would only add
		// latency to the last batch of a window.
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err == nil {
		err = unix.Connect(fd, sa)
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connect to %v: %w", addr, err)
	}
	return fd, nil
}

// socketAddress translates an address for the system calls.
func socketAddress(addr *net.TCPAddr) (domain int, sa unix.Sockaddr) {
	if ip := addr.IP.To4(); ip != nil || len(addr.IP) == 0 {
		sa4 := &unix.SockaddrInet4{Port: addr.Port}
		copy(sa4.Addr[:], ip)
		return unix.AF_INET, sa4
	}
	sa6 := &unix.SockaddrInet6{Port: addr.Port}
	copy(sa6.Addr[:], addr.IP.To16())
	return unix.AF_INET6, sa6
}

// socketError returns why a connection attempt failed, or nil.
func socketError(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if code != 0 {
		return unix.Errno(code)
	}
	return nil
}

// closeSocket closes the socket. Nothing useful can be done about an error.
func closeSocket(fd int) { _ = unix.Close(fd) }

// enoughFiles returns an error when the system would refuse so many sockets to
// this process. Go has raised its limit as far as that is allowed.
func enoughFiles(sockets int) error {
	const others = 32 // logs, pollers, a connection now and then
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || uint64(l.Cur) >= uint64(sockets+others) {
		return nil
	}
	return fmt.Errorf("%d connections: this process may have %d files open; want %d or more, which `ulimit -n` says before it starts",
		sockets, l.Cur, sockets+others)
}
