package server_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

// These tests use our own client, for what other clients can't do or hide.

// expectEvents takes watch events in this order.
func expectEvents(t *testing.T, q *client.EventQueue, want ...string) {
	t.Helper()
	for _, w := range want {
		e, err := q.NextWatch(serveContext(t))
		if err != nil {
			t.Fatalf("no event, expected %s: %v", w, err)
		}
		if got := client.EventName(e.Type) + " " + e.Path; got != w {
			t.Errorf("event %q, expected %q", got, w)
		}
	}
}

func watching(q *client.EventQueue) func(*client.Options) {
	return func(o *client.Options) { o.OnEvent = q.Push }
}

func TestPersistentAndRecursiveWatches(t *testing.T) {
	t.Parallel()
	ctx := serveContext(t)
	address := startServer(t).ClientAddress()
	var flat, deep client.EventQueue
	a, b := dialClient(t, address, watching(&flat)), dialClient(t, address, watching(&deep))
	writer := dialClient(t, address)
	if err := a.AddWatch(ctx, "/w", messages.WatchPersistent); err != nil {
		t.Fatal(err)
	}
	if err := b.AddWatch(ctx, "/w", messages.WatchPersistentRecursive); err != nil {
		t.Fatal(err)
	}
	for range 2 { // again and again
		for _, path := range []string{"/w", "/w/c", "/w/c/d"} {
			if _, err := writer.Create(ctx, path, nil, client.Persistent); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := writer.Set(ctx, "/w/c/d", []byte("x"), -1); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/w/c/d", "/w/c", "/w"} {
			if err := writer.Delete(ctx, path, -1); err != nil {
				t.Fatal(err)
			}
		}
		expectEvents(t, &flat, "NodeCreated /w", "NodeChildrenChanged /w", "NodeChildrenChanged /w", "NodeDeleted /w")
		expectEvents(t, &deep, "NodeCreated /w", "NodeCreated /w/c", "NodeCreated /w/c/d", "NodeDataChanged /w/c/d",
			"NodeDeleted /w/c/d", "NodeDeleted /w/c", "NodeDeleted /w")
	}
	if err := b.RemoveWatches(ctx, "/w", messages.WatcherPersistentRecursive, false); err != nil {
		t.Fatal(err)
	}
	if err := b.CheckWatches(ctx, "/w", messages.WatcherAny); code(err) != messages.ErrNoWatcher {
		t.Errorf("a removed watch is still there: %v", err)
	}
}

// TestWatchesComeBack: after a lost connection the client sets its watches anew with setWatches2, and hears at once of
// what it missed.
func TestWatchesComeBack(t *testing.T) {
	t.Parallel()
	ctx := serveContext(t)
	address := startServer(t).ClientAddress()
	p := newProxy(t, address)
	var events client.EventQueue
	c := dialClient(t, p.address(), watching(&events))
	writer := dialClient(t, address)
	for _, path := range []string{"/data", "/list", "/gone", "/tree", "/same"} {
		if _, err := writer.Create(ctx, path, nil, client.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := c.GetW(ctx, "/data")
	set := []error{err}
	_, _, err = c.ChildrenW(ctx, "/list")
	set = append(set, err)
	_, _, err = c.GetW(ctx, "/gone")
	set = append(set, err)
	_, _, err = c.GetW(ctx, "/same")
	set = append(set, err, c.AddWatch(ctx, "/tree", messages.WatchPersistentRecursive))
	if _, err = c.ExistsW(ctx, "/coming"); code(err) != messages.ErrNoNode {
		t.Fatal(err)
	}
	for _, err := range set {
		if err != nil {
			t.Fatal(err)
		}
	}
	p.cut(true)
	_, err1 := writer.Set(ctx, "/data", []byte("x"), -1)
	_, err2 := writer.Create(ctx, "/list/one", nil, client.Persistent)
	_, err3 := writer.Create(ctx, "/coming", nil, client.Persistent)
	err4 := writer.Delete(ctx, "/gone", -1)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p.mu.Lock()
	p.refuses = false
	p.mu.Unlock()
	var got []string
	for range 4 {
		e, err := events.NextWatch(ctx)
		if err != nil {
			t.Fatalf("only %v: %v", got, err)
		}
		got = append(got, client.EventName(e.Type)+" "+e.Path)
	}
	slices.Sort(got)
	want := []string{"NodeChildrenChanged /list", "NodeCreated /coming", "NodeDataChanged /data", "NodeDeleted /gone"}
	if !slices.Equal(got, want) {
		t.Errorf("events %v, expected %v", got, want)
	}
	if _, err := writer.Create(ctx, "/tree/leaf", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Set(ctx, "/same", []byte("y"), -1); err != nil {
		t.Fatal(err)
	}
	expectEvents(t, &events, "NodeCreated /tree/leaf", "NodeDataChanged /same")
}

func TestMultiRead(t *testing.T) {
	t.Parallel()
	ctx := serveContext(t)
	c := dialClient(t, startServer(t).ClientAddress())
	if _, err := c.Create(ctx, "/m", []byte("data"), client.Persistent); err != nil {
		t.Fatal(err)
	}
	results, err := c.MultiRead(ctx, client.GetOp("/m"), client.GetOp("/missing"), client.ChildrenOp("/"))
	if err != nil || len(results) != 3 {
		t.Fatalf("%+v %v", results, err)
	}
	if string(results[0].Data) != "data" || results[1].Err != messages.ErrNoNode || !slices.Contains(results[2].Children, "m") {
		t.Errorf("%+v", results)
	}
}

// TestPipeliningKeepsOrder sends thousands of requests without waiting; the answers come in order and each read sees the
// writes before it.
func TestPipeliningKeepsOrder(t *testing.T) {
	t.Parallel()
	ctx := serveContext(t)
	address := startServer(t).ClientAddress()
	var all sync.WaitGroup
	for i := range 4 {
		c := dialClient(t, address)
		path := number("/p%d", i)
		if _, err := c.Create(ctx, path, nil, client.Persistent); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if err := pipeline(t, c, path, 3000); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		})
	}
	all.Wait()
}

func pipeline(t *testing.T, c *client.Client, path string, n int) error {
	ctx := serveContext(t)
	var calls []*client.Call
	for range n {
		calls = append(calls,
			c.Send(messages.OpSetData, &jute.SetDataRequest{Path: path, Data: []byte("x"), Version: -1}),
			c.Send(messages.OpSetData, &jute.SetDataRequest{Path: path, Data: []byte("x"), Version: 1 << 30}), // refused
			c.Send(messages.OpExists, &jute.PathWatch{Path: []byte(path)}))
	}
	for i, call := range calls {
		err := call.Wait(ctx)
		if i%3 == 1 {
			if code(err) != messages.ErrBadVersion {
				return fmt.Errorf("request %d: %w", i, err)
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
		d := call.Decoder()
		if s := jute.DecodeStat(&d); int(s.Version) != i/3+1 {
			return fmt.Errorf("request %d saw version %d", i, s.Version)
		}
		if i > 0 && call.Header.Zxid < calls[i-1].Header.Zxid {
			return fmt.Errorf("request %d was answered with zxid %v after %v", i, call.Header.Zxid, calls[i-1].Header.Zxid)
		}
	}
	return nil
}

func TestWhoAmIAndEphemerals(t *testing.T) {
	t.Parallel()
	ctx := serveContext(t)
	c := dialClient(t, startServer(t).ClientAddress())
	if err := c.AddAuth(ctx, "digest", []byte("ann:secret")); err != nil {
		t.Fatal(err)
	}
	who, err := c.WhoAmI(ctx)
	if err != nil || len(who) != 2 || !slices.Contains(who, messages.Identity{Scheme: "digest", ID: "ann"}) {
		t.Errorf("who am I: %v %v", who, err)
	}
	for _, path := range []string{"/a", "/ab", "/b"} {
		if _, err := c.Create(ctx, path, nil, client.Ephemeral); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.Ephemerals(ctx, "/a")
	slices.Sort(list)
	if err != nil || !slices.Equal(list, []string{"/a", "/ab"}) {
		t.Errorf("ephemerals %v %v", list, err)
	}
	if n, err := c.DescendantCount(ctx, "/"); err != nil || n < 3 {
		t.Errorf("%d nodes below / (%v)", n, err)
	}
}

// TestSessionIsTakenUp: by its password alone, and from whoever holds it.
func TestSessionIsTakenUp(t *testing.T) {
	t.Parallel()
	address := startServer(t).ClientAddress()
	first := dialWire(t, address)
	r, err := first.handshake(30*time.Second, 0, make([]byte, messages.PasswordLength))
	if err != nil {
		t.Fatal(err)
	}
	second := dialWire(t, address)
	again, err := second.handshake(30*time.Second, r.Session, r.Password)
	if err != nil || again.Session != r.Session || !bytes.Equal(again.Password, r.Password) {
		t.Fatalf("taken up: %+v %v", again, err)
	}
	first.mustEnd("a connection whose session was taken up")
	second.mustServe("the connection that took it up")

	thief := dialWire(t, address)
	refused, err := thief.handshake(30*time.Second, r.Session, make([]byte, messages.PasswordLength))
	if err != nil || refused.Session != 0 || refused.Timeout != 0 {
		t.Errorf("taken up with a wrong password: %+v %v", refused, err)
	}
	thief.mustEnd("a connection with a wrong password")
	third := dialWire(t, address)
	if again, err = third.handshake(30*time.Second, r.Session, r.Password); err != nil || again.Session != r.Session {
		t.Errorf("taken up after an attempt with a wrong password: %+v %v", again, err)
	}
}
