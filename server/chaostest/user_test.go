package chaostest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

const (
	// keptTimeout is that of sessions which must live through all faults; each fault is much shorter.
	keptTimeout = 20 * time.Second
	// dialPatience is how long a server may take to accept a connection.
	dialPatience = time.Second
	// requestPatience is how long a client waits for an answer before it drops the connection and tries another server.
	requestPatience = 3 * time.Second
)

// user is a client with a session of its own that moves between the servers. It has one goroutine.
type user struct {
	name     string
	rng      *rand.Rand
	e        *ensemble
	record   *record
	timeout  time.Duration
	conn     *client.Client
	zxid     messages.Zxid // the newest that the session has seen
	newest   *op           // that saw it
	connects atomic.Int64
	written  int
}

func newUser(name string, rng *rand.Rand, e *ensemble, r *record) *user {
	return &user{name: name, rng: rand.New(rand.NewPCG(rng.Uint64(), 1)), e: e, record: r, timeout: keptTimeout}
}

// attach opens a session and waits until it stands.
func (u *user) attach(ctx context.Context) error {
	u.zxid = 0
	conn, err := client.Connect(ctx, client.Options{
		Servers: u.e.known(), Timeout: u.timeout, Wait: true,
		Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialPatience)
			defer cancel()
			return u.e.net.dial(ctx, addr)
		},
		OnEvent: func(e client.Event) {
			if e.Type == client.EventSession && e.State.Connected() {
				u.connects.Add(1)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("%s: %w", u.name, err)
	}
	u.conn = conn
	return nil
}

// alive opens the first session, and a new one when the last is of no more use, which is a violation.
func (u *user) alive(ctx context.Context) bool {
	if u.conn != nil && u.conn.Err() == nil {
		return true
	}
	if u.conn != nil {
		id, _ := u.conn.Session()
		u.record.report(violation{key: u.name, what: fmt.Sprintf("its session %v is lost at %.4f: %v",
			id, u.record.now().Seconds(), u.conn.Err())})
	}
	return u.attach(ctx) == nil
}

// unique makes data that nobody else writes.
func (u *user) unique() string {
	u.written++
	return fmt.Sprintf("%s.%d", u.name, u.written)
}

// do sends one request and waits for its outcome.
func (u *user) do(ctx context.Context, steps ...step) *op {
	o := u.send(steps...)
	u.await(ctx, o)
	return o
}

// send puts a request on its way.
func (u *user) send(steps ...step) *op {
	o := &op{user: u, steps: steps, begun: u.record.now()}
	if len(steps) > 1 {
		ops := make([]jute.MultiOp, len(steps))
		for i, s := range steps {
			ops[i] = s.multi()
		}
		o.call = u.conn.Send(messages.OpMulti, client.MultiRecord(ops))
		return o
	}
	o.call = u.conn.Send(steps[0].op, steps[0].single())
	return o
}

func (s step) multi() jute.MultiOp {
	switch s.op {
	case messages.OpCreate:
		return client.CreateOp(s.path, []byte(s.data), client.CreateOptions{Mode: s.mode})
	case messages.OpSetData:
		return client.SetOp(s.path, []byte(s.data), s.version)
	case messages.OpDelete:
		return client.DeleteOp(s.path, s.version)
	}
	return client.CheckOp(s.path, s.version)
}

func (s step) single() client.Record {
	switch s.op {
	case messages.OpCreate:
		return client.CreateRecord(s.op, client.NewCreate(s.path, []byte(s.data), s.mode))
	case messages.OpSetData:
		return &jute.SetDataRequest{Path: s.path, Data: []byte(s.data), Version: s.version}
	case messages.OpDelete:
		return &jute.PathVersion{Path: s.path, Version: s.version}
	case messages.OpSync:
		return jute.Path(s.path)
	}
	return &jute.PathWatch{Path: []byte(s.path)} // exists, getData, getChildren2
}

// await waits for the outcome. A server that doesn't answer loses its client.
func (u *user) await(ctx context.Context, o *op) {
	waiting, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	if err := o.call.Wait(waiting); errors.Is(err, waiting.Err()) && err != nil {
		u.conn.DropConnection()
		limit := time.NewTimer(patience)
		defer limit.Stop()
		select {
		case <-o.call.Done:
		case <-limit.C:
			panic(fmt.Sprintf("the client holds a request for a minute without a connection: %v", o.steps))
		}
	}
	u.judge(o)
}

// judge reads the answer of a call that has ended.
func (u *user) judge(o *op) {
	defer u.record.count(o)
	o.ended, o.server, o.zxid = u.record.now(), u.conn.Server(), o.call.Header.Zxid
	call := o.call
	o.call, o.err = nil, call.Err
	var code messages.ErrCode
	if call.Err != nil && (!errors.As(call.Err, &code) || call.Header.Err != code) {
		o.outcome = unknown // the error is the client's own
		return
	}
	if code != messages.ErrOK {
		o.outcome, o.code = refused, code
		if code > messages.ErrNoNode && code != messages.ErrBadArguments { // a failure of the server's, not a judgement
			o.outcome = unknown
		}
	} else {
		o.read(call)
	}
	if int64(o.zxid) > 0 {
		if o.zxid < u.zxid {
			u.record.report(violation{u.name, fmt.Sprintf("its session has seen %v, now it is shown %v", u.zxid, o.zxid), lines(u.newest, o)})
		}
		u.zxid, u.newest = o.zxid, o
	}
	if o.outcome == done && o.writes() {
		u.record.place(o, o.begun, false)
	}
}

func (o *op) writes() bool {
	switch o.steps[0].op {
	case messages.OpCreate, messages.OpSetData, messages.OpDelete, messages.OpCheck:
		return true
	}
	return false
}

// read takes what an answer without an error tells.
func (o *op) read(call *client.Call) {
	d := call.Decoder()
	if len(o.steps) > 1 {
		for _, r := range jute.DecodeMultiResults(&d) {
			if r.Op == messages.OpError && r.Err != messages.ErrOK {
				o.outcome, o.code = refused, r.Err // the first one is the reason
				break
			}
		}
		return
	}
	switch o.steps[0].op {
	case messages.OpCreate:
		o.path = jute.DecodeCreateReply(&d, messages.OpCreate).Path
	case messages.OpSetData, messages.OpExists:
		o.stat = jute.DecodeStat(&d)
	case messages.OpGetData:
		r := jute.DecodeDataReply(&d)
		o.data, o.stat = string(r.Data), r.Stat
	}
	if d.Err() != nil {
		o.user.record.report(violation{o.user.name, fmt.Sprintf("an answer can't be read: %v", d.Err()), lines(o)})
	}
}

// syncRead reads a node after a sync, both on one connection: nil if that isn't sure, or there was no answer.
func (u *user) syncRead(ctx context.Context, read step) *op {
	connects := u.connects.Load()
	sync := u.send(step{op: messages.OpSync, path: read.path})
	o := u.send(read)
	u.await(ctx, sync)
	u.await(ctx, o)
	if sync.outcome != done || o.outcome == unknown || u.connects.Load() != connects {
		return nil
	}
	if int64(o.zxid) > 0 {
		u.record.place(o, sync.begun, true)
	}
	return o
}

// leave drops the connection without closing the session.
func (u *user) leave() {
	if u.conn != nil {
		u.record.mu.Lock()
		u.record.moves += max(0, int(u.connects.Load())-1)
		u.record.mu.Unlock()
		u.conn.Abandon()
	}
}
