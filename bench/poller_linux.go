package bench

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// event says what a socket is ready for. An error or a hang-up counts as
// readable: the read call tells the rest.
type event struct {
	fd                 int
	readable, writable bool
}

// poller waits for many sockets at once with epoll.
//
// The calls go to the kernel without telling Go's scheduler. Telling it costs
// more than the calls themselves, and each wait would wake the scheduler's
// monitor, which then competes with the server for the cores. The price is
// that a waiting loop keeps one of Go's processors, so Run adds one for each
// loop; the wait is bounded, and a signal (the scheduler's own too) ends it.
type poller struct {
	fd     int
	events [256]unix.EpollEvent
	ready  [256]event
	coarse bool // the kernel waits for whole milliseconds only
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create an epoll instance: %w", err)
	}
	return &poller{fd: fd}, nil
}

// add watches a socket for input and, if asked, for room to write.
func (p *poller) add(fd int, write bool) error { return p.control(unix.EPOLL_CTL_ADD, fd, write) }

// modify changes whether room to write is watched for.
func (p *poller) modify(fd int, write bool) error { return p.control(unix.EPOLL_CTL_MOD, fd, write) }

// remove forgets a socket that is about to be closed. The kernel does so by
// itself when the socket is closed.
func (p *poller) remove(int) {}

func (p *poller) control(how, fd int, write bool) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if write {
		e.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(p.fd, how, fd, &e); err != nil {
		return fmt.Errorf("watch socket %d: %w", fd, err)
	}
	return nil
}

// wait returns the sockets that are ready, at the latest after the timeout. The
// slice is valid until the next call.
func (p *poller) wait(timeout time.Duration) ([]event, error) {
	var n uintptr
	errno := unix.ENOSYS
	fine := timeout%time.Millisecond != 0 && !p.coarse
	if fine {
		spec := unix.NsecToTimespec(int64(timeout))
		n, _, errno = unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])),
			uintptr(len(p.events)), uintptr(unsafe.Pointer(&spec)), 0, 0)
		p.coarse = errno == unix.ENOSYS || errno == unix.EPERM
	}
	if !fine || p.coarse {
		ms := (timeout + time.Millisecond - 1) / time.Millisecond
		n, _, errno = unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])),
			uintptr(len(p.events)), uintptr(ms), 0, 0)
	}
	if errno == unix.EINTR {
		return nil, nil
	}
	if errno != 0 {
		return nil, fmt.Errorf("wait for sockets: %w", errno)
	}
	for i := range int(n) {
		e := &p.events[i]
		p.ready[i] = event{
			fd:       int(e.Fd),
			readable: e.Events&^unix.EPOLLOUT != 0,
			writable: e.Events&unix.EPOLLOUT != 0,
		}
	}
	return p.ready[:n], nil
}

func (p *poller) close() { _ = unix.Close(p.fd) }

// readSocket reads what has arrived; 0 bytes mean that the other side closed.
func readSocket(fd int, b []byte) (int, error) { return transfer(unix.SYS_READ, fd, b) }

// writeSocket writes as much as there is room for.
func writeSocket(fd int, b []byte) (int, error) { return transfer(unix.SYS_WRITE, fd, b) }

func transfer(call uintptr, fd int, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, errAgain
		default:
			return 0, errno
		}
	}
}

// acceptSocket takes the next connection that waits, as a non-blocking socket.
func acceptSocket(listener int) (fd int, err error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// syncQuietly makes the data of a file durable, like syncData, but without
// telling Go's scheduler that the thread waits.
func syncQuietly(fd int) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_FDATASYNC, uintptr(fd), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// beOnTime lets the kernel wake the calling thread without the slack that it
// grants itself to save power, 50 us, and returns what undoes that.
func beOnTime() (undo func()) {
	if unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) != nil {
		return func() {}
	}
	return func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) }
}
