package cluster

import (
	"maps"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// A leader must know that it still leads. Heartbeats are numbered; a learner's answer says which one it has seen. A
// quorum's answers to a heartbeat that began after a sync had come prove that no other leader was established before
// the sync, so the state that it sees is the newest (the "read index" of other protocols).

// syncQueue holds syncs until such a proof. One round is under way at a time, and all syncs that come meanwhile share
// the next one.
type syncQueue struct {
	beat    uint64 // of the latest heartbeat
	waiting []messages.SyncWish
	round   uint64 // the heartbeat that answers waiting, 0: there is none under way
	next    []messages.SyncWish
}

// Syncs takes syncs in their place among the proposals.
func (l *Leader) Syncs(m *messages.SyncWishes, now int64) {
	if l.phase != leaderBroadcasts {
		return
	}
	q := &l.syncs
	to := &q.waiting
	if q.round != 0 {
		to = &q.next
	}
	for _, w := range m.Items {
		if w.After == 0 {
			w.After = l.committed
		}
		*to = append(*to, w)
	}
	if q.round != 0 {
		return
	}
	q.round = l.beat(now)
	l.proved()
}

// beat sends a heartbeat to all learners and returns its number.
func (l *Leader) beat(now int64) uint64 {
	l.syncs.beat++
	l.pinged = now
	l.each(func(s *learnerState) {
		l.send(ToLearner, s.id, &messages.Ping{Beat: l.syncs.beat, Heard: s.beat, Last: l.committed})
	})
	return l.syncs.beat
}

// Pong takes the answer to a heartbeat.
func (l *Leader) Pong(m *messages.Pong, now int64) {
	s := l.learners[m.Server]
	if s == nil {
		return
	}
	s.heard = now
	s.beat, s.full = max(s.beat, m.Beat), m.DiskFull
	l.proved()
	l.left(now)
	if l.syncs.round == 0 && len(l.syncs.next) > 0 {
		l.syncs.waiting, l.syncs.next = l.syncs.next, nil
		l.syncs.round = l.beat(now)
		l.proved()
	}
}

// proved answers the syncs of the round under way when a quorum has answered its heartbeat.
func (l *Leader) proved() {
	q := &l.syncs
	if q.round == 0 || !l.quorum(func(s *learnerState) bool { return s.phase == learnerUp && s.beat >= q.round }) {
		return
	}
	q.round = 0
	// One message for all that wait at a server: a thousand reads may share a round.
	words := map[messages.ServerID][]messages.Refusal{}
	for _, w := range q.waiting {
		words[w.Server] = append(words[w.Server], messages.Refusal{Origin: w.Server, Ticket: w.Ticket, After: w.After})
	}
	q.waiting = nil
	for _, server := range slices.Sorted(maps.Keys(words)) {
		if server == 0 {
			l.send(ToGate, 0, &messages.Refusals{Items: words[0]})
			continue
		}
		l.Words(&messages.Words{Server: server, Items: words[server]})
	}
}

// Heard notes that a learner has sent something.
func (l *Leader) Heard(server messages.ServerID, now int64) {
	if s := l.learners[server]; s != nil {
		s.heard = now
	}
}

// HeardWithin tells whether a learner is connected and has sent something within so many milliseconds.
func (l *Leader) HeardWithin(server messages.ServerID, now, within int64) bool {
	s := l.learners[server]
	return s != nil && now-s.heard <= within
}

// quorumGrace is how long a leader whose learners' links have broken waits for them to come back, in milliseconds.
const quorumGrace = 200

// Tick looks at all limits of time. It is called a few times a tick.
func (l *Leader) Tick(now int64) {
	switch l.phase {
	case leaderEnded:
		return
	case leaderBroadcasts:
		if now-l.ticked > l.opts.SyncLimit {
			l.end("this server stood still for %d ms, longer than syncLimit: others lead by now", now-l.ticked)
			return
		}
		l.checkQuorum(now)
		l.left(now)
		l.checkHandOver(now)
	case leaderDiscovers, leaderPromises:
		if now-l.began > l.opts.EpochWait {
			l.end("no quorum came within %d ms", now-l.began)
		}
	default:
		if now-l.began > l.opts.EpochWait+l.opts.InitLimit {
			l.end("no quorum was synchronised within %d ms (initLimit)", now-l.began)
		}
	}
	l.ticked = now
	l.checkLearners(now)
	if now-l.pinged >= l.opts.Tick/2 && l.phase != leaderEnded {
		l.beat(now)
	}
}

// checkQuorum ends the reign when no quorum is heard. A link that is there and silent has had all of syncLimit; one
// that has broken gets a moment to come back.
func (l *Leader) checkQuorum(now int64) {
	alive := func(s *learnerState) bool { return s.phase == learnerUp && now-s.heard <= l.opts.SyncLimit }
	if l.quorum(alive) {
		l.lost = 0
		return
	}
	if l.lost == 0 {
		l.lost = now
	}
	if l.quorum(func(s *learnerState) bool { return s.phase == learnerUp }) {
		l.end("a quorum has been silent for %d ms (syncLimit)", l.opts.SyncLimit)
		return
	}
	if now-l.lost >= quorumGrace {
		l.end("the links to a quorum have broken")
	}
}

// checkLearners drops learners that are silent, don't get synchronised, or don't acknowledge.
func (l *Leader) checkLearners(now int64) {
	l.each(func(s *learnerState) {
		if s.acked >= l.proposed || s.observer || s.phase != learnerUp {
			s.moved = now
		}
		reason := ""
		switch {
		case s.phase == learnerUp && now-s.heard > l.opts.SyncLimit:
			reason = "it has been silent for longer than syncLimit"
		case s.phase == learnerUp && now-s.moved > l.opts.SyncLimit:
			reason = "it has not acknowledged a proposal for longer than syncLimit"
		case s.phase != learnerUp && now-s.heard > l.opts.InitLimit:
			reason = "it has been silent for longer than initLimit"
		default:
			return
		}
		l.send(ToLearner, s.id, &DropLearner{Reason: reason})
		l.LearnerGone(s.id)
	})
}

// Status lists the learners and what they wait for. HeardUs is in milliseconds here.
func (l *Leader) Status() (s LeaderStatus) {
	l.each(func(x *learnerState) {
		s.Learners = append(s.Learners, LearnerStatus{
			ID: x.id, Observer: x.observer, Synced: x.phase == learnerUp, Acked: x.acked, HeardUs: x.heard,
		})
	})
	s.PendingSyncs = len(l.syncs.waiting) + len(l.syncs.next)
	return s
}
