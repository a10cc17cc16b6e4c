package server_test

import (
	"crypto/tls"
	"encoding/hex"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

func unhex(text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// TestNonsenseEndsItsConnectionOnly sends what no client sends, before and after the handshake.
func TestNonsenseEndsItsConnectionOnly(t *testing.T) {
	t.Parallel()
	address := startServer(t).ClientAddress()
	bystander := dialClient(t, address)
	random := make([]byte, 4096)
	chance := rand.NewChaCha8([32]byte{1})
	_, _ = chance.Read(random)
	random[0] |= 0x80 // a negative length, so that it is nonsense for sure
	for name, bytes := range map[string][]byte{
		"random bytes":        random,
		"negative length":     unhex("ffffffff 0102"),
		"smallest length":     unhex("80000000"),
		"one too long":        unhex("00100000"),
		"as long as can be":   unhex("7fffffff 00000000"),
		"http":                []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		"an unknown word":     []byte("abcd"),
		"empty frame":         unhex("00000000"),
		"short frame":         unhex("00000003 000000"),
		"no password":         unhex("00000018 00000000 0000000000000000 00001770 0000000000000000"),
		"password too long":   unhex("0000001c 00000000 0000000000000000 00001770 0000000000000000 7fffffff"),
		"password of length6": unhex("00000022 00000000 0000000000000000 00001770 0000000000000000 00000006 000000000000"),
	} {
		first := dialWire(t, address)
		first.write(bytes)
		if name == "an unknown word" || name == "password of length6" {
			// The one is the length of a frame that never comes in full, the other opens a session as any other; what
			// counts is that nobody else is harmed.
			_ = first.Close()
		} else {
			first.mustEnd(name + " first")
		}
		if name == "http" || name == "no password" || strings.HasPrefix(name, "password") || name == "an unknown word" {
			continue // nothing special later on
		}
		later := sessionWire(t, address, 30*time.Second)
		later.write(bytes)
		later.mustEnd(name + " after the handshake")
		if _, err := bystander.Exists(serveContext(t), "/"); err != nil {
			t.Errorf("after %s another connection: %v", name, err)
		}
	}
	serves(t, address, "after all the nonsense")
}

// TestTLSOnThePlainPort: the handshake fails, as it must, instead of waiting for ever.
func TestTLSOnThePlainPort(t *testing.T) {
	t.Parallel()
	address := startServer(t).ClientAddress()
	conn := tls.Client(dialWire(t, address), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // there is nobody to verify
	err := conn.HandshakeContext(serveContext(t))
	if err == nil || isTimeout(err) {
		t.Errorf("a TLS handshake with a plain port: %v", err)
	}
	serves(t, address, "after a TLS handshake")
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error) //nolint:errorlint // only what the connection itself says
	return ok && n.Timeout()
}

// TestSilenceIsBounded: who has no session in time is cut off; who has one and then says only half of a request lives
// as long as the session.
func TestSilenceIsBounded(t *testing.T) {
	t.Parallel()
	address := startServer(t, with("nio.sessionlessCnxnTimeout", "300")).ClientAddress()
	connect := (&jute.ConnectRequest{Timeout: 1000, Password: make([]byte, 16), HasReadOnly: true}).Append(nil)
	for name, bytes := range map[string][]byte{
		"nothing":                  nil,
		"half a length":            unhex("0000"),
		"a length":                 unhex("0000002d"),
		"half a ConnectRequest":    append(unhex("0000002d"), connect[:20]...),
		"half a word":              []byte("ru"),
		"a stmk without its mask":  []byte("stmk"),
		"a long frame's beginning": append(unhex("000ffffe"), make([]byte, 100_000)...),
	} {
		w := dialWire(t, address)
		w.write(bytes)
		w.mustEnd(name)
	}
	half := sessionWire(t, address, 500*time.Millisecond)
	half.write(requestFrame(1, messages.OpExists, make([]byte, 100))[:20])
	half.mustEnd("half a request")
	serves(t, address, "after silent clients")
}

// TestBrokenRecords sends each operation with records that don't parse. It is answered or ends its connection, and
// whatever stands behind it, on this connection or another, goes on.
func TestBrokenRecords(t *testing.T) {
	t.Parallel()
	for _, reconfig := range []string{"true", "false"} {
		address := startServer(t, with("reconfigEnabled", reconfig)).ClientAddress()
		other := dialClient(t, address)
		if _, err := other.Create(serveContext(t), "/n", nil, client.Persistent); err != nil {
			t.Fatal(err)
		}
		for op := messages.OpCode(-12); op <= 110; op++ {
			if op == messages.OpPing {
				continue // it has no record
			}
			for name, body := range brokenRecords() {
				brokenRecord(t, address, op, name, body)
				if t.Failed() {
					return
				}
			}
			if _, err := other.Set(serveContext(t), "/n", []byte("x"), -1); err != nil {
				t.Fatalf("a write of another connection after broken records of %v: %v", op, err)
			}
		}
	}
}

// brokenRecords are no record of any operation, or of few.
func brokenRecords() map[string][]byte {
	return map[string][]byte{
		"no record":          nil,
		"one byte":           unhex("01"),
		"a length too much":  unhex("7fffffff 2f"),
		"negative lengths":   unhex("fffffff0 fffffff0 fffffff0 fffffff0"),
		"a path, then noise": unhex("00000002 2f7a ffffffff ffffffff 7fffffff 00000001 00"),
		"huge counts":        unhex("00000002 2f7a 00000001 78 7fffffff 7fffffff 7fffffff"),
		"bad text":           unhex("00000004 2fff fe00 00000000 00000000 00000000 00000000"),
	}
}

func brokenRecord(t *testing.T, address string, op messages.OpCode, name string, body []byte) {
	t.Helper()
	w := sessionWire(t, address, 30*time.Second)
	defer w.Close()
	set := (&jute.SetDataRequest{Path: "/n", Data: []byte("y"), Version: -1}).Append(nil)
	all := append(requestFrame(5, op, body), requestFrame(6, messages.OpSetData, set)...)
	w.write(append(all, requestFrame(7, messages.OpExists, (&jute.PathWatch{Path: []byte("/n")}).Append(nil))...))
	h, err := w.reply(5)
	if err == nil && op.Known() && op != messages.OpCloseSession && op != messages.OpCheck && h.Err != messages.ErrAuthFailed {
		// It was answered and is one of those that leave the connection open: what stands behind it must be served.
		for _, xid := range []int32{6, 7} {
			if h, err = w.reply(xid); err != nil || h.Err != messages.ErrOK {
				t.Errorf("%v with %s: the request behind it was answered with %v, %v", op, name, h.Err, err)
			}
		}
		return
	}
	w.mustEnd(op.String() + " with " + name)
}

// TestUnknownOperations are answered and end their connection, and no other.
func TestUnknownOperations(t *testing.T) {
	t.Parallel()
	address := startServer(t).ClientAddress()
	for _, op := range []messages.OpCode{-1, 0, 10, 23, 99, 108, 1_000_000, -1 << 31, 1<<31 - 1} {
		w := sessionWire(t, address, 30*time.Second)
		w.write(requestFrame(9, op, nil))
		if h, err := w.reply(9); err != nil || h.Err == messages.ErrOK {
			t.Errorf("%v was answered with %v, %v", op, h.Err, err)
		}
		w.mustEnd(op.String())
	}
	serves(t, address, "after unknown operations")
}
