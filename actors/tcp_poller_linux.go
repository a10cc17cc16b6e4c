package actors

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller is how a loop waits for its sockets and for its mailboxes at once: an epoll instance, and an eventfd that whoever
// has work for the loop writes to. Everything but wakeUp belongs to the loop's goroutine.
//
// Go's own poller would wake a goroutine for each socket, which finds after each read, with one more read, that there is
// nothing left; and each such call tells Go's scheduler, whose monitor then runs at short intervals. With one request in
// flight on each connection that cost more than the requests did.
type poller struct {
	epoll, wake int
	// Go's poller doesn't watch epoll itself, or each event would wake two threads. It watches another instance, which
	// watches epoll for one event when it is told to.
	alarm     *os.File
	alarmRaw  syscall.RawConn
	alarmFunc func(alarm uintptr) bool
	found     int // by alarmFunc
	sockets   map[int32]*polledSocket
	more      []*polledSocket // that a whole buffer was read from: there may be more
	others    int32           // how many loops may keep a processor while they wait, see wait
	events    [128]unix.EpollEvent
	buf       []byte // what is read goes here first
}

// pollBuffer is how much one read takes from a socket.
const pollBuffer = 64 << 10

// newPoller returns nil where there can't be one: out of file descriptors.
func newPoller() *poller {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(epoll)
		return nil
	}
	p := &poller{epoll: epoll, wake: wake, sockets: map[int32]*polledSocket{}, others: int32(runtime.GOMAXPROCS(0)) - 2}
	p.alarmFunc = p.listen
	// Each write is an edge, so nobody has to read it.
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(wake)}
	if err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, wake, &e); err == nil {
		err = p.openAlarm()
	}
	if err != nil {
		p.close()
		return nil
	}
	return p
}

func (p *poller) openAlarm() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	_ = unix.SetNonblock(fd, true) // which tells os that Go's poller can watch it
	p.alarm = os.NewFile(uintptr(fd), "epoll")
	if p.alarmRaw, err = p.alarm.SyscallConn(); err != nil {
		return err
	}
	return unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, p.epoll, &unix.EpollEvent{Events: unix.EPOLLONESHOT})
}

// listen sets the alarm and looks: what comes later sets it off. It is called again when that has happened.
func (p *poller) listen(alarm uintptr) bool {
	if err := p.setAlarm(alarm, unix.EPOLLIN); err != nil {
		p.found = p.block(-1)
		return true
	}
	if p.found = p.watch(0); p.found == 0 {
		return false
	}
	// While it is set, each event on any socket wakes the thread that waits in Go's poller, which finds nothing to do.
	_ = p.setAlarm(alarm, 0)
	return true
}

func (p *poller) setAlarm(alarm uintptr, events uint32) error {
	return unix.EpollCtl(int(alarm), unix.EPOLL_CTL_MOD, p.epoll, &unix.EpollEvent{Events: events | unix.EPOLLONESHOT})
}

// wakeUp ends a wait. Any goroutine may call it.
func (p *poller) wakeUp() {
	one := uint64(1)
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(p.wake), uintptr(unsafe.Pointer(&one)), 8)
}

// look serves the sockets that are ready now; false: none was.
func (p *poller) look() bool {
	more := len(p.more) > 0
	if more {
		p.readMore()
	}
	return p.serve(p.watch(0)) || more
}

// watch asks the kernel without telling Go's scheduler, so this goroutine keeps its processor. Signals end it, among them
// those of the scheduler when it wants that processor back.
func (p *poller) watch(milliseconds uintptr) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(unsafe.Pointer(&p.events[0])),
		uintptr(len(p.events)), milliseconds, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// watchers is how many loops keep a processor while they wait.
var watchers atomic.Int32

// wait waits for a socket or for wakeUp; serve must follow. For the first millisecond it keeps its processor, if others are
// left: to give one back and to get one costs more than most requests. Then it is parked, with an alarm. A wait in a system
// call would be simpler, but each one that ends makes Go's monitor look around every twenty microseconds for a while.
func (p *poller) wait() (ready int) {
	n := 0
	if watchers.Add(1) <= p.others {
		n = p.watch(1)
	}
	watchers.Add(-1)
	if n == 0 {
		if err := p.alarmRaw.Read(p.alarmFunc); err != nil {
			p.found = p.block(-1)
		}
		n = p.found
	}
	return n
}

// block waits in a system call.
func (p *poller) block(milliseconds int) int {
	n, err := unix.EpollWait(p.epoll, p.events[:], milliseconds)
	if err != nil {
		return 0 // a signal
	}
	return n
}

func (p *poller) serve(n int) (any bool) {
	for i := range n {
		e := &p.events[i]
		// One that was closed while these events are served is not there any more.
		if s := p.sockets[e.Fd]; s != nil {
			s.ready(e.Events)
			any = true
		}
	}
	return any
}

func (p *poller) readMore() {
	now := p.more
	p.more = nil
	for _, s := range now {
		s.read()
	}
}

func (p *poller) add(s *polledSocket) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(s.fd)}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, s.fd, &e); err != nil {
		return err
	}
	p.sockets[int32(s.fd)] = s
	if p.buf == nil {
		p.buf = make([]byte, pollBuffer)
	}
	return nil
}

func (p *poller) remove(s *polledSocket) { delete(p.sockets, int32(s.fd)) }

// end is the loop's last act. Sockets that actors have closed may linger, see there; others have lost their actors.
func (p *poller) end() {
	for _, s := range p.sockets {
		if !s.closing {
			s.release()
		}
	}
	for until := time.Now().Add(linger); len(p.sockets) > 0; {
		left := time.Until(until).Milliseconds()
		if left <= 0 {
			break
		}
		p.serve(p.block(int(left)))
		p.readMore()
	}
	for _, s := range p.sockets {
		s.release()
	}
	p.close()
}

func (p *poller) close() {
	_ = p.alarm.Close()
	_ = unix.Close(p.epoll)
	_ = unix.Close(p.wake)
}
