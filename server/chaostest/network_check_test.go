package chaostest

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// listenAt makes a host echo what it is sent.
func listenAt(t *testing.T, n *network, host int) string {
	t.Helper()
	var l net.Listener
	var err error
	addr := n.address(host, 2181)
	if trip := n.hosts[host].within(func() { l, err = net.Listen("tcp", addr) }); trip != nil || err != nil {
		t.Fatal(trip, err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
	return addr
}

// TestNetwork makes sure that the network between hosts loses and delays what it is told to, and nothing else.
func TestNetwork(t *testing.T) {
	if err := mayBeSeparate(); err != nil {
		t.Skipf("no separate hosts: %v", err)
	}
	n, err := newNetwork(2, true)
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	near, far := listenAt(t, n, 1), listenAt(t, n, 2)
	dial := func(addr string) net.Conn {
		conn, err := n.dial(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	a, b := dial(near), dial(far)
	echo := func(conn net.Conn, limit time.Duration) error {
		if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
			return err
		}
		if _, err := conn.Write([]byte{1}); err != nil {
			return err
		}
		_, err := io.ReadFull(conn, make([]byte, 1))
		return err
	}
	if err := errors.Join(echo(a, patience), echo(b, patience)); err != nil {
		t.Fatalf("a whole network: %v", err)
	}
	n.lose(1, clients, true)
	if err := echo(a, 300*time.Millisecond); err == nil {
		t.Error("an answer came over a link that loses everything")
	}
	if err := echo(b, patience); err != nil {
		t.Errorf("the other link: %v", err)
	}
	n.heal()
	if err := echo(a, patience); err != nil {
		t.Errorf("after the heal: %v", err)
	}
	n.slow(clients, 2, 50*time.Millisecond)
	begun := time.Now()
	if err := echo(b, patience); err != nil || time.Since(begun) < 100*time.Millisecond {
		t.Errorf("over a link that is slow by 50 ms each way: %v after %v", err, time.Since(begun))
	}
	n.heal()
	n.cut(clients, 2, true)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if conn, err := n.dial(ctx, far); err == nil {
		conn.Close()
		t.Error("a connection over a cut link")
	}
}
