//go:build unix

package bench

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// bareServer answers the generator with the least work that the protocol and the
// disk demand, so what it reaches is the limit of this machine for a row of a
// comparison. It is no server for anybody: it has no tree, no sessions, no
// versions and no log that could be read again, and believes what it is sent.
//
// One goroutine looks at all sockets, reads what has arrived, makes the sets among
// it durable with one write and one sync, and sends the answers.
type bareServer struct {
	listener int
	address  string
	keys     Keyspace
	poll     *poller
	disk     *bareDisk
	conns    []*bareConn // by socket
	touched  []*bareConn // have answers to be sent since this look
	values   [][]byte    // by key, as they were set; nil for the first one
	watchers map[uint32][]*bareConn
	zxid     uint64
	input    []byte
	stopped  atomic.Bool
	done     chan struct{}
	err      error // why it ended by itself, once done is closed
}

// bareConn is one connection.
type bareConn struct {
	fd        int // -1 when it is closed
	greeted   bool
	closing   bool // once all is sent
	touched   bool
	waits     bool // an answer in out has to wait for the disk
	wantWrite bool
	in        []byte // input that ends within a frame
	out       []byte // answers not sent yet
}

var errBareRequest = errors.New("the bare server knows no such request")

// startBare starts a bare server on a free port of the loopback interface. Every
// key has a value already. The folder gets the file that sets are written to,
// which is removed at the end.
func startBare(dir string, keys Keyspace) (*bareServer, error) {
	b := &bareServer{
		listener: -1, keys: keys, values: make([][]byte, keys.Count), watchers: make(map[uint32][]*bareConn),
		input: make([]byte, inputBytes), done: make(chan struct{}),
	}
	err := b.listen()
	if err == nil {
		b.disk, err = newBareDisk(dir)
	}
	if err != nil {
		b.release()
		return nil, fmt.Errorf("start the bare server: %w", err)
	}
	// As a loop of the generator does, it keeps a processor of Go's.
	addProcessors(1)
	go b.run()
	return b, nil
}

// listen opens the socket for connections.
func (b *bareServer) listen() (err error) {
	if b.poll, err = newPoller(); err != nil {
		return err
	}
	if b.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err != nil {
		return err
	}
	unix.CloseOnExec(b.listener)
	const backlog = 4096
	err = errors.Join(unix.SetNonblock(b.listener, true),
		unix.Bind(b.listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(b.listener, backlog))
	if err != nil {
		return err
	}
	name, err := unix.Getsockname(b.listener)
	if err != nil {
		return err
	}
	b.address = Member{ClientPort: name.(*unix.SockaddrInet4).Port}.address()
	return b.poll.add(b.listener, false)
}

// stop ends it and returns why it had ended before, if it had.
func (b *bareServer) stop() error {
	b.stopped.Store(true)
	<-b.done
	addProcessors(-1)
	b.release()
	return b.err
}

// release gives back everything that is open.
func (b *bareServer) release() {
	for _, c := range b.conns {
		if c != nil {
			closeSocket(c.fd)
		}
	}
	if b.listener >= 0 {
		closeSocket(b.listener)
	}
	if b.poll != nil {
		b.poll.close()
	}
	if b.disk != nil {
		b.disk.close()
	}
}

func (b *bareServer) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(b.done)
	for !b.stopped.Load() && b.err == nil {
		b.err = b.look()
	}
}

// look takes in what has arrived on all sockets and answers it.
func (b *bareServer) look() error {
	events, err := b.poll.wait(waitMS * time.Millisecond)
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.fd == b.listener {
			b.accept()
			continue
		}
		c := b.conns[e.fd]
		if c == nil {
			continue
		}
		if e.writable {
			b.touch(c)
		}
		if e.readable {
			if err := b.receive(c); err != nil {
				b.drop(c)
				if !errors.Is(err, io.EOF) && !errors.Is(err, unix.ECONNRESET) {
					return err
				}
			}
		}
	}
	return b.answerAll()
}

// answerAll sends what needs no disk, writes the sets, and sends the rest.
func (b *bareServer) answerAll() error {
	for _, c := range b.touched {
		if !c.waits {
			b.flush(c)
		}
	}
	if err := b.disk.commit(); err != nil {
		return err
	}
	for _, c := range b.touched {
		if c.waits {
			b.flush(c)
		}
		c.touched, c.waits = false, false
	}
	b.touched = b.touched[:0]
	return nil
}

// accept takes all connections that wait.
func (b *bareServer) accept() {
	for {
		fd, err := acceptSocket(b.listener)
		if err != nil {
			return
		}
		if unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) != nil || b.poll.add(fd, false) != nil {
			closeSocket(fd)
			continue
		}
		for len(b.conns) <= fd {
			b.conns = append(b.conns, nil)
		}
		b.conns[fd] = &bareConn{fd: fd}
	}
}

// drop closes a connection.
func (b *bareServer) drop(c *bareConn) {
	if c.fd < 0 {
		return
	}
	b.conns[c.fd] = nil
	b.poll.remove(c.fd)
	closeSocket(c.fd)
	c.fd = -1
}

// touch has the connection's answers sent after this look.
func (b *bareServer) touch(c *bareConn) {
	if !c.touched {
		c.touched = true
		b.touched = append(b.touched, c)
	}
}

// flush sends the answers, as far as the socket takes them. What is left waits
// until there is room again. A socket that fails is closed: its client knows.
func (b *bareServer) flush(c *bareConn) {
	if c.fd < 0 {
		return
	}
	n, err := writeSocket(c.fd, c.out)
	if err != nil && !errors.Is(err, errAgain) {
		b.drop(c)
		return
	}
	c.out = c.out[:copy(c.out, c.out[n:])]
	more := len(c.out) > 0
	if more != c.wantWrite {
		c.wantWrite = more
		if b.poll.modify(c.fd, more) != nil {
			b.drop(c)
		}
	}
	if !more && c.closing {
		b.drop(c)
	}
}
