package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/troupekeeper/troupe/server"
)

const (
	// ensembleStartPatience is how long all servers together may take until they serve.
	ensembleStartPatience = 60 * time.Second
	// ensembleStartPause is the time between two looks at servers that start.
	ensembleStartPause = 100 * time.Millisecond
	// ensemblePause is the time between two looks of the live view.
	ensemblePause = 500 * time.Millisecond
)

// ensemble runs the servers of a layout. One goroutine owns it; processes and looks report through channels.
type ensemble struct {
	layout    ensembleLayout
	processes []*ensembleProcess
	ends      chan processEnd
	out       io.Writer
	live      bool // out is a terminal: the view is redrawn in its place

	samples  []serverSample // of the last look
	before   []serverSample // of the one before it
	rows     []serverView
	selected int // id
	drawn    int // lines of the view that stand above the cursor
}

// newEnsemble prepares the servers; command makes the process of one from its configuration file.
func newEnsemble(l ensembleLayout, command func(config string) *exec.Cmd, out io.Writer, live bool) *ensemble {
	e := &ensemble{
		layout: l, ends: make(chan processEnd, len(l.Servers)), out: out, live: live,
		samples: make([]serverSample, len(l.Servers)), before: make([]serverSample, len(l.Servers)),
		selected: l.Servers[0].ID,
	}
	for _, s := range l.Servers {
		config := l.configFile(s.ID)
		e.processes = append(e.processes, &ensembleProcess{
			server: s, logFile: l.logFile(s.ID), command: func() *exec.Cmd { return command(config) },
		})
	}
	return e
}

// start starts all servers and waits until each of them serves. The error tells which one doesn't, and why; nothing is
// left running then.
func (e *ensemble) start(ctx context.Context) error {
	for _, p := range e.processes {
		if err := p.start(e.ends); err != nil {
			e.stop(nil)
			return err
		}
	}
	if err := e.await(ctx); err != nil {
		e.stop(nil)
		return err
	}
	return nil
}

func (e *ensemble) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ensembleStartPatience)
	defer cancel()
	tick := time.NewTicker(ensembleStartPause)
	defer tick.Stop()
	for {
		select {
		case end := <-e.ends:
			end.p.end(end)
			return fmt.Errorf("server %d %s; the last line in %s is:\n%s", end.p.server.ID, end.p.ended, end.p.logFile,
				lastLine(end.p.logFile))
		case <-tick.C:
			e.take(e.looker()())
			if e.allServe() {
				return nil
			}
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("after %v not all servers serve: %s; their logs are in %s", ensembleStartPatience,
					strings.Join(ensembleNews(nil, e.rows), ", "), e.layout.Folder)
			}
			return ctx.Err()
		}
	}
}

func (e *ensemble) allServe() bool {
	for _, v := range e.rows {
		if !v.serves() {
			return false
		}
	}
	return true
}

// looker returns a look that may be taken on another goroutine: it shares nothing with the ensemble.
func (e *ensemble) looker() func() []serverSample {
	addresses, pids := make([]string, len(e.processes)), make([]int, len(e.processes))
	for i, p := range e.processes {
		addresses[i] = p.server.client()
		if p.running() && !p.paused {
			pids[i] = p.pid()
		}
	}
	return func() []serverSample { return sampleAll(addresses, pids) }
}

// take takes in what a look has found.
func (e *ensemble) take(samples []serverSample) {
	e.before, e.samples = e.samples, samples
	e.refresh()
}

// refresh makes rows of what is known. What was seen of a process that has ended since counts no longer.
func (e *ensemble) refresh() {
	old := e.rows
	e.rows = nil
	for i, p := range e.processes {
		v := serverView{ID: p.server.ID, Running: p.running(), PID: p.pid()}
		s := e.samples[i]
		if s.pid != v.PID {
			s = serverSample{}
		}
		if v.State = p.state(s); s.answered && !p.paused {
			v = s.view(e.before[i], v)
		}
		e.rows = append(e.rows, v)
	}
	if !e.live && old != nil {
		for _, line := range ensembleNews(old, e.rows) {
			fmt.Fprintln(e.out, line)
		}
	}
}

// draw brings the view up to date on a terminal.
func (e *ensemble) draw() {
	if !e.live {
		return
	}
	lines := append(renderEnsemble(e.rows, e.selected), "")
	fmt.Fprint(e.out, redraw(lines, e.drawn))
	e.drawn = len(lines)
}

// screen tells, once all serve, what a newcomer needs to know.
func (e *ensemble) screen(keys bool) {
	fmt.Fprintf(e.out, "\n  Troupe %s, an ensemble of %d servers on this machine\n\n", server.Version, len(e.processes))
	fmt.Fprintf(e.out, "  clients  %s\n", e.layout.connectString())
	fmt.Fprintf(e.out, "  data     %s, with the log of each server\n", e.layout.Folder)
	fmt.Fprintf(e.out, "  connect  troupe cli --server %s    (or zkCli, Curator, Kazoo …)\n", e.layout.connectString())
	if keys {
		fmt.Fprintf(e.out, "  keys     a digit chooses a server, then: k kill -9, s stop, p pause or resume, r revive\n")
		fmt.Fprintf(e.out, "  stop     q or Ctrl-C; the data stays\n\n")
		return
	}
	fmt.Fprintf(e.out, "  stop     Ctrl-C; the data stays\n\n")
}

// serve shows the view and obeys keys until q or a closed quit. In a script, without a view, it also ends when no server
// is left; that is an error.
func (e *ensemble) serve(keys <-chan byte, quit <-chan os.Signal) error {
	e.draw()
	tick := time.NewTicker(ensemblePause)
	defer tick.Stop()
	looks := make(chan []serverSample, 1)
	looking := false
	for {
		select {
		case <-quit:
			return nil
		case key := <-keys:
			if key == 'q' {
				return nil
			}
			e.press(key)
		case end := <-e.ends:
			end.p.end(end)
			e.refresh()
			if !e.live && e.noneRuns() {
				return errors.New("no server is left; their logs are in " + e.layout.Folder)
			}
		case <-tick.C:
			if !looking {
				looking = true
				look := e.looker()
				go func() { looks <- look() }()
			}
			continue
		case samples := <-looks:
			looking = false
			e.take(samples)
		}
		e.draw()
	}
}

// press obeys a key. What it asks of a server that can't do it has no effect.
func (e *ensemble) press(key byte) {
	if key >= '0' && key <= '9' {
		for _, p := range e.processes {
			if p.server.ID == int(key-'0') {
				e.selected = p.server.ID
			}
		}
		return
	}
	for _, p := range e.processes {
		if p.server.ID == e.selected {
			e.tell(p, key)
		}
	}
	e.refresh()
}

func (e *ensemble) tell(p *ensembleProcess, key byte) {
	switch key {
	case 'k':
		p.kill()
	case 's':
		p.stop()
	case 'p':
		if p.paused {
			p.resume()
		} else {
			p.pause()
		}
	case 'r':
		if p.paused {
			p.resume()
		} else if err := p.start(e.ends); err != nil && !errors.Is(err, errStillRuns) {
			p.ended = err.Error()
		}
	}
}

func (e *ensemble) noneRuns() bool {
	for _, p := range e.processes {
		if p.running() {
			return false
		}
	}
	return true
}

// stop asks all servers to end and waits for them. Those that take too long are killed, and all of them when hurry
// delivers a signal.
func (e *ensemble) stop(hurry <-chan os.Signal) {
	for _, p := range e.processes {
		p.stop()
	}
	late := time.NewTimer(ensembleStopPatience)
	defer late.Stop()
	for !e.noneRuns() {
		select {
		case end := <-e.ends:
			end.p.end(end)
		case <-hurry:
			e.killAll()
		case <-late.C:
			e.killAll()
		}
	}
}

func (e *ensemble) killAll() {
	for _, p := range e.processes {
		p.kill()
	}
}
