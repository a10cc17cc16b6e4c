package actors

import (
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// tapPlace is AfterCommit: behind final, which doesn't wait for it. What the stage is too slow for is not kept in memory: it is
// read from the log again when its time comes. So is what was committed while the stage, or its pipeline, was away.
type tapPlace struct {
	a      *guardActor
	shown  messages.Zxid // the guard has everything up to here
	live   bool          // what comes now follows that
	asked  bool          // the log is being read
	reads  int           // number of the reading that counts
	runner *runner       // reads the log
	waits  int           // how often the log has ended too early
}

type (
	// tapped is what final has applied.
	tapped struct{ items []messages.Proposal }
	// tapHistory is a part of the log.
	tapHistory struct {
		read  int
		items []*messages.Proposal
		err   error
		upTo  messages.Zxid // the tree was there when the reading began
	}
)

// tapAhead is how many transactions wait in memory for a stage that is behind.
const tapAhead = 4 * guardBatch

// tapWait is how long the stage waits when the log isn't as far as the tree, tapWaits how often before it goes on without.
const (
	tapWait  = 10 * time.Millisecond
	tapWaits = 3000
)

func newTapPlace(a *guardActor) *tapPlace {
	p := &tapPlace{a: a, shown: messages.Zxid(a.stats.wasShown())}
	if p.shown == 0 {
		p.shown = a.env.Tree.LastZxid()
	}
	return p
}

func (p *tapPlace) begin(ctx actor.Context) error {
	if r, ok := p.a.runner.stage.(StageResumer); ok {
		p.shown = 0
		self, root, read := ctx.Self(), p.a.env.System.Root, p.reads+1
		p.reads, p.asked, p.live = read, true, false
		p.a.runner.do(stageMore, func() ([]Item, error) {
			root.Send(self, tapResume{read: read, after: r.ResumeAfter()})
			return nil, nil
		})
		return nil
	}
	p.live = false
	p.catchUp(ctx)
	return nil
}

// tapResume is a stage's word on where it goes on.
type tapResume struct {
	read  int
	after messages.Zxid
}

func (p *tapPlace) take(ctx actor.Context, msg any) bool {
	switch m := msg.(type) {
	case tapped:
		p.tapped(ctx, m.items)
	case tapResume:
		if m.read == p.reads {
			p.shown, p.asked = m.after, false
			p.catchUp(ctx)
		}
	case *tapHistory:
		if m.read == p.reads {
			p.history(ctx, m)
		}
	default:
		return false
	}
	return true
}

func (p *tapPlace) tapped(ctx actor.Context, items []messages.Proposal) {
	switch p.a.core.state {
	case guardOff:
		p.shown = items[len(items)-1].Header.Zxid
		return
	case guardUp:
	default:
		p.live = false
		return
	}
	for i := range items {
		if zxid := items[i].Header.Zxid; p.live && zxid > p.shown {
			if !zxid.Follows(p.shown) || len(p.a.core.backlog) >= tapAhead {
				p.live = false
				break
			}
			p.show(&items[i])
		}
	}
	p.catchUp(ctx)
}

func (p *tapPlace) show(txn *messages.Proposal) {
	p.shown = txn.Header.Zxid
	p.a.core.take(guardEntry{item: Item{txn: txn}})
}

// catchUp reads on in the log, if there is something to read and room for it.
func (p *tapPlace) catchUp(ctx actor.Context) {
	if p.live || p.asked || p.a.core.state != guardUp || len(p.a.core.backlog) >= guardBatch {
		return
	}
	upTo := p.a.env.Tree.LastZxid()
	if p.shown >= upTo {
		p.live = true // final's next word follows
		return
	}
	p.asked = true
	p.reads++
	if p.runner == nil {
		d, release := p.a.env.Dispatchers.Pinned("stage." + p.a.stage.ID + ".log")
		p.runner = &runner{dispatcher: d, release: release, tell: func(any) {}}
	}
	self, root, store, after, read := ctx.Self(), p.a.env.System.Root, p.a.env.Store, p.shown, p.reads
	p.runner.do(stageMore, func() ([]Item, error) {
		h := &tapHistory{read: read, upTo: upTo}
		h.err = readHistory(store, after, upTo, func(txn *messages.Proposal) bool {
			h.items = append(h.items, txn)
			return len(h.items) < guardBatch
		})
		root.Send(self, h)
		return nil, nil
	})
}

func (p *tapPlace) history(ctx actor.Context, m *tapHistory) {
	p.asked = false
	if p.a.core.state != guardUp {
		return
	}
	for _, txn := range m.items {
		p.show(txn)
	}
	switch {
	case len(m.items) > 0:
		p.waits = 0
	case m.err == nil:
	case errors.Is(m.err, ErrLogBehind) && !p.a.env.NoLog && p.waits < tapWaits:
		p.waits++
		p.asked = true // until then
		self, root, read := ctx.Self(), p.a.env.System.Root, p.reads
		p.a.env.Clock.After(tapWait, func() { root.Send(self, &tapHistory{read: read}) })
		return
	default:
		p.waits = 0
		p.gap(m.upTo, m.err)
	}
	p.catchUp(ctx)
}

// gap goes on behind what can't be read.
func (p *tapPlace) gap(to messages.Zxid, err error) {
	after := p.shown
	p.a.env.Log.Warn().Err(err).Stringer("after", after).Stringer("to", to).
		Msg("the stage is not shown these transactions: this server can't read them")
	p.shown = to
	p.a.core.take(guardEntry{msg: tapGap{after, to}})
	if g, ok := p.a.runner.stage.(StageGapper); ok {
		p.a.runner.do(stageMore, func() ([]Item, error) {
			g.Gap(after, to)
			return nil, nil
		})
	}
}

type tapGap struct{ after, to messages.Zxid }

// send keeps account of what the stage is done with: after a failure it goes on there.
func (p *tapPlace) send(ctx actor.Context, out []guardEntry) {
	for i := range out {
		if gap, ok := out[i].msg.(tapGap); ok {
			p.a.stats.shown(uint64(gap.to))
			continue
		}
		p.a.stats.shown(uint64(out[i].item.Zxid()))
	}
	if p.a.core.state == guardUp {
		p.catchUp(ctx)
	}
}

func (p *tapPlace) fail() {
	p.live, p.asked = false, false
	p.reads++
	if p.a.core.state == guardOff && p.runner != nil {
		p.runner.end(false)
		p.runner = nil
	}
}

func (p *tapPlace) check() {}
