package cluster

import (
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

// handOver is a leader's way out that costs no client its connection: the desk is held, what it has judged is committed
// and answered everywhere, and then all servers are told who is to lead next. If that takes too long the desk is
// opened again, and nothing has happened.
type handOver struct {
	to    messages.ServerID // 0: none is under way
	held  bool              // the desk is
	homes []messages.SessionHome
	began int64
	full  bool // this server's disk is
}

// HandingOver tells the peer that the leader, its own or another server's, has finished and To is to lead next. This
// server's state ends, or is about to end, at Zxid.
type HandingOver struct {
	Generation int
	To         messages.ServerID
	Zxid       messages.Zxid
	Homes      []messages.SessionHome // for To
}

// deskOrder tells this server's prep to stop, or to go on because the handover has come to nothing.
type deskOrder struct {
	hold   bool
	reason string
}

// handOverLimit is how long writes may wait for a handover, in milliseconds.
const handOverLimit = 2000

// HandOver begins to hand leadership over to a server; 0: to the voter that is furthest. The error says why it can't be.
func (l *Leader) HandOver(to messages.ServerID, now int64) error {
	switch {
	case l.phase != leaderBroadcasts:
		return fmt.Errorf("server %d does not lead", l.opts.Self)
	case l.hand.to != 0:
		return fmt.Errorf("leadership is being handed over to server %d already", l.hand.to)
	case to == 0:
		if to = l.bestHeir(); to == 0 {
			return fmt.Errorf("there is no other voter that is up to date")
		}
	case to != l.opts.Self && !l.mayInherit(to):
		return fmt.Errorf("server %d is no voter that is up to date and may lead; it must follow this leader first", to)
	}
	l.hand = handOver{to: to, began: now}
	l.send(ToDesk, 0, deskOrder{hold: true})
	return nil
}

func (l *Leader) mayInherit(id messages.ServerID) bool {
	s := l.learners[id]
	if s == nil || s.observer || s.phase != learnerUp || s.full {
		return false
	}
	for _, rule := range l.rules {
		if !rule.MayLead(id) {
			return false
		}
	}
	return true
}

// bestHeir is the voter that has acknowledged most; 0 if there is none.
func (l *Leader) bestHeir() (best messages.ServerID) {
	l.each(func(s *learnerState) {
		if l.mayInherit(s.id) && (best == 0 || s.acked > l.learners[best].acked) {
			best = s.id
		}
	})
	return best
}

// DeskHeld tells that prep has decided all that it will.
func (l *Leader) DeskHeld(homes []messages.SessionHome) {
	if l.hand.to != 0 {
		l.hand.held, l.hand.homes = true, homes
		l.finishHandOver()
	}
}

// finishHandOver ends the reign when everything is committed and on disk here and at the heir.
func (l *Leader) finishHandOver() {
	if !l.hand.held || l.phase != leaderBroadcasts || l.committed != l.proposed || l.durable != l.proposed {
		return
	}
	if to := l.hand.to; to != l.opts.Self && (!l.mayInherit(to) || l.learners[to].acked != l.proposed) {
		return
	}
	last := messages.HandOver{To: l.hand.to, Zxid: l.committed}
	l.each(func(s *learnerState) {
		word := last
		if s.id == l.hand.to {
			word.Homes = l.hand.homes
		}
		if s.phase == learnerUp {
			l.send(ToLearner, s.id, &word)
		}
	})
	l.phase = leaderEnded
	l.reason = fmt.Sprintf("leadership is handed over to server %d", l.hand.to)
	l.send(ToPeer, 0, &HandingOver{To: l.hand.to, Zxid: l.committed, Homes: l.hand.homes})
}

// checkHandOver gives a handover up that takes too long. If that is because what was proposed waits for room in this
// server's own log, it would never come to an end: the reign does, as if the server had failed. Others have what is committed.
func (l *Leader) checkHandOver(now int64) {
	switch {
	case l.hand.to == 0 || now-l.hand.began <= handOverLimit:
	case l.hand.full && l.durable != l.proposed:
		l.end("the disk is full, and the log has %v of %v: another voter has room", l.durable, l.proposed)
	default:
		l.keepOn(fmt.Sprintf("server %d has not caught up within %d ms", l.hand.to, handOverLimit))
	}
}

func (l *Leader) keepOn(reason string) {
	l.hand = handOver{}
	l.send(ToDesk, 0, deskOrder{reason: reason})
	if l.leaving.reason != "" {
		l.leave(l.ticked) // it can't stay
	}
}

// DiskFull hands over to a voter that has room for more log, if there is one. Without one this leader goes on and refuses
// writes.
func (l *Leader) DiskFull(now int64) {
	_ = l.HandOver(0, now)
	l.hand.full = l.hand.to != 0
}
