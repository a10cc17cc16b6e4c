//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// stopGrace is how long a server may take to stop before it is killed. A JVM
// with a million znodes writes a snapshot in this time.
const stopGrace = time.Minute

// Process is a server that the generator started.
type Process struct {
	cmd    *exec.Cmd
	log    *os.File
	exited chan struct{}
	err    error
}

// StartProcess starts a command in the folder dir, with its output appended to
// the file logPath. The server gets a process group of its own, so that Ctrl-C
// reaches only the generator, which then stops the server in good order.
func StartProcess(argv []string, dir, logPath string) (*Process, error) {
	if len(argv) == 0 {
		return nil, errors.New("start a server: no command given")
	}
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", argv[0], err)
	}
	p := &Process{cmd: exec.Command(argv[0], argv[1:]...), log: log, exited: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = p.cmd.Start()
	_ = log.Close() // the process has it open itself
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process is gone.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Kill ends the process as a crash would, without waiting until it is gone. It
// need not be stopped after that.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", p.cmd.Path, err)
	}
	return nil
}

// Stop asks the process to end and waits for it. One that does not listen is
// killed, and that is an error.
func (p *Process) Stop() error {
	select {
	case <-p.exited:
		return fmt.Errorf("%s ended by itself: %v; see %s", p.cmd.Path, p.err, p.log.Name())
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.cmd.Path, err)
	}
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-p.exited:
		return nil
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not stop within %v and was killed; see %s", p.cmd.Path, stopGrace, p.log.Name())
	}
}

// TimeStart starts a server and returns it with the time from the start of the
// command to the first successful read of a key. The caller stops the server.
func TimeStart(
	ctx context.Context, cfg Config, key uint32, limit time.Duration, argv []string, dir, logPath string,
) (*Process, time.Duration, error) {
	began := time.Now()
	p, err := StartProcess(argv, dir, logPath)
	if err != nil {
		return nil, 0, err
	}
	if err = p.await(ctx, func(ctx context.Context) error {
		_, err := FirstRead(ctx, cfg, key, limit)
		return err
	}); err != nil {
		return nil, 0, errors.Join(err, p.Stop())
	}
	return p, time.Since(began), nil
}

// await calls a function that waits for the server, and cancels it when the
// server ends.
func (p *Process) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ready(ctx)
}
