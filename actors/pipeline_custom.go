package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// How the stages of somebody's own get into the pipeline. Each has a guard, which is a stage as all others are. Those at the
// doors, the replies and behind the commit outlive a change of roles, because clients depend on them; a guard whose stage has
// no work on a server of that role lets everything pass. Where no stage is configured nothing of this is there.

// CustomLinks are the addresses of the guards by their place, in their order. Doors, Desks and Replies end with who is behind
// them: the request processor, prep, and nil for the connections themselves.
type CustomLinks struct {
	Doors   []*actor.PID
	Desks   []*actor.PID
	Trials  []*actor.PID // prep asks the first, and is the last
	Taps    []*actor.PID
	Replies []*actor.PID
}

// door is where a connection's requests go.
func (l *Links) door() *actor.PID {
	if l.Custom != nil {
		return l.Custom.Doors[0]
	}
	return l.Front
}

// customName is the name of a stage's guard.
func customName(s *ActiveStage) string { return "stage-" + s.ID }

func customNames(stages []ActiveStage) []string {
	names := make([]string, len(stages))
	for i := range stages {
		names[i] = customName(&stages[i])
	}
	return names
}

// customStages lists the guards of a place. At the desk there are only those that work there: it comes and goes with its role.
func customStages(env *StageEnv, place Place) (list []StageInfo) {
	for i := range env.Options.Stages {
		s := &env.Options.Stages[i]
		stays := place == BeforeRequest || place == AfterCommit || place == BeforeReply
		if s.Place == place && (stays || s.runsOn(env.Role)) {
			list = append(list, StageInfo{ID: customName(s), Class: Ordered, Stays: stays, New: newGuard(s, len(list))})
		}
	}
	return list
}

// withCustom puts the guards among a role's stages: who is sent to is there first.
func withCustom(stages []StageInfo, env *StageEnv) []StageInfo {
	if len(env.Options.Stages) == 0 {
		return stages
	}
	var all []StageInfo
	for _, place := range []Place{BeforeReply, AfterCommit} {
		all = append(all, customStages(env, place)...)
	}
	all = append(all, stages...)
	for _, place := range []Place{BeforeProposal, BeforePrep, BeforeRequest} {
		all = append(all, customStages(env, place)...)
	}
	return all
}

// linkCustom fills in the guards' addresses, and leads to the desk by them.
func (c *Chain) linkCustom(ctx actor.Context, base *StageEnv) {
	base.Links.Custom = nil
	if len(base.Options.Stages) == 0 {
		return
	}
	pids := func(place Place) (list []*actor.PID) {
		for _, s := range customStages(base, place) {
			pid := c.stays[s.ID]
			if pid == nil {
				pid = base.System.NewLocalPID(ctx.Self().Id + "/" + c.name(s.ID))
			}
			list = append(list, pid)
		}
		return list
	}
	l := &base.Links
	l.Custom = &CustomLinks{
		Doors:   append(pids(BeforeRequest), l.Front),
		Taps:    pids(AfterCommit),
		Replies: append(pids(BeforeReply), nil),
	}
	if base.Role == RoleStandalone || base.Role == RoleLeader {
		l.Custom.Desks = append(pids(BeforePrep), l.Prep)
		l.Custom.Trials = append(pids(BeforeProposal), l.Prep)
		l.Prep = l.Custom.Desks[0]
	}
}

// tap tells the stages AfterCommit what final has applied.
func (l *CustomLinks) tap(ctx actor.Context, items []messages.Delivery) {
	if len(l.Taps) == 0 {
		return
	}
	var list []messages.Proposal
	for i := range items {
		if p := items[i].Proposal; p != nil {
			list = append(list, *p)
		}
	}
	if len(list) == 0 {
		return
	}
	for _, pid := range l.Taps {
		ctx.Send(pid, tapped{items: list})
	}
}

// replyWitness collects what final has answered, for the stages BeforeReply.
type replyWitness struct {
	conns *ConnTable
	txn   *messages.Proposal // that is being answered
	seen  []Item
	facts []replySeen // a piece of memory for the next ones
	last  int         // size of the last batch
}

// replyPiece is how many replies get their memory at once.
const replyPiece = 64

// replyHeaderSize is a frame's length, xid, zxid and code.
const replyHeaderSize = 4 + 4 + 8 + 4

// see takes a reply; frame begins with its length.
func (w *replyWitness) see(r *messages.Request, frame []byte, nowUs int64) {
	if r.Op == messages.OpPing || len(frame) < replyHeaderSize {
		return
	}
	latency := int64(0)
	if r.Received != 0 {
		latency = max(nowUs-r.Received, 0)
	}
	if len(w.facts) == cap(w.facts) {
		w.facts = make([]replySeen, 0, replyPiece)
	}
	w.facts = append(w.facts, replySeen{code: replyCode(frame), zxid: replyZxid(frame), latency: latency})
	if w.seen == nil {
		w.seen = make([]Item, 0, batchCap(w.last, 8))
	}
	w.seen = append(w.seen, Item{request: r, txn: w.txn, conns: w.conns, reply: &w.facts[len(w.facts)-1]})
}

// flush sends it ahead of the frames.
func (w *replyWitness) flush(out messages.Outbox) messages.Outbox {
	if len(w.seen) == 0 {
		return out
	}
	all := messages.Outbox{}.To(messages.SlotReplies, &repliesSeen{items: w.seen})
	w.seen, w.last = nil, len(w.seen)
	return append(all, out...)
}
