package actors

import (
	"testing"

	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// desk is prep with a tree behind it. What prep proposes is applied when the test says so.
type desk struct {
	t       testing.TB
	tree    *tree.Tree
	prep    *Prep
	waiting []messages.Proposal
	ids     []messages.Identity
	now     int64
}

const deskSession messages.SessionID = 0x100

func testAuth(t testing.TB) *auth.Registry {
	t.Helper()
	d, err := auth.NewDigest("super:lK75jTNcA+U9vtVEw5vB51mj/w4=", "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := auth.NewRegistry(auth.IP{}, d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newDesk(t testing.TB, o PrepOptions) *desk {
	d := &desk{t: t, tree: tree.New(), now: 1000, ids: []messages.Identity{{Scheme: "ip", ID: "127.0.0.1"}}}
	d.prep = NewPrep(o, testAuth(t), 0, nil)
	d.openSession(deskSession)
	return d
}

func (d *desk) openSession(id messages.SessionID) {
	d.judge(messages.Request{Session: id, Conn: 1, Op: messages.OpCreateSession,
		Body: jute.AppendBuffer(jute.AppendInt(nil, 4000), make([]byte, 16))})
	d.apply()
}

// judge gives the word on one request: its refusal, or the proposal that now waits to be applied.
func (d *desk) judge(r messages.Request) (*messages.Proposal, *messages.Refusal) {
	d.t.Helper()
	if r.Session == 0 && r.Conn != 0 {
		r.Session = deskSession
	}
	if r.Identities == nil {
		r.Identities = d.ids
	}
	d.now++
	d.prep.Judge(d.tree, []messages.Request{r}, d.now)
	var proposal *messages.Proposal
	var refusal *messages.Refusal
	for _, s := range d.prep.Flush() {
		switch m := s.Msg.(type) {
		case *messages.Proposals:
			d.waiting = append(d.waiting, m.Items...)
			proposal = &m.Items[0]
		case *messages.Refusals:
			refusal = &m.Items[0]
		}
	}
	if (proposal == nil) == (refusal == nil) {
		d.t.Fatalf("a request needs one word, got %v and %v", proposal, refusal)
	}
	return proposal, refusal
}

// apply brings the tree up to date.
func (d *desk) apply() {
	d.t.Helper()
	var result tree.Result
	for i := range d.waiting {
		// From the bytes, as a follower or a restart does, so that nothing depends on the Go value.
		header, body, err := messages.DecodeTxn(d.waiting[i].Encoded)
		if err != nil {
			d.t.Fatal(err)
		}
		if err := d.tree.Apply(&header, body, &result); err != nil {
			d.t.Fatal(err)
		}
	}
	d.waiting = nil
	d.prep.Applied(d.tree.LastZxid())
}

// code judges and gives the error code.
func (d *desk) code(op messages.OpCode, body []byte) messages.ErrCode {
	d.t.Helper()
	if _, refusal := d.judge(messages.Request{Conn: 1, Op: op, Body: body}); refusal != nil {
		return refusal.Err
	}
	return messages.ErrOK
}

func createBody(path string, acl []messages.ACL, flags int32) []byte {
	r := jute.CreateRequest{Path: path, Data: []byte("x"), ACL: acl, Flags: flags}
	return r.Append(nil, messages.OpCreate)
}

func openACL() []messages.ACL { return messages.WorldACL(messages.PermAll) }

func (d *desk) create(path string, flags int32) messages.ErrCode {
	d.t.Helper()
	return d.code(messages.OpCreate, createBody(path, openACL(), flags))
}

func (d *desk) mustCreate(paths ...string) {
	d.t.Helper()
	for _, p := range paths {
		if code := d.create(p, 0); code != messages.ErrOK {
			d.t.Fatalf("create %s: %v", p, code)
		}
	}
}

func (d *desk) delete(path string, version int32) messages.ErrCode {
	d.t.Helper()
	r := jute.PathVersion{Path: path, Version: version}
	return d.code(messages.OpDelete, r.Append(nil))
}

func (d *desk) set(path, data string, version int32) messages.ErrCode {
	d.t.Helper()
	r := jute.SetDataRequest{Path: path, Data: []byte(data), Version: version}
	return d.code(messages.OpSetData, r.Append(nil))
}
