package actors

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// freshBatch is a batch of session 7's, all of it marked as a client's is that wants fresh reads.
func freshBatch(ops ...messages.OpCode) (items []messages.Request) {
	for i, op := range ops {
		items = append(items, messages.Request{Conn: 1, Session: 7, Xid: int32(i), Op: op, Fresh: true, Body: []byte("body")})
	}
	return items
}

func memberFront() *RequestProcessor {
	p := front(7)
	p.InEnsemble(1000)
	p.bound[7] = 1
	return p
}

// The reads of one batch share a question, which says no more than the leader needs to know.
func TestFreshReadsOfABatchAskOnce(t *testing.T) {
	p := memberFront()
	p.Requests(freshBatch(messages.OpPing, messages.OpGetData, messages.OpExists, messages.OpSetData, messages.OpGetData))
	gate, desk, _ := sent(t, p)
	if len(gate) != 5 || gate[1].Ticket == 0 || string(gate[1].Body) != "body" {
		t.Fatalf("the gate got %v", gate)
	}
	for i, waits := range []bool{false, true, false, true, false} {
		if (gate[i].Ticket != 0) != waits {
			t.Errorf("request %d has ticket %d", i, gate[i].Ticket)
		}
	}
	if len(desk) != 2 || desk[0].Ticket != gate[1].Ticket || desk[0].Body != nil || !desk[0].Fresh || desk[1].Op != messages.OpSetData {
		t.Errorf("the desk got %v", desk)
	}
	p.Requests(freshBatch(messages.OpGetData))
	if _, desk, _ = sent(t, p); len(desk) != 1 {
		t.Error("the next batch came later and needs a proof of its own")
	}
}

func TestOnlyReadsOfMembersAskForAProof(t *testing.T) {
	alone, member := front(7), memberFront()
	alone.bound[7] = 1
	for _, c := range []struct {
		name  string
		p     *RequestProcessor
		items []messages.Request
		want  int
	}{
		{"a server that runs alone", alone, freshBatch(messages.OpGetData), 0},
		{"nobody wished it", member, []messages.Request{{Conn: 1, Session: 7, Op: messages.OpGetData}}, 0},
		{"what shows no state", member, freshBatch(messages.OpPing, messages.OpWhoAmI, messages.OpSetWatches, messages.OpAddWatch), 0},
		{"a read", member, freshBatch(messages.OpMultiRead), 1},
	} {
		c.p.Requests(c.items)
		if _, desk, _ := sent(t, c.p); len(desk) != c.want {
			t.Errorf("%s: the desk got %v", c.name, desk)
		}
	}
}

func TestReadOnlyServerRefusesFreshReads(t *testing.T) {
	p := memberFront()
	p.ReadOnly(NewLocalSessions())
	p.Requests(freshBatch(messages.OpGetData))
	gate, desk, out := sent(t, p)
	words := toSlot[*messages.Refusals](out, messages.SlotGate)
	if len(gate) != 1 || len(desk) != 0 || len(words) != 1 || words[0].Items[0].Err != messages.ErrNotReadOnly {
		t.Errorf("gate %v, desk %v, words %v", gate, desk, words)
	}
}

// A sync waits for what is proposed before it; a fresh read doesn't, it needs what is committed.
func TestPrepPassesFreshReadsOn(t *testing.T) {
	d := newDesk(t, PrepOptions{})
	d.prep.Reign(0)
	d.mustCreate("/a")
	d.prep.Judge(d.tree, []messages.Request{
		{Conn: 1, Session: deskSession, Ticket: 1, Op: messages.OpSync},
		{Conn: 1, Session: deskSession, Ticket: 2, Op: messages.OpGetData, Fresh: true},
		{Conn: 1, Session: deskSession, Ticket: 3, Op: messages.OpGetData, Fresh: true, Origin: 2}, // not where its client is
	}, d.now)
	out := d.prep.Flush()
	wishes := toSlot[*messages.SyncWishes](out, messages.SlotNext)
	if len(wishes) != 1 || len(wishes[0].Items) != 2 || wishes[0].Items[0].After == 0 || wishes[0].Items[1].After != 0 {
		t.Errorf("passed on: %+v", wishes)
	}
	words := toSlot[*messages.Words](out, messages.SlotNext)
	if len(words) != 1 || words[0].Items[0].Err != messages.ErrSessionMoved || words[0].Items[0].Ticket != 3 {
		t.Errorf("refused: %+v", words)
	}
}

func TestConnTakesWishes(t *testing.T) {
	c := serving(t)
	fresh := func() bool {
		c.Bytes(requestFrame(1, messages.OpGetData), 0)
		return taken(c)[0].Fresh
	}
	wish := func(text string) {
		p := jute.AuthPacket{Scheme: SchemeTroupe, Auth: []byte(text)}
		c.Bytes(requestFrame(messages.XidAuth, messages.OpAuth, p.Append(nil)...), 0)
	}
	if fresh() {
		t.Error("fresh without a wish")
	}
	wish(WishFreshReads)
	if !fresh() || len(c.identities) != 1 {
		t.Errorf("not fresh after the wish, or somebody else now: %v", c.identities)
	}
	wish(WishLocalReads)
	if fresh() {
		t.Error("fresh though the wish was taken back")
	}
	c.TakeOutput()
	wish("reads=psychic")
	wantClosed(t, c, "psychic")
}
