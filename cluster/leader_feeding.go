package cluster

import (
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// How many learners are synchronised at a time. Each of them costs the leader's disk and network, so those beyond the limits
// (leader.maxConcurrentSnapSyncs, leader.maxConcurrentDiffSyncs) wait for their turn, followers before observers. Nothing is
// kept for one that waits: when its turn has come, the point up to which it is fed from history is fixed anew. While there
// is no quorum yet no follower waits: it may be the one that makes it.

// feedKind is what a learner is fed with.
type feedKind uint8

const (
	feedDiff feedKind = iota // transactions
	feedSnapshot
)

// feedWish is a learner that waits.
type feedWish struct {
	server messages.ServerID
	kind   feedKind
	last   messages.Zxid // of its history
}

// feeding is the account of all that.
type feeding struct {
	kinds   map[messages.ServerID]feedKind // of those whose turn it is
	waiting []feedWish                     // in the order in which they came
}

// FeedTurn tells a learner's handler whether it may feed its learner now. If not, it gets another BeginSync when its turn
// has come.
type FeedTurn struct{ Now bool }

// full tells whether no more learners may be fed with that.
func (l *Leader) full(kind feedKind) bool {
	limit, n := l.opts.DiffSyncs, 0
	if kind == feedSnapshot {
		limit = l.opts.SnapSyncs
	}
	for _, k := range l.feeding.kinds { // a count: the order makes no difference
		if k == kind {
			n++
		}
	}
	return limit > 0 && n >= limit
}

// WantFeed takes the word of a learner's handler on what its learner, whose history ends at last, is to be fed with.
func (l *Leader) WantFeed(server messages.ServerID, kind feedKind, last messages.Zxid) {
	s := l.learners[server]
	if s == nil || s.phase != learnerSyncs {
		return
	}
	if got, ok := l.feeding.kinds[server]; ok && got != kind {
		l.FeedEnded(server) // much has been written while it waited, or a snapshot
	}
	_, turn := l.feeding.kinds[server]
	needed := l.phase != leaderBroadcasts && !s.observer
	if !turn && l.full(kind) && !needed {
		l.feeding.waiting = append(l.feeding.waiting, feedWish{server, kind, last})
		l.send(ToLearner, server, &FeedTurn{})
		return
	}
	l.feeding.kinds[server] = kind
	l.send(ToLearner, server, &FeedTurn{Now: true})
}

// FeedEnded tells that a learner has been sent everything, or is gone: others may have their turn.
func (l *Leader) FeedEnded(server messages.ServerID) {
	delete(l.feeding.kinds, server)
	l.feeding.waiting = slices.DeleteFunc(l.feeding.waiting, func(w feedWish) bool { return w.server == server })
	for {
		i := l.nextFeed()
		if i < 0 {
			return
		}
		w := l.feeding.waiting[i]
		l.feeding.waiting = slices.Delete(l.feeding.waiting, i, i+1)
		l.feeding.kinds[w.server] = w.kind
		s := l.learners[w.server]
		s.lastZxid = w.last
		l.beginSync(s)
	}
}

// nextFeed is the first follower, or else the first observer, that need not wait any longer; -1: there is none.
func (l *Leader) nextFeed() int {
	found := -1
	for i, w := range l.feeding.waiting {
		switch s := l.learners[w.server]; {
		case s == nil || l.full(w.kind):
		case !s.observer:
			return i
		case found < 0:
			found = i
		}
	}
	return found
}
