package cluster

import (
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

// lastCounter is where a leader hands over to itself, so that a new epoch begins: long before the counter would run into
// the epoch (ZOOKEEPER-1277). Where that doesn't come about the reign ends the hard way, still before.
const (
	lastCounter   = 0xfff0_0000
	counterMargin = 0x000f_0000
)

// Propose takes transactions of this server's own prep. One that doesn't follow the last is a broken invariant.
func (l *Leader) Propose(items []messages.Proposal, now int64) {
	if l.phase == leaderEnded {
		return
	}
	for i := range items {
		z := items[i].Header.Zxid
		if z.Epoch() != l.epoch || !z.Follows(l.proposed) {
			panic(fmt.Sprintf("leader: proposal %v does not follow %v in epoch %d", z, l.proposed, l.epoch))
		}
		l.proposed = z
		l.propose(&items[i])
	}
	l.outstanding = append(l.outstanding, items...)
	for part := range messages.Batches(items, (*messages.Proposal).Size) {
		propose := &messages.Propose{Items: part} // one for all: it is encoded once
		l.each(func(s *learnerState) {
			if s.follows() && !s.observer {
				l.send(ToLearner, s.id, propose)
			}
		})
	}
	switch used := int64(l.proposed.Counter()) - int64(l.opts.LastCounter); {
	case used < 0:
	case used < counterMargin:
		_ = l.HandOver(l.opts.Self, now) // it may be under way already
	default:
		l.end("the counter of epoch %d has come to %#x: a new epoch begins", l.epoch, l.proposed.Counter())
	}
}

// Ack takes the word that a server's log is durable up to a zxid.
func (l *Leader) Ack(m *messages.Ack, now int64) {
	if l.phase == leaderEnded {
		return // it may be the word on a proposal that came when the reign was over
	}
	if m.Zxid > l.proposed {
		panic(fmt.Sprintf("leader: server %d acknowledges %v, which is beyond %v", m.Server, m.Zxid, l.proposed))
	}
	if m.Server == l.opts.Self {
		l.durable = max(l.durable, m.Zxid)
		l.advance(now)
		l.finishHandOver()
		return
	}
	s := l.learners[m.Server]
	if s == nil || s.phase != learnerUp {
		return
	}
	s.heard = now
	if m.Zxid > s.acked {
		s.acked, s.moved = m.Zxid, now
		l.advance(now)
		l.finishHandOver()
	}
}

// advance commits what a quorum has on disk, in zxid order. Where a change of members is committed, what comes behind it
// is counted anew.
func (l *Leader) advance(now int64) {
	for l.phase == leaderBroadcasts {
		n := l.committable()
		if n == 0 {
			return
		}
		l.commit(l.outstanding[:n:n])
		if c := l.change; c != nil && c.zxid <= l.committed {
			was := l.members
			l.takeEffect()
			l.send(ToPeer, 0, &MembersCommitted{Members: l.members})
			l.considerLeaving(was, now)
		}
	}
}

// commit tells everybody that the first of what is outstanding is committed.
func (l *Leader) commit(items []messages.Proposal) {
	upTo := items[len(items)-1].Header.Zxid
	if l.outstanding = l.outstanding[len(items):]; len(l.outstanding) == 0 {
		l.outstanding = nil
	}
	l.committed = upTo
	l.window.add(items)
	l.window.trim(l.opts.Window, l.opts.WindowBytes, l.durable)
	l.send(ToGate, 0, &messages.Committed{Items: items})
	l.announce(items, upTo)
}

// announce tells the learners what is committed: observers get it now, followers have it.
func (l *Leader) announce(items []messages.Proposal, upTo messages.Zxid) {
	commit := &messages.Commit{Zxid: upTo}
	l.each(func(s *learnerState) {
		if s.follows() && !s.observer {
			l.send(ToLearner, s.id, commit)
		}
	})
	for part := range messages.Batches(items, (*messages.Proposal).Size) {
		inform := &messages.Inform{Items: part} // one for all: it is encoded once
		l.each(func(s *learnerState) {
			if s.follows() && s.observer {
				l.send(ToLearner, s.id, inform)
			}
		})
	}
}

// ackedBy is how far a server's log is known to be durable.
func (l *Leader) ackedBy(id messages.ServerID) messages.Zxid {
	if id == l.opts.Self {
		if c := l.change; c != nil && !c.saved {
			return min(l.durable, c.zxid-1) // nothing from the change on is acknowledged before its members are kept
		}
		return l.durable
	}
	if s := l.learners[id]; s != nil && s.phase == learnerUp && !s.observer {
		return s.acked
	}
	return 0
}

// Words passes prep's answers on to the server whose clients wait for them.
func (l *Leader) Words(m *messages.Words) {
	if s := l.learners[m.Server]; s != nil && s.follows() {
		l.send(ToLearner, m.Server, m)
	}
}

// history is the committed transactions that are kept for learners that come back, consecutive; base is what stands
// before the first. Slices of it that were given away stay what they were.
type history struct {
	base  messages.Zxid
	items []messages.Proposal
	bytes int64
}

func (h *history) add(items []messages.Proposal) {
	for i := range items {
		h.bytes += int64(len(items[i].Encoded))
	}
	h.items = append(h.items, items...)
}

// trim drops the oldest beyond the limits. What is not durable on this server yet can't be read from its disk, so it stays.
func (h *history) trim(count int, bytes int64, durable messages.Zxid) {
	n := 0
	for n < len(h.items) && h.items[n].Header.Zxid <= durable && (len(h.items)-n > count || h.bytes > bytes) {
		h.bytes -= int64(len(h.items[n].Encoded))
		h.base = h.items[n].Header.Zxid
		n++
	}
	h.items = h.items[n:] // what was dropped goes when append moves the rest
}
