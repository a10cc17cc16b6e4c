package actors

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socketAccept accepts without package net: a connection that its loop waits for needs neither Go's poller, nor another number,
// nor a call for each of its options and for the address, which came with it. That is half of the calls for a client that comes
// and goes.
type socketAccept struct {
	raw  syscall.RawConn
	try  func(listener uintptr) bool // made once
	fd   int
	from syscall.Sockaddr
	err  error
}

// acceptSockets takes the listener over and gives what comes as sockets without a loop, see onLoop.
func acceptSockets(l *net.TCPListener) (listener io.Closer, accept func() (Transport, error), err error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	var fd int
	err = errors.Join(raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }), err)
	if err != nil {
		return nil, nil, err
	}
	// Package net's listener lets nobody else wait for it; a file does. It doesn't block, so Go's poller watches it.
	file := os.NewFile(uintptr(fd), "clients")
	a := &socketAccept{}
	if err = clientOptions(fd); err == nil {
		err = file.SetReadDeadline(time.Time{}) // which is refused where Go's poller doesn't watch the file
	}
	if err == nil {
		a.raw, err = file.SyscallConn()
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	a.try = a.now
	_ = l.Close()
	return file, a.next, nil
}

// keepAlive is how many seconds a silent client has before it is probed, and between probes; Go's own figure.
const keepAlive = 15

// clientOptions are set on the listener, and sockets that it accepts have them, too.
func clientOptions(fd int) error {
	for _, o := range []struct{ level, name, value int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAlive},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAlive},
	} {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return fmt.Errorf("socket option %d of level %d: %w", o.name, o.level, err)
		}
	}
	return nil
}

func (a *socketAccept) next() (Transport, error) {
	if err := a.raw.Read(a.try); err != nil {
		return nil, net.ErrClosed // nothing else ends a wait without a deadline, and package os has no name for it
	}
	if a.err != nil {
		return nil, a.err
	}
	return &polledSocket{fd: a.fd, remote: remoteName(a.from)}, nil
}

// now is called when a connection may have come; false waits until one has.
func (a *socketAccept) now(listener uintptr) bool {
	for {
		a.fd, a.from, a.err = syscall.Accept4(int(listener), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch a.err { //nolint:errorlint // a system call's own number
		case syscall.EAGAIN:
			return false
		case syscall.EINTR:
		default:
			return true
		}
	}
}

// remoteName is the other side as package net writes it.
func remoteName(from syscall.Sockaddr) string {
	switch from := from.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(from.Addr), uint16(from.Port)).String()
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(from.Addr).Unmap().WithZone(zoneName(from.ZoneId)), uint16(from.Port)).String()
	}
	return ""
}

// zoneName is the network interface of a link-local address.
func zoneName(id uint32) string {
	if id == 0 {
		return ""
	}
	i, err := net.InterfaceByIndex(int(id))
	if err != nil {
		return fmt.Sprint(id)
	}
	return i.Name
}

// leaveToGo makes a transport with a goroutine of a socket that was accepted for a loop. If that fails the socket is closed.
func (s *polledSocket) leaveToGo() Transport {
	file := os.NewFile(uintptr(s.fd), "client")
	s.fd = -1
	conn, err := net.FileConn(file)
	_ = file.Close()
	if err != nil {
		return s
	}
	t, err := NewTCPTransport(conn.(*net.TCPConn))
	if err != nil {
		return s
	}
	return t
}
