package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/troupekeeper/troupe/messages"
	"pgregory.net/rapid"
)

func TestStreamsCarryMessagesInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream bytes.Buffer
		w := NewWriter(&stream, 0)
		var want []any
		for range rapid.IntRange(0, 5).Draw(t, "writes") {
			var batch []any
			for range rapid.IntRange(0, 4).Draw(t, "batch") {
				r := rapid.SampledFrom(registered).Draw(t, "type")
				batch = append(batch, genMessage(t, reflect.TypeOf(r.zero)))
			}
			if err := w.Write(batch...); err != nil {
				t.Fatal(err)
			}
			want = append(want, batch...)
		}
		var source io.Reader = &stream
		if rapid.Bool().Draw(t, "byteByByte") {
			source = iotest.OneByteReader(source)
		}
		r := NewReader(source, 0)
		for i, w := range want {
			got, err := r.Read()
			if err != nil || !reflect.DeepEqual(got, w) {
				t.Fatalf("message %d: got %#v (%v)\nwant %#v", i, got, err, w)
			}
		}
		for range 2 { // the end stays the end
			if got, err := r.Read(); got != nil || err != io.EOF {
				t.Fatalf("behind the last message: %#v, %v", got, err)
			}
		}
	})
}

func TestReaderTellsCutStreams(t *testing.T) {
	frame, err := Encode(nil, messages.CloseConn{Conn: 1, Reason: "why"})
	if err != nil {
		t.Fatal(err)
	}
	for cut := 1; cut < len(frame); cut++ {
		r := NewReader(bytes.NewReader(frame[:cut]), 0)
		for range 2 {
			if _, err := r.Read(); !errors.Is(err, ErrTruncated) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%d of %d bytes: %v", cut, len(frame), err)
			}
		}
	}
}

func TestReaderGoesOnBehindWhatItDoesNotKnow(t *testing.T) {
	good, err := Encode(nil, messages.Touch{Now: 4})
	if err != nil {
		t.Fatal(err)
	}
	stream := append(frameOf(Version, 9999, []byte{1, 2}), frameOf(Version, 31, []byte{0xc0})...)
	r := NewReader(bytes.NewReader(append(stream, good...)), 0)
	for _, want := range []error{ErrType, ErrBody, nil} {
		if _, err := r.Read(); !errors.Is(err, want) {
			t.Fatalf("got %v, want %v", err, want)
		}
	}
}

func TestReaderStopsWhereTheStreamIsLost(t *testing.T) {
	good, err := Encode(nil, messages.Touch{Now: 4})
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(good)
	damaged[len(damaged)-1] ^= 1
	for want, bad := range map[error][]byte{
		ErrVersion:  frameOf(7, 31, []byte{0x91, 1}),
		ErrTooLong:  frameOf(Version, 31, make([]byte, 101)),
		ErrChecksum: damaged,
	} {
		r := NewReader(bytes.NewReader(append(bytes.Clone(bad), good...)), 100)
		for range 2 {
			if msg, err := r.Read(); msg != nil || !errors.Is(err, want) {
				t.Errorf("got %#v, %v, want %v", msg, err, want)
			}
		}
	}
	broken := errors.New("cable pulled")
	if _, err := NewReader(iotest.ErrReader(broken), 0).Read(); !errors.Is(err, broken) || errors.Is(err, ErrTruncated) {
		t.Errorf("a failed read says %v", err)
	}
}

func TestReaderGrowsWithWhatArrives(t *testing.T) {
	h := binary.BigEndian.AppendUint32([]byte{0, Version, 0, 31}, MaxBody)
	h = append(h, 0, 0, 0, 0, 0x91)
	r := NewReader(bytes.NewReader(h), 0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := r.Read()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrTruncated) || got > 4*readBuffer {
		t.Fatalf("64 MB announced and a byte sent took %d bytes: %v", got, err)
	}
}

func TestWriterWritesAllOrNothing(t *testing.T) {
	var stream bytes.Buffer
	w := NewWriter(&stream, 100)
	if err := w.Write(messages.Touch{}, "no message"); !errors.Is(err, ErrNotMessage) {
		t.Error(err)
	}
	if err := w.Write(messages.Touch{}, messages.Output{Frames: make([]byte, 101)}); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if stream.Len() != 0 {
		t.Fatalf("%d bytes of a refused batch were written", stream.Len())
	}
	if err := w.Write(messages.Touch{Now: 5}); err != nil {
		t.Fatal(err)
	}
	if got, err := NewReader(&stream, 100).Read(); err != nil || got != (messages.Touch{Now: 5}) {
		t.Fatalf("%#v, %v", got, err)
	}
}
