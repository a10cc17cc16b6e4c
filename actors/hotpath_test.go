package actors_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/actortest"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// wire is a door with one connection, and that connection: what the test gives it reaches the connection's actor as it is,
// and what the actor writes is counted and kept until the next write. In contrast to the network of actortest it
// allocates nothing itself.
type wire struct {
	accepted func(actors.Transport)
	received func([]byte, error)
	written  []byte
	writes   int
}

func (w *wire) Remote() string                       { return "127.0.0.1:10001" }
func (w *wire) Pause(bool)                           {}
func (w *wire) Close()                               {}
func (w *wire) Addr() string                         { return "127.0.0.1:1" }
func (w *wire) WriteRest([]byte, func(error))        { panic("a wire takes everything at once") }
func (w *wire) TryWrite(b []byte) (n int, err error) { w.take(b); return len(b), nil }

func (w *wire) take(b []byte) {
	w.written = append(w.written[:0], b...)
	w.writes++
}

// theDoor is the wire as an acceptor: its Start is another one.
type theDoor struct{ *wire }

func (d theDoor) Start(accepted func(actors.Transport), _ func(error)) { d.accepted = accepted }

// theConn is the wire as a transport.
type theConn struct{ *wire }

func (c theConn) Start(received func([]byte, error)) { c.received = received }

// hotPath is a standalone server on one goroutine and a client that asks it the same again and again.
type hotPath struct {
	*pipeline
	*wire
}

func newHotPath(t testing.TB) *hotPath {
	w := &wire{}
	h := &hotPath{newPipeline(t, pipelineOptions{door: theDoor{w}}), w}
	h.accepted(theConn{w})
	h.pipeline.settle()
	r := jute.ConnectRequest{Timeout: 10_000, Password: make([]byte, 16), HasReadOnly: true}
	h.send(frameOf(r.Append(nil)))
	for i := range 8 {
		h.send(hotRequest(messages.OpCreate, createRequest(fmt.Sprintf("/n%d", i), 0)))
	}
	h.send(hotRequest(messages.OpSetData, setRequest("/n0", string(make([]byte, 100)), -1)))
	watch := jute.PathMode{Path: "/n2", Mode: int32(messages.WatchPersistent)}
	h.send(hotRequest(messages.OpAddWatch, watch.Append(nil)))
	return h
}

func hotRequest(op messages.OpCode, body []byte) []byte {
	return frameOf(append(jute.AppendRequestHeader(nil, jute.RequestHeader{Xid: 1, Op: op}), body...))
}

// send hands a chunk to the connection and runs until the answers to all that is in it are on the wire, in one write.
func (h *hotPath) send(chunk []byte) {
	h.writes = 0
	h.received(chunk, nil)
	h.steps.Settle()
	if h.writes != 1 {
		h.t.Fatalf("a chunk of requests was answered by %d writes, want 1", h.writes)
	}
}

// answers checks that so many replies have come, each with this code.
func (h *hotPath) answers(n int, code messages.ErrCode) {
	h.t.Helper()
	split, got := jute.Splitter{}, 0
	if err := split.Feed(bytes.Clone(h.written)); err != nil {
		h.t.Fatal(err)
	}
	for {
		frame, ok := split.Next()
		if !ok {
			break
		}
		d := jute.NewDecoder(frame)
		r := jute.DecodeReplyHeader(&d)
		if r.Xid == messages.XidWatchEvent {
			continue
		}
		if got++; r.Err != code {
			h.t.Fatalf("reply %d has code %v, want %v", got, r.Err, code)
		}
	}
	if got != n {
		h.t.Fatalf("%d replies, want %d", got, n)
	}
}

// hotBatch is how many requests a busy client has on their way at once.
const hotBatch = 64

// hotRequests are what a busy server is asked most, and how often it may allocate from the chunk that the connection's actor
// got to the replies' bytes in the hand of the socket, for one request and for a batch of hotBatch.
//
// A read, however many there are in the batch, has 2: the message with the chunk, and the one with the frames. None is for the
// request itself: its path is looked up where it was read, the reply is written into a buffer that comes back, as do the
// connection's batch and those of the request processor and of the gate.
//
// A write has those, and at the desk its path and its data (which the tree copies), the transaction and its encoded form: 4 for
// each write of a batch. The rest are messages of the five stages, the desk's list of proposals, which the gate's deliveries
// refer to, and what the disk in memory allocates itself. One more of each may be a batch that the collector has taken.
var hotRequests = []struct {
	name      string
	op        messages.OpCode
	body      []byte
	code      messages.ErrCode
	one, many float64
}{
	{"ping", messages.OpPing, nil, messages.ErrOK, 3, 3},
	{"get", messages.OpGetData, getRequest("/n0", false), messages.ErrOK, 3, 3},
	{"get-missing", messages.OpGetData, getRequest("/missing", false), messages.ErrNoNode, 3, 3},
	{"get-watch-again", messages.OpGetData, getRequest("/n0", true), messages.ErrOK, 3, 3},
	{"exists", messages.OpExists, getRequest("/n0", false), messages.ErrOK, 3, 3},
	{"children", messages.OpGetChildren2, getRequest("/", false), messages.ErrOK, 3, 3},
	{"set", messages.OpSetData, setRequest("/n1", string(make([]byte, 100)), -1), messages.ErrOK, 14, 60 + 4*hotBatch},
	{"set-watched", messages.OpSetData, setRequest("/n2", string(make([]byte, 100)), -1), messages.ErrOK, 14, 60 + 4*hotBatch},
}

func TestAllocationsOfRequests(t *testing.T) {
	if actortest.RaceDetector {
		t.Skip("the race detector allocates on its own account")
	}
	for _, r := range hotRequests {
		for n, most := range map[int]float64{1: r.one, hotBatch: r.many} {
			h := newHotPath(t)
			chunk := bytes.Repeat(hotRequest(r.op, r.body), n)
			for range 100 { // until all buffers have the size that they need
				h.send(chunk)
			}
			got := testing.AllocsPerRun(200, func() { h.send(chunk) })
			h.answers(n, r.code)
			if got > most {
				t.Errorf("%s, %d at once: %v allocations, at most %v are known (see hotRequests; "+
					"go test ./actors -run '^$' -bench HotPath -memprofile shows where they are)", r.name, n, got, most)
			}
		}
	}
}

// BenchmarkHotPath measures the same without sockets, disk and other goroutines, in operations: what the stages cost.
func BenchmarkHotPath(b *testing.B) {
	for _, r := range hotRequests {
		for _, n := range []int{1, hotBatch} {
			b.Run(fmt.Sprintf("%s/%d", r.name, n), func(b *testing.B) {
				h := newHotPath(b)
				chunk := bytes.Repeat(hotRequest(r.op, r.body), n)
				b.ReportAllocs()
				for b.Loop() {
					h.send(chunk)
				}
				h.answers(n, r.code)
			})
		}
	}
}
