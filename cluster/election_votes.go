package cluster

import (
	"maps"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// update draws the conclusions from what has been heard. changed says that our own word is a new one already.
func (e *Election) update(now int64, changed bool) {
	if !e.looking {
		e.doubt()
		return
	}
	if round := e.highestRound(); round > e.round {
		e.enter(round)
		changed = true
	}
	if e.raise() {
		changed = true
	}
	if !e.tenable() {
		e.abandon()
		changed = true
	}
	if changed {
		e.finalizeAt = 0
		e.word = e.say(messages.Looking, e.round, e.proposal)
		e.resendWait = e.o.MinNotificationMs
		e.resendAt = now + e.resendWait
		e.broadcast()
	}
	e.hearOfMembers()
	if e.waitForMembers(now) {
		e.finalizeAt = 0
		return
	}
	if l := e.toJoin(); l != nil {
		e.decide(l.Vote, l.Round)
		return
	}
	e.conclude(now)
}

// enter begins a round with the vote that this server would cast alone.
func (e *Election) enter(round uint64) {
	e.round = round
	e.proposal = messages.Vote{}
	if !e.isVoter(e.o.Self) {
		return
	}
	if slices.ContainsFunc(e.rules, func(rule QuorumRule) bool { return rule.MayLead(e.o.Self) }) {
		e.proposal = e.own
	}
	if e.designated != 0 {
		named := messages.Vote{Leader: e.designated, Epoch: e.own.Epoch, Zxid: e.own.Zxid}
		if e.credible(named) {
			e.proposal = named
		}
	}
}

// highestRound is the furthest that any voter has come.
func (e *Election) highestRound() (round uint64) {
	if !e.isVoter(e.o.Self) {
		return 0
	}
	for id, n := range e.heard { // a maximum: the order makes no difference
		if n.State == messages.Looking && e.counts(id, n) {
			round = max(round, n.Round)
		}
	}
	return round
}

// raise adopts the best vote of this round.
func (e *Election) raise() (raised bool) {
	if !e.isVoter(e.o.Self) {
		return false
	}
	for _, id := range slices.Sorted(maps.Keys(e.heard)) {
		n := e.heard[id]
		if n.State == messages.Looking && n.Round == e.round && e.counts(id, n) &&
			e.better(n.Vote, e.proposal) && e.credible(n.Vote) {
			e.proposal, raised = n.Vote, true
		}
	}
	return raised
}

// credible tells whether a vote can be voted for: its candidate may lead, can be reached from here, and hasn't said
// itself that its history is an older one. Votes tell of histories that their sender may know from hearsay.
func (e *Election) credible(vote messages.Vote) bool {
	switch {
	case !e.mayLead(vote.Leader):
		return false
	case vote.Leader == e.o.Self:
		return vote == e.own
	case !e.up[vote.Leader] || e.disputed[vote.Leader]:
		return false
	}
	n := e.heard[vote.Leader]
	if n == nil || n.State != messages.Looking || n.Round != e.round {
		return true
	}
	// Votes only improve within a round, so what the candidate says now is no worse than what it began with.
	return !e.better(vote, n.Vote)
}

// better tells whether v is the better vote of the two. Of candidates with the same history one that may lead by the members
// in effect comes first. All whose votes are counted together know these; who is among the proposed ones some may not know,
// and if that decided here, they would differ about the best candidate for ever.
func (e *Election) better(v, w messages.Vote) bool {
	if v.Epoch == w.Epoch && v.Zxid == w.Zxid {
		if first := e.leadsNow(v.Leader); first != e.leadsNow(w.Leader) {
			return first
		}
	}
	return v.Beats(w)
}

// leadsNow tells whether a server may lead by the members in effect.
func (e *Election) leadsNow(id messages.ServerID) bool {
	return len(e.rules) > 0 && e.rules[0].MayLead(id)
}

// tenable tells whether we can stand by our proposal. It can't be given up for a worse one within the round.
func (e *Election) tenable() bool { return e.proposal.Leader == 0 || e.credible(e.proposal) }

// abandon leaves the round behind, and with it the votes for a candidate that has died or isn't what was said of it.
func (e *Election) abandon() {
	if e.proposal.Leader == e.designated {
		e.designated = 0
	}
	e.enter(e.round + 1)
}

// hearOfMembers reports members that somebody has acknowledged and that this server doesn't know.
func (e *Election) hearOfMembers() {
	for _, id := range slices.Sorted(maps.Keys(e.heard)) {
		if text := e.heard[id].Proposed; text != "" && text != e.beyond.Tell && text != e.beyond.Heard && text != e.members &&
			!slices.Contains(e.told, text) {
			e.told = append(e.told, text)
			e.out.Proposed = &ProposedConfig{From: id, Members: text}
			return // another one is told with the next input
		}
	}
}

// waitForMembers tells whether somebody has a newer membership than this server, and reports it. Nothing is decided by
// a membership that is known to be outdated.
func (e *Election) waitForMembers(now int64) bool {
	var newest *messages.Notification
	for _, id := range slices.Sorted(maps.Keys(e.heard)) {
		if n := e.heard[id]; n.Config > e.config && n.Members != "" && (newest == nil || n.Config > newest.Config) {
			newest = n
		}
	}
	if newest == nil {
		return false
	}
	if newest.Config > e.reported || now-e.reportedAt >= e.o.MinNotificationMs {
		e.reported, e.reportedAt = newest.Config, now
		e.out.Newer = &NewerConfig{From: newest.From, Version: newest.Config, Members: newest.Members}
	}
	return true
}

// toJoin is the word of a leader that this server may follow. Following is never unsafe: a disputed server may be taken to
// follow whomever, and is followed itself where there is nobody else.
func (e *Election) toJoin() *messages.Notification {
	if l := e.reigning(func(id messages.ServerID) bool { return e.disputed[id] }); l != nil || len(e.disputed) == 0 {
		return l
	}
	disputed := e.disputed
	e.disputed = nil
	defer func() { e.disputed = disputed }()
	return e.reigning(func(messages.ServerID) bool { return false })
}

// reigning is the word of a leader that is one already: the leader itself says so, and a quorum has it. The word of its
// followers isn't enough, for they may not have noticed its end. supposed are servers that are taken to follow it.
func (e *Election) reigning(supposed func(messages.ServerID) bool) *messages.Notification {
	for _, leader := range slices.Sorted(maps.Keys(e.heard)) {
		l := e.heard[leader]
		if l.State != messages.Leading || l.Vote.Leader != leader || !e.mayLead(leader) || !e.counts(leader, l) {
			continue
		}
		// In one reign servers may tell of different rounds and zxids, because they joined at different times.
		reign := func(id messages.ServerID) bool {
			n := e.heard[id]
			return n != nil && n.State != messages.Looking && e.counts(id, n) &&
				n.Vote.Leader == leader && n.Vote.Epoch == l.Vote.Epoch
		}
		// In our round the votes of those who still look count as well, our own too.
		round := func(id messages.ServerID) bool {
			if id == e.o.Self {
				return e.looking && e.proposal.Leader == leader
			}
			n := e.heard[id]
			return n != nil && n.Round == e.round && e.counts(id, n) && n.Vote.Leader == leader
		}
		or := func(follows func(messages.ServerID) bool) func(messages.ServerID) bool {
			return func(id messages.ServerID) bool { return supposed(id) || follows(id) }
		}
		if e.reigns(or(reign)) || (l.Round == e.round && e.reigns(or(round))) {
			return l
		}
	}
	return nil
}

// reigns tells whether the servers that follow a leader are enough to join it: a quorum of the members in effect. A change
// that this server has heard of and that came to nothing must not keep it away, and following is never unsafe.
func (e *Election) reigns(follows func(messages.ServerID) bool) bool {
	return len(e.rules) > 0 && e.rules[0].Quorum(follows)
}

// doubt reports, once, that a quorum has another leader than this server. Two servers can both be elected when votes cross;
// the one that is left without a quorum would find out by nothing but a timeout.
func (e *Election) doubt() {
	if e.word == nil {
		return
	}
	if l := e.reigning(func(messages.ServerID) bool { return false }); l != nil && l.From != e.word.Vote.Leader && l.From != e.doubted {
		e.doubted = l.From
		e.out.Elsewhere = &LeaderElsewhere{Leader: l.From}
	}
}

// conclude decides for our proposal if a quorum and the candidate itself stand by it, and nobody can be expected to
// come up with a better one. A candidate that leads already in this round has counted a quorum, of which we may see less.
func (e *Election) conclude(now int64) {
	leader := e.proposal.Leader
	if leader == 0 || !e.supports(leader) || (!e.quorum(e.supports) && !e.leads(leader)) {
		e.finalizeAt = 0
		return
	}
	if e.finalizeAt == 0 {
		e.finalizeAt = now + e.o.FinalizeWaitMs
	}
	if e.unanimous(now) || now >= e.finalizeAt {
		e.decide(e.proposal, e.round)
	}
}

// leads tells whether a server says that it leads. That it does so in this round is for supports to say.
func (e *Election) leads(id messages.ServerID) bool {
	n := e.heard[id]
	return n != nil && n.State == messages.Leading
}

// supports tells whether a server stands by our proposal in this round. One that has decided for the candidate in this
// round does, whatever it tells of the reign since.
func (e *Election) supports(id messages.ServerID) bool {
	if id == e.o.Self {
		return true
	}
	n := e.heard[id]
	if n == nil || n.Round != e.round || !e.counts(id, n) {
		return false
	}
	if n.State == messages.Looking {
		return n.Vote == e.proposal
	}
	return n.Vote.Leader == e.proposal.Leader
}

// firstContactMs is how long after its start a server supposes that voters whom it hasn't met yet are alive.
const firstContactMs = 1000

// unanimous tells whether all voters that can be reached have made our choice. At first that says little, because the
// links come up one by one: then a voter who was never met counts as one who may have something better to say.
func (e *Election) unanimous(now int64) bool {
	for _, rule := range e.rules {
		for _, id := range rule.Voters() {
			expected := e.up[id] && !e.disputed[id] || (!e.met[id] && id != e.o.Self && now < e.since+firstContactMs)
			if expected && !e.supports(id) {
				return false
			}
		}
	}
	return e.quorum(e.supports)
}

// decide ends the election. round is that of the leader's reign; ours never goes back.
func (e *Election) decide(vote messages.Vote, round uint64) {
	state := messages.Following
	switch {
	case vote.Leader == e.o.Self:
		state = messages.Leading
	case !e.isVoter(e.o.Self):
		state = messages.Observing
	}
	e.round = max(e.round, round)
	e.designated = 0
	e.out.Elected = &messages.Elected{State: state, Leader: vote.Leader, Round: round}
	e.settle(state, round, vote)
}

// counts tells whether a server's word counts: it is a voter, and knows no newer membership. A vote counts only between
// servers with the same membership: the one with the older of the two takes the other's over and votes again.
func (e *Election) counts(id messages.ServerID, n *messages.Notification) bool {
	if n.Config > e.config || (n.Config < e.config && n.State == messages.Looking) {
		return false
	}
	return e.isVoter(id) && !e.disputed[id]
}

func (e *Election) isVoter(id messages.ServerID) bool {
	return slices.ContainsFunc(e.rules, func(rule QuorumRule) bool { return rule.Votes(id) }) ||
		e.beyond.Rule != nil && e.beyond.Rule.Votes(id)
}

// mayLead goes by any of the rules, as who may vote does: whoever is counted may also stand.
func (e *Election) mayLead(id messages.ServerID) bool {
	return slices.ContainsFunc(e.rules, func(rule QuorumRule) bool { return rule.MayLead(id) }) ||
		e.beyond.Rule != nil && e.beyond.Rule.MayLead(id)
}

// quorum tells whether the servers are one by every rule.
func (e *Election) quorum(has func(messages.ServerID) bool) bool {
	for _, rule := range e.rules {
		if !rule.Quorum(has) {
			return false
		}
	}
	return len(e.rules) > 0
}
