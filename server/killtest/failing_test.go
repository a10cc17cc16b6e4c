package killtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// soon is how long a test waits for what must not happen. A late machine can only hide a fault, never invent one.
const soon = 60 * time.Millisecond

// TestFailingLog makes one operation on the transaction log fail, as a dying disk does. The server must end by itself,
// acknowledge nothing from that moment on, not even when the disk works again, and have kept what it acknowledged.
func TestFailingLog(t *testing.T) {
	cases := []struct {
		name  string
		fault persistence.Fault
		more  memSettings
	}{
		{"fsync of a batch", persistence.Fault{Op: persistence.OpSync, Pattern: "log.*"}, nil},
		{"third fsync of a batch", persistence.Fault{Op: persistence.OpSync, Pattern: "log.*", Nth: 3}, nil},
		{"write of a batch", persistence.Fault{Op: persistence.OpWrite, Pattern: "log.*"}, nil},
		{"half a write", persistence.Fault{Op: persistence.OpWrite, Pattern: "log.*", Nth: 2, Short: 20}, nil},
		{"end of a segment", persistence.Fault{Op: persistence.OpTruncate, Pattern: "log.*"}, memSettings{"preAllocSize": "4"}},
		{"header of a segment", persistence.Fault{Op: persistence.OpWrite, Pattern: "next.tmp"}, memSettings{"preAllocSize": "4"}},
		{"fsync of a header", persistence.Fault{Op: persistence.OpSync, Pattern: "next.tmp"}, memSettings{"preAllocSize": "4"}},
		{"name of a segment", persistence.Fault{Op: persistence.OpRename, Pattern: "log.*"}, memSettings{"preAllocSize": "4"}},
		{"fsync of the folder", persistence.Fault{Op: persistence.OpSyncDir, Pattern: "log"}, memSettings{"preAllocSize": "4"}},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			testFailingLog(t, test.fault, test.more)
		})
	}
}

func testFailingLog(t *testing.T, fault persistence.Fault, more memSettings) {
	ctx := testContext(t, time.Minute)
	c := newCampaign(startSeed(), strength{keepers: 3, clerks: 1, tellers: 1})
	disk := persistence.NewMemFS()
	m := startMemServer(t, disk, more)
	if err := c.prepare(ctx, m.ClientAddress(), 0); err != nil {
		t.Fatal(err)
	}
	fault.Err = syscall.EIO
	c.load(ctx, func(<-chan struct{}) {
		for _, k := range c.keepers {
			<-k.begun // the fault strikes under load
		}
		m.fault.Inject(fault)
		select {
		case err := <-m.Failed():
			if !errors.Is(err, syscall.EIO) || !errors.Is(err, persistence.ErrLogFailed) {
				t.Errorf("the server ends because of %v; it should say that the log failed, and that it was an I/O error", err)
			}
		case <-ctx.Done():
			t.Error("the server goes on")
		}
		m.fault.Clear()
		patientlyNothing(ctx, t, c)
		m.Stop()
	})
	again := startMemServer(t, afterPowerCut(disk, c.rng), more)
	defer again.Stop()
	if err := c.check(ctx, again.ClientAddress(), again.started); err != nil {
		t.Error(err)
	}
	c.leave()
}

// patientlyNothing makes sure that no write is acknowledged any more, though all clients wait for that. Replies that
// were on their way to them come first.
func patientlyNothing(ctx context.Context, t *testing.T, c *campaign) {
	pause(ctx, soon)
	before := c.tally.acknowledged.Load()
	pause(ctx, soon)
	if after := c.tally.acknowledged.Load(); after > before {
		t.Errorf("%d writes were acknowledged after the log had failed", after-before)
	}
}

// TestFailingSnapshot makes snapshots fail: the server goes on, nothing is lost, and a later snapshot succeeds.
func TestFailingSnapshot(t *testing.T) {
	for _, op := range []persistence.Op{persistence.OpCreate, persistence.OpWrite, persistence.OpSync, persistence.OpRename} {
		t.Run(string(op), func(t *testing.T) {
			ctx := testContext(t, time.Minute)
			disk := persistence.NewMemFS()
			m := startMemServer(t, disk, memSettings{"snapCount": "10"})
			defer m.Stop()
			writer := newWriter(t, ctx, m)
			m.fault.Inject(persistence.Fault{Op: op, Pattern: "snapshot.*", Err: syscall.EIO})
			writer.write(t, ctx, 100)
			if m.fault.Failed() == 0 {
				t.Fatal("no snapshot was tried")
			}
			until(t, ctx, "the folder of the snapshots has the first one alone", func() bool { return len(snapshotsOn(disk)) == 1 })
			m.fault.Clear()
			until(t, ctx, "a new snapshot is written", func() bool {
				writer.write(t, ctx, 20)
				return len(snapshotsOn(disk)) > 1
			})
			select {
			case err := <-m.Failed():
				t.Fatalf("the server ended: %v", err)
			default:
			}
			writer.compare(t, ctx, disk.CrashClone(nil))
		})
	}
}

// snapshotsOn lists the snapshots that are finished.
func snapshotsOn(disk *persistence.MemFS) (names []string) {
	for line := range strings.Lines(disk.Tree()) {
		if name, _, _ := strings.Cut(line, " "); strings.Contains(name, "/snapshots/") && !strings.HasSuffix(name, ".tmp") {
			names = append(names, name)
		}
	}
	return names
}

// until waits for something that other goroutines bring about.
func until(t *testing.T, ctx context.Context, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("in vain for %v: %s", patience, what)
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
}

// writer is one client that creates nodes one by one and knows which ones it created.
type writer struct {
	caller
	created []string
	names   int
}

func newWriter(t *testing.T, ctx context.Context, m *memServer) *writer {
	w := newWriterOf(1)
	if _, err := w.attach(ctx, m.ClientAddress()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.detach)
	return w
}

func newWriterOf(seed uint64) *writer {
	return &writer{caller: newCaller("w", rand.New(rand.NewPCG(seed, 0)), &tally{})}
}

// try creates one node.
func (w *writer) try(ctx context.Context, bytes int) (code messages.ErrCode, ok bool) {
	w.names++
	path := fmt.Sprintf("/w%d", w.names)
	w.send(step{op: messages.OpCreate, path: path, data: make([]byte, bytes)})
	_, r, ok := w.await(ctx)
	if ok && r.code == messages.ErrOK {
		w.created = append(w.created, path)
	}
	return r.code, ok || r.code == messages.ErrNotReadOnly
}

// write creates nodes that must be created.
func (w *writer) write(t *testing.T, ctx context.Context, n int) {
	t.Helper()
	for range n {
		if code, ok := w.try(ctx, 10); !ok || code != messages.ErrOK {
			t.Fatalf("a write failed: %v, %v", code, ok)
		}
	}
}

// compare starts a server on a disk and looks whether exactly the acknowledged nodes are there.
func (w *writer) compare(t *testing.T, ctx context.Context, disk *persistence.MemFS) {
	t.Helper()
	m := startMemServer(t, disk, nil)
	defer m.Stop()
	if lost, err := w.attach(ctx, m.ClientAddress()); lost || err != nil {
		t.Fatalf("the session is lost: %v, %v", lost, err)
	}
	defer w.detach()
	names, _, err := w.conn.Children(ctx, "/")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, name := range names {
		there["/"+name] = true
	}
	delete(there, "/zookeeper")
	for _, path := range w.created {
		if !there[path] {
			t.Errorf("%s was acknowledged and is missing", path)
		}
		delete(there, path)
	}
	if len(there) > 0 {
		t.Errorf("%d nodes are there that were refused: %v", len(there), there)
	}
}
