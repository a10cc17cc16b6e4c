package server_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server/client"
)

// slowFS is a disk whose syncs can be held up.
type slowFS struct {
	persistence.FS
	mu   sync.Mutex
	held chan struct{} // not nil: syncs wait until it is closed
	hit  chan struct{} // a sync waits
}

func (f *slowFS) hold() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	held := make(chan struct{})
	f.held, f.hit = held, make(chan struct{}, 100)
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.held = nil
		close(held)
	})
}

func (f *slowFS) wait() {
	f.mu.Lock()
	held, hit := f.held, f.hit
	f.mu.Unlock()
	if held != nil {
		select {
		case hit <- struct{}{}:
		default:
		}
		<-held
	}
}

type slowFile struct {
	persistence.File
	fs *slowFS
}

func (f slowFile) Sync() error {
	f.fs.wait()
	return f.File.Sync()
}

func (f *slowFS) Create(name string) (persistence.File, error) {
	file, err := f.FS.Create(name)
	return slowFile{file, f}, err
}

func (f *slowFS) OpenRW(name string) (persistence.File, error) {
	file, err := f.FS.OpenRW(name)
	return slowFile{file, f}, err
}

// TestDiskHangs: while the disk hangs, pings and the reads of others are answered, sessions live, and the write and the
// reads behind it wait. When it goes on, all of them are answered in order.
func TestDiskHangs(t *testing.T) {
	t.Parallel()
	ctx := serveContext(t)
	disk := &slowFS{FS: persistence.NewMemFS()}
	address := startServer(t, onDisk(disk)).ClientAddress()
	other := dialClient(t, address, func(o *client.Options) { o.Timeout = time.Second })
	if _, err := other.Create(ctx, "/n", []byte("old"), client.Persistent); err != nil {
		t.Fatal(err)
	}
	w := sessionWire(t, address, 30*time.Second)
	release := disk.hold()
	defer release()
	w.write(requestFrame(1, messages.OpSetData, (&jute.SetDataRequest{Path: "/n", Data: []byte("new"), Version: -1}).Append(nil)))
	receive(t, "the sync of a write", disk.hit)
	w.write(requestFrame(2, messages.OpGetData, (&jute.PathWatch{Path: []byte("/n")}).Append(nil)))

	ping := requestFrame(messages.XidPing, messages.OpPing, nil)
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for range 30 { // longer than the other session's timeout
		w.write(ping)
		frame, err := w.frame()
		if err != nil {
			t.Fatal(err)
		}
		d := jute.NewDecoder(frame)
		if h := jute.DecodeReplyHeader(&d); h.Xid != messages.XidPing {
			t.Fatalf("while the disk hangs %+v was answered", h)
		}
		if data, _, err := other.Get(ctx, "/n"); err != nil || string(data) != "old" {
			t.Fatalf("another client's read while the disk hangs: %q %v", data, err)
		}
		<-pause.C
	}
	release()
	for xid := int32(1); xid <= 2; xid++ {
		if h, err := w.reply(xid); err != nil || h.Err != messages.ErrOK {
			t.Errorf("request %d after the disk went on: %+v %v", xid, h, err)
		}
	}
	if data, _, err := other.Get(ctx, "/n"); err != nil || string(data) != "new" {
		t.Errorf("after the disk went on: %q %v", data, err)
	}
	if err := other.Err(); err != nil {
		t.Errorf("the other session ended: %v", err)
	}
}

// TestDiskFails: after a failed sync nobody hears of the write, and the server says why it can't go on.
func TestDiskFails(t *testing.T) {
	t.Parallel()
	disk := persistence.NewFaultFS(persistence.NewMemFS())
	s := startServer(t, onDisk(disk))
	c := dialClient(t, s.ClientAddress())
	if _, err := c.Create(serveContext(t), "/n", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the disk is broken")
	disk.Inject(persistence.Fault{Op: persistence.OpSync, Pattern: "*", Err: broken})
	call := c.Send(messages.OpSetData, &jute.SetDataRequest{Path: "/n", Data: []byte("x"), Version: -1})
	if err := receive(t, "the server's end", s.Failed()); !errors.Is(err, broken) {
		t.Errorf("the server failed with %v", err)
	}
	select {
	case <-call.Done:
		if call.Err == nil {
			t.Error("a write whose sync failed was acknowledged")
		}
	default:
	}
	s.Stop()
}

// smallFS is a disk that tells how much room it has left.
type smallFS struct {
	persistence.FS
	free atomic.Int64
}

func (f *smallFS) Free(string) (int64, error) { return f.free.Load(), nil }

// TestDiskFull: writes are refused, reads and pings go on, sessions can be closed; and writes go on when there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	ctx := serveContext(t)
	disk := &smallFS{FS: persistence.NewMemFS()}
	disk.free.Store(1 << 40)
	s := startServer(t, onDisk(disk), with("snapCount", "1000000"), with("preAllocSize", "8192"))
	c, closing := dialClient(t, s.ClientAddress()), dialClient(t, s.ClientAddress())
	if _, err := c.Create(ctx, "/n", []byte("x"), client.Persistent); err != nil {
		t.Fatal(err)
	}
	disk.free.Store(0)
	large := make([]byte, 100<<10)
	eventually(t, "a refusal by the full disk", func() bool {
		_, err := c.Set(ctx, "/n", large, -1)
		if err != nil && code(err) != messages.ErrNotReadOnly {
			t.Fatalf("a write to a full disk: %v", err)
		}
		return err != nil
	})
	if data, _, err := c.Get(ctx, "/n"); err != nil || len(data) != len(large) {
		t.Errorf("a read from a server with a full disk: %d bytes, %v", len(data), err)
	}
	if err := closing.CloseSession(ctx); err != nil {
		t.Errorf("the end of a session on a full disk: %v", err)
	}
	disk.free.Store(1 << 40)
	eventually(t, "writes when there is room again", func() bool {
		_, err := c.Set(ctx, "/n", []byte("y"), -1)
		return err == nil
	})
}
