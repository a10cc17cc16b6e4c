package cluster

import (
	"bytes"
	"crypto/rand"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/pack"
)

// syncBuffer is a log that several goroutines write and the test reads.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// realHost starts a server on real loops, time and sockets, with an address of its own.
func realHost(t testing.TB, n Network, id messages.ServerID, o ReceptionOptions) (*linkHost, *syncBuffer) {
	t.Helper()
	loops, stop := actors.NewLoops(1)
	log := &syncBuffer{}
	h := &linkHost{self: Identity{ID: id, Incarnation: 1}}
	h.rt = actors.NewRuntime(actors.World{
		Clock: actors.RealClock(), Random: rand.Reader, Dispatchers: loops, Log: zerolog.New(log),
		Fatal: func(err error) { t.Errorf("fatal: %v", err) },
	})
	acceptor, err := n.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.address = acceptor.Addr()
	h.linkProbe, h.pid = newLinkProbe(h.rt, "probe", adopt)
	props := NewReception(h.rt, acceptor, h.self, []SetTarget{{Purpose: messages.ForLearning, Target: h.pid}}, o)
	if h.reception, err = h.rt.System.Root.SpawnNamed(props, "reception"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.rt.System.Root.StopFuture(h.pid).Wait()
		_ = h.rt.System.Root.StopFuture(h.reception).Wait()
		stop()
	})
	return h, log
}

// realPair is two servers on one network; 2 has dialled 1.
func realPair(t testing.TB, n Network) (a, b *linkHost, toA, toB Linked) {
	t.Helper()
	a, _ = realHost(t, n, 1, DefaultReceptionOptions())
	b, _ = realHost(t, n, 2, DefaultReceptionOptions())
	b.dial(n, learning, a.address, LearningLinks())
	got := a.await(t, "LinkUp at 1", lastIs[LinkUp])
	toB = Linked{a, got[len(got)-1].(LinkUp)}
	toA = Linked{b, b.await(t, "LinkUp at 2", lastIs[LinkUp])[0].(LinkUp)}
	return a, b, toA, toB
}

// Linked is a link that is up, and whose.
type Linked struct {
	host *linkHost
	up   LinkUp
}

func (l Linked) send(msg any) { l.host.tell(l.up.Link, msg) }

// carries sends much in both directions at once, small and large, and then closes.
func carries(t *testing.T, n Network) {
	t.Helper()
	a, b, toA, toB := realPair(t, n)
	var want []any
	for i := range 3000 {
		var m any = &messages.Ack{Server: 2, Zxid: messages.Zxid(i)}
		if i%100 == 7 {
			m = &messages.SnapChunk{Records: bytes.Repeat([]byte{byte(i)}, 1<<18)}
		}
		want = append(want, m)
	}
	for _, m := range want {
		toA.send(m)
		toB.send(m)
	}
	all := func(got []any) bool { return len(got) >= len(want) }
	if got := a.await(t, "all messages at 1", all); !reflect.DeepEqual(got, want) {
		t.Fatal("server 1 got others")
	}
	if got := b.await(t, "all messages at 2", all); !reflect.DeepEqual(got, want) {
		t.Fatal("server 2 got others")
	}
	toA.send(&messages.Commit{Zxid: 8})
	toA.send(CloseLink{Reason: "enough"})
	if got := b.await(t, "the end at 2", lastIs[LinkDown]); len(got) != 1 || got[0].(LinkDown).Reason != "enough" {
		t.Fatal(got)
	}
	got := a.await(t, "the end at 1", lastIs[LinkDown])
	if reason := got[len(got)-1].(LinkDown).Reason; !strings.Contains(reason, "server 2 closed the connection") {
		t.Fatal(got)
	}
}

func TestTCPCarries(t *testing.T) { carries(t, NewTCP(DefaultTCPOptions())) }

// refuses dials servers that don't want to be dialled, or aren't there.
func refuses(t *testing.T, n Network) {
	t.Helper()
	a, _ := realHost(t, n, 1, DefaultReceptionOptions())
	b, _ := realHost(t, n, 2, DefaultReceptionOptions())
	for _, c := range []struct {
		hello   messages.Hello
		address string
		reason  string
	}{
		{messages.Hello{Purpose: messages.ForElection, To: 1}, a.address, "the other side refused the link: server 1 takes no part in elections"},
		{messages.Hello{Purpose: messages.ForLearning, To: 3}, a.address, "the other side refused the link: server 2 looks for server 3"},
		{messages.Hello{Purpose: messages.ForLearning, To: 3}, closedPort(t), "connect to 127.0.0.1:"},
		{messages.Hello{Purpose: messages.ForLearning, To: 3}, "no.such.host.invalid:1", "connect to no.such.host.invalid:1: "},
	} {
		b.dial(n, c.hello, c.address, LearningLinks())
		got := b.await(t, c.reason, lastIs[LinkDown])
		if d := got[0].(LinkDown); len(got) != 1 || !strings.Contains(d.Reason, c.reason) || d.Peer.From != c.hello.To {
			t.Errorf("%+v: %v", c.hello, got)
		}
	}
}

func TestTCPRefuses(t *testing.T) { refuses(t, NewTCP(DefaultTCPOptions())) }

// closedPort is an address where nobody listens.
func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// A foreign program that connects does no harm, and is told no.
func TestTCPAnswersGarbage(t *testing.T) {
	a, log := realHost(t, NewTCP(DefaultTCPOptions()), 1, DefaultReceptionOptions())
	for _, says := range []string{"GET / HTTP/1.1\r\n\r\n", "ruok", string(make([]byte, 5000)), ""} {
		conn, err := net.Dial("tcp", a.address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = conn.Write([]byte(says))
		if len(says) < pack.HeaderSize {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
		var heard bytes.Buffer
		_, err = heard.ReadFrom(conn)
		_ = conn.Close()
		msg, _, _ := pack.Decode(heard.Bytes())
		if _, refused := msg.(messages.HelloRefused); err != nil || refused != (len(says) >= pack.HeaderSize) {
			t.Errorf("%q: heard %v, %v", says, msg, err)
		}
	}
	if !strings.Contains(log.String(), "no hello of a Troupe server of this version: unknown frame version") {
		t.Error(log.String())
	}
}

func TestTCPListenNamesTheAddress(t *testing.T) {
	n := NewTCP(DefaultTCPOptions())
	a, err := n.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err = n.Listen(a.Addr()); err == nil || !strings.Contains(err.Error(), "listen on "+a.Addr()+" for other servers: ") {
		t.Fatal(err)
	}
}

// A dial that is given up while it is under way closes its connection when that comes about.
func TestDialThatNobodyWaitsFor(t *testing.T) {
	real := NewTCP(DefaultTCPOptions())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	slow := &slowNetwork{Network: real, release: make(chan struct{})}
	b, _ := realHost(t, real, 2, DefaultReceptionOptions())
	b.dial(slow, learning, l.Addr().String(), LearningLinks())
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = b.rt.System.Root.StopFuture(b.pid).Wait()
	close(slow.release)
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	var heard bytes.Buffer
	if _, err := heard.ReadFrom(conn); err != nil || heard.Len() > 0 {
		t.Fatalf("%d bytes, %v", heard.Len(), err)
	}
	_ = conn.Close()
}

// slowNetwork hands connections over when it is told to.
type slowNetwork struct {
	Network
	release chan struct{}
}

func (n *slowNetwork) Dial(address string, timeout time.Duration, done func(actors.Transport, error)) {
	n.Network.Dial(address, timeout, func(t actors.Transport, err error) {
		<-n.release
		done(t, err)
	})
}

func TestTCPDialKeepsItsTimeout(t *testing.T) {
	done := make(chan error, 1)
	NewTCP(TCPOptions{}).Dial("127.0.0.1:1", time.Nanosecond, func(_ actors.Transport, err error) { done <- err })
	if err := <-done; err == nil || !strings.Contains(err.Error(), "connect to 127.0.0.1:1: ") || !strings.Contains(err.Error(), "timeout") {
		t.Fatal(err)
	}
}
