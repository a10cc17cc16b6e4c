package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"pgregory.net/rapid"
)

func TestEveryMessageRoundTrips(t *testing.T) {
	for _, r := range registered {
		typ := reflect.TypeOf(r.zero)
		t.Run(typ.Name(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := genMessage(t, typ)
				prefix := []byte("what was there")
				data, err := Encode(prefix, want)
				if err != nil {
					t.Fatal(err)
				}
				frame := bytes.TrimPrefix(data, prefix)
				got, rest, err := Decode(append(frame, 1, 2, 3))
				clear(frame) // what came out must not share the bytes
				if err != nil || !bytes.Equal(rest, []byte{1, 2, 3}) {
					t.Fatalf("%+v: %v, rest %x", want, err, rest)
				}
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("got  %#v\nwant %#v", got, want)
				}
				whole, _ := Encode(nil, want)
				if size, err := FrameSize(append(whole, 1), 0); err != nil || size != len(whole) {
					t.Fatalf("a frame of %d bytes looks like one of %d: %v", len(whole), size, err)
				}
				if p, _, err := DecodePointer(whole); err != nil || !reflect.DeepEqual(p, pointerTo(want)) {
					t.Fatalf("as a pointer %#v (%v), want %#v", p, err, want)
				}
				if code, ok := CodeOf(got); !ok || code != r.code || code.String() != typ.Name() {
					t.Fatalf("%T has the code %v", got, code)
				}
			})
		})
	}
}

// pointerTo is the pointer to a message, or a transaction body, which is one already.
func pointerTo(msg any) any {
	if reflect.TypeOf(msg).Kind() == reflect.Pointer {
		return msg
	}
	p := reflect.New(reflect.TypeOf(msg))
	p.Elem().Set(reflect.ValueOf(msg))
	return p.Interface()
}

func TestFrameSizeNeedsTheHeaderAndKeepsTheLimit(t *testing.T) {
	frame := frameOf(Version, 102, make([]byte, 100))
	for cut := range HeaderSize {
		if n, err := FrameSize(frame[:cut], 0); n != 0 || err != nil {
			t.Fatalf("%d bytes: %d, %v", cut, n, err)
		}
	}
	if n, err := FrameSize(frame[:HeaderSize], 100); n != HeaderSize+100 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if _, err := FrameSize(frame, 99); !errors.Is(err, ErrTooLong) {
		t.Fatal(err)
	}
	if _, err := FrameSize(frameOf(Version+1, 102, nil), 0); !errors.Is(err, ErrVersion) {
		t.Fatal(err)
	}
}

func TestPointersAndValuesEncodeAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom(registered).Draw(t, "type")
		msg := genMessage(t, reflect.TypeOf(r.zero))
		v := reflect.ValueOf(msg)
		if v.Kind() == reflect.Pointer { // a transaction body
			msg, v = v.Elem().Interface(), v.Elem()
		}
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		a, errA := Encode(nil, msg)
		b, errB := Encode(nil, p.Interface())
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Fatalf("%x (%v) and %x (%v)", a, errA, b, errB)
		}
	})
}

func TestAnyFlippedBitIsNoticed(t *testing.T) {
	msg := messages.Requests{Items: []messages.Request{{Conn: 7, Session: -5, Body: []byte("body"), Xid: -4}}}
	frame, err := Encode(nil, msg)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(frame) * 8 {
		damaged := bytes.Clone(frame)
		damaged[bit/8] ^= 1 << (bit % 8)
		got, rest, err := Decode(damaged)
		if got != nil || err == nil {
			t.Fatalf("bit %d: %+v", bit, got)
		}
		want := []error{ErrChecksum}
		switch at := bit / 8; {
		case at < 2:
			want = []error{ErrVersion}
		case at >= 4 && at < 8:
			want = []error{ErrChecksum, ErrTruncated, ErrTooLong}
		}
		if !isOneOf(err, want) || len(rest) != len(damaged) {
			t.Fatalf("bit %d: %v, rest of %d bytes", bit, err, len(rest))
		}
	}
}

func isOneOf(err error, list []error) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func TestEachCutIsTruncated(t *testing.T) {
	frame, err := Encode(nil, messages.Touch{Session: 1, Now: 2})
	if err != nil {
		t.Fatal(err)
	}
	for cut := range frame {
		if _, rest, err := Decode(frame[:cut]); !errors.Is(err, ErrTruncated) || len(rest) != cut {
			t.Errorf("%d of %d bytes: %v", cut, len(frame), err)
		}
	}
}

// frameOf builds a frame with a right checksum around any body.
func frameOf(version uint16, code Code, body []byte) []byte {
	h := binary.BigEndian.AppendUint16(nil, version)
	h = binary.BigEndian.AppendUint16(h, uint16(code))
	h = binary.BigEndian.AppendUint32(h, uint32(len(body)))
	h = binary.BigEndian.AppendUint32(h, checksum(h, body))
	return append(h, body...)
}

func TestDecodeRefuses(t *testing.T) {
	touch, join, closeConn, applied := Code(26), Code(31), Code(23), Code(11)
	for name, c := range map[string]struct {
		frame    []byte
		want     error
		goesOn   bool
		contains string
	}{
		"version 0":           {frameOf(0, join, []byte{0x91, 1}), ErrVersion, false, "0, this server knows 1"},
		"version 2":           {frameOf(2, join, []byte{0x91, 1}), ErrVersion, false, "2, this server knows 1"},
		"type 0":              {frameOf(1, 0, []byte{0x91, 1}), ErrType, true, ": 0"},
		"type 65535":          {frameOf(1, 65535, nil), ErrType, true, "65535"},
		"empty body":          {frameOf(1, join, nil), ErrBody, true, "BucketJoin"},
		"field too many":      {frameOf(1, join, []byte{0x92, 1, 2}), ErrBody, true, "2 fields instead of 1"},
		"field too few":       {frameOf(1, touch, []byte{0x91, 1}), ErrBody, true, "1 fields instead of 2"},
		"a map":               {frameOf(1, join, []byte{0x81, 0xa3, 'N', 'o', 'w', 1}), ErrBody, true, ""},
		"nil":                 {frameOf(1, join, []byte{0xc0}), ErrBody, true, ""},
		"a float":             {frameOf(1, join, []byte{0x91, 0xca, 0, 0, 0, 0}), ErrBody, true, "an integer"},
		"an integer of nil":   {frameOf(1, join, []byte{0x91, 0xc0}), ErrBody, true, "an integer"},
		"an unsigned of -1":   {frameOf(1, applied, []byte{0x93, 0xff, 1, 1}), ErrBody, true, "an unsigned"},
		"beyond 63 bits":      {frameOf(1, join, []byte{0x91, 0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0}), ErrBody, true, "does not fit"},
		"beyond 32 bits":      {frameOf(1, 35, []byte{0x92, 1, 0xce, 0x80, 0, 0, 0}), ErrBody, true, "does not fit"},
		"a string of nil":     {frameOf(1, closeConn, []byte{0x92, 1, 0xc0}), ErrBody, true, "nil where a string"},
		"a boolean of 1":      {frameOf(1, 51, []byte{0x91, 1}), ErrBody, true, "a boolean"},
		"bytes left over":     {frameOf(1, join, []byte{0x91, 1, 1}), ErrBody, true, "1 bytes left over"},
		"string of 4 GB":      {frameOf(1, closeConn, []byte{0x92, 1, 0xdb, 0xff, 0xff, 0xff, 0xff}), ErrBody, true, "announced"},
		"list of 4 G":         {frameOf(1, 2, []byte{0x91, 0xdd, 0xff, 0xff, 0xff, 0xff}), ErrBody, true, "a list of"},
		"proposal of nothing": {frameOf(1, 3, []byte{0x93, 0, 1, 0xc4, 0}), ErrBody, true, "transaction"},
		"another transaction": {frameOf(1, 82, bodyOf(t, &messages.CloseSessionTxn{})), ErrBody, true, "holds a *messages.CloseSessionTxn"},
	} {
		got, rest, err := Decode(append(c.frame, 9))
		if got != nil || !errors.Is(err, c.want) || !bytes.Contains([]byte(err.Error()), []byte(c.contains)) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if goesOn := len(rest) == 1; goesOn != c.goesOn {
			t.Errorf("%s: rest %x", name, rest)
		}
	}
}

func bodyOf(t *testing.T, msg any) []byte {
	frame, err := Encode(nil, msg)
	if err != nil {
		t.Fatal(err)
	}
	return frame[HeaderSize:]
}

func TestEncodeRefuses(t *testing.T) {
	nothing := messages.Proposal{Header: messages.TxnHeader{Zxid: 0x17}}
	for name, msg := range map[string]any{
		"nil":                     nil,
		"a string":                "no message",
		"a nil pointer":           (*messages.Touch)(nil),
		"a part without code":     messages.Send{},
		"a proposal of nothing":   nothing,
		"one in a batch":          &messages.Proposals{Items: []messages.Proposal{nothing}},
		"one that is committed":   messages.Committed{Items: []messages.Proposal{nothing}},
		"one that is delivered":   messages.Deliveries{Items: []messages.Delivery{{}, {Proposal: &nothing}}},
		"a multi within a multi":  &messages.MultiTxn{Ops: []messages.MultiOp{{Body: &messages.MultiTxn{}}}},
		"a list of no type known": []messages.Touch{{}},
	} {
		dst := []byte("before")
		if out, err := Encode(dst, msg); !errors.Is(err, ErrNotMessage) || string(out) != "before" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
	if _, err := Encode(nil, messages.Output{Frames: make([]byte, MaxBody)}); !errors.Is(err, ErrTooLong) {
		t.Errorf("a body above the limit: %v", err)
	}
}

// TestLengthsAllocateNothing announces as many elements as the frame has bytes, which is the most that passes, and
// gives none of them.
func TestLengthsAllocateNothing(t *testing.T) {
	const size = 1 << 20
	for _, r := range registered {
		body := append([]byte{0x91, 0xdd, 0, 0x0f, 0xff, 0xf0}, bytes.Repeat([]byte{0xc1}, size)...) // c1 is no code
		frame := frameOf(Version, r.code, body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := Decode(frame)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; err == nil || got > 17*size {
			t.Errorf("%v: %d bytes allocated, %v", r.code, got, err)
		}
	}
}

func FuzzPack(f *testing.F) {
	for _, r := range registered {
		if frame, err := Encode(nil, r.zero); err == nil {
			f.Add(uint16(r.code), frame[HeaderSize:])
		}
	}
	data, err := messages.EncodeTxn(&messages.TxnHeader{Xid: -4}, &messages.DeleteTxn{Path: "/a"})
	if err != nil {
		f.Fatal(err)
	}
	proposal := messages.Proposal{Ticket: 3, Encoded: data}
	for _, msg := range []any{
		messages.Deliveries{Items: []messages.Delivery{{Proposal: &proposal, Refusal: &messages.Refusal{Results: []messages.ErrCode{-1}}}}},
		messages.Committed{Items: []messages.Proposal{proposal, proposal}},
		messages.Requests{Items: []messages.Request{{Body: []byte("b"), Identities: []messages.Identity{{Scheme: "ip"}}}}},
		messages.SessionReport{Buckets: []messages.BucketReport{{Deadline: 1, Sessions: []messages.SessionID{1, -1}}}},
		messages.WatchReport{Watches: []messages.WatchEntry{{Path: "/a", Session: 2}}},
	} {
		code, _ := CodeOf(msg)
		frame, err := Encode(nil, msg)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint16(code), frame[HeaderSize:])
	}
	f.Fuzz(func(t *testing.T, code uint16, body []byte) {
		// The bytes as they are: hardly ever a frame, but never a panic.
		if _, _, err := Decode(body); err == nil {
			t.Log("a frame was guessed")
		}
		msg, rest, err := Decode(frameOf(Version, Code(code), body))
		if err != nil {
			if !errors.Is(err, ErrType) && !errors.Is(err, ErrBody) {
				t.Fatalf("not a sentinel: %v", err)
			}
			return
		}
		if len(rest) > 0 {
			t.Fatalf("%x left over", rest)
		}
		again, err := Encode(nil, msg)
		if err != nil {
			t.Fatalf("%#v was decoded but can't be encoded: %v", msg, err)
		}
		msg2, _, err := Decode(again)
		if err != nil {
			t.Fatalf("%#v: %v", msg, err)
		}
		if again2, err := Encode(nil, msg2); err != nil || !bytes.Equal(again, again2) {
			t.Fatalf("%#v became %#v: %v", msg, msg2, err)
		}
	})
}

func TestErrorsTellTheUnexpectedEnd(t *testing.T) {
	_, _, err := Decode(frameOf(Version, 26, []byte{0x92, 1}))
	if !errors.Is(err, ErrBody) || !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
