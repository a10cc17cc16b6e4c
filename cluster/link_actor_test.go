package cluster

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/pack"
)

const linkSeeds = 30

var learning = messages.Hello{Purpose: messages.ForLearning, To: 1}

// linked is two servers, of which 2 has dialled 1 and both ends know of it.
func linked(w *linkWorld, o LinkOptions) (a, b *linkHost, toA, toB *actor.PID) {
	w.t.Helper()
	ro := DefaultReceptionOptions()
	ro.Links[messages.ForLearning] = o
	a, b = w.start(1, 11, ro, adopt), w.start(2, 22, ro, adopt)
	b.dial(b.host, learning, a.address, o)
	w.steps.Settle()
	fromA, fromB := a.take(), b.take()
	if len(fromA) != 2 || len(fromB) != 1 {
		w.t.Fatalf("1 got %v, 2 got %v; log:\n%s", fromA, fromB, &w.logs)
	}
	offer, upA, upB := fromA[0].(LinkAccepted), fromA[1].(LinkUp), fromB[0].(LinkUp)
	wantA := messages.Hello{Protocol: 1, Purpose: messages.ForLearning, From: 2, To: 1, Incarnation: 22}
	wantB := messages.Hello{Protocol: 1, Purpose: messages.ForLearning, From: 1, To: 2, Incarnation: 11}
	if offer.Peer != wantA || upA.Peer != wantA || upB.Peer != wantB || offer.Link != upA.Link {
		w.t.Fatalf("%+v, %+v, %+v", offer, upA, upB)
	}
	return a, b, upB.Link, upA.Link
}

// down checks that a probe has heard of the end of one link, as its last word, and gives what came before.
func (h *linkHost) down(t testing.TB, reason string) (before []any) {
	t.Helper()
	got := h.take()
	for i, m := range got {
		d, ok := m.(LinkDown)
		switch {
		case ok && i < len(got)-1:
			t.Fatalf("server %d heard %+v and then %v", h.self.ID, d, got[i+1:])
		case ok && strings.Contains(d.Reason, reason):
			return got[:i]
		case ok:
			t.Fatalf("server %d heard that the link is down because %q, want %q", h.self.ID, d.Reason, reason)
		}
	}
	t.Fatalf("server %d hasn't heard LinkDown, but %v", h.self.ID, got)
	return nil
}

func acks(from, to int) (list []any) {
	for i := from; i < to; i++ {
		list = append(list, &messages.Ack{Server: 9, Zxid: messages.Zxid(i)})
	}
	return list
}

func TestLinkCarriesBothWaysInOrder(t *testing.T) {
	for seed := range uint64(linkSeeds) {
		w := newLinkWorld(t, seed)
		w.net.Buffer = 500 // most writes have to wait
		a, b, toA, toB := linked(w, LearningLinks())
		for i, m := range acks(0, 300) {
			b.tell(toA, m)
			a.tell(toB, m)
			if i%3 == 0 {
				w.steps.Step()
			}
		}
		a.tell(toB, Packed{Frames: frames(t, messages.Commit{Zxid: 4}, messages.Commit{Zxid: 5})})
		w.steps.Settle()
		if got := a.take(); !reflect.DeepEqual(got, acks(0, 300)) {
			t.Fatalf("seed %d: 1 got %v", seed, got)
		}
		if got := b.take(); !reflect.DeepEqual(got, append(acks(0, 300), &messages.Commit{Zxid: 4}, &messages.Commit{Zxid: 5})) {
			t.Fatalf("seed %d: 2 got %v", seed, got)
		}
		b.tell(toA, messages.Ack{Zxid: 1000}) // values are as good as pointers
		b.tell(toA, CloseLink{Reason: "enough"})
		w.steps.Settle()
		b.down(t, "enough")
		if got := a.down(t, "server 2 closed the connection"); len(got) > 1 {
			t.Fatalf("seed %d: %v", seed, got)
		}
		if n := len(w.net.Conns()); n != 0 {
			t.Fatalf("seed %d: %d connections are left", seed, n)
		}
	}
}

func TestLinkThatBreaksWithinAMessage(t *testing.T) {
	frame := len(frames(t, acks(0, 1)...))
	for seed := range uint64(linkSeeds) {
		w := newLinkWorld(t, seed)
		a, b, toA, _ := linked(w, LearningLinks())
		w.net.Conns()[0].CutAfter("s2", 20*frame+frame/2)
		for _, m := range acks(0, 100) {
			b.tell(toA, m)
		}
		w.steps.Settle()
		got := a.down(t, "broke: connection reset by peer, ")
		if !reflect.DeepEqual(got, acks(0, 20)) {
			t.Fatalf("seed %d: %v", seed, got)
		}
		b.down(t, "connection reset by peer")
	}
}

func TestLinkWithASilentPeer(t *testing.T) {
	w := newLinkWorld(t, 1)
	a, b, _, _ := linked(w, ElectionLinks())
	w.run(time.Minute)
	if got := append(a.take(), b.take()...); len(got) > 0 {
		t.Fatalf("an idle link says %v", got)
	}
	w.net.Stall("s1", "s2") // 2 hears nothing any more, but is heard
	w.run(2500 * time.Millisecond)
	b.down(t, "server 1 has been silent for 2")
	a.down(t, "server 2 closed the connection")
}

func TestLinkWhoseOtherSideDoesNotRead(t *testing.T) {
	for seed := range uint64(linkSeeds) {
		w := newLinkWorld(t, seed)
		o := LearningLinks()
		o.OutputLimit = 300_000
		a, b := w.start(1, 11, DefaultReceptionOptions(), nil), w.start(2, 22, DefaultReceptionOptions(), nil)
		b.dial(b.host, learning, a.address, o)
		w.steps.Settle()
		offer := a.take()[0].(LinkAccepted)
		if got := b.take(); len(got) > 0 {
			t.Fatalf("seed %d: the link is up before anybody has taken it: %v", seed, got)
		}
		a.tell(offer.Link, Adopt{Owner: a.pid})
		w.steps.Settle()
		toA := b.take()[0].(LinkUp).Link
		w.net.Stall("s2", "s1")
		for range 100 {
			b.tell(toA, messages.SnapChunk{Records: make([]byte, 10_000)})
		}
		w.steps.Settle()
		b.down(t, "server 1 reads too slowly")
	}
}

// A link that breaks between the offer and its adoption is told to the owner, who hears of that and of nothing else.
func TestLinkThatBreaksBeforeItIsAdopted(t *testing.T) {
	for seed := range uint64(linkSeeds) {
		w := newLinkWorld(t, seed)
		a, b := w.start(1, 11, DefaultReceptionOptions(), nil), w.start(2, 22, DefaultReceptionOptions(), nil)
		b.dial(b.host, learning, a.address, LearningLinks())
		w.steps.Settle()
		offer := a.take()[0].(LinkAccepted)
		w.net.Conns()[0].Cut()
		w.run(time.Second)
		a.tell(offer.Link, Adopt{Owner: a.pid})
		w.steps.Settle()
		if before := a.down(t, "connection reset by peer"); len(before) > 0 {
			t.Fatalf("seed %d: %v", seed, before)
		}
	}
}

func TestLinkReadsNoFurtherThanItsActor(t *testing.T) {
	everHeld := false
	for seed := range uint64(8) {
		w := newLinkWorld(t, seed)
		var links []*linkActor
		w.wrap = func(name string, inner actor.Actor) actor.Actor {
			if l, ok := inner.(*linkActor); ok {
				links = append(links, l)
			}
			return inner
		}
		w.net.Buffer = 100 << 20
		a, b, toA, _ := linked(w, LearningLinks())
		var want []any
		for i := range 400 {
			want = append(want, &messages.SnapChunk{Records: make([]byte, 10_000+i)})
			b.tell(toA, want[i])
		}
		for w.steps.Step() {
			for _, l := range links {
				everHeld = everHeld || l.held.Load()
				if n := l.ahead.Load(); n > linkReadAhead+64<<10 {
					t.Fatalf("seed %d: %d bytes wait in the mailbox", seed, n)
				}
			}
		}
		if got := a.take(); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %d messages of %d, or others", seed, len(got), len(want))
		}
	}
	if !everHeld {
		t.Fatal("reading was never held up, so this tests nothing")
	}
}

func TestLinkTellsWhenThereIsRoom(t *testing.T) {
	w := newLinkWorld(t, 0)
	w.net.Buffer = 1000
	_, b, toA, _ := linked(w, LearningLinks())
	w.net.Stall("s2", "s1")
	b.tell(toA, messages.SnapChunk{Records: make([]byte, 10_000)})
	b.tell(toA, AskRoom{Below: 2000})
	w.steps.Settle()
	if got := b.take(); len(got) > 0 {
		t.Fatal(got)
	}
	w.net.Heal("s2", "s1")
	w.steps.Settle()
	if got := b.take(); len(got) != 1 || got[0] != any(LinkHasRoom{Link: toA}) {
		t.Fatal(got)
	}
}

func TestLinkIsRefusedWithAReason(t *testing.T) {
	w := newLinkWorld(t, 1)
	a, b := w.start(1, 11, DefaultReceptionOptions(), adopt), w.start(2, 22, DefaultReceptionOptions(), nil)
	w.steps.Settle()
	a.tell(a.reception, SetTarget{Purpose: messages.ForLearning})
	a.tell(a.reception, SetTarget{Purpose: messages.ForElection, Refusal: "no elections on Sundays"})
	for _, c := range []struct {
		hello   messages.Hello
		address string
		reason  string
	}{
		{messages.Hello{Purpose: messages.ForLearning, To: 1}, a.address, "the other side refused the link: server 1 does not lead"},
		{messages.Hello{Purpose: messages.ForElection, To: 1}, a.address, "the other side refused the link: no elections on Sundays"},
		{messages.Hello{Purpose: messages.ForLearning, To: 3}, a.address, "server 2 looks for server 3, but this address is server 1's"},
		{messages.Hello{Purpose: messages.ForLearning, To: 2}, b.address, "both sides are server 2"},
		{messages.Hello{Purpose: messages.ForLearning, To: 1}, "s1:77", "connect to s1:77: connection refused"},
		{messages.Hello{Purpose: messages.ForLearning, To: 1}, "s9:77", "connect to s9:77: no such host"},
	} {
		b.dial(b.host, c.hello, c.address, LearningLinks())
		w.steps.Settle()
		b.down(t, c.reason)
	}
	if got := a.take(); len(got) > 0 {
		t.Fatal(got)
	}
	if !strings.Contains(w.logs.String(), `link down: server 2 looks for server 3`) {
		t.Fatalf("the log doesn't tell why:\n%s", &w.logs)
	}
}

// A stranger speaks bytes: with whom it does so, and what it hears.
func TestLinkAnswersStrangers(t *testing.T) {
	older, newer := hello(2, 1), hello(2, 1)
	older.Protocol, newer.Protocol = 0, 2
	for name, c := range map[string]struct {
		says   []byte
		reason string
	}{
		"older":   {frames(t, older), "server 2 speaks version 0 of the protocol between servers, server 1 speaks version 1"},
		"newer":   {frames(t, newer), "server 2 speaks version 2 of the protocol between servers, server 1 speaks version 1"},
		"garbage": {[]byte("GET / HTTP/1.1\r\n\r\n"), "no hello of a Troupe server"},
	} {
		w := newLinkWorld(t, 1)
		a := w.start(1, 11, DefaultReceptionOptions(), adopt)
		w.steps.Settle()
		heard, ended := []byte(nil), false
		w.net.Host("x").Dial(a.address, time.Second, func(tr actors.Transport, err error) {
			if err != nil {
				t.Fatal(err)
			}
			tr.Start(func(chunk []byte, err error) { heard, ended = append(heard, chunk...), ended || len(chunk) == 0 })
			if n, err := tr.TryWrite(c.says); n != len(c.says) || err != nil {
				t.Fatal(n, err)
			}
		})
		w.steps.Settle()
		msg, rest, err := pack.Decode(heard)
		refused, ok := msg.(messages.HelloRefused)
		if err != nil || len(rest) > 0 || !ok || !strings.Contains(refused.Reason, c.reason) || !ended {
			t.Errorf("%s: heard %v, %v; ended %t", name, msg, err, ended)
		}
		if got := a.take(); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
		if !strings.Contains(w.logs.String(), `"warn"`) {
			t.Errorf("%s: the log says nothing:\n%s", name, &w.logs)
		}
	}
}

func TestLinkThatNobodyAdopts(t *testing.T) {
	w := newLinkWorld(t, 1)
	a, b := w.start(1, 11, DefaultReceptionOptions(), nil), w.start(2, 22, DefaultReceptionOptions(), nil)
	b.dial(b.host, learning, a.address, LearningLinks())
	w.run(11 * time.Second)
	b.down(t, "the other side refused the link: nobody has adopted the link within 1.5s")
	if !strings.Contains(w.logs.String(), "nobody has adopted the link within 1.5s") {
		t.Fatal(&w.logs)
	}
	// One that is turned away is gone at once, and so is one whose owner ends.
	for words, leave := range map[string]func(ctx actor.Context, link *actor.PID){
		"refused the link: no": func(ctx actor.Context, link *actor.PID) { ctx.Send(link, CloseLink{Reason: "no"}) },
		"closed the connection": func(ctx actor.Context, link *actor.PID) {
			owner := ctx.Spawn(a.rt.SharedProps("owner", func() actor.Actor { return &linkProbe{} }))
			ctx.Send(link, Adopt{Owner: owner})
			ctx.Stop(owner)
		},
	} {
		b.dial(b.host, learning, a.address, LearningLinks())
		w.steps.Settle()
		got := a.take()
		a.tell(a.pid, func(ctx actor.Context) { leave(ctx, got[len(got)-1].(LinkAccepted).Link) })
		w.steps.Settle()
		b.down(t, words)
	}
}

// badNetwork gives connections whose writing panics when there is a certain number of bytes.
type badNetwork struct {
	Network
	panics bool
}

type badTransport struct {
	actors.Transport
	network *badNetwork
}

func (n *badNetwork) Dial(address string, timeout time.Duration, done func(actors.Transport, error)) {
	n.Network.Dial(address, timeout, func(t actors.Transport, err error) {
		if err == nil {
			t = badTransport{t, n}
		}
		done(t, err)
	})
}

func (t badTransport) TryWrite(b []byte) (int, error) {
	if t.network.panics {
		panic("injected")
	}
	return t.Transport.TryWrite(b)
}

// The parent of the link has a child that it stops when it fails, or knows of no supervision, and the library would restart
// the link: it gets no second life.
func TestLinkPanicCostsTheConnection(t *testing.T) {
	for seed := range uint64(linkSeeds) {
		for _, supervised := range []bool{true, false} {
			w := newLinkWorld(t, seed)
			a, b := w.start(1, 11, DefaultReceptionOptions(), adopt), w.start(2, 22, DefaultReceptionOptions(), nil)
			bad := &badNetwork{Network: b.host}
			if supervised {
				b.dial(bad, learning, a.address, LearningLinks())
			} else {
				hello := learning
				hello.From = 2
				b.rt.System.Root.Spawn(NewLink(b.rt, 1, Dial{
					Network: bad, Address: a.address, Timeout: time.Second, Hello: hello, Owner: b.pid, Options: LearningLinks(),
				}))
			}
			w.steps.Settle()
			toA := b.take()[0].(LinkUp).Link
			bad.panics = true
			b.tell(toA, messages.Ack{})
			b.tell(toA, messages.Ack{})
			w.steps.Settle()
			b.down(t, "its actor has failed")
			a.down(t, "server 2 closed the connection")
			if n := len(w.net.Conns()); n > 0 || b.rt.Panics() != 1 {
				t.Fatalf("seed %d: %d connections are left after %d panics", seed, n, b.rt.Panics())
			}
		}
	}
}

func TestOwnerPanicEndsItsLink(t *testing.T) {
	for seed := range uint64(linkSeeds) {
		w := newLinkWorld(t, seed)
		a := w.start(1, 11, DefaultReceptionOptions(), nil)
		b := w.start(2, 22, DefaultReceptionOptions(), adopt)
		// The owner is a child of the target, which stops it when it panics.
		a.on = func(ctx actor.Context, msg any) {
			m, ok := msg.(LinkAccepted)
			if !ok {
				return
			}
			owner := ctx.Spawn(a.rt.SharedProps("owner", func() actor.Actor {
				return actor.ReceiveFunc(func(ctx actor.Context) {
					if _, ok := ctx.Message().(*messages.Ack); ok {
						panic("injected")
					}
				})
			}))
			ctx.Send(m.Link, Adopt{Owner: owner})
		}
		b.dial(b.host, learning, a.address, LearningLinks())
		w.steps.Settle()
		toA := b.take()[0].(LinkUp).Link
		b.tell(toA, messages.Ack{})
		w.steps.Settle()
		b.down(t, "server 1 closed the connection")
		if n := len(w.net.Conns()); n > 0 {
			t.Fatalf("seed %d: %d connections are left", seed, n)
		}
	}
}
