package clustertest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/actortest"
)

// rig is a network with a client that has dialled a server.
type rig struct {
	t              *testing.T
	steps          *actortest.Steps
	clock          *actortest.Clock
	net            *Network
	client, server actors.Transport
	dialErr        error
	atClient       side
	atServer       side
}

// side is what one end has heard.
type side struct {
	bytes []byte
	ended bool
	err   error
	ends  int
}

func (s *side) hear(chunk []byte, err error) {
	if s.bytes = append(s.bytes, chunk...); len(chunk) == 0 {
		s.ended, s.err = true, err
		s.ends++
	}
}

func newRig(t *testing.T, seed uint64) *rig {
	r := &rig{t: t, steps: actortest.NewSeeded(seed), clock: actortest.NewClock()}
	r.net = NewNetwork(r.steps, r.clock, seed)
	r.listen()
	return r
}

func (r *rig) listen() {
	a, err := r.net.Host("server").Listen("server:1")
	if err != nil {
		r.t.Fatal(err)
	}
	a.Start(func(tr actors.Transport) {
		r.server = tr
		tr.Start(r.atServer.hear)
	}, nil)
}

func (r *rig) dial(address string) *rig {
	r.client, r.dialErr = nil, nil
	r.net.Host("client").Dial(address, time.Second, func(tr actors.Transport, err error) {
		if r.client, r.dialErr = tr, err; err == nil {
			tr.Start(r.atClient.hear)
		}
	})
	r.steps.Settle()
	return r
}

func (r *rig) write(b []byte) {
	n, err := r.client.TryWrite(b)
	if err != nil {
		r.t.Fatal(err)
	}
	if n < len(b) {
		r.client.WriteRest(b[n:], func(error) {})
	}
}

// text is long enough for many chunks.
var text = bytes.Repeat([]byte("0123456789abcdef"), 1000)

const seeds = 20

func TestStreamArrivesInOrderAndThenEnds(t *testing.T) {
	for seed := uint64(1); seed < seeds; seed++ {
		r := newRig(t, seed)
		r.net.Buffer = 300
		r.net.Delay = func(string, string) time.Duration { return time.Millisecond * time.Duration(seed%3) }
		r.net.Host("client").Dial("server:1", time.Second, func(tr actors.Transport, err error) {
			r.client = tr
			tr.Start(r.atClient.hear)
			n, err := tr.TryWrite(text)
			if n > 300 || err != nil {
				t.Fatal(n, err)
			}
			tr.WriteRest(text[n:], func(err error) {
				if err != nil {
					t.Fatal(err)
				}
				tr.Close()
			})
		})
		r.steps.Settle()
		r.clock.Advance(time.Minute, func() { r.steps.Settle() })
		if !bytes.Equal(r.atServer.bytes, text) || r.atServer.ends != 1 || r.atServer.err != nil {
			t.Fatalf("seed %d: %d bytes of %d, ended %d times, %v", seed, len(r.atServer.bytes), len(text), r.atServer.ends, r.atServer.err)
		}
		r.server.Close()
		r.steps.Settle()
		if len(r.net.Conns()) != 0 || r.atClient.ended {
			t.Fatal("who closes hears of it, or the connection is still there")
		}
	}
}

func TestStallHoldsAndHealLetsGo(t *testing.T) {
	for seed := uint64(1); seed < seeds; seed++ {
		r := newRig(t, seed).dial("server:1")
		r.net.Stall("client", "server")
		r.write(text)
		if _, err := r.server.TryWrite([]byte("back")); err != nil {
			t.Fatal(err)
		}
		r.client.Close()
		r.steps.Settle()
		if len(r.atServer.bytes) > 0 || r.atServer.ended {
			t.Fatal("something came through")
		}
		r.net.Heal("client", "server")
		r.steps.Settle()
		if !bytes.Equal(r.atServer.bytes, text) || !r.atServer.ended {
			t.Fatalf("seed %d: %d bytes", seed, len(r.atServer.bytes))
		}
	}
}

func TestPauseHolds(t *testing.T) {
	r := newRig(t, 3).dial("server:1")
	r.server.Pause(true)
	r.write(text)
	r.steps.Settle()
	if len(r.atServer.bytes) > 0 || r.net.Conns()[0].Waiting("client") != len(text) {
		t.Fatal("read although paused")
	}
	r.server.Pause(false)
	r.steps.Settle()
	if !bytes.Equal(r.atServer.bytes, text) {
		t.Fatal("lost")
	}
}

func TestCutAfterSomeBytes(t *testing.T) {
	for seed := uint64(1); seed < seeds; seed++ {
		r := newRig(t, seed).dial("server:1")
		r.net.Conns()[0].CutAfter("client", 777)
		r.write(text)
		r.steps.Settle()
		for name, s := range map[string]side{"server": r.atServer, "client": r.atClient} {
			if s.ends != 1 || s.err == nil {
				t.Fatalf("seed %d: the %s heard %d times of the end: %v", seed, name, s.ends, s.err)
			}
		}
		if !bytes.Equal(r.atServer.bytes, text[:777]) {
			t.Fatalf("seed %d: %d bytes", seed, len(r.atServer.bytes))
		}
		if _, err := r.client.TryWrite([]byte("x")); err == nil {
			t.Fatal("written to a connection that is broken")
		}
	}
}

func TestDialsThatFail(t *testing.T) {
	r := newRig(t, 1)
	for address, want := range map[string]string{
		"server:2": "connect to server:2: connection refused",
		"nobody:1": "connect to nobody:1: no such host",
		"server":   "connect to server: the address is not host:port",
	} {
		if r.dial(address); r.dialErr == nil || r.dialErr.Error() != want {
			t.Errorf("%s: %v", address, r.dialErr)
		}
	}
	r.net.Refuse("client", "server", true)
	if r.dial("server:1"); r.dialErr == nil || !strings.Contains(r.dialErr.Error(), "refused") {
		t.Error(r.dialErr)
	}
	r.net.HealAll()
	r.net.Stall("server", "client")
	if r.dial("server:1"); r.dialErr != nil || r.client != nil {
		t.Error("a dial into the void ended at once")
	}
	r.clock.Advance(time.Second, func() { r.steps.Settle() })
	if r.dialErr == nil || r.dialErr.Error() != "connect to server:1: i/o timeout" {
		t.Error(r.dialErr)
	}
	if _, err := r.net.Host("server").Listen("server:1"); err == nil {
		t.Error("an address was taken twice")
	}
}

func TestCrashAndVanish(t *testing.T) {
	for seed := uint64(1); seed < seeds; seed++ {
		r := newRig(t, seed).dial("server:1")
		r.net.Host("server").Crash()
		r.steps.Settle()
		if r.atClient.ends != 1 || r.atServer.ends != 0 {
			t.Fatalf("seed %d: %+v, %+v", seed, r.atClient, r.atServer)
		}
		r.listen()
		r.atClient = side{}
		r.dial("server:1")
		r.net.Host("server").Vanish()
		r.write(text)
		r.steps.Settle()
		if r.atClient.ended {
			t.Fatal("a machine that vanishes says so")
		}
		r.net.Host("server").Boot()
		r.steps.Settle()
		if r.atClient.ends != 1 || r.atClient.err == nil {
			t.Fatalf("seed %d: a connection to an earlier life lives on", seed)
		}
		r.listen()
		if r.dial("server:1"); r.client == nil {
			t.Fatal(r.dialErr)
		}
	}
}

// trace runs some traffic and tells what was heard when.
func trace(t *testing.T, seed uint64) string {
	r := newRig(t, seed).dial("server:1")
	var b strings.Builder
	r.net.Buffer = 200
	r.write(text)
	for r.steps.Step() {
		b.WriteString(string(rune('0' + len(r.atServer.bytes)%50)))
	}
	return b.String()
}

func TestSameSeedSameRun(t *testing.T) {
	if trace(t, 5) != trace(t, 5) || trace(t, 5) == trace(t, 6) {
		t.Fatal("runs don't follow their seed")
	}
}
