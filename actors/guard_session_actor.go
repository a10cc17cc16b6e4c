package actors

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// A stage may have a session of its own, for operations that it wants done. Its guard is then a connection as any other is, but
// without a socket: requests go to the request processor, replies come as frames. They don't pass the stages BeforeRequest.

// ErrStageSession tells that the stage's session has ended before the answer came: the operation may have happened or not.
var ErrStageSession = errors.New("the stage's session has ended")

// Answer is what became of an operation of a stage's own.
type Answer struct {
	Err  error         // nil, a messages.ErrCode, or ErrStageSession
	Zxid messages.Zxid // as the reply's header has it
	Body []byte        // the record of the reply
}

// Submit has an operation done in the stage's own session, which is opened by the first one. body is the record that a
// client would send. The session may do everything, whatever the ACLs say; it ends with the stage's pipeline. done hears of
// the outcome, on the stage's goroutine, and may hand on items; it may be nil. Operations happen in the order of the calls.
// Stages BeforePrep and behind it see them as everybody's, this one too: Client begins with "stage:".
func (e *CustomEnv) Submit(op messages.OpCode, body []byte, done func(Answer) []Item) {
	e.runner.tell(&stageSubmit{instance: e.runner.instance, op: op, body: body, done: done})
}

// Create is Submit for a node that is anybody's to read and write; flags are those of the client protocol.
func (e *CustomEnv) Create(path string, data []byte, flags int32, done func(Answer) []Item) {
	r := jute.CreateRequest{Path: path, Data: data, ACL: messages.WorldACL(messages.PermAll), Flags: flags}
	e.Submit(messages.OpCreate, r.Append(nil, messages.OpCreate), done)
}

// Set is Submit for a node's data; version -1 expects none.
func (e *CustomEnv) Set(path string, data []byte, version int32, done func(Answer) []Item) {
	r := jute.SetDataRequest{Path: path, Data: data, Version: version}
	e.Submit(messages.OpSetData, r.Append(nil), done)
}

// Delete is Submit for the end of a node; version -1 expects none.
func (e *CustomEnv) Delete(path string, version int32, done func(Answer) []Item) {
	r := jute.PathVersion{Path: path, Version: version}
	e.Submit(messages.OpDelete, r.Append(nil), done)
}

type stageSubmit struct {
	instance int
	op       messages.OpCode
	body     []byte
	done     func(Answer) []Item
	xid      int32
	sent     bool
}

// stageSessionTimeout is the session's, in milliseconds. The guard gives a sign of life at each look.
const stageSessionTimeout = 40_000

// guardSession is the session of a stage.
type guardSession struct {
	conn    messages.ConnID // 0: there is none
	stats   *ConnStats
	id      messages.SessionID
	ready   bool
	xid     int32
	split   jute.Splitter
	waiting []*stageSubmit
}

// session takes what concerns the stage's own session.
func (a *guardActor) session(ctx actor.Context, msg any) bool {
	s := &a.own
	switch m := msg.(type) {
	case *stageSubmit:
		if m.instance == a.instance {
			s.waiting = append(s.waiting, m)
			a.submit(ctx)
		}
		return true
	case *messages.SessionReady:
		if s.conn == 0 || m.Conn != s.conn {
			return false
		}
		s.id, s.ready = m.Session, true
		s.stats.Session.Store(int64(m.Session))
		s.stats.Timeout.Store(m.Timeout)
		a.submit(ctx)
	case *messages.Output:
		if s.conn == 0 || m.Conn != s.conn {
			return false
		}
		a.output(m)
	case *messages.SessionRefused, *messages.CloseConn:
		if s.conn == 0 || connOf(m) != s.conn {
			return false
		}
		a.endSession(ctx)
	default:
		return false
	}
	return true
}

// submit sends what waits, as soon as there is a session.
func (a *guardActor) submit(ctx actor.Context) {
	s := &a.own
	if s.conn == 0 {
		stats := &ConnStats{Remote: "stage:" + a.stage.ID, Established: a.env.Clock.WallMs()}
		*s = guardSession{conn: a.env.Conns.NextID(), stats: stats, waiting: s.waiting, split: jute.Splitter{Limit: 1 << 30}}
		a.env.Conns.Add(ConnEntry{ID: s.conn, PID: ctx.Self(), Stats: stats})
		ctx.Send(a.env.Front, &messages.Connect{Conn: s.conn, Timeout: stageSessionTimeout})
	}
	if !s.ready {
		return
	}
	var items []messages.Request
	for _, w := range s.waiting {
		if w.sent {
			continue
		}
		s.xid++
		w.xid, w.sent = s.xid, true
		items = append(items, messages.Request{
			Conn: s.conn, Session: s.id, Xid: w.xid, Op: w.op, Body: w.body,
			Identities: []messages.Identity{{Scheme: messages.SchemeSuper}},
		})
	}
	if len(items) > 0 {
		ctx.Send(a.env.Front, &messages.Requests{Items: items})
	}
}

func (a *guardActor) output(m *messages.Output) {
	s := &a.own
	if err := s.split.Feed(m.Frames); err != nil {
		panic("a reply to the stage's own session: " + err.Error())
	}
	for frame, ok := s.split.Next(); ok; frame, ok = s.split.Next() {
		d := jute.NewDecoder(frame)
		h := jute.DecodeReplyHeader(&d)
		if len(s.waiting) == 0 || s.waiting[0].xid != h.Xid {
			continue // a watch that it has set
		}
		answer := Answer{Zxid: h.Zxid, Body: append([]byte(nil), d.Rest()...)}
		if h.Err != messages.ErrOK {
			answer.Err = h.Err
		}
		a.answer(s.waiting[0], answer)
		s.waiting = s.waiting[1:]
	}
}

func (a *guardActor) answer(w *stageSubmit, answer Answer) {
	if w.done != nil && w.instance == a.instance && a.runner != nil {
		a.runner.do(stageMore, func() ([]Item, error) { return w.done(answer), nil })
	}
}

// endSession gives up what waits. The next operation opens a new session.
func (a *guardActor) endSession(ctx actor.Context) {
	s := &a.own
	if s.conn == 0 {
		return
	}
	a.env.Conns.Remove(s.conn)
	closed := &messages.ConnClosed{Conn: s.conn, Session: s.id}
	ctx.Send(a.env.Front, closed)
	ctx.Send(a.env.Final, closed)
	waiting := s.waiting
	*s = guardSession{}
	for _, w := range waiting {
		a.answer(w, Answer{Err: ErrStageSession})
	}
}

// sign tells the tracker that the stage lives.
func (a *guardActor) sign(ctx actor.Context) {
	if a.own.ready {
		ctx.Send(a.env.touches(), &messages.Touch{Session: a.own.id, Now: monoMs(a.env.Clock)})
	}
}
