package cluster

import (
	"fmt"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// LearnerInfo takes a learner's first word.
func (l *Leader) LearnerInfo(m *messages.LearnerInfo, now int64) {
	if l.phase == leaderEnded {
		return
	}
	if newest := l.newestMembers(); m.Config > newest {
		reason := "its membership " + m.Config.String() + " is newer than the leader's " + newest.String()
		l.send(ToLearner, m.Server, &DropLearner{Reason: reason})
		return
	}
	s := &learnerState{
		id: m.Server, observer: m.Observer, accepted: m.AcceptedEpoch, since: now, heard: now, moved: now,
	}
	l.LearnerGone(m.Server)
	l.learners[m.Server] = s
	switch {
	case l.phase == leaderDiscovers:
		l.discover()
	case l.phase == leaderPromises:
	case l.counts(s) && s.accepted > l.epoch:
		// It has promised a later epoch to somebody who did not get there. It can follow only a reign later than that.
		l.end("server %d has promised epoch %d, this reign is of epoch %d: a new election gives one that it can follow",
			s.id, s.accepted, l.epoch)
	default:
		l.ask(s)
	}
}

// discover fixes the epoch once a quorum has said theirs: one more than any of them, and than that of the members' version,
// which may come from a file: each change in this reign must have a higher one.
func (l *Leader) discover() {
	if !l.quorum(func(*learnerState) bool { return true }) {
		return
	}
	l.epoch = max(l.accepted, l.members.Version.Epoch())
	for _, s := range l.learners {
		l.epoch = max(l.epoch, s.accepted)
	}
	l.epoch++
	l.phase = leaderPromises
	l.send(ToPeer, 0, &SaveEpoch{File: persistence.AcceptedEpochFile, Epoch: l.epoch})
}

func (l *Leader) ask(s *learnerState) {
	s.phase = learnerAsked
	l.send(ToLearner, s.id, &messages.LeaderInfo{Epoch: l.epoch})
}

// EpochSaved goes on when an epoch is durable on this server.
func (l *Leader) EpochSaved(m *EpochSaved, now int64) {
	switch {
	case l.phase == leaderPromises && m.File == persistence.AcceptedEpochFile && m.Epoch == l.epoch:
		l.accepted = l.epoch
		l.phase = leaderAsks
		l.each(l.ask)
		l.takeOver()
	case l.phase == leaderTakesOver && m.File == persistence.CurrentEpochFile && m.Epoch == l.epoch:
		l.current = l.epoch
		l.phase = leaderSynchronise
		l.each(func(s *learnerState) {
			if s.phase == learnerPromised {
				l.beginSync(s)
			}
		})
		l.activate(now)
	}
}

// EpochAck takes a learner's promise. A learner whose history is newer than this server's shows that this one must not
// lead: whatever that learner has may be committed.
func (l *Leader) EpochAck(server messages.ServerID, m *messages.EpochAck, now int64) {
	s := l.learners[server]
	if s == nil || s.phase != learnerAsked || l.phase == leaderEnded {
		return
	}
	if m.CurrentEpoch > l.current || (m.CurrentEpoch == l.current && m.Last > l.last && l.current != l.epoch) {
		if !l.counts(s) {
			l.send(ToLearner, s.id, &DropLearner{Reason: "its history is newer than the leader's"})
			return
		}
		l.end("server %d has a newer history (epoch %d, %v) than this one (epoch %d, %v)", s.id, m.CurrentEpoch, m.Last, l.current, l.last)
		return
	}
	s.phase, s.fresh, s.lastZxid = learnerPromised, m.Fresh, m.Last
	s.heard, s.since = now, now
	if l.phase == leaderAsks {
		l.takeOver()
		return
	}
	if l.phase >= leaderSynchronise {
		l.beginSync(s)
	}
}

// takeOver makes the new epoch this server's own once a quorum has promised to follow it.
func (l *Leader) takeOver() {
	if l.quorum(func(s *learnerState) bool { return s.phase >= learnerPromised && s.fresh }) {
		l.phase = leaderTakesOver
		l.send(ToPeer, 0, &SaveEpoch{File: persistence.CurrentEpochFile, Epoch: l.epoch})
	}
}

// beginSync fixes the point up to which the learner is fed from history; everything later reaches it by the broadcast.
// Both happen here, so nothing is missed and nothing comes twice (ZOOKEEPER-962).
func (l *Leader) beginSync(s *learnerState) {
	s.phase = learnerSyncs
	s.acked = l.committed // it is to have so much when it answers NewLeader
	m := &BeginSync{
		Epoch: l.epoch, Last: s.lastZxid, Committed: l.committed, Base: l.window.base,
		Window: l.window.items, Config: l.members.Version, Members: l.text, observer: s.observer,
	}
	if l.phase != leaderBroadcasts && l.change != nil {
		m.Proposed = l.change.members.String()
	}
	if !s.observer {
		m.Outstanding = l.outstanding
	}
	l.send(ToLearner, s.id, m)
}

// NewLeaderAck takes a learner's word that it has taken over this leader's history.
func (l *Leader) NewLeaderAck(server messages.ServerID, m *messages.NewLeaderAck, now int64) {
	s := l.learners[server]
	if s == nil || s.phase != learnerSyncs || m.Epoch != l.epoch {
		return
	}
	s.phase, s.heard, s.moved = learnerSynced, now, now
	if l.phase == leaderBroadcasts {
		l.goOn(s)
		l.tellFollowers()
		l.advance(now)
		return
	}
	l.activate(now)
}

// activate establishes the leader when a quorum has taken over its history: that history is committed now.
func (l *Leader) activate(now int64) {
	if l.phase != leaderSynchronise || !l.quorum(func(s *learnerState) bool { return s.phase >= learnerSynced }) {
		return
	}
	l.phase = leaderBroadcasts
	l.ticked = now
	was := l.members
	if l.change != nil {
		l.takeEffect()
	}
	l.send(ToPeer, 0, &LeaderActive{Epoch: l.epoch, Members: l.members})
	l.each(func(s *learnerState) {
		if s.phase == learnerSynced {
			l.goOn(s)
		}
	})
	l.tellFollowers()
	l.considerLeaving(was, now)
}

func (l *Leader) goOn(s *learnerState) {
	s.phase = learnerUp
	l.send(ToLearner, s.id, &GoOn{Epoch: l.epoch})
}

// LearnerGone forgets a learner whose link has broken. What it has acknowledged it has, but it counts again only when it
// has come back.
func (l *Leader) LearnerGone(server messages.ServerID) {
	s := l.learners[server]
	delete(l.learners, server)
	if l.hand.to == server && l.phase == leaderBroadcasts {
		l.keepOn(fmt.Sprintf("server %d, which was to lead, is gone", server))
	}
	if s != nil && s.phase == learnerUp {
		l.tellFollowers()
	}
	l.FeedEnded(server)
}
