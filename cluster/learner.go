package cluster

import (
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

// Learner is the learner's side of Zab: what a follower or observer has promised, and which proposals wait for their
// commit. It decides; learnerActor reads, writes the disk and sends.
type Learner struct {
	self     messages.ServerID
	accepted uint32
	current  uint32
	epoch    uint32 // of the leader; 0 until it has said it
	logged   messages.Zxid
	applied  messages.Zxid // handed to the gate
	pending  []messages.Proposal
	upToDate bool
}

// NewLearner makes the core of a server whose epochs and log are these.
func NewLearner(self messages.ServerID, accepted, current uint32, last messages.Zxid) *Learner {
	return &Learner{self: self, accepted: accepted, current: current, logged: last, applied: last}
}

// LeaderInfo judges the epoch that the leader wants to begin. fresh tells that it is to be made durable and counts as a
// promise. An epoch below one that was promised is refused: another leader may hold that promise.
func (l *Learner) LeaderInfo(epoch uint32) (fresh bool, err error) {
	switch {
	case l.epoch != 0:
		return false, fmt.Errorf("the leader begins epoch %d and has begun epoch %d on this link", epoch, l.epoch)
	case epoch < l.accepted:
		return false, fmt.Errorf("the leader begins epoch %d, this server has promised %d", epoch, l.accepted)
	}
	fresh = epoch > l.accepted
	l.epoch, l.accepted = epoch, epoch
	return fresh, nil
}

// Synchronised judges whether the history that has come ends where the leader says, before anything is promised.
func (l *Learner) Synchronised(m *messages.NewLeader, last messages.Zxid) error {
	if m.Epoch != l.epoch || l.upToDate {
		return fmt.Errorf("NewLeader of epoch %d, this link is of epoch %d", m.Epoch, l.epoch)
	}
	if last != m.Last {
		return fmt.Errorf("the history that the leader has sent ends at %v, and should at %v", last, m.Last)
	}
	l.current, l.logged, l.applied = l.epoch, last, last
	return nil
}

// UpToDate begins the broadcast.
func (l *Learner) UpToDate(m *messages.UpToDate) error {
	if m.Epoch != l.epoch || l.current != l.epoch || l.upToDate {
		return fmt.Errorf("UpToDate of epoch %d comes out of turn", m.Epoch)
	}
	l.upToDate = true
	return nil
}

// Propose takes proposals to be logged. They must follow what came before without a gap.
func (l *Learner) Propose(items []messages.Proposal) error {
	for i := range items {
		z := items[i].Header.Zxid
		if !l.upToDate || z.Epoch() != l.epoch || !z.Follows(l.logged) {
			return fmt.Errorf("proposal %v does not follow %v", z, l.logged)
		}
		l.logged = z
		l.own(&items[i])
	}
	l.pending = append(l.pending, items...)
	return nil
}

// own drops the ticket of another server's request: here nobody waits for it.
func (l *Learner) own(p *messages.Proposal) {
	if p.Origin != l.self {
		p.Ticket = 0
	}
}

// Commit gives the proposals that are committed now, in order. It is an error to commit what was never proposed here.
func (l *Learner) Commit(upTo messages.Zxid) ([]messages.Proposal, error) {
	n := 0
	for n < len(l.pending) && l.pending[n].Header.Zxid <= upTo {
		n++
	}
	if n == 0 || l.pending[n-1].Header.Zxid != upTo {
		return nil, fmt.Errorf("commit of %v, which was not proposed; %d proposals wait, after %v", upTo, len(l.pending), l.applied)
	}
	items := l.pending[:n:n]
	if l.pending = l.pending[n:]; len(l.pending) == 0 {
		l.pending = nil
	}
	l.applied = upTo
	return items, nil
}

// Inform takes transactions that are committed already, as an observer gets them.
func (l *Learner) Inform(items []messages.Proposal) error {
	for i := range items {
		z := items[i].Header.Zxid
		if !l.upToDate || !z.Follows(l.applied) {
			return fmt.Errorf("transaction %v does not follow %v", z, l.applied)
		}
		l.applied, l.logged = z, z
		l.own(&items[i])
	}
	return nil
}

// HandOver judges whether this server has everything that the leader has when it hands over.
func (l *Learner) HandOver(m *messages.HandOver) error {
	if len(l.pending) > 0 || l.applied != m.Zxid {
		return fmt.Errorf("the leader hands over at %v; this server has %v committed and %d proposals beyond", m.Zxid, l.applied, len(l.pending))
	}
	return nil
}
