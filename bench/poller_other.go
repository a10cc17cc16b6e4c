//go:build unix && !linux

package bench

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// event says what a socket is ready for. An error or a hang-up counts as
// readable: the read call tells the rest.
type event struct {
	fd                 int
	readable, writable bool
}

// poller waits for many sockets at once with poll(2), which every Unix has. It
// costs time for each watched socket, so figures from here are not for
// publishing; Linux uses epoll.
type poller struct {
	fds   []unix.PollFd
	index map[int]int
	ready []event
}

func newPoller() (*poller, error) { return &poller{index: make(map[int]int)}, nil }

// add watches a socket for input and, if asked, for room to write.
func (p *poller) add(fd int, write bool) error {
	p.index[fd] = len(p.fds)
	p.fds = append(p.fds, unix.PollFd{Fd: int32(fd)})
	return p.modify(fd, write)
}

// modify changes whether room to write is watched for.
func (p *poller) modify(fd int, write bool) error {
	i, ok := p.index[fd]
	if !ok {
		return fmt.Errorf("watch socket %d: it was not added", fd)
	}
	p.fds[i].Events = unix.POLLIN
	if write {
		p.fds[i].Events |= unix.POLLOUT
	}
	return nil
}

// remove forgets a socket that is about to be closed.
func (p *poller) remove(fd int) {
	i, ok := p.index[fd]
	if !ok {
		return
	}
	last := len(p.fds) - 1
	p.fds[i] = p.fds[last]
	p.index[int(p.fds[i].Fd)] = i
	p.fds = p.fds[:last]
	delete(p.index, fd)
}

// wait returns the sockets that are ready, at the latest after the timeout. The
// slice is valid until the next call.
func (p *poller) wait(timeout time.Duration) ([]event, error) {
	p.ready = p.ready[:0]
	n, err := unix.Poll(p.fds, int((timeout+time.Millisecond-1)/time.Millisecond))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return nil, fmt.Errorf("wait for sockets: %w", err)
	}
	for i := 0; i < len(p.fds) && n > 0; i++ {
		if got := p.fds[i].Revents; got != 0 {
			p.ready = append(p.ready, event{
				fd:       int(p.fds[i].Fd),
				readable: got&^unix.POLLOUT != 0,
				writable: got&unix.POLLOUT != 0,
			})
			n--
		}
	}
	return p.ready, nil
}

func (p *poller) close() {}

// readSocket reads what has arrived; 0 bytes mean that the other side closed.
func readSocket(fd int, b []byte) (int, error) { return transfer(unix.Read, fd, b) }

// writeSocket writes as much as there is room for.
func writeSocket(fd int, b []byte) (int, error) { return transfer(unix.Write, fd, b) }

func transfer(call func(int, []byte) (int, error), fd int, b []byte) (int, error) {
	for {
		n, err := call(fd, b)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return 0, errAgain
		default:
			return 0, err
		}
	}
}

// acceptSocket takes the next connection that waits, as a non-blocking socket.
func acceptSocket(listener int) (fd int, err error) {
	fd, _, err = unix.Accept(listener)
	if err != nil {
		return -1, err
	}
	unix.CloseOnExec(fd)
	return fd, unix.SetNonblock(fd, true)
}

// syncQuietly makes the data of a file durable.
func syncQuietly(fd int) error { return unix.Fsync(fd) }

// beOnTime does nothing here.
func beOnTime() (undo func()) { return func() {} }
