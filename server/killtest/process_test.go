package killtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// buildServer builds the program once.
func buildServer(t *testing.T, folder string) string {
	binary := filepath.Join(folder, "troupe")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/troupe")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the server: %v\n%s", err, out)
	}
	return binary
}

// process is the server as a process of its own.
type process struct {
	binary, data string
	log          *os.File // what it writes, of all its lives
	cmd          *exec.Cmd
	screen       chan string // the address from its first screen; closed when it says nothing more
	started      time.Time
}

// settings are the keys that change from start to start.
type settings struct {
	snapCount  int
	preAllocKB int
	compress   bool
}

// launch starts the process and doesn't wait until it serves.
func (p *process) launch(s settings) error {
	args := []string{
		"serve", "--client-port", "0", "--client-address", "127.0.0.1", "--data-dir", p.data, "--log-level", "warn",
		"--log-format", "json",
		"--set", "admin.enableServer=false", "--set", "tickTime=100", "--set", "minSessionTimeout=200",
		"--set", "maxSessionTimeout=120000", "--set", "maxClientCnxns=0",
		"--set", fmt.Sprintf("snapCount=%d", s.snapCount), "--set", fmt.Sprintf("preAllocSize=%d", s.preAllocKB),
	}
	if s.compress {
		args = append(args, "--set", "snapshot.compression.method=zstd")
	}
	p.cmd = exec.Command(p.binary, args...)
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.data}
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.started = time.Now()
	p.screen = make(chan string, 1)
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go p.watch(out, p.screen)
	return nil
}

// watch finds the address on the first screen.
func (p *process) watch(out io.Reader, found chan<- string) {
	defer close(found)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Fprintln(p.log, lines.Text())
		if fields := strings.Fields(lines.Text()); len(fields) == 2 && fields[0] == "clients" {
			found <- fields[1]
		}
	}
}

// ready waits until the server serves.
func (p *process) ready(ctx context.Context) (addr string, err error) {
	select {
	case addr, ok := <-p.screen:
		if !ok {
			return "", fmt.Errorf("the server ended at its start: %v; see %s", p.cmd.Wait(), p.log.Name())
		}
		return addr, nil
	case <-ctx.Done():
		return "", fmt.Errorf("the server doesn't serve: %w", ctx.Err())
	}
}

// kill ends the process at this very moment.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("the server was gone before it was killed: %w (%v); see %s", err, p.cmd.Wait(), p.log.Name())
	}
	return p.gone(syscall.SIGKILL)
}

// terminate asks the process to end, which it must do with exit code 0.
func (p *process) terminate() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.gone(0)
}

// calm makes sure that no actor has panicked so far: supervision would hide it from the clients.
func (p *process) calm() error {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err
	}
	return calm(string(text))
}

// calm looks for panics in a server's log.
func calm(log string) error {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "panicked") || strings.Contains(line, "goroutine ") {
			return fmt.Errorf("the server panicked: %s", line)
		}
	}
	return nil
}

// gone waits for the end of the process and judges how it ended: by this signal, or (0) with exit code 0.
func (p *process) gone(by syscall.Signal) error {
	for range p.screen { // until its output has ended
	}
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if by == 0 && err == nil {
		return nil
	}
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && by != 0 && status.Signaled() && status.Signal() == by {
			return nil
		}
	}
	return fmt.Errorf("the server ended with %v instead of by signal %d (0: exit code 0); see %s", err, by, p.log.Name())
}
