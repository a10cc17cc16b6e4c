package actors_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// TestRandomRuns lets some clients do what they like to a whole server, on one goroutine and in an order that a seed
// decides; they come, hang, go, take up their sessions again, and stages fail. Afterwards all that they have seen is
// checked against what the log says has happened:
//
//   - every request is answered, in order, or its connection is closed;
//   - a write that was acknowledged has happened, once, under the zxid of its reply; one that was refused hasn't;
//   - a session's writes happen in the order in which they were asked, over all of its connections;
//   - a read shows exactly the state after the transaction that its reply names;
//   - a watch that was set hears of the first change behind it, once, before any reply that could show the change.
func TestRandomRuns(t *testing.T) {
	runs := uint64(150)
	if testing.Short() {
		runs = 20
	}
	for seed := uint64(1); seed <= runs && !t.Failed(); seed++ {
		simulate(t, seed, nil)
	}
}

type simulation struct {
	*pipeline
	t       *testing.T
	rand    *rand.Rand
	actors  []*actorOf
	serial  int
	failing string // the stage that panics on its next batch
}

// actorOf is one client over all of its connections.
type actorOf struct {
	c     *client
	conns []*observer
}

// observer is what one connection has asked and seen.
type observer struct {
	*client
	asked map[int32]question
	seen  []frameIn
}

type question struct {
	op    messages.OpCode
	path  string
	watch bool
}

// simulate lets set change the server's options before it starts.
func simulate(t *testing.T, seed uint64, set func(*actors.Options)) {
	t.Helper()
	s := &simulation{t: t, rand: rand.New(rand.NewPCG(seed, 2))}
	s.pipeline = newPipeline(t, pipelineOptions{seed: seed, wrap: s.wrap, set: set})
	for range 1 + s.rand.IntN(4) {
		s.actors = append(s.actors, &actorOf{})
	}
	steps := 100 + s.rand.IntN(200)
	for range steps {
		s.step()
		for range s.rand.IntN(30) {
			s.steps.Step()
		}
	}
	s.settle()
	if s.view.Load() == nil {
		t.Fatalf("seed %d: the server doesn't serve any more", seed)
	}
	s.finish(seed)
	s.leave(seed)
	s.stop()
}

// leave lets everybody go: nothing may stay behind.
func (s *simulation) leave(seed uint64) {
	for _, a := range s.actors {
		for _, o := range a.conns {
			o.peer.Hangup()
		}
	}
	s.failing = ""
	s.settle()
	s.pass(time.Minute)
	m := s.rt.Metrics
	conns, outstanding, sessions := s.rt.Conns.Len(), s.rt.Outstanding(), s.sessions()
	pending := m.OutstandingQueued.Load() - m.OutstandingRemoved.Load()
	if s.view.Load().Generation > 1 {
		pending = 0 // a failed pipeline takes its own along
	}
	if conns != 0 || outstanding != 0 || sessions != 0 || pending != 0 {
		s.t.Errorf("seed %d: everybody has left, and there are %d connections, %d requests, %d sessions, %d changes",
			seed, conns, outstanding, sessions, pending)
	}
}

func (s *simulation) wrap(name string, inner actor.Actor) actor.Actor {
	return &panicker{Actor: inner, bad: func(msg any) bool {
		if s.failing != name {
			return false
		}
		switch msg.(type) {
		case *messages.Requests, *messages.Proposals, *messages.Deliveries, *messages.Committed:
			s.failing = ""
			return true
		}
		return false
	}}
}

func (s *simulation) step() {
	a := s.actors[s.rand.IntN(len(s.actors))]
	if len(a.conns) > 0 {
		a.conns[len(a.conns)-1].look()
	}
	switch n := s.rand.IntN(200); {
	case a.c == nil || a.c.peer.Closed() || n == 0:
		s.reconnect(a)
	case n == 1:
		a.c.peer.Hangup()
		s.reconnect(a)
	case n == 2:
		s.clock.Advance(time.Duration(s.rand.IntN(3000))*time.Millisecond, nil)
	case n == 3 && s.rand.IntN(3) == 0:
		s.failing = []string{"request", "prep", "sync", "commit", "final"}[s.rand.IntN(5)]
	case !a.c.ready:
	case n == 4:
		a.ask(messages.OpCloseSession, question{}, nil)
	default:
		s.request(a)
	}
}

// reconnect opens a connection; whether it takes up the session is decided by what the last one has seen.
func (s *simulation) reconnect(a *actorOf) {
	if s.view.Load() == nil {
		return
	}
	old := a.c
	if old != nil && (!old.ready || old.refused) {
		old = nil
	}
	if a.c = s.dial(old); old != nil {
		a.c.last = old.last
	}
	a.conns = append(a.conns, &observer{client: a.c, asked: map[int32]question{}})
}

func (a *actorOf) ask(op messages.OpCode, q question, body []byte) {
	q.op = op
	xid := a.c.ask(op, body)
	a.conns[len(a.conns)-1].asked[xid] = q
}

func (s *simulation) request(a *actorOf) {
	path := fmt.Sprintf("/p%d", s.rand.IntN(3))
	if s.rand.IntN(2) == 0 {
		path += fmt.Sprintf("/c%d", s.rand.IntN(3))
	}
	s.serial++
	data, watch := fmt.Sprintf("d%d", s.serial), s.rand.IntN(3) == 0
	version := int32(s.rand.IntN(4)) - 1
	create := jute.CreateRequest{Path: path, Data: []byte(data), ACL: messages.WorldACL(messages.PermAll)}
	set := jute.SetDataRequest{Path: path, Data: []byte(data), Version: version}
	remove := jute.PathVersion{Path: path, Version: version}
	q := question{path: path, watch: watch}
	switch s.rand.IntN(12) {
	case 0:
		a.ask(messages.OpCreate, q, create.Append(nil, messages.OpCreate))
	case 1:
		create.Flags = int32(s.rand.IntN(4))
		a.ask(messages.OpCreate2, q, create.Append(nil, messages.OpCreate2))
	case 2:
		a.ask(messages.OpDelete, q, remove.Append(nil))
	case 3, 4:
		a.ask(messages.OpSetData, q, set.Append(nil))
	case 5:
		a.ask(messages.OpMulti, q, jute.AppendMulti(nil, []jute.MultiOp{
			{Op: messages.OpSetData, Record: set}, {Op: messages.OpCheck, Record: remove},
			{Op: messages.OpCreate, Record: create},
		}[s.rand.IntN(3):]))
	case 6, 7:
		a.ask(messages.OpGetData, q, getRequest(path, watch))
	case 8:
		a.ask(messages.OpExists, q, getRequest(path, watch))
	case 9:
		a.ask(messages.OpGetChildren, q, getRequest(path, watch))
	case 10:
		a.ask(messages.OpSync, q, jute.AppendString(nil, path))
	default:
		a.ask(messages.OpPing, q, nil)
	}
}

func (o *observer) look() { o.seen = append(o.seen, o.take()...) }

func (s *simulation) finish(seed uint64) {
	history := readHistory(s.t, s.disk)
	s.t.Logf("seed %d: %d transactions, generation %d", seed, len(history.txns), s.view.Load().Generation)
	for _, a := range s.actors {
		for _, o := range a.conns {
			o.look()
			if len(o.waiting) > 0 && !o.peer.Closed() && !o.peer.Left() {
				s.t.Errorf("seed %d: %v were never answered, and the connection is open", seed, o.waiting)
			}
			v := verdict{t: s.t, h: history, o: o, seed: seed, data: map[string]messages.Zxid{}, child: map[string]messages.Zxid{}}
			v.check()
		}
	}
}

// verdict checks one connection.
type verdict struct {
	t           *testing.T
	h           *history
	o           *observer
	seed        uint64
	data, child map[string]messages.Zxid // armed watches: the zxid after which they wait
}

func (v *verdict) errorf(format string, args ...any) {
	v.t.Errorf("seed %d, session %v: %s", v.seed, v.o.session, fmt.Sprintf(format, args...))
}

func (v *verdict) check() {
	for _, f := range v.o.seen {
		if f.op == messages.OpNotification {
			v.event(f)
			continue
		}
		v.nothingMissed(f)
		if f.op == messages.OpPing {
			continue
		}
		q := v.o.asked[f.xid]
		if q.op.IsWrite() {
			v.write(f)
			continue
		}
		v.read(f, q)
	}
}

// event: the watch was set, and this is the first change behind it.
func (v *verdict) event(f frameIn) {
	path, fits := f.event.Path, false
	if after, armed := v.data[path]; armed && f.event.Type != messages.EventNodeChildrenChanged {
		fits = v.h.nextData(path, after) == f.zxid
		delete(v.data, path)
	}
	after, armed := v.child[path]
	if armed && (f.event.Type == messages.EventNodeChildrenChanged || f.event.Type == messages.EventNodeDeleted) {
		fits = fits || v.h.nextChild(path, after) == f.zxid
		delete(v.child, path)
	}
	if !fits {
		v.errorf("event %v of %s at %v came unasked, or isn't the first", f.event.Type, path, f.zxid)
	}
}

// nothingMissed: before this reply all events must have come that it could explain.
func (v *verdict) nothingMissed(f frameIn) {
	for path, after := range v.data {
		if z := v.h.nextData(path, after); z <= f.zxid {
			v.errorf("a reply with %v came, but not the event of %s at %v, watched since %v", f.zxid, path, z, after)
		}
	}
	for path, after := range v.child {
		if z := v.h.nextChild(path, after); z <= f.zxid {
			v.errorf("a reply with %v came, but not the event of the children of %s at %v", f.zxid, path, z)
		}
	}
}

func (v *verdict) write(f frameIn) {
	failed := f.err != messages.ErrOK ||
		(f.op == messages.OpMulti && strings.HasPrefix(string(f.body), "\xff\xff\xff\xff\x00"))
	zxid, happened := v.h.xids[v.o.session][f.xid]
	switch {
	case failed && happened:
		v.errorf("request %d was refused (%v), and happened as %v", f.xid, f.err, zxid)
	case !failed && (!happened || zxid != f.zxid):
		v.errorf("request %d was acknowledged as %v; on disk it is %v (%v)", f.xid, f.zxid, zxid, happened)
	}
}

func (v *verdict) read(f frameIn, q question) {
	s := v.h.at(q.path, f.zxid)
	if want := map[bool]messages.ErrCode{true: 0, false: messages.ErrNoNode}[s.exists]; q.op != messages.OpSync && f.err != want {
		v.errorf("%v of %s at %v gives %v, want %v", q.op, q.path, f.zxid, f.err, want)
		return
	}
	d := jute.NewDecoder(f.body)
	switch q.op {
	case messages.OpGetData:
		data, stat := d.Buffer(), jute.DecodeStat(&d)
		if s.exists && (string(data) != s.data || stat.Version != s.version) {
			v.errorf("%s at %v reads %q, version %d, want %+v", q.path, f.zxid, data, stat.Version, s)
		}
		v.arm(v.data, q.watch && s.exists, q.path, f.zxid)
	case messages.OpExists:
		v.arm(v.data, q.watch, q.path, f.zxid)
	case messages.OpGetChildren:
		if s.exists {
			v.children(d.Strings(), q.path, f.zxid)
		}
		v.arm(v.child, q.watch && s.exists, q.path, f.zxid)
	}
}

func (v *verdict) children(names []string, path string, zxid messages.Zxid) {
	want := v.h.children(path, zxid)
	for _, name := range names {
		if !want[name] {
			v.errorf("%s at %v has no child %s", path, zxid, name)
		}
	}
	if len(names) != len(want) {
		v.errorf("%s at %v has the children %v, want %v", path, zxid, names, want)
	}
}

func (v *verdict) arm(table map[string]messages.Zxid, set bool, path string, zxid messages.Zxid) {
	if _, armed := table[path]; set && !armed {
		table[path] = zxid
	}
}
