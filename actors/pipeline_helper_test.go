package actors_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/actortest"
	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// pipeline is a whole standalone server on one goroutine: all actors on one seeded dispatcher, a disk and a network in
// memory, and a clock that the test moves. The same seed gives the same run.
type pipeline struct {
	t       testing.TB
	steps   *actortest.Steps
	clock   *actortest.Clock
	time    actors.Clock // what the pipeline sees of it
	net     *actortest.Network
	disk    *persistence.MemFS
	rt      *actors.Runtime
	view    atomic.Pointer[actors.View]
	options actors.Options
	role    *actor.PID
	fatal   error // what would have ended the process
	store   *persistence.Store
	wrap    func(name string, inner actor.Actor) actor.Actor
	door    actors.Acceptor // in place of net
	log     zerolog.Logger
}

type pipelineOptions struct {
	seed uint64 // 0: first come, first served
	disk *persistence.MemFS
	set  func(*actors.Options)
	wrap func(name string, inner actor.Actor) actor.Actor
	door actors.Acceptor // nil: the network in memory
	work time.Duration   // what the pipeline's clock shows between two looks at it, beside what the test moves it by
}

// busyClock moves with each look at it: whoever measures its own work finds that it took time.
type busyClock struct {
	*actortest.Clock
	each, sum int64 // microseconds
}

func (c *busyClock) MonoUs() int64 {
	c.sum += c.each
	return c.Clock.MonoUs() + c.sum
}

func newPipeline(t testing.TB, o pipelineOptions) *pipeline {
	t.Helper()
	p := &pipeline{t: t, steps: actortest.NewSteps(), clock: actortest.NewClock(), disk: o.disk, wrap: o.wrap}
	if o.seed != 0 {
		p.steps = actortest.NewSeeded(o.seed)
	}
	if p.disk == nil {
		p.disk = persistence.NewMemFS()
	}
	p.net = actortest.NewNetwork(p.steps, o.seed)
	if p.door = o.door; p.door == nil {
		p.door = p.net
	}
	p.options = actors.DefaultOptions()
	p.options.Conn.Words = map[string]bool{"ruok": true}
	if o.set != nil {
		o.set(&p.options)
	}
	if testing.Verbose() {
		p.log = zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
	}
	p.time = p.clock
	if o.work > 0 {
		p.time = &busyClock{Clock: p.clock, each: o.work.Microseconds()}
	}
	p.start(o.seed)
	return p
}

func (p *pipeline) start(seed uint64) {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	p.rt = actors.NewRuntime(actors.World{
		Clock: p.time, Random: rand.NewChaCha8(key), Dispatchers: p.steps, Log: p.log, Wrap: p.wrap,
		Fatal: func(err error) {
			if p.fatal == nil {
				p.fatal = err
			}
		},
	})
	digest, err := auth.NewDigest("", "")
	if err != nil {
		p.t.Fatal(err)
	}
	reg, err := auth.NewRegistry(auth.IP{}, digest)
	if err != nil {
		p.t.Fatal(err)
	}
	p.store, err = persistence.OpenStore(persistence.StoreOptions{
		FS: p.disk, DataDir: "data", LogDir: "data", NewDatabaseID: 1, SegmentBytes: 1 << 20,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	root := p.rt.System.Root
	listener, err := root.SpawnNamed(actors.NewListener(p.rt, p.door, actors.ListenerOptions{}), "listener")
	if err != nil {
		p.t.Fatal(err)
	}
	role := actors.Standalone{
		Options: &p.options, Auth: reg, Store: p.store, Listeners: []*actor.PID{listener},
		Failed: func(err error) { p.fatal = err },
	}
	if p.role, err = root.SpawnNamed(actors.NewStandalone(p.rt, role, &p.view), actors.StandaloneName()); err != nil {
		p.t.Fatal(err)
	}
	p.settle()
	if p.view.Load() == nil {
		p.t.Fatalf("the server doesn't serve: %v", p.fatal)
	}
}

// settle runs until nothing is left to do. What would have ended the process ends the test.
func (p *pipeline) settle() {
	p.t.Helper()
	for n := 0; p.steps.Step(); n++ {
		if n == 10_000_000 {
			p.t.Fatal("the server never comes to rest")
		}
	}
	if p.fatal != nil {
		p.t.Fatalf("the process would have ended: %v", p.fatal)
	}
}

// stop ends the role and checks that it has ended.
func (p *pipeline) stop() {
	p.t.Helper()
	gone := false
	p.rt.System.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started:
			ctx.Watch(p.role)
			ctx.Stop(p.role)
		case *actor.Terminated:
			gone = true
		}
	}, actor.WithDispatcher(p.steps)))
	p.settle()
	if !gone {
		p.t.Fatal("the role didn't stop")
	}
}

// pass lets time pass.
func (p *pipeline) pass(d time.Duration) {
	p.t.Helper()
	p.clock.Advance(d, p.settle)
	p.settle()
}

// client is a client that checks what it may rely on: replies in the order of its requests, zxids that never fall.
type client struct {
	p        *pipeline
	peer     *actortest.Peer
	split    jute.Splitter
	session  messages.SessionID
	password []byte
	refused  bool
	ready    bool
	xid      int32
	waiting  []asked
	last     messages.Zxid
	got      []frameIn // what has come and wasn't taken
}

type asked struct {
	xid int32
	op  messages.OpCode
}

// frameIn is a reply, or a watch event (op OpNotification).
type frameIn struct {
	op    messages.OpCode
	xid   int32
	zxid  messages.Zxid
	err   messages.ErrCode
	body  []byte
	event jute.WatcherEvent
}

func (f frameIn) String() string {
	if f.op == messages.OpNotification {
		return fmt.Sprintf("event %d %s", f.event.Type, f.event.Path)
	}
	return fmt.Sprintf("%v: %d", f.op, int32(f.err))
}

// dial opens a connection and asks for a session: a new one, or that of another client.
func (p *pipeline) dial(old *client) *client {
	p.t.Helper()
	c := &client{p: p, peer: p.net.Dial(), split: jute.Splitter{Limit: 1 << 30}}
	if c.peer == nil {
		p.t.Fatal("nobody accepts connections")
	}
	r := jute.ConnectRequest{Timeout: 10_000, Password: make([]byte, 16), HasReadOnly: true}
	if old != nil {
		r.Session, r.Password, r.LastZxidSeen, c.xid = old.session, old.password, old.last, old.xid
	}
	c.peer.Send(frameOf(r.Append(nil)))
	return c
}

// connect is dial and the wait for the session.
func (p *pipeline) connect(old *client) *client {
	p.t.Helper()
	c := p.dial(old)
	p.settle()
	if c.take(); !c.ready {
		p.t.Fatal("no session")
	}
	return c
}

func frameOf(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// ask sends a request and doesn't wait.
func (c *client) ask(op messages.OpCode, body []byte) int32 {
	c.xid++
	c.peer.Send(frameOf(append(jute.AppendRequestHeader(nil, jute.RequestHeader{Xid: c.xid, Op: op}), body...)))
	if op != messages.OpPing {
		c.waiting = append(c.waiting, asked{c.xid, op})
	}
	return c.xid
}

// take reads what has arrived, checks the order, and gives it.
func (c *client) take() []frameIn {
	c.p.t.Helper()
	if err := c.split.Feed(c.peer.Receive()); err != nil {
		c.p.t.Fatal(err)
	}
	for {
		frame, ok := c.split.Next()
		if !ok {
			break
		}
		c.frame(frame)
	}
	got := c.got
	c.got = nil
	return got
}

func (c *client) frame(frame []byte) {
	t := c.p.t
	t.Helper()
	if !c.ready && !c.refused {
		r, err := jute.DecodeConnectResponse(frame)
		if err != nil {
			t.Fatal(err)
		}
		c.session, c.password = r.Session, r.Password
		c.ready, c.refused = r.Timeout > 0, r.Timeout == 0
		return
	}
	d := jute.NewDecoder(frame)
	h := jute.DecodeReplyHeader(&d)
	f := frameIn{xid: h.Xid, zxid: h.Zxid, err: h.Err}
	switch {
	case h.Xid == messages.XidWatchEvent:
		f.event = jute.DecodeWatcherEvent(&d)
	case h.Xid == messages.XidPing:
		f.op = messages.OpPing
	default:
		if len(c.waiting) == 0 || c.waiting[0].xid != h.Xid {
			t.Fatalf("a reply to xid %d came, waiting are %v", h.Xid, c.waiting)
		}
		f.op = c.waiting[0].op
		c.waiting = c.waiting[1:]
	}
	if h.Xid >= 0 && h.Err != messages.ErrUnimplemented {
		if h.Zxid < c.last {
			t.Fatalf("the reply to xid %d has zxid %v, one before it %v", h.Xid, h.Zxid, c.last)
		}
		c.last = h.Zxid
	}
	f.body = d.Rest()
	c.got = append(c.got, f)
}

// call sends a request, waits, and gives its reply, the last of what came.
func (c *client) call(op messages.OpCode, body []byte) frameIn {
	c.p.t.Helper()
	c.ask(op, body)
	c.p.settle()
	got := c.take()
	if len(got) == 0 || got[len(got)-1].op != op {
		c.p.t.Fatalf("%v was not answered: %v", op, got)
	}
	return got[len(got)-1]
}

func createRequest(path string, flags int32) []byte {
	r := jute.CreateRequest{Path: path, Data: []byte("x"), ACL: messages.WorldACL(messages.PermAll), Flags: flags}
	return r.Append(nil, messages.OpCreate)
}

func setRequest(path, data string, version int32) []byte {
	r := jute.SetDataRequest{Path: path, Data: []byte(data), Version: version}
	return r.Append(nil)
}

func getRequest(path string, watch bool) []byte {
	r := jute.PathWatch{Path: []byte(path), Watch: watch}
	return r.Append(nil)
}

// sessions is how many sessions the tree has.
func (p *pipeline) sessions() (n int) {
	p.view.Load().Tree.Read(func(t *tree.Tree) { n = t.SessionCount() })
	return n
}
