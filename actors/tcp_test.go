package actors

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// transportTest is one connection: the transport under test, whose calls are made on its loop as an actor's would be, and
// the client at the other end.
type transportTest struct {
	t      *testing.T
	loop   *Loop
	side   Transport
	client *net.TCPConn
	events chan streamEvent
}

// streamEvent is what a transport has told: bytes, or (none) the end.
type streamEvent struct {
	bytes []byte
	err   error
}

func (c *transportTest) event() streamEvent {
	c.t.Helper()
	select {
	case e := <-c.events:
		return e
	case <-time.After(10 * time.Second):
		c.t.Fatal("nothing more was told")
		return streamEvent{}
	}
}

// do runs f where the transport's actor would.
func (c *transportTest) do(f func()) {
	done := make(chan struct{})
	c.loop.Schedule(func() { f(); close(done) })
	<-done
}

// next is what comes next, until there are n bytes of it.
func (c *transportTest) next(n int) (all []byte) {
	c.t.Helper()
	for len(all) < n {
		e := c.event()
		if len(e.bytes) == 0 {
			c.t.Fatalf("it ended after %d of %d bytes: %v", len(all), n, e.err)
		}
		all = append(all, e.bytes...)
	}
	return all
}

func (c *transportTest) end() error {
	c.t.Helper()
	e := c.event()
	if len(e.bytes) > 0 {
		c.t.Fatalf("%q came before the end", e.bytes)
	}
	return e.err
}

func (c *transportTest) send(b []byte) {
	c.t.Helper()
	if _, err := c.client.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// transports runs a test with each kind of transport of this system: one that reads on its actor's loop, and one that has a
// goroutine.
func transports(t *testing.T, test func(t *testing.T, c *transportTest)) {
	for name, p := range map[string]*poller{"on its loop": newPoller(), "with a goroutine": nil} {
		t.Run(name, func(t *testing.T) {
			c := &transportTest{t: t, loop: newLoop(p), events: make(chan streamEvent, 1000)}
			a, err := ListenTCP("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			accepted := make(chan Transport, 1)
			a.Start(func(tr Transport) { accepted <- tr }, func(err error) { t.Error(err) })
			conn, err := net.Dial("tcp", a.Addr())
			if err != nil {
				t.Fatal(err)
			}
			c.client = conn.(*net.TCPConn)
			c.side = onLoop(<-accepted, c.loop)
			c.do(func() { c.side.Start(func(chunk []byte, err error) { c.events <- streamEvent{chunk, err} }) })
			t.Cleanup(func() {
				_ = conn.Close()
				c.do(c.side.Close)
				c.loop.Stop()
				a.Close()
				<-c.loop.Done()
			})
			test(t, c)
		})
	}
}

func TestTransportReadsAndWrites(t *testing.T) {
	transports(t, func(t *testing.T, c *transportTest) {
		for range 3 {
			c.send([]byte("question"))
			if got := c.next(8); string(got) != "question" {
				t.Fatalf("%q came", got)
			}
			c.do(func() {
				if n, err := c.side.TryWrite([]byte("answer")); n != 6 || err != nil {
					t.Error(n, err)
				}
			})
			if got, err := readFull(c.client, 6); err != nil || string(got) != "answer" {
				t.Fatal(string(got), err)
			}
		}
		// More than one read takes, at once.
		large := bytes.Repeat([]byte("0123456789"), 100_000)
		go func() { _, _ = c.client.Write(large) }()
		if got := c.next(len(large)); !bytes.Equal(got, large) {
			t.Fatal("what was sent in one piece came otherwise")
		}
	})
}

func readFull(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// The last bytes and the end may come in one event: the bytes come first all the same, also after a pause.
func TestTransportTellsTheEnd(t *testing.T) {
	transports(t, func(t *testing.T, c *transportTest) {
		c.do(func() { c.side.Pause(true) })
		c.send([]byte("abc"))
		if err := c.client.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c.do(func() { c.side.Pause(false) })
		if got := c.next(3); string(got) != "abc" {
			t.Fatalf("%q came", got)
		}
		if err := c.end(); err != nil {
			t.Fatal(err)
		}
	})
}

// What the socket has no room for is written as the other side reads.
func TestTransportWritesTheRest(t *testing.T) {
	transports(t, func(t *testing.T, c *transportTest) {
		large := bytes.Repeat([]byte("0123456789"), 2_000_000)
		written := make(chan error, 1)
		c.do(func() {
			n, err := c.side.TryWrite(large)
			if err != nil || n == len(large) {
				t.Errorf("%d of %d bytes were written at once, %v", n, len(large), err)
				written <- err
				return
			}
			c.side.WriteRest(large[n:], func(err error) { written <- err })
		})
		got, err := readFull(c.client, len(large))
		if err != nil || !bytes.Equal(got, large) {
			t.Fatal("what was written came otherwise: ", err)
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
	})
}

// A client that still sends must not lose the last words to it.
func TestTransportLingers(t *testing.T) {
	transports(t, func(t *testing.T, c *transportTest) {
		c.send(make([]byte, 200_000))
		c.do(func() {
			if _, err := c.side.TryWrite([]byte("go away")); err != nil {
				t.Error(err)
			}
			c.side.Close()
			c.side.Close() // once more does nothing
		})
		if got, err := io.ReadAll(c.client); err != nil || string(got) != "go away" {
			t.Fatalf("the client reads %q, %v", got, err)
		}
	})
}

func TestTransportThatIsReset(t *testing.T) {
	transports(t, func(t *testing.T, c *transportTest) {
		c.do(func() { _, _ = c.side.TryWrite([]byte("it never reads this")) })
		if err := c.client.SetLinger(0); err != nil {
			t.Fatal(err)
		}
		_ = c.client.Close()
		if err := c.end(); err == nil {
			t.Fatal("a connection that was reset ended in order")
		}
	})
}
