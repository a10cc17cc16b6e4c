package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// prepTrialActor is the shell of a desk whose transactions are shown to stages before they are proposed. While it waits for
// their word everything else waits in its order.
type prepTrialActor struct {
	*prepActor
	waiting []any // messages
	round   int   // of the trial that is on …
	open    int   // … transactions in it whose word hasn't come
	items   []messages.Request
	owners  []int // which of items each transaction is of
	refused map[int]messages.ErrCode
	before  prepTrial
	changes int // in the overlay when it began
}

// trialBatch goes from prep by the guards BeforeProposal and back to prep, in parts if a stage keeps some of it.
type trialBatch struct {
	round int
	items []trialItem
}

type trialItem struct {
	index   int
	request *messages.Request
	txn     *messages.Proposal
	code    messages.ErrCode
}

// trialMost is how many requests are judged in one trial.
const trialMost = 1024

// Receive implements actor.Actor.
func (a *prepTrialActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Requests, *messages.Applied, *messages.SessionHome, *messages.Followers, *messages.DiskSpace, HoldDesk, ReleaseDesk:
		a.waiting = append(a.waiting, m)
	case *trialBatch:
		a.word(ctx, m)
	case Drained:
		a.step(ctx)
	default:
		a.handle(ctx, m)
	}
}

// step goes on with what waits, up to the next trial.
func (a *prepTrialActor) step(ctx actor.Context) {
	for a.open == 0 && len(a.waiting) > 0 {
		msg := a.waiting[0]
		a.waiting = a.waiting[1:]
		switch m := msg.(type) {
		case *messages.Requests:
			if a.held {
				a.aside = append(a.aside, m)
				continue
			}
			a.begin(ctx, m)
		case ReleaseDesk:
			aside := a.aside
			a.held, a.aside = false, nil
			for i := len(aside) - 1; i >= 0; i-- {
				a.waiting = append([]any{aside[i]}, a.waiting...)
			}
		default:
			a.handle(ctx, msg)
		}
	}
	if len(a.waiting) == 0 {
		a.waiting = nil
	}
}

// begin judges a batch on trial, together with what follows at once.
func (a *prepTrialActor) begin(ctx actor.Context, m *messages.Requests) {
	a.items = append([]messages.Request(nil), m.Items...)
	for len(a.waiting) > 0 && len(a.items) < trialMost {
		more, ok := a.waiting[0].(*messages.Requests)
		if !ok {
			break
		}
		a.items = append(a.items, more.Items...)
		a.waiting = a.waiting[1:]
	}
	a.env.Metrics.PrepQueue.Observe(int64(len(a.items)), 1)
	a.changes = a.core.Outstanding()
	a.env.dispatch(ctx, a.next(), a.core.Flush())
	a.try(ctx)
}

func (a *prepTrialActor) try(ctx actor.Context) {
	a.before, a.owners, a.refused = a.core.Try(), a.owners[:0], nil
	now := a.env.Clock.WallMs()
	a.env.Tree.Read(func(t *tree.Tree) {
		for i := range a.items {
			n := len(a.core.proposals)
			a.core.Judge(t, a.items[i:i+1], now)
			if len(a.core.proposals) > n {
				a.owners = append(a.owners, i)
			}
		}
	})
	if len(a.owners) == 0 {
		a.settle(ctx)
		return
	}
	a.round++
	a.open = len(a.owners)
	batch := &trialBatch{round: a.round, items: make([]trialItem, a.open)}
	for i, owner := range a.owners {
		request, txn := a.items[owner], a.core.proposals[i]
		batch.items[i] = trialItem{index: i, request: &request, txn: &txn}
	}
	ctx.Send(a.env.Custom.Trials[0], batch)
}

// word takes the stages' word. The last one ends the trial.
func (a *prepTrialActor) word(ctx actor.Context, m *trialBatch) {
	if m.round != a.round || a.open < len(m.items) {
		panic("prep: a word on a trial that is not on")
	}
	for _, item := range m.items {
		if item.code != messages.ErrOK {
			if a.refused == nil {
				a.refused = map[int]messages.ErrCode{}
			}
			a.refused[a.owners[item.index]] = item.code
		}
	}
	if a.open -= len(m.items); a.open > 0 {
		return
	}
	if a.refused == nil {
		a.settle(ctx)
		return
	}
	a.core.Withdraw(a.before)
	for i, code := range a.refused { // each by itself: the order makes no difference
		a.items[i] = refusedRequest(&a.items[i], code)
	}
	a.try(ctx)
}

// settle sends out what was judged.
func (a *prepTrialActor) settle(ctx actor.Context) {
	a.core.Settle()
	a.items = nil
	a.env.Metrics.OutstandingQueued.Add(int64(a.core.Outstanding() - a.changes))
	a.env.Metrics.Proposals.Add(int64(len(a.core.proposals)))
	a.env.dispatch(ctx, a.next(), a.core.Flush())
}

// trialPlace is BeforeProposal: prep asks, and waits.
type trialPlace struct {
	alike
	a     *guardActor
	index int
	round int // the one trial that is on: prep waits for it
}

func (p *trialPlace) take(_ actor.Context, msg any) bool {
	m, ok := msg.(*trialBatch)
	if !ok {
		return false
	}
	p.round = m.round
	for i := range m.items {
		item := &m.items[i]
		if item.code != messages.ErrOK { // refused by the stage before
			p.a.core.take(guardEntry{msg: trialWord{*item}})
			continue
		}
		p.a.core.take(guardEntry{item: Item{request: item.request, txn: item.txn, conns: p.a.env.Conns}, index: item.index})
	}
	return true
}

// trialWord keeps the place of a transaction that isn't shown any more.
type trialWord struct{ item trialItem }

func (p *trialPlace) send(ctx actor.Context, out []guardEntry) {
	batch := &trialBatch{round: p.round, items: make([]trialItem, len(out))}
	for i := range out {
		if w, ok := out[i].msg.(trialWord); ok {
			batch.items[i] = w.item
			continue
		}
		item := &out[i].item
		batch.items[i] = trialItem{out[i].index, item.request, item.txn, item.verdict}
	}
	ctx.Send(p.a.env.Custom.Trials[p.index+1], batch)
}
