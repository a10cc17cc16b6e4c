package actors

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

func testConn(t *testing.T) *Conn {
	t.Helper()
	o := DefaultConnOptions()
	o.Words = map[string]bool{"ruok": true, "stmk": true}
	return NewConn(7, "127.0.0.1:4000", o, testAuth(t), func() messages.Zxid { return 100 })
}

func frame(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func connectFrame(zxid messages.Zxid, timeout int32, session messages.SessionID, legacy bool) []byte {
	r := jute.ConnectRequest{LastZxidSeen: zxid, Timeout: timeout, Session: session,
		Password: make([]byte, 16), HasReadOnly: !legacy}
	return frame(r.Append(nil))
}

func requestFrame(xid int32, op messages.OpCode, body ...byte) []byte {
	return frame(append(jute.AppendRequestHeader(nil, jute.RequestHeader{Xid: xid, Op: op}), body...))
}

// serving is a connection with a session.
func serving(t *testing.T) *Conn {
	t.Helper()
	c := testConn(t)
	out := c.Bytes(connectFrame(0, 10000, 0, false), 1000)
	if len(out) != 1 || out[0].Msg.(*messages.Connect).Timeout != 10000 {
		t.Fatalf("the handshake gave %v", out)
	}
	c.SessionReady(&messages.SessionReady{Conn: 7, Session: 9, Timeout: 10000, Password: make([]byte, 16)}, 2000)
	c.TakeOutput()
	return c
}

func wantClosed(t *testing.T, c *Conn, part string) {
	t.Helper()
	reason, _, closing := c.Closing()
	if !closing || !strings.Contains(reason, part) {
		t.Errorf("closing %v because %q, want it to say %q", closing, reason, part)
	}
}

func TestConnNegotiatesTheTimeout(t *testing.T) {
	for asked, want := range map[int32]int32{-5: 4000, 0: 4000, 3999: 4000, 10000: 10000, 1 << 30: 40000} {
		out := testConn(t).Bytes(connectFrame(0, asked, 0, false), 0)
		if got := out[0].Msg.(*messages.Connect).Timeout; got != want {
			t.Errorf("a client that asks for %d ms gets %d, want %d", asked, got, want)
		}
	}
}

func TestConnAnswersOldClientsInTheirForm(t *testing.T) {
	for legacy, length := range map[bool]int{true: 4 + 36, false: 4 + 37} {
		c := testConn(t)
		c.Bytes(connectFrame(0, 10000, 0, legacy), 0)
		c.SessionReady(&messages.SessionReady{Session: 9, Timeout: 10000, Password: make([]byte, 16)}, 0)
		if got := len(c.TakeOutput()); got != length {
			t.Errorf("old client %v: the answer has %d bytes, want %d", legacy, got, length)
		}
	}
}

func TestConnCutsOffClientsFromTheFuture(t *testing.T) {
	c := testConn(t)
	if out := c.Bytes(connectFrame(101, 10000, 0, false), 0); out != nil || len(c.out) > 0 {
		t.Error("a client that has seen more than this server got an answer")
	}
	wantClosed(t, c, "0x65")
}

func TestConnHoldsRequestsUntilTheSessionStands(t *testing.T) {
	c := testConn(t)
	c.Bytes(append(connectFrame(0, 10000, 0, false), requestFrame(1, messages.OpGetData, 1, 2)...), 0)
	if batch := taken(c); batch != nil {
		t.Fatal("requests passed before the session stood")
	}
	c.SessionReady(&messages.SessionReady{Session: 9, Timeout: 10000}, 0)
	batch := taken(c)
	if len(batch) != 1 || batch[0].Session != 9 || batch[0].Xid != 1 || !bytes.Equal(batch[0].Body, []byte{1, 2}) {
		t.Errorf("got %+v", batch)
	}
}

func TestConnByteByByte(t *testing.T) {
	c := testConn(t)
	stream := append(connectFrame(0, 10000, 0, false), requestFrame(3, messages.OpPing)...)
	for i := range stream {
		c.Bytes(stream[i:i+1], 0)
	}
	c.SessionReady(&messages.SessionReady{Session: 9, Timeout: 10000}, 0)
	if batch := taken(c); len(batch) != 1 || batch[0].Op != messages.OpPing {
		t.Errorf("got %+v", batch)
	}
}

func TestConnFourLetterWords(t *testing.T) {
	c := testConn(t)
	out := c.Bytes([]byte("ruok\n"), 0)
	if len(out) != 1 || out[0].Slot != SlotCommands || out[0].Msg.(*messages.FourLetterWord).Word != "ruok" {
		t.Errorf("got %v", out)
	}
	c = testConn(t)
	if out := c.Bytes([]byte("stmk\x00\x00"), 0); out != nil {
		t.Error("stmk didn't wait for its mask")
	}
	out = c.Bytes([]byte("\x00\x00\x00\x00\x01\x32"), 0)
	if m := out[0].Msg.(*messages.FourLetterWord); len(m.Argument) != 8 {
		t.Errorf("mask %x", m.Argument)
	}
	// After the handshake a word is an absurd length.
	c = serving(t)
	c.Bytes([]byte("ruok"), 0)
	wantClosed(t, c, "jute.maxbuffer")
}

func TestConnRefusesNonsense(t *testing.T) {
	for name, c := range map[string]struct {
		bytes []byte
		part  string
	}{
		"negative length":      {[]byte{0xff, 0xff, 0xff, 0xff}, "negative"},
		"too long":             {[]byte{0x7f, 0, 0, 0}, "jute.maxbuffer"},
		"no room for a header": {frame([]byte{1, 2, 3}), "no room"},
		"broken auth":          {requestFrame(1, messages.OpAuth, 0, 0), "auth"},
		"sasl without token":   {requestFrame(1, messages.OpSASL, 0xff, 0xff, 0xff, 0xff), "SASL"},
	} {
		conn := serving(t)
		conn.Bytes(append(bytes.Clone(c.bytes), requestFrame(2, messages.OpGetData)...), 0)
		if batch := taken(conn); batch != nil {
			t.Errorf("%s: what came behind it was read: %v", name, batch)
		}
		if reason, _, closing := conn.Closing(); !closing || !strings.Contains(reason, c.part) {
			t.Errorf("%s: closing %v because %q", name, closing, reason)
		}
	}
	broken := testConn(t)
	broken.Bytes(frame([]byte{0, 0, 0, 0, 1}), 0)
	wantClosed(t, broken, "ConnectRequest")
}

// Frames in front of a bad one are served.
func TestConnServesWhatCameBeforeTheNonsense(t *testing.T) {
	c := serving(t)
	c.Bytes(append(requestFrame(1, messages.OpGetData), 0xff, 0xff, 0xff, 0xff), 0)
	if batch := taken(c); len(batch) != 1 {
		t.Errorf("got %v", batch)
	}
	wantClosed(t, c, "negative")
}

func TestConnReadsNothingBehindTheGoodbye(t *testing.T) {
	for _, op := range []messages.OpCode{messages.OpCloseSession, messages.OpNotification, 42, messages.OpCheck} {
		c := serving(t)
		c.Bytes(append(requestFrame(1, op), requestFrame(2, messages.OpGetData)...), 0)
		if batch := taken(c); len(batch) != 1 || batch[0].Op != op {
			t.Errorf("%v: got %v", op, batch)
		}
	}
}

func TestConnReportsASignOfLifeOnceATick(t *testing.T) {
	c := serving(t)
	touches := 0
	for ms := int64(0); ms < 6000; ms += 10 {
		for _, s := range c.Bytes(requestFrame(-2, messages.OpPing), ms*1000) {
			if _, ok := s.Msg.(*messages.Touch); ok {
				touches++
			}
		}
	}
	// The first of the three ticks was reported with the handshake.
	if touches != 2 {
		t.Errorf("600 pings within three ticks were reported %d times, want 2", touches)
	}
}

// While leadership is handed over a learner's tracker has nobody to pass a sign of life on to, and the next one begins empty.
func TestConnRepeatsItsSignOfLifeToANewTracker(t *testing.T) {
	c := serving(t)
	if out := c.Relinked(); len(out) > 1 {
		t.Errorf("before any sign of life: %+v", out)
	}
	c.Bytes(requestFrame(-2, messages.OpPing), 5_000_000)
	out := c.Relinked()
	if len(out) != 1 || out[0].Msg.(*messages.Touch).Session != c.session || out[0].Msg.(*messages.Touch).Now != 5000 {
		t.Errorf("after one: %+v", out)
	}
}

func TestConnPauses(t *testing.T) {
	c := serving(t)
	c.Bytes(requestFrame(1, messages.OpGetData), 0)
	taken(c)
	limit := c.opts.OutstandingLimit
	for _, x := range []struct {
		outstanding int64
		pending     int
		want        bool
	}{{limit, 0, false}, {limit + 1, 0, true}, {0, c.opts.PendingOutput + 1, true}} {
		if got := c.Pause(x.outstanding, x.pending); got != x.want {
			t.Errorf("%d outstanding, %d bytes pending: pause %v", x.outstanding, x.pending, got)
		}
	}
	c.Output(&messages.Output{Replies: 1})
	if c.Pause(limit+1, 0) {
		t.Error("a connection that waits for nothing is held up by the others' requests")
	}
}

func TestConnRequiresAuthentication(t *testing.T) {
	c := serving(t)
	c.opts.RequireScheme = []string{"digest"}
	c.Bytes(requestFrame(1, messages.OpPing), 0)
	p := jute.AuthPacket{Scheme: "digest", Auth: []byte("a:b")}
	c.Bytes(requestFrame(-4, messages.OpAuth, p.Append(nil)...), 0)
	c.Bytes(requestFrame(2, messages.OpGetData), 0)
	if batch := taken(c); len(batch) != 2 || len(batch[1].Identities) != 2 {
		t.Errorf("got %+v", batch)
	}
	c = serving(t)
	c.opts.RequireScheme = []string{"digest"}
	c.Bytes(requestFrame(1, messages.OpGetData), 0)
	wantClosed(t, c, "enforce.auth")
}

// A server that only serves reads wants clients that are content with that, tells them so, and answers a lone check, which
// otherwise ends the connection, like any other write.
func TestConnOfAReadOnlyServer(t *testing.T) {
	o := DefaultConnOptions()
	o.ReadOnly = true
	for _, r := range []jute.ConnectRequest{{}, {HasReadOnly: true}} {
		c := NewConn(7, "127.0.0.1:4000", o, testAuth(t), func() messages.Zxid { return 100 })
		if out := c.Bytes(frame(r.Append(nil)), 0); out != nil || len(c.out) > 0 {
			t.Errorf("%+v got an answer", r)
		}
		wantClosed(t, c, "reads")
	}
	c := NewConn(7, "127.0.0.1:4000", o, testAuth(t), func() messages.Zxid { return 100 })
	r := jute.ConnectRequest{HasReadOnly: true, ReadOnly: true}
	c.Bytes(frame(r.Append(nil)), 0)
	c.SessionReady(&messages.SessionReady{Session: 9, Timeout: 10000, Password: make([]byte, 16)}, 0)
	answer, err := jute.DecodeConnectResponse(c.TakeOutput()[4:])
	if err != nil || !answer.ReadOnly || answer.Session != 9 {
		t.Errorf("the client is told %+v, %v", answer, err)
	}
	c.Bytes(requestFrame(1, messages.OpCheck), 0)
	c.Bytes(requestFrame(2, messages.OpGetData), 0)
	if got := taken(c); len(got) != 2 {
		t.Errorf("%d of two requests were read", len(got))
	}
}

// taken is what the connection has read since the last call.
func taken(c *Conn) []messages.Request {
	if batch := c.TakeRequests(); batch != nil {
		return batch.Items
	}
	return nil
}
