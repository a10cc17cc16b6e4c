package actors

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// guard stands between the pipeline and a stage of somebody's own. It keeps what the stage is shown and gives the stage
// copies; what comes back is only a word on which of them may go on. So whatever the stage does, what passes is complete, in
// order, and unchanged but for refusals:
//
//   - it is shown one batch at a time, and never more than guardOpen items that it has not handed on;
//   - what it hands on must be the next of its lane, which is a session, a connection, or everything, as its place has it:
//     something handed on twice, out of order, or behind something left out is a fault;
//   - what it has kept for too long makes it stuck;
//   - after a fault, everything that it had is settled by its policy, in order, and so is all that comes until a new instance
//     is there.
type guard struct {
	policy messages.ErrCode // what it has is settled with when it has failed; ErrOK lets it pass

	state   guardState
	last    uint64       // number of the last entry
	backlog []guardEntry // waits for the stage
	flight  []guardEntry // the stage is handling
	busy    bool         // a call hasn't returned, since …
	since   int64        // … then, monotonic microseconds
	lanes   map[uint64][]guardEntry
	open    map[uint64]uint64 // lanes of the items that the stage has kept, by their numbers
	out     []guardEntry      // may go on
	size    int               // of the last batch, for the capacity of the next one
	spare   []guardEntry      // empty, to be filled again
}

type guardState uint8

const (
	guardStarting guardState = iota // what comes waits for the stage
	guardUp
	guardDown // what comes is settled at once
	guardOff  // what comes passes: the stage has no work on a server of this role
)

var guardStates = [...]string{"starting", "up", "failed", "off"}

// guardEntry is one item, or a message that keeps its place among the items of its lane.
type guardEntry struct {
	item Item
	msg  any // nil: the item counts
	n    uint64
	lane uint64
	at   int64 // when the stage was shown it

	// Where it stands in the message that it came with, so that what came together goes on together.
	from  *messages.Requests
	index int
}

const (
	guardBatch = 1024
	guardOpen  = StageHolds - guardBatch
)

// StageHolds is how many items a stage has at most. What comes beyond it waits before it.
const StageHolds = 8192

// take lets something in.
func (g *guard) take(e guardEntry) {
	g.last++
	e.n = g.last
	if e.msg == nil {
		e.item.seq = e.n
	}
	switch {
	case g.state == guardOff, g.state == guardDown:
		g.settle(e)
	case e.msg != nil && len(g.backlog)+len(g.flight)+len(g.lanes) == 0:
		g.out = append(g.out, e)
	default:
		if g.backlog == nil {
			g.backlog, g.spare = g.spare, nil
		}
		if g.backlog == nil {
			g.backlog = make([]guardEntry, 0, batchCap(g.size, 8))
		}
		g.backlog = append(g.backlog, e)
	}
}

// settle lets something go on without the stage's word.
func (g *guard) settle(e guardEntry) {
	if e.msg == nil && g.state == guardDown && !e.item.housekeeping() {
		e.item.verdict = g.policy
	}
	g.out = append(g.out, e)
}

// next gives the stage its next batch, if it is free for one.
func (g *guard) next(now int64) []Item {
	if g.state != guardUp || g.busy || len(g.backlog) == 0 || len(g.open) >= guardOpen {
		return nil
	}
	n := min(len(g.backlog), guardBatch)
	g.size = n
	batch := make([]Item, 0, n)
	g.flight = g.backlog[:n:n]
	if g.backlog = g.backlog[n:]; len(g.backlog) == 0 {
		g.backlog = nil
	}
	for i := range g.flight {
		if e := &g.flight[i]; e.msg == nil {
			e.at = now
			batch = append(batch, e.item)
		}
	}
	g.busy, g.since = true, now
	return batch
}

// handled takes what the stage has returned for the batch.
func (g *guard) handled(items []Item) error {
	g.busy = false
	flight := g.flight
	g.flight = nil
	if len(g.lanes) == 0 && g.whole(flight, items) {
		return nil
	}
	for _, e := range flight {
		g.keep(e)
	}
	return g.release(items)
}

// whole passes a batch that has come back as it went: the usual case, which needs no account of single items.
func (g *guard) whole(flight []guardEntry, items []Item) bool {
	n := 0
	for i := range flight {
		if flight[i].msg != nil {
			continue
		}
		if n == len(items) || items[n].seq != flight[i].n {
			return false
		}
		n++
	}
	if n != len(items) {
		return false
	}
	n = 0
	for i := range flight {
		if flight[i].msg == nil {
			flight[i].item.verdict = items[n].verdict
			n++
		}
	}
	if len(g.out) == 0 {
		g.out = flight
	} else {
		g.out = append(g.out, flight...)
	}
	return true
}

// keep puts something into its lane, behind what the stage has kept of it.
func (g *guard) keep(e guardEntry) {
	if e.msg != nil && len(g.lanes[e.lane]) == 0 {
		g.out = append(g.out, e)
		return
	}
	if g.lanes == nil {
		g.lanes, g.open = map[uint64][]guardEntry{}, map[uint64]uint64{}
	}
	g.lanes[e.lane] = append(g.lanes[e.lane], e)
	if e.msg == nil {
		g.open[e.n] = e.lane
	}
}

// release takes items that the stage hands on.
func (g *guard) release(items []Item) error {
	for i := range items {
		seq := items[i].seq
		lane, ok := g.open[seq]
		if !ok {
			return fmt.Errorf("it handed on item %d, which it had handed on before or was never shown", seq)
		}
		line := g.lanes[lane]
		if line[0].n != seq {
			return fmt.Errorf("it handed on item %d before item %d, which came first: reordered or left out", seq, line[0].n)
		}
		line[0].item.verdict = items[i].verdict
		delete(g.open, seq)
		n := 1
		for n < len(line) && line[n].msg != nil {
			n++
		}
		g.out = append(g.out, line[:n]...)
		if n == len(line) {
			delete(g.lanes, lane)
		} else {
			g.lanes[lane] = line[n:]
		}
	}
	return nil
}

// fail settles everything that the stage has or would get, in the order in which it came. down says that what comes next is
// settled in the same way; otherwise it passes.
func (g *guard) fail(state guardState) {
	g.state, g.busy = state, false
	var all []guardEntry
	for _, line := range g.lanes { // sorted below
		all = append(all, line...)
	}
	all = append(all, g.flight...)
	slices.SortFunc(all, func(a, b guardEntry) int { return cmp.Compare(a.n, b.n) })
	all = append(all, g.backlog...)
	g.lanes, g.open, g.flight, g.backlog = nil, nil, nil, nil
	for _, e := range all {
		g.settle(e)
	}
}

// start waits for a new instance.
func (g *guard) start(now int64) { g.state, g.busy, g.since = guardStarting, true, now }

// started opens the door to it.
func (g *guard) started() { g.state, g.busy = guardUp, false }

// held is how many items the stage has.
func (g *guard) held() (n int) {
	for i := range g.flight {
		if g.flight[i].msg == nil {
			n++
		}
	}
	return n + len(g.open)
}

// oldest is since when the stage has had what it has had longest, 0: nothing.
func (g *guard) oldest() (since int64) {
	if g.busy {
		since = g.since
	}
	for _, line := range g.lanes { // the least of them: the order makes no difference
		if since == 0 || line[0].at < since {
			since = line[0].at
		}
	}
	return since
}

// flush gives what may go on. The result is given back by reuse.
func (g *guard) flush() []guardEntry {
	out := g.out
	g.out = nil
	return out
}

// reuse takes back what flush has given, when it has been sent on.
func (g *guard) reuse(out []guardEntry) {
	if cap(out) <= guardBatch && cap(out) > cap(g.spare) {
		clear(out)
		g.spare = out[:0]
	}
}
