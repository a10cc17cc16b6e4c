package actors_test

import (
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// What a client sent on a connection that it has left must not happen behind what it has been told on the next one.
func TestTakenOverSessionHearsNothingMoreOfItsOldConnection(t *testing.T) {
	lost := 0
	for seed := range uint64(200) {
		p := newPipeline(t, pipelineOptions{seed: seed + 1})
		old := p.connect(nil)
		old.call(messages.OpCreate, createRequest("/n", 0))
		for range 3 {
			old.ask(messages.OpSetData, setRequest("/n", "old", -1))
		}
		fresh := p.dial(old)
		for !fresh.ready {
			if !p.steps.Step() {
				t.Fatalf("seed %d: no session", seed+1)
			}
			fresh.take()
		}
		r := fresh.call(messages.OpSetData, setRequest("/n", "new", -1))
		d := jute.NewDecoder(r.body)
		version := jute.DecodeStat(&d).Version
		p.settle()
		r = fresh.call(messages.OpGetData, getRequest("/n", false))
		d = jute.NewDecoder(r.body)
		if data := d.Buffer(); string(data) != "new" {
			t.Fatalf("seed %d: after the new connection's write was acknowledged the node holds %q", seed+1, data)
		}
		if version < 4 {
			lost++
		}
		if !old.peer.Closed() {
			t.Fatalf("seed %d: the old connection stayed open", seed+1)
		}
	}
	if lost == 0 {
		t.Error("in no run was the old connection overtaken: the test shows nothing")
	}
}

// A client's wrong password costs the session's holder its connection, but not the session.
func TestWrongPasswordKicksTheHolder(t *testing.T) {
	p := newPipeline(t, pipelineOptions{})
	c := p.connect(nil)
	thief := *c
	thief.password = make([]byte, 16)
	bad := p.dial(&thief)
	p.settle()
	if bad.take(); !bad.refused || !bad.peer.Closed() || !c.peer.Closed() {
		t.Errorf("refused %v, closed %v, the holder's connection closed %v", bad.refused, bad.peer.Closed(), c.peer.Closed())
	}
	p.connect(c)
}

// A client that has stopped reading can't hold its connection when its session has expired.
func TestSilentReaderLosesItsConnection(t *testing.T) {
	p := newPipeline(t, pipelineOptions{})
	c := p.connect(nil)
	c.peer.Window = 100
	for range 50 {
		c.ask(messages.OpGetChildren, getRequest("/", false))
	}
	p.settle()
	if c.peer.Closed() {
		t.Fatal("closed at once")
	}
	p.pass(40 * time.Second)
	if !c.peer.Closed() || p.rt.Conns.Len() != 0 {
		t.Errorf("closed %v, %d connections", c.peer.Closed(), p.rt.Conns.Len())
	}
	if n := p.rt.Outstanding(); n != 0 {
		t.Errorf("%d requests are outstanding", n)
	}
}

// A watch's events pass the filter of who the client has proved to be, whatever was on its way meanwhile.
func TestWatchKnowsTheLatestIdentities(t *testing.T) {
	for seed := range uint64(20) {
		p := newPipeline(t, pipelineOptions{seed: seed + 1})
		c, other := p.dial(nil), p.connect(nil)
		c.ask(messages.OpExists, getRequest("/secret", true))
		packet := jute.AuthPacket{Scheme: "digest", Auth: []byte("ann:pw")}
		c.ask(messages.OpAuth, packet.Append(nil))
		p.settle()
		c.waiting = nil // auth is answered before what was asked earlier
		other.call(messages.OpAuth, packet.Append(nil))
		c.peer.Receive()
		create := jute.CreateRequest{Path: "/secret", ACL: []messages.ACL{{
			Perms: messages.PermAll, ID: messages.Identity{Scheme: "auth"},
		}}}
		if r := other.call(messages.OpCreate, create.Append(nil, messages.OpCreate)); r.err != 0 {
			t.Fatal(r)
		}
		c.ready = true
		if got := c.take(); len(got) != 1 || got[0].event.Type != messages.EventNodeCreated {
			t.Errorf("seed %d: got %v, want the node's creation", seed+1, got)
		}
	}
}
