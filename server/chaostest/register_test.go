package chaostest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// registerFolder holds nodes that many clients write at once.
const registerFolder = "/registers"

// A register is closed when it has seen so many requests, or so many without an answer: the search for an order of a
// history gets long with its length, and very long with what is open in it.
const (
	registerOps     = 250
	registerUnknown = 10
)

// register is one node with all requests to it.
type register struct {
	path    string
	ops     []*op
	final   *op // the read when everything is over
	unknown int
}

// shelf is where the scribes find registers.
type shelf struct {
	mu     sync.Mutex
	open   []*register
	closed []*register
	count  int
}

// openRegisters is how many are written at the same time.
const openRegisters = 3

// pick gives an open register; fresh ones have to be created first.
func (s *shelf) pick(rng *rand.Rand) (r *register, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) < openRegisters {
		s.count++
		return &register{path: fmt.Sprintf("%s/r%d", registerFolder, s.count)}, true
	}
	return s.open[rng.IntN(len(s.open))], false
}

// enter takes a register that exists.
func (s *shelf) enter(r *register) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, r)
}

// note adds a request to the history, and closes the register if that is long enough.
func (s *shelf) note(r *register, o *op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ops = append(r.ops, o)
	if o.outcome == unknown {
		r.unknown++
	}
	if len(r.ops) < registerOps && r.unknown < registerUnknown {
		return
	}
	for i, other := range s.open {
		if other == r {
			s.open = append(s.open[:i], s.open[i+1:]...)
			s.closed = append(s.closed, r)
		}
	}
}

// scribe writes and reads registers in competition with others.
type scribe struct {
	*user
	shelf    *shelf
	versions map[string]*op // the newest answer of each register that this session has seen
}

func newScribe(i int, rng *rand.Rand, e *ensemble, r *record, s *shelf) *scribe {
	return &scribe{user: newUser(fmt.Sprintf("scribe%d", i), rng, e, r), shelf: s, versions: map[string]*op{}}
}

func (s *scribe) run(ctx context.Context) {
	for ctx.Err() == nil {
		conn := s.conn
		if !s.alive(ctx) {
			return
		}
		if s.conn != conn {
			clear(s.versions) // a new session may begin behind the old one
		}
		s.turn(ctx)
		pause(ctx, s.pace())
	}
}

// thinking is how long a client waits between two requests, on the average.
const thinking = 8 * time.Millisecond

func (s *scribe) turn(ctx context.Context) {
	if s.rng.IntN(100) == 0 {
		s.conn.DropConnection()
	}
	r, fresh := s.shelf.pick(s.rng)
	if fresh {
		o := s.do(ctx, step{op: messages.OpCreate, path: r.path, mode: client.Persistent})
		if o.outcome == done { // otherwise nobody uses it
			s.shelf.enter(r)
		}
		return
	}
	var o *op
	switch n := s.rng.IntN(10); {
	case n < 4:
		o = s.do(ctx, step{op: messages.OpSetData, path: r.path, data: s.unique(), version: -1})
	case n < 6:
		expected := int32(0)
		if seen := s.versions[r.path]; seen != nil {
			expected = seen.stat.Version
		}
		o = s.do(ctx, step{op: messages.OpSetData, path: r.path, data: s.unique(), version: expected})
	case n < 8:
		o = s.do(ctx, step{op: messages.OpGetData, path: r.path})
		if s.versions[r.path] != nil || o.code != messages.ErrNoNode {
			s.seen(o)
		}
		return // a plain read may be old, and is judged by what its session has seen before
	default:
		o = s.syncRead(ctx, step{op: messages.OpGetData, path: r.path})
		if o == nil || (!s.e.target.strict && o.code == messages.ErrNoNode) {
			return
		}
	}
	s.seen(o)
	s.shelf.note(r, o)
}

// seen makes sure that the session's view of a register doesn't go back.
func (s *scribe) seen(o *op) {
	if o.outcome != done {
		if o.outcome == refused && o.code != messages.ErrBadVersion {
			s.record.report(violation{s.name, "the register exists", lines(o)})
		}
		return
	}
	path := o.steps[0].path
	if last := s.versions[path]; last != nil && o.stat.Version < last.stat.Version {
		s.record.report(violation{path, fmt.Sprintf("a session has seen version %d, now it is shown %d",
			last.stat.Version, o.stat.Version), lines(last, o)})
	}
	s.versions[path] = o
}

// registerState is what a register holds.
type registerState struct {
	version int32
	data    string
}

// registerModel is a node's data with its version. The input and the output of an operation are the *op.
var registerModel = porcupine.Model{
	Init: func() any { return registerState{} },
	Step: func(state, input, _ any) (bool, any) {
		s, o := state.(registerState), input.(*op)
		if o.steps[0].op == messages.OpGetData {
			return o.data == s.data && o.stat.Version == s.version, s
		}
		fits := o.steps[0].version < 0 || o.steps[0].version == s.version
		next := registerState{s.version + 1, o.steps[0].data}
		switch {
		case o.outcome == refused:
			return !fits, s
		case o.outcome == unknown && !fits:
			return true, s
		case o.outcome == unknown:
			return true, next
		}
		return fits && o.stat.Version == next.version, next
	},
}

// never is when an operation without an answer ends: it may still be carried out.
const never = 1 << 62

// judge looks for an order of each register's requests that explains all answers. reads says that those after a sync
// count as well. It returns how many registers were judged, and how many had too many open requests.
func (s *shelf) judge(r *record, reads bool) (judged, undecided int) {
	for _, register := range append(s.closed, s.open...) {
		var history []porcupine.Operation
		if register.final != nil {
			register.ops = append(register.ops, register.final)
		}
		for i, o := range register.ops {
			if o.steps[0].op == messages.OpGetData && !reads && o != register.final {
				continue
			}
			end := int64(o.ended)
			if o.outcome == unknown {
				end = never
			}
			history = append(history, porcupine.Operation{ClientId: i, Input: o, Call: int64(o.begun), Return: end})
		}
		switch porcupine.CheckOperationsTimeout(registerModel, history, patience/4) {
		case porcupine.Illegal:
			r.report(violation{register.path, "no order of these requests explains the answers (porcupine)", lines(register.ops...)})
		case porcupine.Unknown:
			undecided++
		default:
			judged++
		}
	}
	return judged, undecided
}
