package jute

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// captureFile holds frames that a ZooKeeper 3.8.0 and its clients exchanged, one a line:
//
//	kind hex [fields]
//
// The kind is ">" (a request) or "<" (what the server sent) with the operation's name, "connect" or "event". "!" in
// front marks a request whose record is malformed. The hex digits are the whole frame with its length. The fields are
// what an independent decoder made of it, as JSON; the first frames of each kind have them.
const captureFile = "testdata/captures.txt"

type capture struct {
	kind      string // without the "!"
	malformed bool
	frame     []byte // without its length
	fields    []byte
}

func readCaptures(t testing.TB) []capture {
	data, err := os.ReadFile(captureFile)
	if err != nil {
		t.Fatal(err)
	}
	var list []capture
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		part := strings.SplitN(lines.Text(), " ", 3)
		raw, err := hex.DecodeString(part[1])
		var s Splitter
		if err == nil {
			err = s.Feed(raw)
		}
		frame, ok := s.Next()
		if err != nil || !ok || s.Pending() != 0 {
			t.Fatalf("%s: line %q is no frame: %v", captureFile, lines.Text(), err)
		}
		kind := strings.TrimPrefix(part[0], "!")
		c := capture{kind: kind, malformed: kind != part[0], frame: frame}
		if len(part) == 3 {
			c.fields = []byte(part[2])
		}
		list = append(list, c)
	}
	return list
}

// decodeCapture reads a whole frame and gives what it says and how it is written again.
func decodeCapture(kind string, frame []byte) (said view, again []byte, err error) {
	switch kind {
	case ">connect":
		r, err := DecodeConnectRequest(frame)
		said = view{"protocolVersion": r.ProtocolVersion, "lastZxidSeen": int64(r.LastZxidSeen), "timeOut": r.Timeout,
			"sessionId": int64(r.Session), "passwd": textOf(r.Password)}
		if r.HasReadOnly {
			said["readOnly"] = r.ReadOnly
		}
		return view{"connect": said}, r.Append(nil), err
	case "<connect":
		r, err := DecodeConnectResponse(frame)
		said = view{"protocolVersion": r.ProtocolVersion, "timeOut": r.Timeout, "sessionId": int64(r.Session),
			"passwd": textOf(r.Password)}
		if r.HasReadOnly {
			said["readOnly"] = r.ReadOnly
		}
		return view{"connect": said}, r.Append(nil), err
	}
	d := NewDecoder(frame)
	if kind[0] == '>' {
		said, again = decodeRequestFrame(&d)
	} else {
		said, again = decodeReplyFrame(&d, kind[1:])
	}
	return said, append(again, d.Rest()...), d.Err()
}

func decodeRequestFrame(d *Decoder) (view, []byte) {
	h := DecodeRequestHeader(d)
	said := view{"header": view{"xid": h.Xid, "type": int32(h.Op)}}
	again := AppendRequestHeader(nil, h)
	if h.Op == messages.OpMulti || h.Op == messages.OpMultiRead {
		ops, write := multiOps(d, h.Op == messages.OpMultiRead)
		said["ops"] = ops
		return said, write(again)
	}
	if c, ok := requestCodecs[h.Op]; ok {
		record, write := c(d)
		said["request"] = record
		return said, write(again)
	}
	return said, again
}

func decodeReplyFrame(d *Decoder, op string) (view, []byte) {
	h := DecodeReplyHeader(d)
	said := view{"header": view{"xid": h.Xid, "zxid": int64(h.Zxid), "err": int32(h.Err)}}
	again := AppendReplyHeader(nil, h)
	code := opNamed(op)
	switch {
	case op == "event":
		e := DecodeWatcherEvent(d)
		said["event"] = view{"type": int32(e.Type), "state": e.State, "path": e.Path}
		return said, e.Append(again)
	case h.Err != messages.ErrOK:
	case code == messages.OpMulti, code == messages.OpMultiRead:
		results, write := multiResults(d)
		said["results"] = results
		return said, write(again)
	case replyCodecs[code] != nil:
		record, write := replyCodecs[code](d)
		said["reply"] = record
		return said, write(again)
	}
	return said, again
}

// opNamed is the operation with that name; 0, which no reply has, when there is none.
func opNamed(name string) messages.OpCode {
	for op := messages.OpCode(-11); op <= messages.OpWhoAmI; op++ {
		if op.String() == name {
			return op
		}
	}
	return messages.OpNotification
}

func TestCapturesAreReadAndWrittenAlike(t *testing.T) {
	for _, c := range readCaptures(t) {
		said, again, err := decodeCapture(c.kind, c.frame)
		if c.malformed {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s %x: %v, want a malformed record", c.kind, c.frame, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %x: %v", c.kind, c.frame, err)
			continue
		}
		if !bytes.Equal(again, c.frame) {
			t.Errorf("%s %x\nwas written as %x", c.kind, c.frame, again)
		}
		if got := jsonOf(t, said); c.fields != nil && !bytes.Equal(got, c.fields) {
			t.Errorf("%s %x\nsays     %s\nrecorded %s", c.kind, c.frame, got, c.fields)
		}
	}
}

// TestCapturesCoverEveryRecord asserts that the file has each record that the tables above know, so that a new one
// isn't forgotten. Some never appeared on the wire: check stands only in multis, deleteContainer is the server's own,
// and no reconfig of the recording succeeded.
func TestCapturesCoverEveryRecord(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range readCaptures(t) {
		seen[c.kind] = seen[c.kind] || !c.malformed
	}
	for op := range requestCodecs {
		if kind := ">" + op.String(); !seen[kind] && op != messages.OpCheck && op != messages.OpDeleteContainer {
			t.Errorf("no frame of the kind %s", kind)
		}
	}
	for op := range replyCodecs {
		if kind := "<" + op.String(); !seen[kind] {
			t.Errorf("no frame of the kind %s", kind)
		}
	}
	for _, kind := range []string{">connect", "<connect", "<event", ">multi", "<multi", ">multiRead", "<multiRead", ">ping",
		"<ping", ">closeSession", "<closeSession", ">whoAmI"} {
		if !seen[kind] {
			t.Errorf("no frame of the kind %s", kind)
		}
	}
}

func jsonOf(t testing.TB, v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(b.Bytes())
}
