package jute

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// seed adds the recorded frames of the kinds that want accepts, without their length.
func seed(f *testing.F, want func(kind string) bool, add func(c capture)) {
	f.Helper()
	for _, c := range readCaptures(f) {
		if want(c.kind) {
			add(c)
		}
	}
}

// FuzzRequestRecords reads a whole request frame: no input may panic, and what is read must say the same when it has
// been written and read again.
func FuzzRequestRecords(f *testing.F) {
	seed(f, func(kind string) bool { return kind[0] == '>' && kind != ">connect" }, func(c capture) { f.Add(c.frame) })
	f.Fuzz(func(t *testing.T, frame []byte) { stable(t, ">", frame) })
}

// FuzzReplyRecords does the same with what the clients read; the first byte stands for the request's operation.
func FuzzReplyRecords(f *testing.F) {
	ops := []messages.OpCode{messages.OpMulti, messages.OpMultiRead, messages.OpNotification}
	for op := range messages.OpCode(128) {
		if replyCodecs[op] != nil {
			ops = append(ops, op)
		}
	}
	seed(f, func(kind string) bool { return kind[0] == '<' && kind != "<connect" }, func(c capture) {
		for i, op := range ops {
			if op == opNamed(c.kind[1:]) {
				f.Add(byte(i), c.frame)
			}
		}
	})
	f.Fuzz(func(t *testing.T, op byte, frame []byte) {
		kind := "<event"
		if code := ops[int(op)%len(ops)]; code != messages.OpNotification {
			kind = "<" + code.String()
		}
		stable(t, kind, frame)
	})
}

// FuzzConnectRequest reads the first frame of a client, and the answer to it.
func FuzzConnectRequest(f *testing.F) {
	seed(f, func(kind string) bool { return strings.HasSuffix(kind, "connect") }, func(c capture) { f.Add(c.frame) })
	f.Fuzz(func(t *testing.T, frame []byte) {
		stable(t, ">connect", frame)
		stable(t, "<connect", frame)
	})
}

// FuzzMulti reads the record of a multi, of a multiRead and of the results.
func FuzzMulti(f *testing.F) {
	seed(f, func(kind string) bool { return strings.HasPrefix(kind[1:], "multi") }, func(c capture) {
		header := RequestHeaderSize
		if c.kind[0] == '<' {
			header = 16
		}
		f.Add(c.frame[header:])
	})
	f.Fuzz(func(t *testing.T, record []byte) {
		for _, op := range []messages.OpCode{messages.OpMulti, messages.OpMultiRead} {
			stable(t, ">", append(AppendRequestHeader(nil, RequestHeader{Xid: 1, Op: op}), record...))
			stable(t, "<"+op.String(), append(AppendReplyHeader(nil, ReplyHeader{Xid: 1}), record...))
		}
	})
}

func stable(t *testing.T, kind string, frame []byte) {
	before := bytes.Clone(frame)
	said, again, err := decodeCapture(kind, frame)
	if !bytes.Equal(before, frame) {
		t.Fatalf("%s: the frame was changed", kind)
	}
	if err != nil {
		if !errors.Is(err, ErrMalformed) {
			t.Fatalf("%s: not the sentinel: %v", kind, err)
		}
		return
	}
	said2, again2, err := decodeCapture(kind, again)
	if err != nil || !bytes.Equal(again, again2) {
		t.Fatalf("%s %x\nwas written as %x\nand then as    %x (%v)", kind, frame, again, again2, err)
	}
	if a, b := jsonOf(t, said), jsonOf(t, said2); !bytes.Equal(a, b) {
		t.Fatalf("%s %x\nsays      %s\nand again %s", kind, frame, a, b)
	}
}
