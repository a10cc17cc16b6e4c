//go:build unix

package bench

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestConnectFrameIsByteExact(t *testing.T) {
	want := []byte{
		0, 0, 0, 45, // length
		0, 0, 0, 0, // protocol version
		0, 0, 0, 0, 0, 0, 0, 0, // last zxid seen
		0, 0, 0x75, 0x30, // 30,000 ms
		0, 0, 0, 0, 0, 0, 0, 0, // new session
		0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // password
		0, // not read-only
	}
	if got := appendConnect(nil, 30_000); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestParseConnectedTellsRefusal(t *testing.T) {
	greeting := echoGreeting()
	body, rest, need, err := nextFrame(greeting)
	if err != nil || need != 0 || len(rest) != 0 {
		t.Fatalf("greeting is no frame: need %d, %d bytes left, %v", need, len(rest), err)
	}
	if c, err := parseConnected(body); err != nil || c.timeoutMS != 30_000 || c.sessionID != 1 {
		t.Errorf("got %+v, %v", c, err)
	}
	refused := append([]byte(nil), body...)
	copy(refused[4:16], make([]byte, 12))
	if _, err := parseConnected(refused); err == nil {
		t.Error("a timeout of 0 was taken for a session")
	}
	if _, err := parseConnected(body[:19]); err == nil {
		t.Error("a short answer was accepted")
	}
}

// Frames must come out whole and in order, however the stream is cut.
func TestNextFrameReassemblesAnyCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bodies := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 50), 1, 20).Draw(t, "bodies")
		var stream []byte
		for _, b := range bodies {
			stream = append(be.AppendUint32(stream, uint32(len(b))), b...)
		}
		var s Session
		var got [][]byte
		for len(stream) > 0 {
			n := rapid.IntRange(1, len(stream)).Draw(t, "cut")
			rest := append(append([]byte(nil), s.partial...), stream[:n]...)
			stream = stream[n:]
			for {
				body, next, need, err := nextFrame(rest)
				if err != nil {
					t.Fatal(err)
				}
				if need > 0 {
					if need <= len(rest) {
						t.Fatalf("needs %d bytes and has %d", need, len(rest))
					}
					s.keep(rest, need)
					break
				}
				got = append(got, append([]byte(nil), body...))
				rest = next
			}
		}
		if len(got) != len(bodies) || len(s.partial) != 0 {
			t.Fatalf("%d frames of %d, %d bytes left over", len(got), len(bodies), len(s.partial))
		}
		for i := range got {
			if !bytes.Equal(got[i], bodies[i]) {
				t.Fatalf("frame %d differs", i)
			}
		}
	})
}

func TestNextFrameRefusesNonsense(t *testing.T) {
	for _, length := range []uint32{0xFFFFFFFF, 0x80000000, frameBytesMax + 1} {
		if _, _, _, err := nextFrame(be.AppendUint32(nil, length)); err == nil {
			t.Errorf("a length of %#x was accepted", length)
		}
	}
}

func TestQueueKeepsOrderWhileItGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var model []int32
		next := int32(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if len(model) > 0 && rapid.IntRange(0, 2).Draw(t, "pop") == 0 {
				if got := q.pop(); got.xid != model[0] {
					t.Fatalf("popped %d, want %d", got.xid, model[0])
				}
				model = model[1:]
			} else {
				next++
				q.push(outstanding{xid: next})
				model = append(model, next)
			}
			oldest, ok := q.oldest()
			if ok != (len(model) > 0) || ok && oldest.xid != model[0] || q.size != len(model) {
				t.Fatalf("oldest %v %v, size %d, model %v", oldest.xid, ok, q.size, model)
			}
		}
	})
}
