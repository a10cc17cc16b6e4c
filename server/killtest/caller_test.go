package killtest

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

// patience is how long anything may take before a test gives up on it.
const patience = 30 * time.Second

// longTimeout is that of the sessions that live through all crashes.
const longTimeout = 60 * time.Second

// caller is a client with one session and, at any time, at most one connection. It never reconnects by itself: what
// it sends after a crash must not mix with what it sent before.
type caller struct {
	name     string
	rng      *rand.Rand
	tally    *tally
	timeout  time.Duration
	conn     *client.Client
	session  messages.SessionID // 0: none
	password []byte

	history
	round  int
	number int
	flight []*op // sent and without reply, oldest first
}

func newCaller(name string, rng *rand.Rand, t *tally) caller {
	return caller{name: name, rng: rand.New(rand.NewPCG(rng.Uint64(), 1)), tally: t, timeout: longTimeout}
}

// onlyOnce makes a dial function that works one time.
func onlyOnce() func(context.Context, string) (net.Conn, error) {
	var used atomic.Bool
	return func(ctx context.Context, addr string) (net.Conn, error) {
		if used.Swap(true) {
			return nil, errors.New("the one connection is used up")
		}
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	}
}

// attach opens a session, or takes up the one that there is. lost tells that the server doesn't know it any more.
func (c *caller) attach(ctx context.Context, addr string) (lost bool, err error) {
	c.detach()
	conn, err := client.Connect(ctx, client.Options{
		Servers: []string{addr}, Timeout: c.timeout, Session: c.session, Password: c.password, Dial: onlyOnce(),
	})
	if c.session != 0 && errors.Is(err, client.ErrSessionExpired) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", c.name, err)
	}
	session, password := conn.Session()
	if c.session != 0 && (session != c.session || string(password) != string(c.password)) {
		c.tally.report(violation{key: c.name, what: fmt.Sprintf("took up session %v, got %v", c.session, session)})
	}
	c.conn, c.session, c.password = conn, session, password
	return false, nil
}

// detach drops the connection; the session stays. Requests without reply stay so.
func (c *caller) detach() {
	if c.conn != nil {
		c.conn.Abandon()
		c.conn = nil
	}
}

// send puts a request on its way.
func (c *caller) send(steps ...step) *op {
	c.number++
	o := &op{number: c.number, round: c.round, steps: steps}
	c.add(o)
	c.flight = append(c.flight, o)
	if len(steps) > 1 {
		ops := make([]jute.MultiOp, len(steps))
		for i, s := range steps {
			ops[i] = jute.MultiOp{Op: s.op, Record: record(s)}
		}
		o.call = c.conn.Send(messages.OpMulti, client.MultiRecord(ops))
		return o
	}
	switch s := steps[0]; r := record(s).(type) {
	case jute.CreateRequest:
		o.call = c.conn.Send(s.op, client.CreateRecord(s.op, r))
	case jute.SetDataRequest:
		o.call = c.conn.Send(s.op, &r)
	case jute.PathVersion:
		o.call = c.conn.Send(s.op, &r)
	default:
		o.call = c.conn.Send(s.op, nil)
	}
	return o
}

func record(s step) any {
	switch s.op {
	case messages.OpCreate, messages.OpCreate2:
		return client.NewCreate(s.path, s.data, s.mode)
	case messages.OpSetData:
		return jute.SetDataRequest{Path: s.path, Data: s.data, Version: s.version}
	case messages.OpDelete, messages.OpCheck:
		return jute.PathVersion{Path: s.path, Version: s.version}
	}
	return nil
}

// reply is the answer to an op.
type reply struct {
	code    messages.ErrCode
	at      int // the step of a multi that was refused
	results []outcome
	zxid    messages.Zxid
}

// await waits for the answer to the oldest request without one. ok is false when the connection is gone: then the
// request stays in flight. It is false too when the server has no disk to write to and says so: then the request is
// known not to be carried out, and the predictions for those behind it are worth nothing.
func (c *caller) await(ctx context.Context) (o *op, r reply, ok bool) {
	o = c.flight[0]
	err := o.call.Wait(ctx)
	var code messages.ErrCode
	if err != nil && (!errors.As(err, &code) || o.call.Header.Err != code) {
		return o, r, false // the error is the client's own
	}
	c.flight = c.flight[1:]
	r = o.read(code)
	o.zxid = r.zxid
	if r.code == messages.ErrOK {
		o.state = fmt.Sprintf("done at %v", r.zxid)
		c.tally.wrote(r.zxid, owned{c.name, o})
	} else {
		o.state = fmt.Sprintf("refused: %v (step %d)", r.code, r.at)
		c.tally.refused.Add(1)
		c.tally.saw(r.zxid)
	}
	return o, r, r.code != messages.ErrNotReadOnly
}

// owned names the client of an op.
type owned struct {
	name string
	op   *op
}

func (o owned) String() string { return o.name + ": " + o.op.String() }

func (o *op) read(code messages.ErrCode) reply {
	r := reply{code: code, zxid: o.call.Header.Zxid}
	if code != messages.ErrOK {
		return r
	}
	d := o.call.Decoder()
	if len(o.steps) > 1 {
		for i, m := range jute.DecodeMultiResults(&d) {
			if m.Op == messages.OpError && m.Err != messages.ErrOK {
				return reply{code: m.Err, at: i, zxid: r.zxid}
			}
			r.results = append(r.results, outcome{m.Path, m.Stat})
		}
		return r
	}
	switch s := o.steps[0]; s.op {
	case messages.OpCreate, messages.OpCreate2:
		created := jute.DecodeCreateReply(&d, s.op)
		r.results = []outcome{{created.Path, created.Stat}}
	case messages.OpSetData:
		r.results = []outcome{{s.path, jute.DecodeStat(&d)}}
	}
	return r
}

// do sends one request and waits for its success; for the preparations.
func (c *caller) do(ctx context.Context, steps ...step) (reply, error) {
	c.send(steps...)
	o, r, ok := c.await(ctx)
	if !ok || r.code != messages.ErrOK {
		return r, fmt.Errorf("%s: %v", c.name, o)
	}
	return r, nil
}

// settled empties the flight: the first so many were carried out.
func (c *caller) settled(applied int) {
	for i, o := range c.flight {
		o.state = "no reply; it was not carried out"
		if i < applied {
			o.state = "no reply; it was carried out"
		}
	}
	c.tally.unknown.Add(int64(len(c.flight)))
	c.tally.survived.Add(int64(applied))
	c.flight = nil
}

// breach makes a violation of a key of this client's.
func (c *caller) breach(key, format string, args ...any) violation {
	return violation{key: c.name + " " + key, what: fmt.Sprintf(format, args...), history: c.of(key)}
}
