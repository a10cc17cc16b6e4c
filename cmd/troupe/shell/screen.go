package shell

import (
	"bytes"
	"io"
	"sync"
)

// screenBuffer is how much output may wait before it is written, in bytes.
const screenBuffer = 32 << 10

// screen collects what commands print and writes whole lines, so that an event, which comes when it likes, stands
// between lines.
type screen struct {
	mu        sync.Mutex
	out       io.Writer
	buf       []byte
	prompting bool   // a prompt stands on the terminal
	redraw    func() // draws the prompt again
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(s.buf, p...)
	if len(s.buf) < screenBuffer {
		return len(p), nil
	}
	end := bytes.LastIndexByte(s.buf, '\n') + 1
	_, err := s.out.Write(s.buf[:end])
	s.buf = append(s.buf[:0], s.buf[end:]...)
	return len(p), err
}

// Flush writes all that waits.
func (s *screen) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
}

func (s *screen) flush() {
	if len(s.buf) > 0 {
		s.out.Write(s.buf)
		s.buf = s.buf[:0]
	}
}

// Interrupt writes text, which ends with a line end, from outside of the running command: behind what that has
// printed, or in place of the prompt, which is drawn anew below.
func (s *screen) Interrupt(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.prompting {
		s.flush()
		io.WriteString(s.out, text)
		return
	}
	io.WriteString(s.out, "\r\x1b[K"+text)
	s.redraw()
}

// SetPrompting tells that a prompt stands on the terminal from now on, or no more.
func (s *screen) SetPrompting(on bool) {
	s.mu.Lock()
	s.prompting = on
	s.mu.Unlock()
}
