package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

func TestSendPipelinesInOrder(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	const n = 1000
	calls := make([]*client.Call, n)
	for i := range calls {
		calls[i] = c.Send(messages.OpSync, jute.Path(fmt.Sprintf("/%d", i)))
	}
	headers := make([]jute.RequestHeader, n)
	for i := range headers { // none is answered before all have come
		h, body := conn.expect(messages.OpSync)
		d := jute.NewDecoder(body)
		if path := d.String(); path != fmt.Sprintf("/%d", i) {
			t.Fatalf("request %d is about %s", i, path)
		}
		headers[i] = h
	}
	for i, h := range headers {
		conn.reply(h.Xid, messages.Zxid(i+1), messages.ErrOK, jute.AppendString(nil, fmt.Sprintf("/%d", i)))
	}
	ctx := testContext(t)
	for i, call := range calls {
		if err := call.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		d := call.Decoder()
		if path := d.String(); path != fmt.Sprintf("/%d", i) || call.Header.Zxid != messages.Zxid(i+1) {
			t.Fatalf("call %d has the reply of %s, zxid %v", i, path, call.Header.Zxid)
		}
	}
}

func TestReplyOutOfOrderBreaksTheConnection(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	calls := []*client.Call{c.Send(messages.OpSync, jute.Path("/a")), c.Send(messages.OpSync, jute.Path("/b"))}
	conn.expect(messages.OpSync)
	h, _ := conn.expect(messages.OpSync)
	conn.reply(h.Xid, 1, messages.ErrOK, jute.AppendString(nil, "/b"))
	for _, call := range calls {
		if err := call.Wait(testContext(t)); !errors.Is(err, client.ErrConnectionLoss) || !errors.Is(err, client.ErrProtocol) {
			t.Fatalf("error %v", err)
		}
	}
	if again := s.accept(); again.connect.Session != 7 {
		t.Fatal("the client doesn't come back")
	}
}

func TestCancelledCallLeavesTheOthersInOrder(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	ctx, cancel := context.WithCancel(testContext(t))
	first := inBackground(func() error { _, err := c.Exists(ctx, "/first"); return err })
	h1, _ := conn.expect(messages.OpExists)
	cancel()
	waitFor(t, first, context.Canceled)
	second := inBackground(func() error { return c.Sync(testContext(t), "/second") })
	h2, _ := conn.expect(messages.OpSync)
	conn.reply(h1.Xid, 1, messages.ErrNoNode, nil)
	conn.reply(h2.Xid, 1, messages.ErrOK, jute.AppendString(nil, "/second"))
	waitFor(t, second, nil)
	if err := c.Sync(ctx, "/"); !errors.Is(err, context.Canceled) {
		t.Fatalf("a call with an ended context: %v", err)
	}
}

func TestErrorsTellOperationAndPath(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{Chroot: "/app"})
	done := inBackground(func() error { _, err := c.Set(testContext(t), "/x", []byte("v"), 3); return err })
	h, _ := conn.expect(messages.OpSetData)
	conn.reply(h.Xid, 5, messages.ErrBadVersion, nil)
	err := <-done
	var failed *client.Error
	if !errors.Is(err, messages.ErrBadVersion) || !errors.As(err, &failed) || failed.Path != "/x" || failed.Op != messages.OpSetData {
		t.Fatalf("error %#v", err)
	}
	done = inBackground(func() error { _, err := c.Exists(testContext(t), "/x"); return err })
	h, _ = conn.expect(messages.OpExists)
	conn.reply(h.Xid, 5, messages.ErrOK, []byte{1, 2, 3})
	waitFor(t, done, client.ErrProtocol)
}

func TestChroot(t *testing.T) {
	s := newFakeServer(t)
	var events client.EventQueue
	c, conn := open(t, s, client.Options{Chroot: "/app", OnEvent: events.Push})
	ctx := testContext(t)
	pathOf := func(body []byte) string { d := jute.NewDecoder(body); return d.String() }

	var created string
	done := inBackground(func() (err error) {
		created, err = c.Create(ctx, "/n-", nil, client.PersistentSequential)
		return err
	})
	h, body := conn.expect(messages.OpCreate)
	if p := pathOf(body); p != "/app/n-" {
		t.Fatalf("create of %s", p)
	}
	conn.reply(h.Xid, 1, messages.ErrOK, jute.AppendString(nil, "/app/n-0000000000"))
	waitFor(t, done, nil)
	if created != "/n-0000000000" {
		t.Fatalf("created %s", created)
	}

	done = inBackground(func() error { _, err := c.ExistsW(ctx, "/"); return err })
	h, body = conn.expect(messages.OpExists)
	if p := pathOf(body); p != "/app" {
		t.Fatalf("exists of %s", p)
	}
	conn.event(messages.EventNodeDeleted, "/app")
	conn.reply(h.Xid, 1, messages.ErrNoNode, nil)
	waitFor(t, done, messages.ErrNoNode)
	if e, err := events.NextWatch(ctx); err != nil || e.Path != "/" {
		t.Fatalf("event %+v, %v", e, err)
	}

	var results []jute.MultiResult
	done = inBackground(func() (err error) {
		results, err = c.Multi(ctx, client.CheckOp("/a", 1), client.CreateOp("/b", nil, client.CreateOptions{}))
		return err
	})
	h, body = conn.expect(messages.OpMulti)
	d := jute.NewDecoder(body)
	ops := jute.DecodeMulti(&d, false)
	if ops[0].Record.(jute.PathVersion).Path != "/app/a" || ops[1].Record.(jute.CreateRequest).Path != "/app/b" {
		t.Fatalf("multi %+v", ops)
	}
	reply := (&jute.MultiResult{Op: messages.OpCheck}).Append(nil)
	reply = (&jute.MultiResult{Op: messages.OpCreate, Path: "/app/b"}).Append(reply)
	conn.reply(h.Xid, 2, messages.ErrOK, jute.AppendMultiEnd(reply))
	waitFor(t, done, nil)
	if len(results) != 2 || results[1].Path != "/b" {
		t.Fatalf("results %+v", results)
	}
}

func TestMultiNamesTheFailedOperation(t *testing.T) {
	s := newFakeServer(t)
	c, conn := open(t, s, client.Options{})
	done := inBackground(func() error {
		_, err := c.Multi(testContext(t), client.DeleteOp("/a", -1), client.SetOp("/b", nil, 2), client.DeleteOp("/c", -1))
		return err
	})
	h, _ := conn.expect(messages.OpMulti)
	var reply []byte
	for _, code := range []messages.ErrCode{messages.ErrOK, messages.ErrBadVersion, messages.ErrRuntimeInconsistency} {
		reply = (&jute.MultiResult{Op: messages.OpError, Err: code}).Append(reply)
	}
	conn.reply(h.Xid, 2, messages.ErrOK, jute.AppendMultiEnd(reply))
	err := <-done
	var failed *client.Error
	if !errors.As(err, &failed) || failed.Path != "/b" || failed.Op != messages.OpSetData || !errors.Is(err, messages.ErrBadVersion) {
		t.Fatalf("error %v", err)
	}
}

func TestReconfigSendsNullForWhatIsNotGiven(t *testing.T) {
	d := jute.NewDecoder(client.Reconfig{Leaving: "3", Version: -1}.Append(nil))
	_, joining := d.NullableString()
	leaving, ok := d.NullableString()
	_, members := d.NullableString()
	if version := d.Long(); joining || members || !ok || leaving != "3" || version != -1 || d.Err() != nil {
		t.Fatalf("joining %v, leaving %q, members %v, version %d: %v", joining, leaving, members, version, d.Err())
	}
}
