package shell

import (
	"fmt"
	"time"
)

const (
	progressAfter = time.Second            // shorter work shows nothing
	progressEvery = 200 * time.Millisecond // between two drawings
)

// progress tells a person at a terminal how far long work has come. Its methods are called by one goroutine.
type progress struct {
	shell *Shell
	next  time.Time
	drawn bool
}

func (s *Shell) newProgress() *progress {
	return &progress{shell: s, next: time.Now().Add(progressAfter)}
}

// Show draws the line, unless that was done a moment ago.
func (p *progress) Show(format string, args ...any) {
	if !p.shell.opts.Terminal || time.Now().Before(p.next) {
		return
	}
	fmt.Fprintf(p.shell.opts.Err, "\r\x1b[K"+format, args...)
	p.drawn = true
	p.next = time.Now().Add(progressEvery)
}

// Done takes the line away.
func (p *progress) Done() {
	if p.drawn {
		fmt.Fprint(p.shell.opts.Err, "\r\x1b[K")
		p.drawn = false
	}
}
