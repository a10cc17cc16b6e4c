package chaostest

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// separate says that on this system a host can be a machine of its own.
const separate = true

// host is where one member runs. If it is separate it has a network and a table of mounts of its own, which belong to
// one thread of this process: they are gone when the process is, however it ends, and nothing is left behind.
type host struct {
	id   int
	work chan func()
	tun  *os.File // its only wire; nil when it is not separate
	ns   *os.File // its network, for dialing from there; nil when it is not separate
}

// newHost starts the thread of a host. The processes that it starts die with it.
func newHost(id int, apart bool) (*host, error) {
	h := &host{id: id, work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the host, for it is of no use to anybody else
		var err error
		if apart {
			err = h.separate()
		}
		ready <- err
		for f := range h.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// do runs f on the host's thread: processes that it starts and files that it opens are the host's.
func (h *host) do(f func()) {
	done := make(chan struct{})
	h.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

func (h *host) close() {
	close(h.work)
	for _, f := range []*os.File{h.tun, h.ns} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// separate gives the present thread a network with one wire, whose other end is h.tun, and mounts of its own.
func (h *host) separate() (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make a network namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep the mounts to ourselves: %w", err)
	}
	if h.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("a socket to set up the network: %w", err)
	}
	defer unix.Close(socket)
	if err := raise(socket, "lo"); err != nil {
		return err
	}
	if h.tun, err = openTun("wire"); err != nil {
		return err
	}
	address, err := unix.NewIfreq("wire")
	if err != nil {
		return err
	}
	ip := hostIP(h.id).As4()
	for _, step := range []struct {
		call  uint
		bytes []byte
	}{{unix.SIOCSIFADDR, ip[:]}, {unix.SIOCSIFNETMASK, []byte{255, 255, 255, 0}}} {
		if err := address.SetInet4Addr(step.bytes); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(socket, step.call, address); err != nil {
			return fmt.Errorf("give the wire its address %v: %w", step.bytes, err)
		}
	}
	address.SetUint32(wireBytes)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFMTU, address); err != nil {
		return fmt.Errorf("set the wire's largest packet: %w", err)
	}
	return raise(socket, "wire")
}

// raise switches an interface on.
func raise(socket int, name string) error {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("switch on %s: %w", name, err)
	}
	return nil
}

// openTun makes an interface whose packets this process carries.
func openTun(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("make the interface %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), "tun"), nil // from here on the runtime polls it
}

// within runs f in the network of a host, on the present goroutine, and comes back.
func (h *host) within(f func()) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	if err := unix.Setns(int(h.ns.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter the network of host %d: %w", h.id, err)
	}
	f()
	if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("come back from the network of host %d: %w", h.id, err) // the thread stays locked and ends
	}
	runtime.UnlockOSThread()
	return nil
}

// mountSmall puts an empty file system of so many bytes at path, for this host alone.
func (h *host) mountSmall(path string, bytes int64) (err error) {
	h.do(func() { err = unix.Mount("tmpfs", path, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)) })
	if err != nil {
		return fmt.Errorf("mount a file system of %d bytes at %s: %w", bytes, path, err)
	}
	return nil
}
