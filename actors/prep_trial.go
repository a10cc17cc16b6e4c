package actors

import "github.com/troupekeeper/troupe/messages"

// A stage BeforeProposal may refuse what prep has found valid. What prep has judged behind it is void then: it was judged on
// top of it. So prep judges a batch on trial, waits for the stage's word on it, and either keeps it, or takes all of it back
// and judges it again with the refused requests marked as such.

// pendingTrial remembers what the overlay was before.
type pendingTrial struct {
	mark     int
	nodes    []undoStep
	sessions []undoSession
}

type undoSession struct {
	id    messages.SessionID
	old   sessionState
	known bool
}

func (t *pendingTrial) session(id messages.SessionID, all map[messages.SessionID]sessionState) {
	old, known := all[id]
	t.sessions = append(t.sessions, undoSession{id, old, known})
}

// try begins a trial.
func (p *pending) try() { p.trial = &pendingTrial{mark: p.queue.len()} }

// settle ends it; withdraw takes back what has been entered since. Nothing may be trimmed in between.
func (p *pending) settle() { p.trial = nil }

func (p *pending) withdraw() {
	t := p.trial
	p.trial = nil
	for i := len(t.nodes) - 1; i >= 0; i-- {
		p.restore(&t.nodes[i])
	}
	for i := len(t.sessions) - 1; i >= 0; i-- {
		if s := t.sessions[i]; s.known {
			p.sessions[s.id] = s.old
		} else {
			delete(p.sessions, s.id)
		}
	}
	p.takeBack(t.mark)
}

// prepTrial is what else a trial may change.
type prepTrial struct {
	last     messages.Zxid
	epoch    uint32
	ensemble prepEnsemble
}

// Try begins a trial. All that was decided before has been flushed.
func (p *Prep) Try() prepTrial {
	if len(p.proposals)+len(p.refusals)+len(p.words)+len(p.syncs) > 0 {
		panic("prep: a trial begins, and something that was decided before has not gone out")
	}
	p.pending.try()
	t := prepTrial{last: p.last, epoch: p.epoch}
	if p.ensemble != nil {
		t.ensemble = *p.ensemble
	}
	return t
}

// Settle keeps what was judged on trial.
func (p *Prep) Settle() { p.pending.settle() }

// Withdraw takes it back.
func (p *Prep) Withdraw(t prepTrial) {
	p.pending.withdraw()
	p.last, p.epoch = t.last, t.epoch
	if p.ensemble != nil {
		*p.ensemble = t.ensemble
	}
	p.proposals, p.refusals, p.words, p.syncs = nil, nil, nil, nil
}
