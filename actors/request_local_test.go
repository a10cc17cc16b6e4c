package actors

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// localFront is a member's request processor with one local session, which it gives.
func localFront(t *testing.T, upgrade bool) (*RequestProcessor, messages.SessionID, *LocalSessions) {
	t.Helper()
	p, locals := front(7), NewLocalSessions()
	p.InEnsemble(1000)
	p.OpenLocally(locals, upgrade)
	p.Connect(&messages.Connect{Conn: 1, Timeout: 4000})
	out := p.Flush()
	ready := toSlot[*messages.SessionReady](out, messages.SlotConn)
	opened := toSlot[*messages.SessionOpened](out, messages.SlotLocal)
	if len(ready) != 1 || len(opened) != 1 || opened[0].Session != ready[0].Session || opened[0].Timeout != 4000 {
		t.Fatalf("the client was told %v, the tracker %v", ready, opened)
	}
	if asked := toSlot[*messages.Requests](out, messages.SlotPrep); len(asked) > 0 {
		t.Fatal("the leader hears of a local session")
	}
	return p, ready[0].Session, locals
}

func ofConn1(session messages.SessionID, op messages.OpCode, body []byte) []messages.Request {
	return []messages.Request{{Conn: 1, Session: session, Op: op, Body: body}}
}

// sent gives what has gone to the gate and to the desk.
func sent(t *testing.T, p *RequestProcessor) (gate, desk []messages.Request, out messages.Outbox) {
	t.Helper()
	out = p.Flush()
	for _, m := range toSlot[*messages.Requests](out, messages.SlotGate) {
		gate = append(gate, m.Items...)
	}
	for _, m := range toSlot[*messages.Requests](out, messages.SlotPrep) {
		desk = append(desk, m.Items...)
	}
	return gate, desk, out
}

func TestLocalSessionWritesAndEndsWithoutTheEnsembleKnowingIt(t *testing.T) {
	p, id, locals := localFront(t, false)
	p.Requests(ofConn1(id, messages.OpSetData, nil))
	if _, desk, _ := sent(t, p); len(desk) != 1 || !desk[0].Local {
		t.Fatalf("its write went to the desk as %v", desk)
	}
	p.Requests(ofConn1(id, messages.OpCreate, createBody("/a", openACL(), flagEphemeral)))
	if _, desk, _ := sent(t, p); len(desk) != 1 || !desk[0].Local {
		t.Errorf("without upgrading its ephemeral went to the desk as %v", desk)
	}
	p.Requests(ofConn1(id, messages.OpCloseSession, nil))
	gate, desk, _ := sent(t, p)
	if len(gate) != 1 || gate[0].Ticket != 0 || len(desk) != 0 {
		t.Errorf("its goodbye went to the gate as %v and to the desk as %v", gate, desk)
	}
	p.SessionClosed(&messages.SessionClosed{Session: id})
	out := p.Flush()
	if len(toSlot[*messages.SessionClosed](out, messages.SlotLocal)) != 1 || locals.count() != 0 || len(p.bound) != 0 {
		t.Errorf("after it %d sessions are left, %d bound", locals.count(), len(p.bound))
	}
}

func TestLocalSessionIsTakenUpWithItsPasswordOnly(t *testing.T) {
	p, id, _ := localFront(t, false)
	p.Connect(&messages.Connect{Conn: 2, Session: id, Password: []byte("wrong"), Timeout: 4000})
	out := p.Flush()
	if len(toSlot[*messages.SessionRefused](out, messages.SlotConn)) != 1 || len(toSlot[*messages.CloseConn](out, messages.SlotConn)) != 1 {
		t.Errorf("a wrong password: %v", out)
	}
	p.Connect(&messages.Connect{Conn: 3, Session: id, Password: make([]byte, messages.PasswordLength), Timeout: 9000})
	out = p.Flush()
	opened := toSlot[*messages.SessionOpened](out, messages.SlotLocal)
	if len(toSlot[*messages.SessionReady](out, messages.SlotConn)) != 1 || len(opened) != 1 || opened[0].Timeout != 9000 {
		t.Errorf("the right one: %v", out)
	}
}

// The first ephemeral makes the session everybody's: the ensemble hears of the session before the node.
func TestLocalSessionIsUpgradedForItsFirstEphemeral(t *testing.T) {
	multi := jute.AppendMulti(nil, []jute.MultiOp{
		{Op: messages.OpCheck, Record: jute.PathVersion{Path: "/", Version: -1}},
		{Op: messages.OpCreate, Record: jute.CreateRequest{Path: "/a", ACL: openACL(), Flags: flagEphemeralSequential}},
	})
	for _, r := range []messages.Request{
		{Op: messages.OpCreate, Body: createBody("/a", openACL(), flagEphemeral)},
		{Op: messages.OpCreate2, Body: createBody("/a", openACL(), flagEphemeralSequential)},
		{Op: messages.OpMulti, Body: multi},
	} {
		p, id, locals := localFront(t, true)
		plain := ofConn1(id, messages.OpCreate, createBody("/p", openACL(), 0))[0]
		r.Conn, r.Session = 1, id
		p.Requests([]messages.Request{plain, r, plain})
		gate, desk, out := sent(t, p)
		if len(desk) != 4 || len(gate) != 4 || desk[1].Op != messages.OpCreateSession || desk[1].Conn != 0 || desk[1].Session != id {
			t.Fatalf("%v: the desk got %v", r.Op, desk)
		}
		for i, local := range []bool{true, false, false, false} {
			if desk[i].Local != local || gate[i].Ticket != desk[i].Ticket || desk[i].Ticket == 0 {
				t.Errorf("%v: request %d: local %v, tickets %d and %d", r.Op, i, desk[i].Local, gate[i].Ticket, desk[i].Ticket)
			}
		}
		if len(toSlot[*messages.SessionClosed](out, messages.SlotLocal)) != 1 {
			t.Errorf("%v: the tracker of local sessions keeps it", r.Op)
		}
		// Its client comes again before the tree knows the session: it can't be refused, nor served.
		p.Connect(&messages.Connect{Conn: 2, Session: id, Password: make([]byte, messages.PasswordLength)})
		if out = p.Flush(); len(toSlot[*messages.CloseConn](out, messages.SlotConn)) != 2 {
			t.Errorf("%v: taken up on the way: %v", r.Op, out)
		}
		p.SessionClosed(&messages.SessionClosed{Session: id})
		if locals.isUpgraded(id) {
			t.Errorf("%v: it is remembered after its end", r.Op)
		}
	}
}

func TestRefusedUpgradeLeavesTheSessionLocal(t *testing.T) {
	p, id, _ := localFront(t, true)
	p.Requests(ofConn1(id, messages.OpCreate, createBody("/a", openACL(), flagEphemeral)))
	p.Flush()
	p.UpgradeRefused(&messages.UpgradeRefused{Session: id})
	p.UpgradeRefused(&messages.UpgradeRefused{Session: 7}) // never heard of
	p.Requests(ofConn1(id, messages.OpSetData, nil))
	_, desk, out := sent(t, p)
	if len(desk) != 1 || !desk[0].Local || len(toSlot[*messages.SessionOpened](out, messages.SlotLocal)) != 1 {
		t.Errorf("the desk got %v, the tracker %v", desk, out)
	}
}

// A new pipeline knows the local sessions of the one before, but not those that were being upgraded: nobody will tell it
// what has become of them.
func TestLocalSessionsOutliveThePipeline(t *testing.T) {
	p, kept, locals := localFront(t, true)
	p.Connect(&messages.Connect{Conn: 2, Timeout: 4000})
	upgraded := toSlot[*messages.SessionReady](p.Flush(), messages.SlotConn)[0].Session
	p.Requests([]messages.Request{{
		Conn: 2, Session: upgraded, Op: messages.OpCreate, Body: createBody("/a", openACL(), flagEphemeral),
	}})
	next := front()
	next.InEnsemble(2000)
	locals.Begin()
	next.OpenLocally(locals, true)
	next.Locals()
	opened := toSlot[*messages.SessionOpened](next.Flush(), messages.SlotLocal)
	if len(opened) != 1 || opened[0].Session != kept {
		t.Errorf("the tracker is told %v, want %v alone", opened, kept)
	}
	next.Connect(&messages.Connect{Conn: 3, Session: upgraded, Password: make([]byte, messages.PasswordLength)})
	if asked := toSlot[*messages.Revalidate](next.Flush(), messages.SlotLeader); len(asked) != 1 {
		t.Error("the leader is not asked about the one that was upgraded")
	}
}

func TestExpiredLocalSessionLosesItsConnection(t *testing.T) {
	p, id, locals := localFront(t, false)
	p.Expired(&messages.SessionsExpired{Sessions: []messages.SessionID{7, id}})
	out := p.Flush()
	if len(toSlot[*messages.CloseConn](out, messages.SlotConn)) != 1 || locals.count() != 0 {
		t.Errorf("%v; %d sessions are left", out, locals.count())
	}
}

func TestReadOnlyServerRefusesWhatNeedsALeader(t *testing.T) {
	p := front(7)
	p.InEnsemble(1000)
	p.ReadOnly(NewLocalSessions())
	p.Connect(&messages.Connect{Conn: 1, Timeout: 4000})
	id := toSlot[*messages.SessionReady](p.Flush(), messages.SlotConn)[0].Session
	for op, refused := range map[messages.OpCode]bool{
		messages.OpCreate: true, messages.OpCreate2: true, messages.OpCreateContainer: true, messages.OpCreateTTL: true,
		messages.OpDelete: true, messages.OpDeleteContainer: true, messages.OpSetData: true, messages.OpSetACL: true,
		messages.OpMulti: true, messages.OpCheck: true, messages.OpReconfig: true, messages.OpSync: true,
		messages.OpGetData: false, messages.OpMultiRead: false, messages.OpPing: false, messages.OpSetWatches: false,
		messages.OpCloseSession: false, messages.OpWhoAmI: false,
	} {
		p.Requests(ofConn1(id, op, nil))
		gate, desk, out := sent(t, p)
		words := toSlot[*messages.Refusals](out, messages.SlotGate)
		if len(gate) != 1 || len(desk) != 0 || (len(words) > 0) != refused || (gate[0].Ticket != 0) != refused {
			t.Errorf("%v: gate %v, desk %v, words %v", op, gate, desk, words)
		}
		if refused && (words[0].Items[0].Err != messages.ErrNotReadOnly || words[0].Items[0].Ticket != gate[0].Ticket) {
			t.Errorf("%v is refused with %+v", op, words[0].Items[0])
		}
	}
}

// A session of the ensemble may live, so its client must not hear that it has expired.
func TestReadOnlyServerNeitherTakesNorRefusesTheEnsemblesSessions(t *testing.T) {
	p := front(7)
	p.InEnsemble(1000)
	p.ReadOnly(NewLocalSessions())
	p.Connect(&messages.Connect{Conn: 1, Session: 7, Password: []byte("secret"), Timeout: 4000})
	out := p.Flush()
	if len(out) != 1 || len(toSlot[*messages.CloseConn](out, messages.SlotConn)) != 1 {
		t.Errorf("a known session: %v", out)
	}
	p.Connect(&messages.Connect{Conn: 2, Session: 8, Password: []byte("secret"), Timeout: 4000})
	out = p.Flush()
	if len(out) != 1 || len(toSlot[*messages.SessionRefused](out, messages.SlotConn)) != 1 {
		t.Errorf("an unknown one: %v", out)
	}
}

func TestPrepTakesTheOriginsWordForALocalSession(t *testing.T) {
	d := newDesk(t, PrepOptions{})
	d.prep.Reign(0)
	const stranger messages.SessionID = 0x999
	for _, c := range []struct {
		name  string
		flags int32
		path  string
		local bool
		want  messages.ErrCode
	}{
		{"ordinary", 0, "/a", true, messages.ErrOK},
		{"ephemeral", flagEphemeral, "/b", true, messages.ErrEphemeralOnLocalSession},
		{"ephemeral and sequential", flagEphemeralSequential, "/b", true, messages.ErrEphemeralOnLocalSession},
		{"before a missing parent", flagEphemeral, "/none/b", true, messages.ErrEphemeralOnLocalSession},
		{"behind an unknown flag", 9, "/b", true, messages.ErrBadArguments},
	} {
		code := messages.ErrOK
		r := messages.Request{Conn: 1, Session: stranger, Op: messages.OpCreate, Local: c.local, Body: createBody(c.path, openACL(), c.flags)}
		if _, refusal := d.judge(r); refusal != nil {
			code = refusal.Err
		}
		if code != c.want {
			t.Errorf("%s: %v, want %v", c.name, code, c.want)
		}
	}
	if _, known := d.prep.homes[stranger]; known {
		t.Error("the leader remembers where a local session is at home, and nobody tells it when that ends")
	}
	_, refusal := d.judge(messages.Request{Conn: 1, Session: stranger, Op: messages.OpCreate, Body: createBody("/c", openACL(), 0)})
	if refusal == nil || refusal.Err != messages.ErrSessionExpired {
		t.Errorf("without that word: %v", refusal)
	}
}
