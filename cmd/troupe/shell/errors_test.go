package shell

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

func TestLostConnectionIsExplained(t *testing.T) {
	lost := fmt.Errorf("%w: 127.0.0.1:1: reset", client.ErrConnectionLoss)
	write := &client.Error{Op: messages.OpSetData, Path: "/a", Err: lost}
	read := &client.Error{Op: messages.OpGetData, Path: "/a", Err: lost}
	if got, want := explain(write), "Connection lost: 127.0.0.1:1: reset (setData /a)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if hint(write) == "" || hint(read) != "" {
		t.Errorf("only a change needs the hint: %q, %q", hint(write), hint(read))
	}
	big := make([]byte, 1<<20)
	if got := explain(blameSize(write, big)); !strings.Contains(got, "jute.maxbuffer") || !strings.HasPrefix(got, "Connection lost") {
		t.Errorf("too large data: %q", got)
	}
	if err := blameSize(write, big[:1000]); err != error(write) {
		t.Errorf("small data: %v", err)
	}
}

func TestNoServerIsOneClearLine(t *testing.T) {
	err := fmt.Errorf("%w at 127.0.0.1:1: refused", client.ErrNoServer)
	if got := explain(err); !strings.HasPrefix(got, "No server answers at 127.0.0.1:1") || strings.Contains(got, "\n") ||
		!strings.Contains(got, "--server") {
		t.Errorf("got %q", got)
	}
	err = fmt.Errorf("%w at 127.0.0.1:1: handshake: %w", client.ErrNoServer, client.ErrClosedByServer)
	if got := explain(err); !strings.Contains(got, "-w") || strings.Contains(got, "troupe serve") {
		t.Errorf("a server that is there and hangs up: %q", got)
	}
}

// TestReconfigErrors: zkCli writes its words without a path, and what to do differs from that for a node.
func TestReconfigErrors(t *testing.T) {
	for code, want := range map[messages.ErrCode]string{
		messages.ErrNoAuth: "Insufficient permission : ", messages.ErrBadVersion: "version No is not valid : ",
		messages.ErrBadArguments: "Arguments are not valid : ", messages.ErrMarshalling: "KeeperErrorCode = MarshallingError",
	} {
		err := &client.Error{Op: messages.OpReconfig, Err: code}
		if got := explain(err); got != want {
			t.Errorf("%d is explained as %q, want %q", code, got, want)
		}
		if h := hint(err); h == "" || h == hints[code] {
			t.Errorf("%d has the hint %q", code, h)
		}
	}
	if h := hint(&client.Error{Op: messages.OpGetData, Path: "/a", Err: messages.ErrNoAuth}); h != hints[messages.ErrNoAuth] {
		t.Errorf("a node's hint is %q", h)
	}
}
