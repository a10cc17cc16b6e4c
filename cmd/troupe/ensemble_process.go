package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// ensembleProcess is the process of one server, or its absence.
type ensembleProcess struct {
	server  ensembleServer
	command func() *exec.Cmd // makes one that is not started
	logFile string           // where it writes

	cmd    *exec.Cmd // nil while none runs
	paused bool
	heard  bool   // it has answered since it was started
	wish   string // what was asked for that ends it: "killed" or "stopped"; "" if nothing was
	ended  string // how the last one ended; "" if none has
}

// processEnd is the end of a process.
type processEnd struct {
	p   *ensembleProcess
	cmd *exec.Cmd
	err error
}

// errStillRuns tells that there is nothing to revive.
var errStillRuns = errors.New("it runs")

// start starts the process, whose end arrives at ends. What it prints is added to the log file.
func (p *ensembleProcess) start(ends chan<- processEnd) error {
	if p.cmd != nil {
		return errStillRuns
	}
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = ensembleEnvironment(os.Environ())
	// Ctrl-C on the terminal goes to all processes of a group: the servers must hear of it from this program, in its order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("server %d: %w", p.server.ID, err)
	}
	p.cmd, p.paused, p.heard, p.wish, p.ended = cmd, false, false, "", ""
	go func() { ends <- processEnd{p, cmd, cmd.Wait()} }()
	return nil
}

// ensembleEnvironment leaves out the variables that would set the same port or folder for all servers.
func ensembleEnvironment(all []string) []string {
	var env []string
	for _, v := range all {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "TROUPE_") || strings.HasPrefix(name, "ZOO_") || name == "JVMFLAGS" || name == "SERVER_JVMFLAGS" {
			continue
		}
		env = append(env, v)
	}
	return env
}

func (p *ensembleProcess) running() bool { return p.cmd != nil }

// pid is 0 when nothing runs.
func (p *ensembleProcess) pid() int {
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// kill ends the process without a warning, as a power cut would.
func (p *ensembleProcess) kill() {
	if p.cmd != nil {
		p.wish = "killed"
		_ = p.cmd.Process.Kill()
	}
}

// stop asks the process to end in order. A paused one must go on to hear it.
func (p *ensembleProcess) stop() {
	if p.cmd == nil {
		return
	}
	p.wish = "stopped"
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.resume()
}

func (p *ensembleProcess) pause() {
	if p.cmd != nil && p.cmd.Process.Signal(syscall.SIGSTOP) == nil {
		p.paused = true
	}
}

func (p *ensembleProcess) resume() {
	if p.cmd != nil && p.cmd.Process.Signal(syscall.SIGCONT) == nil {
		p.paused = false
	}
}

// end takes note of a process that has ended; of an earlier one than the present nothing is to be noted.
func (p *ensembleProcess) end(e processEnd) {
	if e.cmd != p.cmd {
		return
	}
	p.cmd, p.paused = nil, false
	switch {
	case p.wish != "":
		p.ended = p.wish
	case e.err == nil:
		p.ended = "ended"
	default:
		p.ended = "ended: " + e.err.Error()
	}
}

// state is the word of the view, where s is the latest look at the process.
func (p *ensembleProcess) state(s serverSample) string {
	p.heard = p.heard || (p.cmd != nil && s.answered)
	switch {
	case p.cmd == nil:
		return p.ended
	case p.paused:
		return "paused"
	case p.wish == "stopped":
		return "stopping"
	case !s.answered && p.heard:
		return "no answer"
	case !s.answered:
		return "starting"
	case s.mode == "":
		return "looking"
	}
	return s.mode
}

// lastLine is the last line that a server has logged, which usually tells why it ended.
func lastLine(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	const enough = 4 << 10
	if info, err := f.Stat(); err == nil && info.Size() > enough {
		_, _ = f.Seek(-enough, 2)
	}
	text := make([]byte, enough)
	n, _ := f.Read(text)
	lines := strings.Split(strings.TrimSpace(string(text[:n])), "\n")
	return lines[len(lines)-1]
}

// stopPatience is how long servers that were asked to end may take before they are killed.
const ensembleStopPatience = 15 * time.Second
