package jute

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func framed(frames ...[]byte) []byte {
	var out []byte
	for _, f := range frames {
		out = AppendBuffer(out, f)
	}
	return out
}

func drain(s *Splitter) [][]byte {
	var list [][]byte
	for f, ok := s.Next(); ok; f, ok = s.Next() {
		list = append(list, f)
	}
	return list
}

func sameFrames(t interface{ Fatalf(string, ...any) }, got, want [][]byte) {
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("frame %d is %x, want %x", i, got[i], want[i])
		}
	}
}

func TestSplitterAnySplitGivesTheSameFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 0, 1500)
		want := rapid.SliceOfN(body, 0, 12).Draw(t, "frames")
		stream := framed(want...)
		s := Splitter{Limit: 1500}
		var got [][]byte
		for len(stream) > 0 {
			n := rapid.IntRange(1, len(stream)).Draw(t, "chunk")
			if err := s.Feed(bytes.Clone(stream[:n])); err != nil {
				t.Fatalf("feed: %v", err)
			}
			stream = stream[n:]
			if rapid.Bool().Draw(t, "drain") { // frames may also pile up
				got = append(got, drain(&s)...)
			}
		}
		sameFrames(t, append(got, drain(&s)...), want)
		if s.Pending() != 0 {
			t.Fatalf("%d bytes pending at the end of the stream", s.Pending())
		}
	})
}

func TestSplitterFramesAreFrozen(t *testing.T) {
	s := Splitter{}
	stream := framed([]byte("one"), []byte("two is cut"), []byte("three"))
	if err := s.Feed(bytes.Clone(stream[:13])); err != nil {
		t.Fatal(err)
	}
	got := drain(&s)
	for i := 13; i < len(stream); i++ {
		if err := s.Feed([]byte{stream[i]}); err != nil {
			t.Fatal(err)
		}
		got = append(got, drain(&s)...)
	}
	_ = append(got[0], "overwrites the neighbour unless the capacity is cut"...)
	sameFrames(t, got, [][]byte{[]byte("one"), []byte("two is cut"), []byte("three")})
}

func TestSplitterDoesNotCopyWholeFrames(t *testing.T) {
	s := Splitter{}
	chunk := framed([]byte("abc"), []byte("defg"))
	if err := s.Feed(chunk); err != nil {
		t.Fatal(err)
	}
	got := drain(&s)
	if &got[0][0] != &chunk[4] || &got[1][0] != &chunk[11] {
		t.Fatal("a whole frame was copied")
	}
}

func TestSplitterRefusesLengths(t *testing.T) {
	for _, c := range []struct {
		name     string
		length   uint32
		negative bool
		text     string
	}{
		{"above the limit", 101, false, "101, the limit is 0 to 100"},
		{"negative", 0xffffffff, true, "-1, the limit is 0 to 100"},
		{"most negative", 0x80000000, true, "-2147483648"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := binary.BigEndian.AppendUint32(framed([]byte("good"), make([]byte, 100)), c.length)
			for cut := range bad {
				s := Splitter{Limit: 100}
				err := s.Feed(bytes.Clone(bad[:cut]))
				if err != nil {
					t.Fatalf("cut %d: %v before the bad length", cut, err)
				}
				err = s.Feed(bytes.Clone(bad[cut:]))
				if !errors.Is(err, ErrFrameLength) || errors.Is(err, ErrFrameNegative) != c.negative ||
					!strings.Contains(err.Error(), c.text) {
					t.Fatalf("cut %d: %v", cut, err)
				}
				sameFrames(t, drain(&s), [][]byte{[]byte("good"), make([]byte, 100)})
				if again := s.Feed(framed([]byte("late"))); !errors.Is(again, ErrFrameLength) {
					t.Fatalf("cut %d: the error went away: %v", cut, again)
				}
				if _, ok := s.Next(); ok {
					t.Fatalf("cut %d: a frame behind the bad length", cut)
				}
			}
		})
	}
}

func TestSplitterDefaultLimit(t *testing.T) {
	var s Splitter
	if err := s.Feed(binary.BigEndian.AppendUint32(nil, DefaultFrameLimit)); err != nil {
		t.Fatal(err)
	}
	var other Splitter
	if err := other.Feed(binary.BigEndian.AppendUint32(nil, DefaultFrameLimit+1)); !errors.Is(err, ErrFrameLength) {
		t.Fatal(err)
	}
}

func TestSplitterGrowsOnlyWithWhatArrives(t *testing.T) {
	const connections = 100
	list := make([]Splitter, connections)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range list {
		if err := list[i].Feed(append(binary.BigEndian.AppendUint32(nil, 1_000_000), 1, 2, 3)); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / connections; got > 2048 {
		t.Fatalf("a million bytes announced and three sent took %d bytes", got)
	}
}

func TestSplitterIdleHoldsNothing(t *testing.T) {
	var s Splitter
	stream := framed([]byte("first"), []byte("second"))
	for _, part := range [][]byte{stream[:6], stream[6:]} {
		if err := s.Feed(bytes.Clone(part)); err != nil {
			t.Fatal(err)
		}
	}
	drain(&s)
	if s.runs != nil || s.carry != nil {
		t.Fatalf("an idle splitter holds %d runs and %d bytes", cap(s.runs), cap(s.carry))
	}
}

func FuzzSplitter(f *testing.F) {
	f.Add(framed([]byte("one"), nil, []byte{}, []byte("four")), []byte{1, 4, 9})
	f.Add(framed(make([]byte, 300), []byte("x")), []byte{255, 3})
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff, 1}, []byte{2})
	f.Add([]byte{0x80, 0, 0, 0}, []byte{})
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		whole := Splitter{Limit: 256}
		wholeErr := whole.Feed(bytes.Clone(stream))
		want := drain(&whole)

		parts := Splitter{Limit: 256}
		var got [][]byte
		var err error
		for _, c := range cuts {
			n := min(int(c), len(stream))
			if err = parts.Feed(bytes.Clone(stream[:n])); err != nil {
				break
			}
			got = append(got, drain(&parts)...)
			stream = stream[n:]
		}
		if err == nil {
			err = parts.Feed(bytes.Clone(stream))
		}
		sameFrames(t, append(got, drain(&parts)...), want)
		if (err == nil) != (wholeErr == nil) || (err != nil && err.Error() != wholeErr.Error()) {
			t.Fatalf("in parts: %v; at once: %v", err, wholeErr)
		}
		if err == nil && parts.Pending() != whole.Pending() {
			t.Fatalf("in parts %d bytes pending, at once %d", parts.Pending(), whole.Pending())
		}
	})
}

func BenchmarkSplitter(b *testing.B) {
	chunk := framed(bytes.Repeat([]byte{1}, 120))
	for len(chunk) < 60_000 {
		chunk = append(chunk, chunk[:124]...)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(chunk)))
	var s Splitter
	for b.Loop() {
		if s.Feed(chunk) != nil {
			b.Fatal("refused")
		}
		for _, ok := s.Next(); ok; _, ok = s.Next() {
		}
	}
}
