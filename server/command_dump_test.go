package server

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// With local sessions dump has two lists, as ZooKeeper's has.
func TestDumpTellsLocalSessionsFromGlobalOnes(t *testing.T) {
	sets := func(ids ...messages.SessionID) map[int64][]messages.SessionID {
		return map[int64][]messages.SessionID{1000: ids}
	}
	for _, c := range []struct {
		r    dumpResult
		want string
	}{
		{dumpResult{global: sets(1)}, "Session Sets (1)/(1):\n1 expire at <date>:\n\t0x1\n"},
		{
			dumpResult{global: sets(1, 2), local: sets(3)},
			"Local Session Sets (1)/(1):\n1 expire at <date>:\n\t0x3\nGlobal Session Sets (1)/(2):\n2 expire at <date>:\n\t0x1\n\t0x2\n",
		},
		{
			dumpResult{learner: true, sessions: []messages.SessionInfo{{Session: 1, Timeout: 6000}}, local: sets()},
			"Local Session Sets (1)/(0):\n0 expire at <date>:\nGlobal Sessions(1):\n0x1\t6000ms\n",
		},
	} {
		var w bytes.Buffer
		c.r.zone = time.UTC
		c.r.text(&w)
		got, _, _ := strings.Cut(w.String(), "ephemeral nodes dump:")
		got = strings.ReplaceAll(got, javaDate(time.UnixMilli(1000).UTC()), "<date>")
		if want := "SessionTracker dump:\n" + c.want; got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}
