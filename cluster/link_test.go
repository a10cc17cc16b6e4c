package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/pack"
)

func frames(t testing.TB, msgs ...any) (out []byte) {
	t.Helper()
	for _, m := range msgs {
		var err error
		if out, err = pack.Encode(out, m); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func hello(from, to messages.ServerID) messages.Hello {
	return messages.Hello{Protocol: messages.LinkProtocol, Purpose: messages.ForElection, From: from, To: to, Incarnation: 7}
}

// offeredPair is both ends of a link that waits for its owner at the one that was dialled.
func offeredPair(t testing.TB) (dialler, acceptor *linkCore) {
	t.Helper()
	dialler, acceptor = newDialledLink(hello(3, 1), ElectionLinks()), newAcceptedLink(1, 99, ElectionLinks())
	feed(t, acceptor, dialler.Take())
	dialler.Wrote(nil)
	if acceptor.phase != linkAsks || acceptor.peer != hello(3, 1) {
		t.Fatalf("phase %d, peer %+v", acceptor.phase, acceptor.peer)
	}
	acceptor.Offer(ElectionLinks())
	if acceptor.Waiting() > 0 {
		t.Fatal("it has answered before it has an owner")
	}
	return dialler, acceptor
}

// greetedPair is both ends of a link that has just come up.
func greetedPair(t testing.TB) (dialler, acceptor *linkCore) {
	t.Helper()
	dialler, acceptor = offeredPair(t)
	if msgs, err := acceptor.Adopted(); err != nil || len(msgs) > 0 {
		t.Fatal(msgs, err)
	}
	feed(t, dialler, acceptor.Take())
	acceptor.Wrote(nil)
	want := hello(1, 3)
	want.Incarnation = 99
	if dialler.phase != linkRuns || dialler.peer != want {
		t.Fatalf("phase %d, peer %+v", dialler.phase, dialler.peer)
	}
	return dialler, acceptor
}

func feed(t testing.TB, l *linkCore, b []byte) {
	t.Helper()
	if msgs, err := l.Bytes(b); err != nil || len(msgs) > 0 {
		t.Fatalf("%v, %v", msgs, err)
	}
}

func TestLinkKeepsOrderHoweverTheStreamIsCut(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		dialler, acceptor := offeredPair(t)
		var want []any
		for i := range 200 {
			var m any = &messages.Ack{Server: 3, Zxid: messages.Zxid(i)}
			if r.IntN(3) == 0 {
				m = &messages.SnapChunk{Records: bytes.Repeat([]byte{byte(i)}, 1+r.IntN(5000))}
			}
			want = append(want, m)
			if err := dialler.Put(m); err != nil {
				t.Fatal(err)
			}
			if r.IntN(4) == 0 {
				if err := dialler.Put(&messages.KeepAlive{}); err != nil { // never seen by an owner
					t.Fatal(err)
				}
			}
		}
		stream := dialler.Take()
		first := r.IntN(len(stream))
		feed(t, acceptor, stream[:first]) // it waits for its owner
		stream = stream[first:]
		msgs, err := acceptor.Adopted()
		got := append([]any(nil), msgs...)
		for len(stream) > 0 && err == nil {
			n := min(len(stream), 1+r.IntN(8000))
			chunk := bytes.Clone(stream[:n])
			msgs, err = acceptor.Bytes(chunk)
			clear(chunk) // nothing may share the bytes
			got = append(got, msgs...)
			stream = stream[n:]
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %d messages of %d, %v", seed, len(got), len(want), err)
		}
	}
}

func TestLinkRefusesHello(t *testing.T) {
	changed := func(f func(*messages.Hello)) messages.Hello {
		h := hello(3, 1)
		f(&h)
		return h
	}
	for _, c := range []struct {
		hello messages.Hello
		words []string
	}{
		{changed(func(h *messages.Hello) { h.Protocol = 0 }), []string{"server 3 speaks version 0", "server 1 speaks version 1"}},
		{changed(func(h *messages.Hello) { h.Protocol = 9 }), []string{"server 3 speaks version 9", "server 1 speaks version 1"}},
		{changed(func(h *messages.Hello) { h.To = 2 }), []string{"server 3 looks for server 2", "server 1's"}},
		{changed(func(h *messages.Hello) { h.From = 1 }), []string{"both sides are server 1"}},
		{changed(func(h *messages.Hello) { h.From = 0 }), []string{"without an id"}},
		{changed(func(h *messages.Hello) { h.Purpose = 77 }), []string{"purpose 77"}},
	} {
		_, err := newAcceptedLink(1, 99, ElectionLinks()).Bytes(frames(t, &c.hello))
		for _, w := range c.words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%+v: %v, want %q", c.hello, err, w)
			}
		}
	}
}

func TestLinkChecksTheAnswer(t *testing.T) {
	learning := hello(1, 3)
	learning.Purpose = messages.ForLearning
	older := hello(1, 3)
	older.Protocol = 0
	for _, c := range []struct {
		answer any
		word   string
	}{
		{hello(2, 3), "server 3 looks for server 1, but this address is server 2's"},
		{hello(1, 4), "server 1 looks for server 4"},
		{hello(3, 3), "both sides are server 3"},
		{learning, "purpose"},
		{older, "server 1 speaks version 0"},
		{messages.HelloRefused{Reason: "not today"}, "the other side refused the link: not today"},
		{messages.Ack{}, "*messages.Ack has no place here"},
	} {
		_, err := newDialledLink(hello(3, 1), ElectionLinks()).Bytes(frames(t, c.answer))
		if err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%+v: %v, want %q", c.answer, err, c.word)
		}
	}
}

func TestLinkBreaksOnWhatItDoesNotKnow(t *testing.T) {
	ack := frames(t, messages.Ack{})
	patched := func(at int, b byte) []byte {
		f := bytes.Clone(ack)
		f[at] = b
		return f
	}
	for name, c := range map[string]struct {
		bytes []byte
		want  error
	}{
		"frame version": {patched(1, 9), pack.ErrVersion},
		"damage":        {patched(len(ack)-1, 0x55), pack.ErrChecksum},
		"http":          {[]byte("GET / HTTP/1.1\r\n\r\n"), pack.ErrVersion},
	} {
		for _, greeted := range []bool{true, false} {
			acceptor := newAcceptedLink(1, 99, ElectionLinks())
			if greeted {
				_, acceptor = greetedPair(t)
			}
			// What comes before it is delivered, what comes behind it is not.
			var before []byte
			if greeted {
				before = ack
			}
			msgs, err := acceptor.Bytes(append(append(bytes.Clone(before), c.bytes...), ack...))
			if !errors.Is(err, c.want) || greeted != (len(msgs) == 1) {
				t.Errorf("%s, greeted %t: %v, %v", name, greeted, msgs, err)
			}
			if msgs, err := acceptor.Bytes(ack); err != nil || len(msgs) > 0 {
				t.Errorf("%s: it goes on after its end: %v, %v", name, msgs, err)
			}
		}
	}
}

func TestLinkTakesNothingOutOfPlace(t *testing.T) {
	for _, m := range []any{hello(3, 1), messages.HelloRefused{Reason: "x"}} {
		_, acceptor := greetedPair(t)
		if _, err := acceptor.Bytes(frames(t, m)); err == nil {
			t.Errorf("%T was taken a second time", m)
		}
	}
	big := frames(t, messages.SnapChunk{Records: make([]byte, helloLimit)})
	if _, err := newAcceptedLink(1, 1, ElectionLinks()).Bytes(big[:pack.HeaderSize]); !errors.Is(err, pack.ErrTooLong) {
		t.Errorf("a stranger may announce a long message: %v", err)
	}
}

func TestLinkRefusalFitsIntoAGreeting(t *testing.T) {
	acceptor := newAcceptedLink(1, 99, ElectionLinks())
	acceptor.Refuse(strings.Repeat("because ", 1000))
	_, err := newDialledLink(hello(3, 1), ElectionLinks()).Bytes(acceptor.Take())
	if !errors.Is(err, errRefused) {
		t.Fatal(err)
	}
}

func TestLinkOutputIsBounded(t *testing.T) {
	o := ElectionLinks()
	o.OutputLimit = 10_000
	l := newDialledLink(hello(3, 1), o)
	chunk := messages.SnapChunk{Records: make([]byte, 1000)}
	for i := range 20 {
		if i == 4 && l.Take() == nil { // taken is not written
			t.Fatal("nothing to take")
		}
		if err := l.Put(chunk); err != nil {
			if !strings.Contains(err.Error(), "server 1 reads too slowly") || i != 9 {
				t.Fatalf("message %d: %v", i, err)
			}
			break
		}
	}
	if l.Take() != nil {
		t.Fatal("output was given out while there was some that is not written")
	}
	l.Wrote(nil)
	if n := len(l.Take()); n < 5000 || l.Waiting() != n {
		t.Fatalf("%d bytes, %d waiting", n, l.Waiting())
	}
	if err := l.Put("text"); !errors.Is(err, pack.ErrNotMessage) {
		t.Fatal(err)
	}
}

func TestLinkTicks(t *testing.T) {
	l, _ := greetedPair(t)
	const ms = 1000
	if l.Interval() != 250*time.Millisecond {
		t.Fatal(l.Interval())
	}
	now := int64(1)
	l.heard, l.said, l.ticked = now, now, now
	tick := func(d time.Duration) (sent int, err error) {
		now += d.Microseconds()
		err = l.Tick(now)
		if out := l.Take(); out != nil {
			sent, l.said = len(out), now
			l.Wrote(out)
		}
		return sent, err
	}
	for i, want := range []int{0, pack.HeaderSize + 1, 0, pack.HeaderSize + 1} {
		if sent, err := tick(250 * time.Millisecond); err != nil || sent != want {
			t.Fatalf("tick %d: %d bytes, %v", i, sent, err)
		}
	}
	l.heard = now
	for range 8 {
		if _, err := tick(250 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tick(ms * time.Microsecond); err == nil || err.Error() != "server 1 has been silent for 2001 ms, the limit is 2000 ms" {
		t.Fatal(err)
	}
	if _, err := tick(time.Minute); err != nil {
		t.Fatalf("a server that was asleep itself says: %v", err)
	}
}

// FuzzLink feeds both kinds of ends, greeted and not, with the same bytes whole and cut into pieces: nothing may panic,
// and the outcome must not depend on the cuts.
func FuzzLink(f *testing.F) {
	f.Add(frames(f, hello(3, 1)), uint64(1), byte(0))
	f.Add(frames(f, hello(1, 3), messages.Ack{Zxid: 5}, messages.KeepAlive{}), uint64(2), byte(1))
	f.Add(frames(f, messages.HelloRefused{Reason: "no"}), uint64(3), byte(1))
	f.Add(frames(f, messages.Ack{Zxid: 5}, messages.Commit{Zxid: 6}, messages.SnapChunk{Records: make([]byte, 2000)}), uint64(4), byte(2))
	f.Add(append(frames(f, messages.Ping{}), 0, 1, 1, 44, 0, 0, 0, 0, 1, 2, 3, 4), uint64(5), byte(2))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), uint64(6), byte(0))
	for seed := range uint64(4) { // an alert and a handshake of TLS, in one piece and cut between the two bytes that tell
		f.Add([]byte{recordHandshake, 3}, seed, byte(0))
		f.Add(notEncrypted, seed, byte(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, kind byte) {
		makeLink := func() *linkCore {
			switch kind % 3 {
			case 0:
				return newAcceptedLink(1, 99, ElectionLinks())
			case 1:
				return newDialledLink(hello(3, 1), ElectionLinks())
			}
			l, _ := greetedPair(t)
			return l
		}
		whole, cut := makeLink(), makeLink()
		wantMsgs, wantErr := whole.Bytes(bytes.Clone(data))
		r := rand.New(rand.NewPCG(seed, 4))
		var got []any
		var err error
		for rest := data; len(rest) > 0 && err == nil; {
			n := 1 + r.IntN(min(len(rest), 40))
			var msgs []any
			msgs, err = cut.Bytes(rest[:n])
			got = append(got, msgs...)
			rest = rest[n:]
		}
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || whole.phase != cut.phase || !bytes.Equal(frames(t, got...), frames(t, wantMsgs...)) {
			t.Fatalf("whole: %v %v, phase %d\ncut:   %v %v, phase %d", wantMsgs, wantErr, whole.phase, got, err, cut.phase)
		}
		if err == nil && (whole.peer != cut.peer || !bytes.Equal(whole.in, cut.in)) {
			t.Fatalf("whole keeps %x, cut keeps %x", whole.in, cut.in)
		}
	})
}
