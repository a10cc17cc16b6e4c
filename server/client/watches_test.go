package client_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

// setAll sets one watch of each kind: d (data), n (exists, missing), c (children), p (persistent), r (recursive).
func setAll(t *testing.T, c *client.Client, conn *fakeConn) {
	t.Helper()
	ctx := testContext(t)
	stat := jute.AppendStat(nil, &messages.Stat{})
	children := append(jute.AppendStrings(nil, []string{"x"}), stat...)
	steps := []struct {
		call func() error
		op   messages.OpCode
		code messages.ErrCode
		body []byte
	}{
		{func() error { _, _, err := c.GetW(ctx, "/d"); return err }, messages.OpGetData, 0, append(jute.AppendBuffer(nil, nil), stat...)},
		{func() error { _, err := c.ExistsW(ctx, "/n"); return err }, messages.OpExists, messages.ErrNoNode, nil},
		{func() error { _, _, err := c.ChildrenW(ctx, "/c"); return err }, messages.OpGetChildren2, 0, children},
		{func() error { return c.AddWatch(ctx, "/p", messages.WatchPersistent) }, messages.OpAddWatch, 0, jute.AppendInt(nil, 0)},
		{func() error { return c.AddWatch(ctx, "/r", messages.WatchPersistentRecursive) }, messages.OpAddWatch, 0, jute.AppendInt(nil, 0)},
		// These fail, so they set nothing.
		{func() error { _, _, err := c.GetW(ctx, "/x"); return err }, messages.OpGetData, messages.ErrNoNode, nil},
		{func() error { _, _, err := c.ChildrenW(ctx, "/x"); return err }, messages.OpGetChildren2, messages.ErrNoAuth, nil},
	}
	for _, step := range steps {
		done := inBackground(step.call)
		h, _ := conn.expect(step.op)
		conn.reply(h.Xid, 100, step.code, step.body)
		if err := <-done; step.code == 0 && err != nil || step.code != 0 && !errors.Is(err, step.code) {
			t.Fatalf("%v: %v", step.op, err)
		}
	}
}

// reconnect drops the connection and accepts the next one.
func reconnect(s *fakeServer, conn *fakeConn) *fakeConn {
	conn.Close()
	again := s.accept()
	again.welcome(7, patience)
	return again
}

func TestWatchesAreSetAnew(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	setAll(t, c, conn)
	conn = reconnect(s, conn)
	h, body := conn.expect(messages.OpSetWatches2)
	d := jute.NewDecoder(body)
	r := jute.DecodeSetWatches(&d, h.Op)
	got := fmt.Sprint(h.Xid, r.RelativeZxid, r.Data, r.Exist, r.Child, r.Persistent, r.PersistentRecursive)
	if want := "-8 0x64 [/d] [/n] [/c] [/p] [/r]"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	conn.reply(h.Xid, 0, messages.ErrOK, nil)

	// What has fired is not set again, what is persistent is.
	for _, e := range []struct {
		what messages.EventType
		path string
	}{
		{messages.EventNodeDataChanged, "/d"}, {messages.EventNodeCreated, "/n"}, {messages.EventNodeChildrenChanged, "/c"},
		{messages.EventNodeDataChanged, "/p"}, {messages.EventNodeDeleted, "/r"},
	} {
		conn.event(e.what, e.path)
	}
	done := inBackground(func() error { return c.RemoveWatches(testContext(t), "/p", messages.WatcherAny, false) })
	h, _ = conn.expect(messages.OpRemoveWatches)
	conn.reply(h.Xid, 0, messages.ErrOK, nil)
	waitFor(t, done, nil)
	conn = reconnect(s, conn)
	h, body = conn.expect(messages.OpSetWatches2)
	d = jute.NewDecoder(body)
	r = jute.DecodeSetWatches(&d, h.Op)
	if got := fmt.Sprint(r.Data, r.Exist, r.Child, r.Persistent, r.PersistentRecursive); got != "[] [] [] [] [/r]" {
		t.Fatalf("after the events: %s", got)
	}
}

func TestManyWatchesAreSetInChunks(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	stat := jute.AppendStat(nil, &messages.Stat{})
	var want []string
	var calls []<-chan error
	for i := range 300 {
		path := fmt.Sprintf("/%04d-%s", i, strings.Repeat("x", 1000))
		want = append(want, path)
		calls = append(calls, inBackground(func() error { _, err := c.ExistsW(testContext(t), path); return err }))
	}
	for range want {
		h, _ := conn.expect(messages.OpExists)
		conn.reply(h.Xid, 1, messages.ErrOK, stat)
	}
	for _, call := range calls {
		waitFor(t, call, nil)
	}
	conn = reconnect(s, conn)
	var got []string
	frames := 0
	for len(got) < len(want) {
		h, body := conn.expect(messages.OpSetWatches) // no persistent ones: the older form
		if len(body) > 128<<10+100 {
			t.Fatalf("a request of %d bytes", len(body))
		}
		d := jute.NewDecoder(body)
		r := jute.DecodeSetWatches(&d, h.Op)
		got = append(got, r.Data...)
		conn.reply(h.Xid, 1, messages.ErrOK, nil)
		frames++
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || frames < 3 {
		t.Fatalf("%d paths in %d requests", len(got), frames)
	}
}

func TestRemovedWatchesTellOfThemselves(t *testing.T) {
	s := newFakeServer(t)
	var events client.EventQueue
	c, conn := open(t, s, client.Options{OnEvent: events.Push})
	setAll(t, c, conn)
	ctx := testContext(t)
	for _, path := range []string{"/d", "/n", "/c", "/p"} {
		done := inBackground(func() error { return c.RemoveWatches(ctx, path, messages.WatcherAny, false) })
		h, _ := conn.expect(messages.OpRemoveWatches)
		conn.reply(h.Xid, 0, messages.ErrOK, nil)
		waitFor(t, done, nil)
	}
	for _, want := range []string{"DataWatchRemoved /d", "DataWatchRemoved /n", "ChildWatchRemoved /c", "PersistentWatchRemoved /p"} {
		e, err := events.NextWatch(ctx)
		if got := client.EventName(e.Type) + " " + e.Path; err != nil || got != want {
			t.Fatalf("event %s (%v), want %s", got, err, want)
		}
	}
}

func TestRemoveWatchesLocally(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	setAll(t, c, conn)
	for _, local := range []bool{false, true} {
		done := inBackground(func() error { return c.RemoveWatches(testContext(t), "/p", messages.WatcherAny, local) })
		conn.expect(messages.OpRemoveWatches)
		conn = reconnect(s, conn)
		if err := <-done; (err == nil) != local {
			t.Fatalf("local %v: %v", local, err)
		}
		h, body := conn.expect(messages.OpSetWatches2)
		conn.reply(h.Xid, 0, messages.ErrOK, nil)
		d := jute.NewDecoder(body)
		if r := jute.DecodeSetWatches(&d, h.Op); !slices.Contains(r.Persistent, "/p") && !local {
			t.Fatal("the watch was forgotten although its removal failed")
		}
	}
	conn = reconnect(s, conn)
	_, body := conn.expect(messages.OpSetWatches2)
	d := jute.NewDecoder(body)
	if r := jute.DecodeSetWatches(&d, messages.OpSetWatches2); len(r.Persistent) != 0 {
		t.Fatalf("the watch was set again: %v", r.Persistent)
	}
}

// TestEventsComeBeforeLaterReplies asserts the promise of OnEvent: it has returned when a call returns that was
// answered later.
func TestEventsComeBeforeLaterReplies(t *testing.T) {
	s := newFakeServer(t)
	var events client.EventQueue
	c, conn := open(t, s, client.Options{OnEvent: events.Push})
	events.Take()
	for i := range 200 {
		call := c.Send(messages.OpSync, jute.Path("/"))
		h, _ := conn.expect(messages.OpSync)
		conn.event(messages.EventNodeDataChanged, fmt.Sprintf("/%d", i))
		conn.reply(h.Xid, 1, messages.ErrOK, jute.AppendString(nil, "/"))
		if err := call.Wait(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if got := events.Take(); len(got) != 1 || got[0].Path != fmt.Sprintf("/%d", i) || got[0].Zxid != 0 {
			t.Fatalf("round %d: events %+v", i, got)
		}
	}
}
