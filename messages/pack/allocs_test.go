package pack

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// Encoding into a buffer that is large enough allocates nothing. Decoding makes the message and its list, of each request its
// body, of each proposal the encoded form and out of that the transaction and its path.
func TestAllocationsOfMessages(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates on its own account")
	}
	for _, msg := range benchMessages(t) {
		var pointer any
		var most float64
		switch m := msg.(type) {
		case messages.Touch:
			pointer, most = &m, 1
		case messages.Proposals:
			pointer, most = &m, 3+3*float64(len(m.Items))
		case messages.Requests:
			pointer, most = &m, 3+float64(len(m.Items))
		}
		buf, err := Encode(nil, pointer)
		if err != nil {
			t.Fatal(err)
		}
		if got := testing.AllocsPerRun(500, func() { buf, _ = Encode(buf[:0], pointer) }); got != 0 {
			t.Errorf("%T: encoding it allocates %v times, want 0", pointer, got)
		}
		got := testing.AllocsPerRun(500, func() {
			if _, _, err := DecodePointer(buf); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%T: %v allocations to decode it", pointer, got)
		if got > most {
			t.Errorf("%T: decoding it allocates %v times, at most %v are known", pointer, got, most)
		}
	}
}
