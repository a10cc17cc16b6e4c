package server

import (
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// TestFailedWordClosesItsConnection: a command that panics still answers and closes, and the next one is served.
func TestFailedWordClosesItsConnection(t *testing.T) {
	c := testConsole(t)
	served := c.view
	fail := true // only the actor touches it once it runs
	c.view = func() *actors.View {
		if fail {
			fail = false
			panic("a bug")
		}
		return served()
	}
	s := &Server{runtime: c.runtime, admin: &adminServer{console: c}, log: zerolog.Nop()}
	root := c.runtime.System.Root
	words := root.Spawn(s.commandProps())
	answers := make(chan *messages.Output, 2)
	conn := root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if o, ok := ctx.Message().(*messages.Output); ok {
			answers <- o
		}
	}))
	c.runtime.Conns.Add(actors.ConnEntry{ID: 9, PID: conn, Stats: &actors.ConnStats{Remote: "127.0.0.1:40009"}})
	for _, want := range []string{"the command failed", "rw"} {
		root.Send(words, &messages.FourLetterWord{Conn: 9, Word: "isro"})
		select {
		case o := <-answers:
			if !o.Close || o.Conn != 9 || !strings.HasPrefix(string(o.Frames), want) {
				t.Errorf("answer is %q (close %v), want %q and a close", o.Frames, o.Close, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("no answer")
		}
	}
	if c.runtime.Metrics.Panics.Load() != 1 {
		t.Error("the panic was not counted")
	}
}
