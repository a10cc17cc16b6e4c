package server_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

var (
	idleSessions = flag.Int("idle", 300, "sessions that TestIdleSessions holds")
	idleHold     = flag.Duration("hold", time.Second, "for how long it holds them")
	idleTimeout  = flag.Duration("idletimeout", time.Second, "their timeout; a tick is a tenth of it")
)

// idleSlack is what a busy machine may add to the moment at which the test hears of an expiry.
const idleSlack = 10 * time.Second

// idler is a session that only pings. lastPing is when its last sign of life was sent.
type idler struct {
	*wire
	lastPing time.Time
}

// TestIdleSessions holds many sessions that do nothing but ping, then lets all clients vanish at once. None may expire
// while it is held or before its timeout has passed, and all must within a tick after it. For ten thousand:
//
//	go test ./server -run Idle -idle 10000 -hold 60s -idletimeout 10s -v
func TestIdleSessions(t *testing.T) {
	tick := *idleTimeout / 10
	address, pid := idleServer(t, tick)
	ctx, cancel := context.WithTimeout(t.Context(), serveWait+5*time.Minute+*idleHold)
	defer cancel()
	var events client.EventQueue
	observer := dialClient(t, address, watching(&events))
	if _, err := observer.Create(ctx, "/idle", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	before := residentMB(pid)
	idlers := openIdlers(t, address, *idleSessions)
	t.Logf("%d sessions, timeout %v, tick %v; the server's resident memory: %d MB, %d MB before",
		len(idlers), *idleTimeout, tick, residentMB(pid), before)

	holdIdlers(idlers, *idleHold)
	if n, err := observer.DescendantCount(ctx, "/idle"); err != nil || n != len(idlers) {
		t.Fatalf("%d of %d sessions live after %v (%v)", n, len(idlers), *idleHold, err)
	}
	if err := observer.AddWatch(ctx, "/idle", messages.WatchPersistentRecursive); err != nil {
		t.Fatal(err)
	}
	vanished := time.Now()
	for _, c := range idlers {
		_ = c.Close()
	}
	var first, last time.Duration
	for n := range idlers {
		e, err := events.NextWatch(ctx)
		if err != nil {
			t.Fatalf("%d of %d sessions have expired: %v", n, len(idlers), err)
		}
		i, err := strconv.Atoi(strings.TrimPrefix(e.Path, "/idle/"))
		if err != nil || e.Type != messages.EventNodeDeleted {
			t.Fatalf("event %+v", e)
		}
		after := time.Since(idlers[i].lastPing)
		if after < *idleTimeout {
			t.Errorf("session %d expired %v after its last sign of life", i, after)
		}
		if after > *idleTimeout+tick+idleSlack {
			t.Errorf("session %d expired only %v after its last sign of life", i, after)
		}
		if first == 0 || after < first {
			first = after
		}
		last = max(last, after)
	}
	t.Logf("held for %v; after the clients had vanished all were gone in %v; a session expired %v to %v after its last sign of life",
		*idleHold, time.Since(vanished).Round(time.Millisecond), first.Round(time.Millisecond), last.Round(time.Millisecond))
}

// openIdlers opens the sessions, a few at a time; each has an ephemeral node that bears its number. Those that stand
// already are kept alive meanwhile.
func openIdlers(t *testing.T, address string, n int) []*idler {
	t.Helper()
	idlers := make([]*idler, n)
	var mu sync.Mutex
	numbers := make(chan int)
	var openers sync.WaitGroup
	for range 16 {
		openers.Go(func() {
			for i := range numbers {
				c := openIdler(t, address, i)
				mu.Lock()
				idlers[i] = c
				mu.Unlock()
			}
		})
	}
	pinged := time.Now()
	for i := range n {
		numbers <- i
		if time.Since(pinged) > *idleTimeout/3 {
			pinged = time.Now()
			mu.Lock()
			pingAll(idlers)
			mu.Unlock()
		}
	}
	close(numbers)
	openers.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, c := range idlers {
		go func() { _, _ = io.Copy(io.Discard, c) }()
	}
	return idlers
}

func openIdler(t *testing.T, address string, i int) *idler {
	c := &idler{wire: dialWire(t, address), lastPing: time.Now()}
	_ = c.SetDeadline(time.Time{})
	if r, err := c.handshake(*idleTimeout, 0, make([]byte, messages.PasswordLength)); err != nil || r.Session == 0 {
		t.Errorf("session %d: %+v %v", i, r, err)
	}
	create := jute.CreateRequest{Path: number("/idle/%d", i), ACL: messages.WorldACL(messages.PermAll), Flags: int32(client.Ephemeral)}
	c.write(requestFrame(1, messages.OpCreate, create.Append(nil, messages.OpCreate)))
	if h, err := c.reply(1); err != nil || h.Err != messages.ErrOK {
		t.Errorf("session %d: its node: %v %v", i, h.Err, err)
	}
	return c
}

func pingAll(idlers []*idler) {
	ping := requestFrame(messages.XidPing, messages.OpPing, nil)
	for _, c := range idlers {
		if c != nil {
			c.lastPing = time.Now()
			c.write(ping)
		}
	}
}

// holdIdlers pings all sessions three times in a timeout.
func holdIdlers(idlers []*idler, hold time.Duration) {
	pings := time.NewTicker(*idleTimeout / 3)
	defer pings.Stop()
	end := time.NewTimer(hold)
	defer end.Stop()
	for {
		pingAll(idlers)
		select {
		case <-pings.C:
		case <-end.C:
			return
		}
	}
}

// idleTick makes this test program a server with that tick, for TestIdleSessions.
const idleTick = "TROUPE_TEST_IDLE_TICK_MS"

// idleServer starts a server in a process of its own: ten thousand connections have twenty thousand ends, which are often
// more files than one process may open, and the server's memory is then its own.
func idleServer(t *testing.T, tick time.Duration) (address string, pid int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestIdleServer$", "-test.v", "-test.timeout=0")
	child.Env = append(os.Environ(), idleTick+"="+strconv.FormatInt(tick.Milliseconds(), 10))
	child.Stderr = os.Stderr
	in, err1 := child.StdinPipe()
	out, err2 := child.StdoutPipe()
	if err := errors.Join(err1, err2, child.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = child.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, address, found := strings.Cut(lines.Text(), "idle server at "); found {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return address, child.Process.Pid
		}
	}
	t.Fatal("the server's process ended before it served")
	return "", 0
}

// TestIdleServer is the process that idleServer starts; it ends with its standard input.
func TestIdleServer(t *testing.T) {
	tick := os.Getenv(idleTick)
	if tick == "" {
		t.Skip("only a part of TestIdleSessions")
	}
	s := startServer(t, with("tickTime", tick))
	_, _ = os.Stdout.WriteString("\nidle server at " + s.ClientAddress() + "\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// residentMB is the memory of a process, 0 where it can't be told.
func residentMB(pid int) int {
	text, err := os.ReadFile(number("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize() >> 20
}
