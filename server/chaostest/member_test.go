package chaostest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The ports of a server on a host of its own.
const (
	clientPort   = 2181
	quorumPort   = 2888
	electionPort = 3888
)

// member is one server of an ensemble: a real process on its host.
type member struct {
	id       int
	observer bool
	home     string // its folder: configuration, log, data
	addr     string // for clients
	net      *network
	target   *target

	cmd       *exec.Cmd
	exited    chan struct{} // closed when the process is gone; nil before the first start
	ended     error
	signalled time.Time // the last signal
	paused    bool
	wanted    bool // it was started and not stopped on purpose
}

func (m *member) String() string { return fmt.Sprintf("server %d", m.id) }

func (m *member) host() *host       { return m.net.hosts[m.id] }
func (m *member) dataDir() string   { return filepath.Join(m.home, "data") }
func (m *member) config() string    { return filepath.Join(m.home, "zoo.cfg") }
func (m *member) logPath() string   { return filepath.Join(m.home, "log") }
func (m *member) dynamic() string   { return filepath.Join(m.home, "zoo.cfg.dynamic") }
func (m *member) folders() []string { return []string{m.home, m.dataDir()} }

// running tells whether there is a process, paused or not.
func (m *member) running() bool {
	if m.exited == nil {
		return false
	}
	select {
	case <-m.exited:
		return false
	default:
		return true
	}
}

// start starts the process and doesn't wait until it serves.
func (m *member) start() (err error) {
	if m.running() {
		return fmt.Errorf("%v is running already", m)
	}
	argv, err := m.target.command(m.home, m.config())
	if err != nil {
		return err
	}
	log, err := os.OpenFile(m.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	fmt.Fprintf(log, "--- start at %s\n", time.Now().Format("15:04:05.000"))
	m.cmd = exec.Command(argv[0], argv[1:]...)
	m.cmd.Dir, m.cmd.Stdout, m.cmd.Stderr = m.home, log, log
	m.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + m.home}
	m.cmd.SysProcAttr = spawned()
	m.host().do(func() { err = m.cmd.Start() })
	if err != nil {
		return fmt.Errorf("start %v: %w", m, err)
	}
	exited, cmd := make(chan struct{}), m.cmd
	m.exited, m.paused, m.wanted = exited, false, true
	go func() {
		m.ended = cmd.Wait()
		close(exited)
	}()
	return nil
}

// signal sends a signal to the process.
func (m *member) signal(s syscall.Signal) error {
	if !m.running() {
		return fmt.Errorf("%v has ended by itself: %w; see %s", m, m.ended, m.logPath())
	}
	err := m.cmd.Process.Signal(s)
	m.signalled = time.Now()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %v to %v: %w", s, m, err)
	}
	return nil
}

// kill ends the process at this very moment.
func (m *member) kill() error {
	if err := m.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-m.exited
	return nil
}

// stop asks the process to end and waits for it. What it then says of itself is not judged: ZooKeeper ends with 143.
func (m *member) stop(ctx context.Context) error {
	if err := m.signal(syscall.SIGTERM); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-m.exited:
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("%v doesn't end on SIGTERM: %w", m, ctx.Err()), m.kill())
	}
}

// pause stops the process as it is, without its knowing.
func (m *member) pause() error {
	m.paused = true
	return m.signal(syscall.SIGSTOP)
}

// resume lets a paused process go on.
func (m *member) resume() error {
	m.paused = false
	return m.signal(syscall.SIGCONT)
}

// wipe empties the data folder of a member that isn't running, all but its id.
func (m *member) wipe() (err error) {
	m.host().do(func() {
		names, readErr := filepath.Glob(filepath.Join(m.dataDir(), "*"))
		err = readErr
		for _, name := range names {
			err = errors.Join(err, os.RemoveAll(name))
		}
		err = errors.Join(err, m.writeID())
	})
	return err
}

func (m *member) writeID() error {
	return os.WriteFile(filepath.Join(m.dataDir(), "myid"), fmt.Appendf(nil, "%d\n", m.id), 0o644)
}

// word asks the member a four-letter word.
func (m *member) word(ctx context.Context, word string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := m.net.dial(ctx, m.addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, word); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, 1<<20))
	return string(answer), err
}

// srvr is what a member says of itself.
type srvr struct{ mode, zxid string }

// srvr asks the member what it is. A member without an ensemble gives an error.
func (m *member) srvr(ctx context.Context) (srvr, error) {
	if !m.running() {
		return srvr{}, fmt.Errorf("%v isn't running", m)
	}
	text, err := m.word(ctx, "srvr")
	if err != nil {
		return srvr{}, fmt.Errorf("%v: %w", m, err)
	}
	var s srvr
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "Mode":
			s.mode = value
		case "Zxid":
			s.zxid = value
		}
	}
	if s.mode == "" {
		return s, fmt.Errorf("%v: %s", m, strings.TrimSpace(text))
	}
	return s, nil
}

// calm makes sure that the log holds none of the alarming words.
func (m *member) calm() error {
	text, err := os.ReadFile(m.logPath())
	if err != nil {
		return nil // it was never started
	}
	for line := range strings.Lines(string(text)) {
		for _, word := range m.target.alarms {
			if strings.Contains(line, word) {
				return fmt.Errorf("the log of %v has %q; see %s", m, strings.TrimSpace(line), m.logPath())
			}
		}
	}
	return nil
}

// lastWords is the end of what the member has written to its log.
func (m *member) lastWords() string {
	text, err := os.ReadFile(m.logPath())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}
