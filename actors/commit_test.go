package actors

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/troupekeeper/troupe/messages"
)

// TestCommitScenarios plays testdata/commit. The commands:
//
//	gate last=N                     a new gate, N transactions have been applied
//	submit s=S r|f=T|w=T|ping …     requests of session S, in order: reads, fresh reads and writes with ticket T, pings
//	committed T …                   the next transactions; 0 is one that nobody here waits for
//	refused ticket=T after=N        prep's word on a write
//	proved ticket=T after=N         the leader's word on a fresh read
//
// Each prints what passes.
func TestCommitScenarios(t *testing.T) {
	var gate *Commit
	datadriven.RunTest(t, "testdata/commit", func(t *testing.T, d *datadriven.TestData) (out string) {
		defer func() {
			if r := recover(); r != nil {
				out = fmt.Sprintf("panic: %v\n", r)
			}
		}()
		switch d.Cmd {
		case "gate":
			var last uint64
			d.ScanArgs(t, "last", &last)
			gate = NewCommit(messages.Zxid(last))
		case "submit":
			gate.Submit(scanRequests(t, d))
		case "committed":
			gate.Committed(scanCommitted(t, d, gate))
		case "refused", "proved":
			var ticket, after uint64
			d.ScanArgs(t, "ticket", &ticket)
			d.ScanArgs(t, "after", &after)
			word := messages.Refusal{Ticket: messages.Ticket(ticket), After: messages.Zxid(after)}
			if d.Cmd == "refused" {
				word.Err = messages.ErrNoNode
			}
			gate.Refused([]messages.Refusal{word})
		default:
			t.Fatalf("unknown command %s", d.Cmd)
		}
		return describe(gate.Flush())
	})
}

func scanRequests(t *testing.T, d *datadriven.TestData) (items []messages.Request) {
	var session int64
	d.ScanArgs(t, "s", &session)
	for i, arg := range d.CmdArgs[1:] {
		r := messages.Request{Session: messages.SessionID(session), Xid: int32(i + 1), Op: messages.OpGetData}
		switch arg.Key {
		case "w", "f":
			if arg.Key == "w" {
				r.Op = messages.OpSetData
			}
			if _, err := fmt.Sscan(arg.Vals[0], &r.Ticket); err != nil {
				t.Fatal(err)
			}
		case "ping":
			r.Op = messages.OpPing
		}
		items = append(items, r)
	}
	return items
}

func scanCommitted(t *testing.T, d *datadriven.TestData, gate *Commit) (items []messages.Proposal) {
	next := gate.last
	for _, arg := range d.CmdArgs {
		var p messages.Proposal
		if arg.Key == "zxid" { // an explicit one, for what must never happen
			if _, err := fmt.Sscan(arg.Vals[0], &p.Header.Zxid); err != nil {
				t.Fatal(err)
			}
			items = append(items, p)
			continue
		}
		next++
		p.Header.Zxid = next
		if _, err := fmt.Sscan(arg.Key, &p.Ticket); err != nil {
			t.Fatal(err)
		}
		items = append(items, p)
	}
	return items
}

func describe(out messages.Outbox) string {
	var b strings.Builder
	for _, s := range out {
		for _, d := range s.Msg.(*messages.Deliveries).Items {
			r := d.Request
			switch {
			case d.Proposal != nil && r.Ticket != 0:
				fmt.Fprintf(&b, "apply %v and answer ticket %d of session %v\n", d.Proposal.Header.Zxid, r.Ticket, r.Session)
			case d.Proposal != nil:
				fmt.Fprintf(&b, "apply %v\n", d.Proposal.Header.Zxid)
			case d.Refusal != nil && d.Refusal.Err == messages.ErrOK:
				fmt.Fprintf(&b, "answer ticket %d of session %v\n", r.Ticket, r.Session)
			case d.Refusal != nil:
				fmt.Fprintf(&b, "refuse ticket %d of session %v: %v\n", r.Ticket, r.Session, d.Refusal.Err)
			default:
				fmt.Fprintf(&b, "%v %d of session %v\n", r.Op, r.Xid, r.Session)
			}
		}
	}
	if b.Len() == 0 {
		return "(holds)\n"
	}
	return b.String()
}

// A new desk gets what waits for a word in its order, but nothing of connections that have ended: their clients may have
// gone elsewhere. Goodbyes are said all the same.
func TestCommitResubmitsForConnectionsThatAreThere(t *testing.T) {
	gate := NewCommit(7)
	request := func(conn messages.ConnID, ticket messages.Ticket, op messages.OpCode) messages.Request {
		return messages.Request{Conn: conn, Session: messages.SessionID(conn), Ticket: ticket, Op: op}
	}
	gate.Submit([]messages.Request{
		request(2, 3, messages.OpSetData), request(1, 1, messages.OpSetData), request(1, 2, messages.OpCloseSession),
		request(0, 4, messages.OpCreateSession), request(2, 5, messages.OpSync), request(3, 6, messages.OpSetData),
	})
	gate.Refused([]messages.Refusal{{Ticket: 6, After: 9, Err: messages.ErrNoNode}}) // it has its word already
	gate.Flush()
	var tickets []messages.Ticket
	for _, r := range gate.Resubmit(func(c messages.ConnID) bool { return c == 2 }) {
		tickets = append(tickets, r.Ticket)
	}
	if want := []messages.Ticket{2, 3, 4, 5}; !slices.Equal(tickets, want) {
		t.Errorf("resubmitted are %v, want %v", tickets, want)
	}
	if got := describe(gate.Flush()); got != "refuse ticket 1 of session 0x1: session moved\n" {
		t.Errorf("given up is %q", got)
	}
}
