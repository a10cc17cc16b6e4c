package chaostest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// guestFolder holds the ephemerals of sessions that come and go.
const guestFolder = "/guests"

// leftTimeout is that of sessions which are left to themselves.
const leftTimeout = 5 * time.Second

// stay is one session of a guest's with the ephemerals it has made.
type stay struct {
	*user
	sure, maybe []*op // the creates
}

// guest opens one session after the other, takes it from server to server, and ends it: properly, or not at all.
type guest struct {
	name   string
	rng    *rand.Rand
	e      *ensemble
	record *record
	porter *user // looks at what the guest leaves behind
	number int
}

func newGuest(i int, rng *rand.Rand, e *ensemble, r *record) *guest {
	name := fmt.Sprintf("guest%d", i)
	return &guest{name: name, rng: rand.New(rand.NewPCG(rng.Uint64(), 3)), e: e, record: r, porter: newUser("porter-of-"+name, rng, e, r)}
}

func (g *guest) run(ctx context.Context) {
	for ctx.Err() == nil && g.porter.alive(ctx) {
		g.number++
		s := &stay{user: newUser(fmt.Sprintf("%s-%d", g.name, g.number), g.rng, g.e, g.record)}
		leaves := g.rng.IntN(3) == 0
		if leaves {
			s.timeout = leftTimeout
		}
		if s.attach(ctx) != nil {
			return
		}
		g.host(ctx, s)
		if leaves {
			g.abandon(ctx, s)
		} else {
			g.close(context.WithoutCancel(ctx), s)
		}
	}
	g.porter.leave()
}

// leave does nothing: each session ends by itself.
func (g *guest) leave() {}

// host lets a session live for a while.
func (g *guest) host(ctx context.Context, s *stay) {
	for i := range 1 + g.rng.IntN(3) {
		path := fmt.Sprintf("%s/%s-%d", guestFolder, s.name, i)
		switch o := s.do(ctx, step{op: messages.OpCreate, path: path, data: s.unique(), mode: client.Ephemeral}); o.outcome {
		case done:
			s.sure = append(s.sure, o)
		case unknown:
			s.maybe = append(s.maybe, o)
		default:
			g.record.report(violation{path, "the create should be done", lines(o)})
		}
	}
	for range g.rng.IntN(8) {
		if g.rng.IntN(3) == 0 {
			s.conn.DropConnection()
		}
		pause(ctx, 5*s.pace())
		for _, created := range s.sure {
			s.look(ctx, created)
		}
	}
}

// look makes sure that an ephemeral is there while its session lives.
func (s *stay) look(ctx context.Context, created *op) {
	path := created.steps[0].path
	seen := s.do(ctx, step{op: messages.OpExists, path: path})
	if seen.outcome != refused {
		return
	}
	after := s.do(ctx, step{op: messages.OpExists, path: messages.RootPath})
	if after.outcome != done {
		return // the session has ended: that is another matter
	}
	s.record.report(violation{path, fmt.Sprintf("its session %v sees that it is gone", s.id()), lines(created, seen, after)})
}

func (s *stay) id() messages.SessionID {
	id, _ := s.conn.Session()
	return id
}

// end closes the session. If that has no answer it takes the session up and tries again.
func (s *stay) end(ctx context.Context) (closed bool) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	for {
		closing, cancel := context.WithTimeout(ctx, requestPatience)
		err := s.conn.CloseSession(closing)
		cancel()
		if err == nil {
			return true
		}
		id, password := s.conn.Session()
		conn, err := s.e.connect(ctx, client.Options{Servers: s.e.known(), Timeout: s.timeout, Wait: true, Session: id, Password: password})
		if err != nil {
			return errors.Is(err, client.ErrSessionExpired) // the first try was carried out
		}
		s.conn = conn
	}
}

// close ends a session: its ephemerals are gone when that is acknowledged.
func (g *guest) close(ctx context.Context, s *stay) {
	if err := s.conn.Err(); err != nil {
		g.record.report(violation{key: s.name, what: fmt.Sprintf("its session %v is lost at %.4f: %v", s.id(), g.record.now().Seconds(), err)})
	}
	if !s.end(ctx) {
		return // it ends with its timeout
	}
	closed := g.record.now()
	for _, created := range append(s.sure, s.maybe...) {
		var o *op
		gone := func() error {
			o = g.porter.syncRead(ctx, step{op: messages.OpExists, path: created.steps[0].path})
			if o != nil && o.outcome == done {
				return errors.New("it is there")
			}
			return nil
		}
		err := gone()
		if err != nil && !g.e.target.strict { // its sync may be a moment late, and no more
			err = await(ctx, "it is gone", pollEvery, gone)
		}
		if err != nil {
			g.record.report(violation{created.steps[0].path, fmt.Sprintf("its session %v was closed at %.4f, but %v",
				s.id(), closed.Seconds(), err), lines(created, o)})
		}
	}
}

// abandon leaves a session to its timeout: until a third of it is over its ephemerals must be there. The rest is for
// the servers, who tell each other late whom they have heard of.
func (g *guest) abandon(ctx context.Context, s *stay) {
	heard := s.do(ctx, step{op: messages.OpExists, path: messages.RootPath})
	granted := s.conn.Timeout()
	lost := s.conn.Err()
	s.leave()
	if errors.Is(lost, client.ErrSessionExpired) || heard.outcome != done {
		return // with so short a timeout a fault may be too long
	}
	pause(ctx, time.Duration(g.rng.Int64N(int64(granted/3))))
	for _, created := range s.sure {
		o := g.porter.syncRead(ctx, step{op: messages.OpExists, path: created.steps[0].path})
		if o != nil && o.outcome == refused && o.ended < heard.begun+granted/3 {
			g.record.report(violation{created.steps[0].path, fmt.Sprintf("its session %v with a timeout of %v was heard of at %.4f",
				s.id(), granted, heard.begun.Seconds()), lines(created, heard, o)})
		}
	}
}
