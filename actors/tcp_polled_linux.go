package actors

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// polledSocket is the Transport of an actor whose loop waits for its sockets itself: it reads on that loop, between two
// turns of actors, and has no goroutine. All its methods are called on the loop; received and done are, too.
type polledSocket struct {
	fd       int   // -1: closed
	loop     *Loop // nil: it was accepted, and nobody has it yet
	remote   string
	received func(chunk []byte, err error)
	paused   bool // nobody wants to read
	unread   bool // there may be something to read
	ended    bool // the other side's end has been told
	closing  bool // by this side: what still comes is thrown away
	rest     []byte
	done     func(err error)
	linger   *time.Timer // for closing
}

// onLoop gives a connection to the loop that its actor runs on, if that waits for sockets. It must not have been started.
func onLoop(t Transport, loop *Loop) Transport {
	waits := loop != nil && loop.poll != nil
	switch t := t.(type) {
	case *polledSocket:
		if waits {
			t.loop = loop
			return t
		}
		return t.leaveToGo()
	case *tcpTransport:
		if !waits {
			return t
		}
		fd, err := t.take()
		if err != nil {
			return t
		}
		return &polledSocket{fd: fd, loop: loop, remote: t.remote}
	}
	return t
}

// take takes the socket away from Go's poller, which must not watch it any more.
func (t *tcpTransport) take() (fd int, err error) {
	controlErr := t.raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if controlErr != nil {
		return 0, controlErr
	}
	if err == nil {
		_ = t.conn.Close()
	}
	return fd, err
}

// Remote implements Transport.
func (s *polledSocket) Remote() string { return s.remote }

// Start implements Transport.
func (s *polledSocket) Start(received func(chunk []byte, err error)) {
	if s.fd < 0 {
		return
	}
	s.received = received
	if err := s.loop.poll.add(s); err != nil {
		s.end(err)
	}
}

// ready is what the loop's poller calls.
func (s *polledSocket) ready(events uint32) {
	if events&unix.EPOLLOUT != 0 && s.rest != nil {
		s.writeRest()
	}
	if s.fd >= 0 && events&^unix.EPOLLOUT != 0 {
		s.unread = true
		s.readUntil(events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0)
	}
}

// read goes on reading, where it was stopped.
func (s *polledSocket) read() { s.readUntil(true) }

// readUntil reads a buffer full. If that many bytes weren't there, and the other side hasn't ended, the next event comes
// when there are more; otherwise the loop comes back after it has looked at others.
func (s *polledSocket) readUntil(end bool) {
	if s.fd < 0 || s.ended || !s.unread || (s.paused && !s.closing) {
		return
	}
	buf := s.loop.poll.buf
	n, errno := transfer(unix.SYS_READ, s.fd, buf)
	switch {
	case errno == unix.EAGAIN:
		s.unread = false
	case errno != 0:
		s.end(errno)
	case n == 0:
		s.end(nil)
	default:
		if s.unread = end || n == len(buf); s.unread {
			s.loop.poll.more = append(s.loop.poll.more, s)
		}
		if !s.closing {
			s.received(append(make([]byte, 0, n), buf[:n]...), nil)
		}
	}
}

// end tells that nothing more will come. After Close it is what Close has waited for.
func (s *polledSocket) end(err error) {
	s.ended = true
	if s.closing {
		s.release()
		return
	}
	s.received(nil, err)
}

// TryWrite implements Transport.
func (s *polledSocket) TryWrite(b []byte) (n int, err error) {
	if s.fd < 0 || s.closing {
		return 0, unix.EPIPE
	}
	for n < len(b) {
		m, errno := transfer(unix.SYS_WRITE, s.fd, b[n:])
		switch errno {
		case 0:
			n += m
		case unix.EAGAIN:
			return n, nil
		default:
			return n, errno
		}
	}
	return n, nil
}

// WriteRest implements Transport. It follows a TryWrite that the socket had no room for, so an event will come.
func (s *polledSocket) WriteRest(b []byte, done func(err error)) {
	s.rest, s.done = b, done
	s.writeRest()
}

func (s *polledSocket) writeRest() {
	n, err := s.TryWrite(s.rest)
	if s.rest = s.rest[n:]; len(s.rest) > 0 && err == nil {
		return
	}
	done := s.done
	s.rest, s.done = nil, nil
	done(err)
}

// Pause implements Transport.
func (s *polledSocket) Pause(stop bool) {
	if s.paused = stop; !stop && s.unread && s.fd >= 0 {
		s.loop.poll.more = append(s.loop.poll.more, s)
	}
}

// Close implements Transport. What has come and wasn't read is read before the socket is closed, see linger.
func (s *polledSocket) Close() {
	if s.closing || s.fd < 0 {
		return
	}
	s.closing = true
	s.rest, s.done = nil, nil
	if s.ended || s.received == nil {
		s.release()
		return
	}
	_ = unix.Shutdown(s.fd, unix.SHUT_WR)
	if s.unread { // otherwise there will be an event
		s.loop.poll.more = append(s.loop.poll.more, s)
	}
	s.linger = time.AfterFunc(linger, func() { s.loop.post(s.release) })
}

// release closes the socket for good.
func (s *polledSocket) release() {
	if s.fd < 0 {
		return
	}
	if s.loop != nil {
		s.loop.poll.remove(s)
	}
	if s.linger != nil {
		s.linger.Stop()
	}
	_ = unix.Close(s.fd)
	s.fd = -1
}

// transfer reads or writes what a socket, which never blocks, has or takes at once. Go's scheduler isn't told: that would
// cost as much as the call.
func transfer(call uintptr, fd int, b []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}
