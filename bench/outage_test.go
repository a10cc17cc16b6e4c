//go:build unix

package bench

import (
	"context"
	"strings"
	"testing"
	"time"
)

// startOutage lets three clients write to three doors of a fake.
func startOutage(t *testing.T) (f *fakeServer, o *Outage, shut []func()) {
	t.Helper()
	f = startFake(t, nil)
	cfg := f.config()
	cfg.Servers = nil
	for range 3 {
		l, close := f.door(t)
		cfg.Servers, shut = append(cfg.Servers, l.Addr().String()), append(shut, close)
	}
	if err := Prepare(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
	o, err := StartOutage(cfg, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Recovered(context.Background(), time.Minute); err != nil {
		t.Fatal(err)
	}
	return f, o, shut
}

// Clients of a killed server go on at the others, in the same session.
func TestOutageMovesClientsToOtherServers(t *testing.T) {
	f, o, shut := startOutage(t)
	for i := range 2 {
		shut[i]()
		o.Mark()
		times, err := o.Recovered(context.Background(), time.Minute)
		if err != nil || times.Any <= 0 || times.All < times.Any {
			t.Errorf("%+v, %v", times, err)
		}
	}
	if err := o.Stop(); err != nil {
		t.Error(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	// One for each client, and those of the preparation.
	if want := int64(3 + 3 + 1 + 2*min(prepareSessions, f.config().Sessions)); f.sessions != want {
		t.Errorf("%d sessions were opened, want %d", f.sessions, want)
	}
}

func TestOutageThatDoesNotEnd(t *testing.T) {
	_, o, shut := startOutage(t)
	for _, f := range shut {
		f()
	}
	o.Mark()
	if _, err := o.Recovered(context.Background(), 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "0 of 3 could") {
		t.Errorf("got %v", err)
	}
	if err := o.Stop(); err == nil || !strings.Contains(err.Error(), "read /bench/fake/0000/00000000 again: ") {
		t.Errorf("keys that nobody can read any more: %v", err)
	}
}

// A server that loses acknowledged writes fails the run, however fast it is.
func TestOutageNoticesALostWrite(t *testing.T) {
	f, o, _ := startOutage(t)
	f.mu.Lock()
	f.spoil = func(_ int, op int32, b []byte) []byte {
		if op == opCodes[OpSet] {
			for path := range f.nodes {
				if strings.HasSuffix(path, "/00000001") {
					f.nodes[path] = appendValue(nil, 1, 1, 20)
				}
			}
		}
		return b
	}
	f.mu.Unlock()
	o.Mark()
	if _, err := o.Recovered(context.Background(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := o.Stop(); err == nil || !strings.Contains(err.Error(), "00000001 holds write 1, want one from") {
		t.Errorf("got %v", err)
	}
}

func TestOutageNoticesALostSession(t *testing.T) {
	f, o, shut := startOutage(t)
	f.mu.Lock()
	f.forgetful = true
	f.mu.Unlock()
	shut[2]()
	o.Mark()
	if _, err := o.Recovered(context.Background(), time.Minute); err == nil || !strings.Contains(err.Error(), "client 2: ") {
		t.Errorf("got %v", err)
	}
	if err := o.Stop(); err == nil || !strings.Contains(err.Error(), errRefusedSession.Error()) {
		t.Errorf("got %v", err)
	}
}

func TestOutageNeedsAServerForEach(t *testing.T) {
	f, o, shut := startOutage(t)
	defer o.Stop()
	if _, err := StartOutage(f.config(), 0); err == nil || !strings.Contains(err.Error(), "clients 0: want 1 to 300") {
		t.Errorf("got %v", err)
	}
	shut[1]()
	cfg := o.cfg
	if _, err := StartOutage(cfg, 3); err == nil || !strings.Contains(err.Error(), cfg.Servers[1]) {
		t.Errorf("got %v, want an error that names %s", err, cfg.Servers[1])
	}
}

func TestTimeSync(t *testing.T) {
	dir := t.TempDir()
	l, err := TimeSync(context.Background(), dir, time.Millisecond)
	if err != nil || l.Count < 1 || l.P50US <= 0 {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := TimeSync(context.Background(), dir+"/missing", time.Millisecond); err == nil {
		t.Error("a folder that does not exist was synced")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := TimeSync(ctx, dir, time.Hour); err == nil {
		t.Error("a cancelled measure gave a figure")
	}
}
