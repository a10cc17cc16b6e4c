package killtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// filler is a file of somebody else's that fills the disk.
const filler = "/filler"

// diskBytes is the size of the disk. The server wants 16 MiB to stay free behind its reservations.
const diskBytes = 64 << 20

// fill leaves so many bytes free.
func fill(t *testing.T, disk *persistence.MemFS, free int64) {
	t.Helper()
	f, err := disk.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	now, err := disk.Free("/")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Preallocate(0, now-free); err != nil {
		t.Fatal(err)
	}
}

// untilFull writes until a write is refused; before that all must succeed.
func (w *writer) untilFull(t *testing.T, ctx context.Context, m *memServer) {
	t.Helper()
	until(t, ctx, "writes are refused", func() bool {
		for range 100 {
			code, ok := w.try(ctx, 1000)
			if !ok {
				stillAlive(t, m)
				t.Fatalf("a write has no answer; the server's log:\n%s", m.log)
			}
			if code == messages.ErrNotReadOnly {
				return true
			}
			if code != messages.ErrOK {
				t.Fatalf("a write is refused with %v, should be %v", code, messages.ErrNotReadOnly)
			}
		}
		return false
	})
}

// readsAll makes sure that reads go on.
func (w *writer) readsAll(t *testing.T, ctx context.Context) {
	t.Helper()
	names, _, err := w.conn.Children(ctx, "/")
	if err != nil || len(names) != len(w.created)+1 {
		t.Errorf("reads on a full disk: %d names, %v; should be %d", len(names), err, len(w.created)+1)
	}
}

// TestFullDisk takes the disk's space away: writes are refused, reads go on, nothing acknowledged is lost, and when
// there is room again writes are accepted without anybody's help.
func TestFullDisk(t *testing.T) {
	cases := []struct {
		name string
		free int64 // when the disk gets filled
		more memSettings
	}{
		{"segments of 64 KiB", 17 << 20, memSettings{"preAllocSize": "64"}},
		{"segments of 8 MiB", 17 << 20, memSettings{"preAllocSize": "8192"}},
		{"less than what must stay free", 1 << 20, memSettings{"preAllocSize": "64"}},
		{"nothing at all", 0, memSettings{"preAllocSize": "64"}},
		{"snapshots are due", 0, memSettings{"preAllocSize": "64", "snapCount": "20"}},
		{"snapshots are due, large segments", 0, memSettings{"preAllocSize": "8192", "snapCount": "20"}},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t, time.Minute)
			disk := persistence.NewMemFS()
			disk.Capacity = diskBytes
			m := startMemServer(t, disk, test.more)
			w := newWriter(t, ctx, m)
			w.write(t, ctx, 5)
			fill(t, disk, test.free)
			w.untilFull(t, ctx, m)
			w.readsAll(t, ctx)
			for range 50 {
				if code, ok := w.try(ctx, 10); !ok || code != messages.ErrNotReadOnly {
					t.Fatalf("a write on a full disk: %v, %v", code, ok)
				}
			}
			stillAlive(t, m)
			w.detach()
			m.Stop()
			m = restartFull(t, ctx, w, disk, test.more)
			defer m.Stop()
			if err := disk.Remove(filler); err != nil {
				t.Fatal(err)
			}
			until(t, ctx, "there is room and writes are accepted", func() bool {
				code, ok := w.try(ctx, 10)
				return ok && code == messages.ErrOK
			})
			w.write(t, ctx, 300)
			stillAlive(t, m)
			w.detach()
			w.compare(t, ctx, disk.CrashClone(nil))
		})
	}
}

// restartFull starts the server on the disk that is still full: it serves reads and refuses writes.
func restartFull(t *testing.T, ctx context.Context, w *writer, disk *persistence.MemFS, more memSettings) *memServer {
	t.Helper()
	m := startMemServer(t, disk, more)
	if lost, err := w.attach(ctx, m.ClientAddress()); lost || err != nil {
		t.Fatalf("the session can't be taken up on a full disk: %v, %v", lost, err)
	}
	w.readsAll(t, ctx)
	firstWrite(t, ctx, m)
	w.untilFull(t, ctx, m)
	stillAlive(t, m)
	return m
}

// firstWrite opens a session, which may well fail. A write that comes before the server has looked at the disk isn't
// refused, it waits for room; when this one is through, or the server has said that it refuses, no other has to wait.
func firstWrite(t *testing.T, ctx context.Context, m *memServer) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	through := make(chan struct{})
	go func() {
		defer close(through)
		first := newWriterOf(1)
		if _, err := first.attach(ctx, m.ClientAddress()); err == nil {
			first.detach()
		}
	}()
	until(t, ctx, "the first write is through, or the server refuses", func() bool {
		select {
		case <-through:
			return true
		default:
			return strings.Contains(m.log.String(), "writes are refused")
		}
	})
	cancel()
	<-through
}

func stillAlive(t *testing.T, m *memServer) {
	t.Helper()
	select {
	case err := <-m.Failed():
		t.Fatalf("the server ended: %v\nits log:\n%s", err, m.log)
	default:
	}
}
