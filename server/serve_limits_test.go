package server_test

import (
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

// TestConnectionLimits: one connection too many is closed at once, also when it has said nothing, and there is room again
// when another one has gone.
func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"maxClientCnxns", "maxCnxns"} {
		address := startServer(t, with(key, "3")).ClientAddress()
		var inside []*wire
		for range 3 {
			inside = append(inside, sessionWire(t, address, 30*time.Second))
		}
		dialWire(t, address).mustEnd("the fourth connection with " + key)
		for _, w := range inside {
			w.mustServe("a connection within " + key)
		}
		if key == "maxClientCnxns" {
			elsewhere(t, address)
		}
		_ = inside[0].Close()
		eventually(t, "room after a connection has gone", func() bool {
			w := dialWire(t, address)
			r, err := w.handshake(30*time.Second, 0, make([]byte, messages.PasswordLength))
			return err == nil && r.Session != 0
		})
	}
}

// elsewhere connects from another address of the loopback interface, which has a count of its own.
func elsewhere(t *testing.T, address string) {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	c, err := d.Dial("tcp", address)
	if err != nil {
		t.Logf("no second loopback address here: %v", err)
		return
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(serveWait)); err != nil {
		t.Fatal(err)
	}
	w := &wire{Conn: c, t: t}
	if r, err := w.handshake(30*time.Second, 0, make([]byte, messages.PasswordLength)); err != nil || r.Session == 0 {
		t.Errorf("a client from another address: %+v %v", r, err)
	}
}

// TestSlowReader asks for far more than the server may keep in memory and reads nothing. It is paused, others go on, and
// when it reads at last it gets every answer in order.
func TestSlowReader(t *testing.T) {
	address := startServer(t).ClientAddress()
	other := dialClient(t, address)
	const size, requests, mostMB = 8 << 10, 40_000, 160 // the answers are 320 MB
	if _, err := other.Create(serveContext(t), "/big", make([]byte, size), client.Persistent); err != nil {
		t.Fatal(err)
	}
	slow := sessionWire(t, address, 60*time.Second)
	before := heapMB()
	written := make(chan error, 1)
	go func() { written <- pipelineReads(slow, requests) }()

	highest := 0
	for range 300 {
		if _, err := other.Set(serveContext(t), "/big", make([]byte, size), -1); err != nil {
			t.Fatalf("another client beside one that doesn't read: %v", err)
		}
		highest = max(highest, heapMB()-before)
	}
	if highest > mostMB {
		t.Errorf("a client that doesn't read costs %d MB of memory", highest)
	}
	var length [4]byte
	for xid := int32(1); xid <= requests; xid++ {
		if _, err := io.ReadFull(slow, length[:]); err != nil {
			t.Fatalf("answer %d: %v", xid, err)
		}
		frame := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(slow, frame); err != nil {
			t.Fatalf("answer %d: %v", xid, err)
		}
		d := jute.NewDecoder(frame)
		if h := jute.DecodeReplyHeader(&d); h.Xid != xid || h.Err != messages.ErrOK || len(frame) < size {
			t.Fatalf("answer %d is %+v with %d bytes", xid, h, len(frame))
		}
	}
	if err := receive(t, "the last request", written); err != nil {
		t.Error(err)
	}
	t.Logf("it cost %d MB", highest)
}

func pipelineReads(w *wire, requests int32) error {
	body := (&jute.PathWatch{Path: []byte("/big")}).Append(nil)
	var batch []byte
	for xid := int32(1); xid <= requests; xid++ {
		batch = append(batch, requestFrame(xid, messages.OpGetData, body)...)
	}
	_, err := w.Write(batch)
	return err
}

// heapMB is what is alive on the heap.
func heapMB() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc >> 20)
}

// TestOutstandingLimit: a flood of writes beyond globalOutstandingLimit is read slower and answered whole, in order.
func TestOutstandingLimit(t *testing.T) {
	t.Parallel()
	address := startServer(t, with("globalOutstandingLimit", "10")).ClientAddress()
	c := dialClient(t, address)
	if _, err := c.Create(serveContext(t), "/n", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	var calls []*client.Call
	for range 5000 {
		calls = append(calls, c.Send(messages.OpSetData, &jute.SetDataRequest{Path: "/n", Data: []byte("x"), Version: -1}))
	}
	for i, call := range calls {
		if err := call.Wait(serveContext(t)); err != nil {
			t.Fatalf("write %d: %v", i, err)
		}
		d := call.Decoder()
		if s := jute.DecodeStat(&d); int(s.Version) != i+1 {
			t.Fatalf("write %d made version %d", i, s.Version)
		}
	}
}
