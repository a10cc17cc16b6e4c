package actors

import (
	"fmt"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"pgregory.net/rapid"
)

// quotaDesk is a desk with the node /a, below which there may be so many nodes and bytes, itself counted.
func quotaDesk(t *testing.T, nodes, bytes int) *desk {
	t.Helper()
	d := newDesk(t, PrepOptions{EnforceQuota: true})
	limits := fmt.Sprintf("count=-1,bytes=-1=;byteHardLimit=%d;countHardLimit=%d", bytes, nodes)
	for _, n := range [][2]string{
		{"/a", ""}, {messages.QuotaPath + "/a", ""},
		{messages.QuotaPath + "/a/" + messages.QuotaLimitNode, limits},
		{messages.QuotaPath + "/a/" + messages.QuotaStatNode, "count=0,bytes=0"},
	} {
		body := jute.CreateRequest{Path: n[0], Data: []byte(n[1]), ACL: openACL()}
		if code := d.code(messages.OpCreate, body.Append(nil, messages.OpCreate)); code != messages.ErrOK {
			t.Fatalf("create %s: %v", n[0], code)
		}
		d.apply()
	}
	return d
}

// A client that was told of a delete has the room that it makes, however far the leader's own tree has got.
func TestPrepQuotaRoomOfADelete(t *testing.T) {
	d := quotaDesk(t, 2, -1)
	deleted := (&jute.PathVersion{Path: "/a/x", Version: -1}).Append(nil)
	if code := d.create("/a/x", 0); code != messages.ErrOK {
		t.Fatal(code)
	}
	if code := d.create("/a/y", 0); code != messages.ErrQuotaExceeded {
		t.Errorf("a node too many: %v", code)
	}
	if code := d.code(messages.OpDelete, deleted); code != messages.ErrOK {
		t.Fatal(code)
	}
	if code := d.create("/a/y", 0); code != messages.ErrOK {
		t.Errorf("a node in the room of one whose deletion is proposed: %v", code)
	}
	if code := d.create("/a/z", 0); code != messages.ErrQuotaExceeded {
		t.Errorf("the room is used twice: %v", code)
	}
	d.apply()
	multi := jute.AppendMulti(nil, []jute.MultiOp{
		{Op: messages.OpDelete, Record: jute.PathVersion{Path: "/a/y", Version: -1}},
		{Op: messages.OpCreate, Record: jute.CreateRequest{Path: "/a/z", ACL: openACL()}},
	})
	if code := d.code(messages.OpMulti, multi); code != messages.ErrQuotaExceeded {
		t.Errorf("room that the same multi makes: %v", code)
	}
	if code := d.create("/a/z", 0); code != messages.ErrQuotaExceeded {
		t.Errorf("room that a failed multi would have made: %v", code)
	}
}

// The quota is judged between other checks, and a multi by the first operation that fails: why no stage before or behind prep
// could do it. What is expected is what ZooKeeper 3.8 answers.
func TestPrepQuotaAmongOtherChecks(t *testing.T) {
	d := quotaDesk(t, 2, 5)
	if code := d.create("/a/x", 0); code != messages.ErrOK {
		t.Fatal(code)
	}
	d.apply()
	create := func(path, data string) jute.MultiOp {
		return jute.MultiOp{Op: messages.OpCreate, Record: jute.CreateRequest{Path: path, Data: []byte(data), ACL: openACL()}}
	}
	over := (&jute.SetDataRequest{Path: "/a/x", Data: []byte("123456"), Version: 7}).Append(nil)
	if code := d.code(messages.OpSetData, over); code != messages.ErrQuotaExceeded {
		t.Errorf("over the quota, and not the version that is expected: %v", code)
	}
	if code := d.create("/a/none/y", 0); code != messages.ErrNoNode {
		t.Errorf("over the quota, and below a node that isn't there: %v", code)
	}
	for _, c := range []struct {
		ops  []jute.MultiOp
		want string
	}{
		{[]jute.MultiOp{create("/b", ""), create("/a/y", ""), create("/none/z", ""), create("/c", "")}, "[0 -125 -2 -2]"},
		{[]jute.MultiOp{create("/b", ""), create("/none/z", ""), create("/a/y", "")}, "[0 -101 -2]"},
	} {
		_, refusal := d.judge(messages.Request{Conn: 1, Session: deskSession, Op: messages.OpMulti, Body: jute.AppendMulti(nil, c.ops)})
		if refusal == nil {
			t.Fatal("a multi that goes beyond the quota is not refused")
		}
		codes := make([]int32, len(refusal.Results))
		for i, code := range refusal.Results {
			codes[i] = int32(code)
		}
		if got := fmt.Sprint(codes); got != c.want {
			t.Errorf("results %s, want %s", got, c.want)
		}
	}
}

// As TestPrepLagProperty, with quotas.
func TestPrepQuotaLagProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		prompt, lagging := quotaDesk(t, 3, 10), quotaDesk(t, 3, 10)
		for i := range rapid.IntRange(1, 60).Draw(rt, "writes") {
			if rapid.IntRange(0, 3).Draw(rt, "catch up") == 0 {
				lagging.apply()
			}
			r := drawQuotaWrite(rt)
			_, r1 := prompt.judge(r)
			prompt.apply()
			_, r2 := lagging.judge(r)
			if (r1 == nil) != (r2 == nil) || (r1 != nil && (r1.Err != r2.Err || fmt.Sprint(r1.Results) != fmt.Sprint(r2.Results))) {
				rt.Fatalf("write %d (%v): up to date says %+v, lagging says %+v", i, r.Op, r1, r2)
			}
		}
		lagging.apply()
		if prompt.tree.Digest() != lagging.tree.Digest() {
			rt.Fatal("the trees differ in the end")
		}
		if left := lagging.prep.pending; len(left.quotas) != 0 {
			rt.Fatalf("the accounts are not even although everything is applied: %v", left.quotas)
		}
	})
}

func drawQuotaWrite(t *rapid.T) messages.Request {
	path := rapid.SampledFrom([]string{"/a/x", "/a/y", "/a/x/z", "/a/w"})
	data := rapid.SliceOfN(rapid.Byte(), 0, 6)
	r := messages.Request{Conn: 1, Session: deskSession}
	switch rapid.IntRange(0, 4).Draw(t, "op") {
	case 0:
		r.Op, r.Body = messages.OpDelete, (&jute.PathVersion{Path: path.Draw(t, "path"), Version: -1}).Append(nil)
	case 1:
		r.Op = messages.OpSetData
		r.Body = (&jute.SetDataRequest{Path: path.Draw(t, "path"), Data: data.Draw(t, "data"), Version: -1}).Append(nil)
	case 2:
		r.Op = messages.OpMulti
		r.Body = jute.AppendMulti(nil, []jute.MultiOp{
			{Op: messages.OpDelete, Record: jute.PathVersion{Path: path.Draw(t, "path"), Version: -1}},
			{Op: messages.OpCreate, Record: jute.CreateRequest{Path: path.Draw(t, "path"), Data: data.Draw(t, "data"), ACL: openACL()}},
		})
	default:
		create := jute.CreateRequest{Path: path.Draw(t, "path"), Data: data.Draw(t, "data"), ACL: openACL()}
		r.Op, r.Body = messages.OpCreate, create.Append(nil, messages.OpCreate)
	}
	return r
}
