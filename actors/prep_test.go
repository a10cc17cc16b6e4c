package actors

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// Which error wins, for every pair that can meet. The order is ZooKeeper's.
func TestPrepCreatePrecedence(t *testing.T) {
	d := newDesk(t, PrepOptions{ExtendedTypes: true})
	d.mustCreate("/open", "/open/there")
	closed := []messages.ACL{{Perms: messages.PermRead, ID: messages.Identity{Scheme: "world", ID: "anyone"}}}
	if code := d.code(messages.OpCreate, createBody("/closed", closed, 0)); code != messages.ErrOK {
		t.Fatal(code)
	}
	if code := d.create("/eph", flagEphemeral); code != messages.ErrOK {
		t.Fatal(code)
	}
	for _, c := range []struct {
		name, path string
		acl        []messages.ACL
		flags      int32
		want       messages.ErrCode
	}{
		{"unknown flag before bad ACL", "/missing/x", nil, 7, messages.ErrBadArguments},
		{"TTL flag on create", "/open/x", openACL(), flagTTL, messages.ErrBadArguments},
		{"no slash before bad ACL", "x", nil, 0, messages.ErrBadArguments},
		{"bad ACL before missing parent", "/missing/x", nil, 0, messages.ErrInvalidACL},
		{"missing parent before bad path", "/missing/x/", openACL(), 0, messages.ErrNoNode},
		{"bad path under a parent that is there", "/open/", openACL(), 0, messages.ErrBadArguments},
		{"not allowed before bad path", "/closed/./", openACL(), 0, messages.ErrNoNode},
		{"not allowed before bad name", "/closed/..", openACL(), 0, messages.ErrNoAuth},
		{"exists", "/open/there", openACL(), 0, messages.ErrNodeExists},
		{"root exists", "/", openACL(), 0, messages.ErrNodeExists},
		{"ephemerals have no children", "/eph/x", openACL(), 0, messages.ErrNoChildrenForEphemerals},
		{"double slash", "//x", openACL(), 0, messages.ErrBadArguments},
		{"sequential may end with a slash", "/open/", openACL(), flagSequential, messages.ErrOK},
	} {
		if got := d.code(messages.OpCreate, createBody(c.path, c.acl, c.flags)); got != c.want {
			t.Errorf("%s: create %q is answered %v, want %v", c.name, c.path, got, c.want)
		}
	}
}

func TestPrepDeletePrecedence(t *testing.T) {
	d := newDesk(t, PrepOptions{})
	d.mustCreate("/a", "/a/b")
	for _, c := range []struct {
		path    string
		version int32
		want    messages.ErrCode
	}{
		{"x", -1, messages.ErrBadArguments},
		{"/", -1, messages.ErrBadArguments},
		{"/zookeeper", -1, messages.ErrBadArguments},
		{"/zookeeper/config", -1, messages.ErrBadArguments},
		{"/none/x", -1, messages.ErrNoNode},
		{"/none", -1, messages.ErrNoNode},
		{"/a/", -1, messages.ErrNoNode},
		{"/a", 7, messages.ErrBadVersion},
		{"/a", -2, messages.ErrBadVersion},
		{"/a", 0, messages.ErrNotEmpty},
		{"/a/b", 0, messages.ErrOK},
		{"/a/b", 0, messages.ErrNoNode},
		{"/a", 0, messages.ErrOK},
	} {
		if got := d.delete(c.path, c.version); got != c.want {
			t.Errorf("delete %q at %d is answered %v, want %v", c.path, c.version, got, c.want)
		}
	}
}

// Writes are judged against what is proposed, long before it is applied.
func TestPrepSeesProposals(t *testing.T) {
	d := newDesk(t, PrepOptions{})
	d.mustCreate("/a", "/a/b")
	if code := d.create("/a", 0); code != messages.ErrNodeExists {
		t.Errorf("second create: %v", code)
	}
	if code := d.set("/a/b", "1", 0); code != messages.ErrOK {
		t.Error(code)
	}
	if code := d.set("/a/b", "2", 0); code != messages.ErrBadVersion {
		t.Errorf("stale version: %v", code)
	}
	if code := d.delete("/a", -1); code != messages.ErrNotEmpty {
		t.Errorf("delete with a proposed child: %v", code)
	}
	p, _ := d.judge(messages.Request{Conn: 1, Op: messages.OpCreate, Body: createBody("/a/s", openACL(), flagSequential)})
	if path := p.Body.(*messages.CreateTxn).Path; path != "/a/s0000000001" {
		t.Errorf("the sequence number ignores a proposed create: %s", path)
	}
	d.apply()
	if n := d.prep.Outstanding(); n != 0 || len(d.prep.pending.nodes) != 0 {
		t.Errorf("%d changes are left in the overlay although all are applied", n)
	}
}

func TestPrepClosingSession(t *testing.T) {
	d := newDesk(t, PrepOptions{})
	if code := d.create("/e1", flagEphemeral); code != messages.ErrOK {
		t.Fatal(code)
	}
	d.apply()
	if code := d.create("/e2", flagEphemeral); code != messages.ErrOK { // proposed, not applied
		t.Fatal(code)
	}
	if code := d.delete("/e1", -1); code != messages.ErrOK {
		t.Fatal(code)
	}
	p, _ := d.judge(messages.Request{Conn: 1, Op: messages.OpCloseSession})
	if paths := p.Body.(*messages.CloseSessionTxn).Paths; len(paths) != 1 || paths[0] != "/e2" {
		t.Errorf("the session takes %v with it, want /e2 alone", paths)
	}
	if code := d.create("/e3", flagEphemeral); code != messages.ErrSessionExpired {
		t.Errorf("an ephemeral slipped in behind the end of its session: %v", code)
	}
	d.apply()
	if code := d.create("/e4", 0); code != messages.ErrSessionExpired {
		t.Errorf("a write of a session that is no more: %v", code)
	}
	if _, refusal := d.judge(messages.Request{Session: deskSession, Op: messages.OpCloseSession}); refusal == nil {
		t.Error("a session was closed twice")
	}
}

func TestPrepMultiLeavesNoTrace(t *testing.T) {
	d := newDesk(t, PrepOptions{})
	d.mustCreate("/a")
	ops := []jute.MultiOp{
		{Op: messages.OpCreate, Record: jute.CreateRequest{Path: "/a/b", ACL: openACL()}},
		{Op: messages.OpSetData, Record: jute.SetDataRequest{Path: "/a", Data: []byte("y"), Version: 0}},
		{Op: messages.OpCheck, Record: jute.PathVersion{Path: "/a", Version: 5}},
		{Op: messages.OpDelete, Record: jute.PathVersion{Path: "/a/b", Version: -1}},
	}
	before := d.prep.last
	_, refusal := d.judge(messages.Request{Conn: 1, Op: messages.OpMulti, Body: jute.AppendMulti(nil, ops)})
	if refusal == nil {
		t.Fatal("a multi with a failing check was accepted")
	}
	want := []messages.ErrCode{0, 0, messages.ErrBadVersion, messages.ErrRuntimeInconsistency}
	if fmt.Sprint(refusal.Results) != fmt.Sprint(want) || d.prep.last != before {
		t.Errorf("results %v, want %v; zxid %v", refusal.Results, want, d.prep.last)
	}
	if code := d.create("/a/b", 0); code != messages.ErrOK {
		t.Errorf("a node of the failed multi is still there: %v", code)
	}
	if code := d.set("/a", "z", 0); code != messages.ErrOK {
		t.Errorf("a version of the failed multi is still there: %v", code)
	}
	d.apply()
}

func TestPrepCounterRollsIntoTheNextEpoch(t *testing.T) {
	p := NewPrep(PrepOptions{}, testAuth(t), messages.MakeZxid(3, math.MaxUint32-1), nil)
	first := p.next()
	p.last = first
	second := p.next()
	if first != messages.MakeZxid(3, math.MaxUint32) || second != messages.MakeZxid(4, 1) || !second.Follows(first) {
		t.Errorf("%v is followed by %v", first, second)
	}
}

func TestPrepFullDisk(t *testing.T) {
	d := newDesk(t, PrepOptions{})
	d.prep.DiskFull(true)
	if code := d.create("/a", 0); code != messages.ErrNotReadOnly {
		t.Errorf("a write on a full disk: %v", code)
	}
	if code := d.code(messages.OpCloseSession, nil); code != messages.ErrOK {
		t.Errorf("a session can't be closed on a full disk: %v", code)
	}
	d.prep.DiskFull(false)
	d.openSession(deskSession + 1)
}

// The word on a write doesn't depend on how far the tree has got: judging against a tree that lags gives the same
// words as judging against one that is always up to date.
func TestPrepLagProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		prompt, lagging := newDesk(t, PrepOptions{ExtendedTypes: true}), newDesk(t, PrepOptions{ExtendedTypes: true})
		for i := range rapid.IntRange(1, 80).Draw(rt, "writes") {
			if rapid.IntRange(0, 3).Draw(rt, "catch up") == 0 {
				lagging.apply()
			}
			r := drawWrite(rt)
			p1, r1 := prompt.judge(r)
			prompt.apply()
			p2, r2 := lagging.judge(r)
			if (r1 == nil) != (r2 == nil) || (r1 != nil && (r1.Err != r2.Err || fmt.Sprint(r1.Results) != fmt.Sprint(r2.Results))) {
				rt.Fatalf("write %d (%v): up to date says %+v, lagging says %+v", i, r.Op, r1, r2)
			}
			if p1 != nil && string(p1.Encoded) != string(p2.Encoded) {
				rt.Fatalf("write %d (%v): up to date proposes %+v, lagging %+v", i, r.Op, p1.Body, p2.Body)
			}
		}
		lagging.apply()
		if prompt.tree.Digest() != lagging.tree.Digest() {
			rt.Fatal("the trees differ in the end")
		}
		left := lagging.prep.pending
		if len(left.owned)+len(left.nodes)+len(left.sessions)+len(left.quotas) != 0 {
			rt.Fatal("the overlay is not empty although everything is applied")
		}
	})
}

func drawWrite(t *rapid.T) messages.Request {
	path := rapid.SampledFrom([]string{"/a", "/b", "/a/x", "/a/y", "/a/x/z", "/b/x", "/"}).Draw(t, "path")
	version := int32(rapid.IntRange(-1, 2).Draw(t, "version"))
	r := messages.Request{Conn: 1, Session: deskSession}
	switch rapid.IntRange(0, 6).Draw(t, "op") {
	case 0:
		r.Op, r.Body = messages.OpDelete, (&jute.PathVersion{Path: path, Version: version}).Append(nil)
	case 1:
		r.Op, r.Body = messages.OpSetData, (&jute.SetDataRequest{Path: path, Version: version}).Append(nil)
	case 2:
		r.Op, r.Body = messages.OpSetACL, (&jute.SetACLRequest{Path: path, ACL: openACL(), Version: version}).Append(nil)
	case 3:
		r.Op = messages.OpMulti
		r.Body = jute.AppendMulti(nil, []jute.MultiOp{
			{Op: messages.OpCreate, Record: jute.CreateRequest{Path: path, ACL: openACL()}},
			{Op: messages.OpCheck, Record: jute.PathVersion{Path: path, Version: version}},
			{Op: messages.OpDelete, Record: jute.PathVersion{Path: rapid.SampledFrom([]string{"/a", "/b"}).Draw(t, "other")}},
		})
	default:
		flags := int32(rapid.IntRange(0, 3).Draw(t, "flags"))
		r.Op, r.Body = messages.OpCreate2, createBody(path, openACL(), flags)
	}
	return r
}

// In a multi the flag decides what a create makes; at the top level the operation does.
func TestPrepMultiGoesByTheFlag(t *testing.T) {
	for _, c := range []struct {
		op   messages.OpCode
		flag int32
		want messages.OpCode // 0: the whole multi is malformed
	}{
		{messages.OpCreate, flagPersistent, messages.OpCreate},
		{messages.OpCreate2, flagSequential, messages.OpCreate},
		{messages.OpCreate, flagContainer, messages.OpCreateContainer},
		{messages.OpCreate2, flagTTL, 0},
		{messages.OpCreateContainer, flagPersistent, messages.OpCreate},
		{messages.OpCreateContainer, flagTTL, 0},
		{messages.OpCreateTTL, flagEphemeral, messages.OpCreate},
		{messages.OpCreateTTL, flagContainer, messages.OpCreateContainer},
		{messages.OpCreateTTL, flagTTL, messages.OpCreateTTL},
	} {
		d := newDesk(t, PrepOptions{ExtendedTypes: true})
		record := jute.CreateRequest{Path: "/m", ACL: openACL(), Flags: c.flag, TTL: 1000}
		body := jute.AppendMulti(nil, []jute.MultiOp{{Op: c.op, Record: record}})
		p, refusal := d.judge(messages.Request{Conn: 1, Op: messages.OpMulti, Body: body})
		switch {
		case c.want == 0 && (refusal == nil || refusal.Err != messages.ErrMarshalling || refusal.Results != nil):
			t.Errorf("%v with flag %d: %+v, want a malformed multi", c.op, c.flag, refusal)
		case c.want != 0 && refusal != nil:
			t.Errorf("%v with flag %d is refused: %+v", c.op, c.flag, refusal)
		case c.want != 0 && p.Body.(*messages.MultiTxn).Ops[0].Op != c.want:
			t.Errorf("%v with flag %d becomes %v, want %v", c.op, c.flag, p.Body.(*messages.MultiTxn).Ops[0].Op, c.want)
		}
	}
}
