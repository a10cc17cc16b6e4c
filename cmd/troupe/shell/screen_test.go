package shell

import (
	"strings"
	"testing"
)

// TestEventsStandBetweenLines lets an event in at the worst moment: half a line has been printed and a buffer ran full.
func TestEventsStandBetweenLines(t *testing.T) {
	var out strings.Builder
	s := &screen{out: &out, redraw: func() { out.WriteString("[prompt]") }}
	long := strings.Repeat("x", screenBuffer)
	s.Write([]byte("first\n" + long)) // full: what is a whole line goes out
	if out.String() != "first\n" {
		t.Fatalf("written: %d bytes", out.Len())
	}
	s.Write([]byte(" end\nsecond\n"))
	s.Interrupt("EVENT\n")
	s.Write([]byte("third\n"))
	s.Flush()
	if want := "first\n" + long + " end\nsecond\nEVENT\nthird\n"; out.String() != want {
		t.Fatalf("written: %q", out.String()[:200])
	}
	out.Reset()
	s.SetPrompting(true)
	s.Interrupt("EVENT\n")
	s.SetPrompting(false)
	if out.String() != "\r\x1b[KEVENT\n[prompt]" {
		t.Fatalf("at the prompt: %q", out.String())
	}
}
