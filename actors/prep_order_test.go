package actors

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// TestRefusalsLeaveFirst: within one batch the word on a refused write must be on its way to the gate before the proposals
// are on theirs to the log. A log that is quick would otherwise commit a later write of the same session at a gate that
// still takes the refused one for the session's next.
func TestRefusalsLeaveFirst(t *testing.T) {
	d := newDesk(t, PrepOptions{})
	var batch []messages.Request
	for i, path := range []string{"/a", "/missing/b", "/c"} {
		batch = append(batch, messages.Request{
			Conn: 1, Session: deskSession, Op: messages.OpCreate, Ticket: messages.Ticket(i + 1), Identities: d.ids,
			Body: createBody(path, openACL(), 0),
		})
	}
	d.prep.Judge(d.tree, batch, d.now)
	out := d.prep.Flush()
	if len(out) != 2 || out[0].Slot != messages.SlotGate || out[1].Slot != messages.SlotNext {
		t.Fatalf("the batch leaves as %+v", out)
	}
	if r := out[0].Msg.(*messages.Refusals).Items; len(r) != 1 || r[0].Ticket != 2 {
		t.Errorf("refusals %+v", r)
	}

	// The gate with the messages in that order, and with the committed ones as soon as they can be.
	gate := NewCommit(out[1].Msg.(*messages.Proposals).Items[0].Header.Zxid - 1)
	gate.Submit(batch)
	gate.Refused(out[0].Msg.(*messages.Refusals).Items)
	gate.Committed(out[1].Msg.(*messages.Proposals).Items)
	var passed []messages.Ticket
	for _, s := range gate.Flush() {
		for _, delivery := range s.Msg.(*messages.Deliveries).Items {
			passed = append(passed, delivery.Request.Ticket)
		}
	}
	if len(passed) != 3 || passed[0] != 1 || passed[1] != 2 || passed[2] != 3 || gate.Waiting() != 0 {
		t.Errorf("the gate passed %v, and %d sessions wait", passed, gate.Waiting())
	}
}
