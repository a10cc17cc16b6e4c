package actors

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// What is judged on trial and withdrawn leaves the desk as it was.
func TestWithdrawLeavesNoTrace(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		d := newDesk(t, PrepOptions{EnforceQuota: true})
		request := func() messages.Request {
			path := fmt.Sprintf("/%c", 'a'+r.IntN(4))
			if r.IntN(2) == 0 {
				path += fmt.Sprintf("/%c", 'a'+r.IntN(3))
			}
			q := messages.Request{Conn: 1, Session: deskSession, Identities: d.ids, Op: messages.OpCreate,
				Body: createBody(path, openACL(), int32(r.IntN(4)))}
			switch r.IntN(6) {
			case 0:
				q.Op, q.Body = messages.OpDelete, (&jute.PathVersion{Path: path, Version: -1}).Append(nil)
			case 1:
				q.Op, q.Body = messages.OpSetData, (&jute.SetDataRequest{Path: path, Data: []byte("yy"), Version: -1}).Append(nil)
			case 2:
				q.Op, q.Body = messages.OpMulti, jute.AppendMulti(nil, []jute.MultiOp{
					{Op: messages.OpSetData, Record: jute.SetDataRequest{Path: path, Data: []byte("z"), Version: -1}},
					{Op: messages.OpDelete, Record: jute.PathVersion{Path: path + "/x", Version: -1}},
				})
			case 3:
				if r.IntN(5) == 0 {
					q.Op, q.Body = messages.OpCloseSession, nil
				}
			}
			return q
		}
		for range r.IntN(20) { // some are proposed and not applied
			d.prep.Judge(d.tree, []messages.Request{request()}, d.now)
			d.prep.Flush()
		}
		before := snapshotOf(d.prep)
		mark := d.prep.Try()
		for range 1 + r.IntN(20) {
			d.prep.Judge(d.tree, []messages.Request{request()}, d.now)
		}
		d.prep.Withdraw(mark)
		if after := snapshotOf(d.prep); !reflect.DeepEqual(before, after) {
			t.Fatalf("seed %d: the desk was\n%+v\nand is\n%+v", seed, before, after)
		}
	}
}

// deskSnapshot is all that judging depends on.
type deskSnapshot struct {
	Last     messages.Zxid
	Nodes    map[string]record
	Owned    map[messages.Owner]int
	Sessions map[messages.SessionID]sessionState
	Quotas   map[string]usage
	Queue    []pendingChange
}

func snapshotOf(p *Prep) deskSnapshot {
	s := deskSnapshot{
		Last: p.last, Nodes: map[string]record{}, Owned: map[messages.Owner]int{}, Sessions: map[messages.SessionID]sessionState{},
		Quotas: map[string]usage{}, Queue: append([]pendingChange{}, p.pending.queue.items()...),
	}
	for k, v := range p.pending.nodes {
		s.Nodes[k] = v
	}
	for k, v := range p.pending.owned {
		s.Owned[k] = v
	}
	for k, v := range p.pending.sessions {
		s.Sessions[k] = v
	}
	for k, v := range p.pending.quotas {
		s.Quotas[k] = v
	}
	return s
}
