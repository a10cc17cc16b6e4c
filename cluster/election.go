package cluster

import (
	"fmt"
	"maps"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// ElectionOptions are the settings of a server's elections. Times are in milliseconds.
type ElectionOptions struct {
	Self messages.ServerID
	// FinalizeWaitMs is how long a quorum's choice waits for better votes. It isn't used up when all voters that can be
	// reached have made the same choice, so it counts only when one of them is silent: longer waits find the better
	// leader of a slow network, shorter ones end the outage after a leader's machine has died without a word.
	FinalizeWaitMs int64
	// MinNotificationMs is when an unanswered vote is repeated first (fastleader.minNotificationInterval). The wait
	// doubles up to MaxNotificationMs (fastleader.maxNotificationInterval).
	MinNotificationMs int64
	MaxNotificationMs int64
	// FirstRound is where the count of rounds begins. It should differ from one run of the process to the next, so that a
	// server that comes back never takes a word about its former life for one about this election.
	FirstRound uint64
}

// DefaultElectionOptions are ZooKeeper's but for a shorter FinalizeWaitMs.
func DefaultElectionOptions(self messages.ServerID) ElectionOptions {
	return ElectionOptions{Self: self, FinalizeWaitMs: 50, MinNotificationMs: 200, MaxNotificationMs: 60_000}
}

// Validate names the first value that is out of range.
func (o *ElectionOptions) Validate() error {
	const hour = 3_600_000
	switch {
	case o.Self == 0:
		return fmt.Errorf("election: the server has no id; allowed are 1 to 255")
	case o.FinalizeWaitMs < 0 || o.FinalizeWaitMs > hour:
		return fmt.Errorf("election: a final wait of %d ms; allowed are 0 to %d", o.FinalizeWaitMs, hour)
	case o.MinNotificationMs < 1 || o.MinNotificationMs > hour:
		return fmt.Errorf("fastleader.minNotificationInterval is %d ms; allowed are 1 to %d", o.MinNotificationMs, hour)
	case o.MaxNotificationMs < o.MinNotificationMs || o.MaxNotificationMs > hour:
		return fmt.Errorf("fastleader.maxNotificationInterval is %d ms; allowed are %d (the first interval) to %d",
			o.MaxNotificationMs, o.MinNotificationMs, hour)
	}
	return nil
}

// Election is the fast leader election of one server: it looks for the voter with the best history that a quorum can
// agree on. It is a heuristic that has to be quick and to end; what makes a leader safe is discovery.
//
// It keeps the newest word of every server whose link is up, and an own proposal that only improves within a round. All
// that it decides is a function of these two (update, in election_votes.go), so a word that came too early, while this
// server still followed a leader, counts as soon as it looks for one itself.
type Election struct {
	o       ElectionOptions
	rules   []QuorumRule
	config  messages.Zxid
	members string
	beyond  Beyond
	told    []string // of proposed members, what was reported in this election

	since int64                      // when the first membership came; -1: none has
	met   map[messages.ServerID]bool // whose link has been up at least once
	up    map[messages.ServerID]bool
	// disputed are servers of which there seem to be two. What one of them says may contradict what other members have heard
	// of the other one: with it two servers could each have a quorum.
	disputed map[messages.ServerID]bool
	heard    map[messages.ServerID]*messages.Notification // the newest word of each server whose link is up

	looking    bool
	round      uint64        // never goes back
	own        messages.Vote // for this server, with the history that it has on disk
	proposal   messages.Vote // the best one so far; Leader 0: none
	designated messages.ServerID
	over       uint64                 // reigns of this round and earlier ones have ended
	overEpoch  uint32                 // of the last of them
	word       *messages.Notification // what we say now; nil before the first election

	finalizeAt int64 // when a quorum's choice becomes final; 0: there is none
	resendAt   int64
	resendWait int64
	reported   messages.Zxid // the newer membership that was reported last,
	reportedAt int64         // and when
	doubted    messages.ServerID
	out        ElectionOutput
}

// ElectionOutput is what is to be done after an input.
type ElectionOutput struct {
	Sends     []ElectionSend // in this order
	Elected   *messages.Elected
	Newer     *NewerConfig
	Proposed  *ProposedConfig
	Elsewhere *LeaderElsewhere
	WakeAt    int64 // monotonic ms when Tick is due, replacing the former one; 0: not before the next input
}

// ElectionSend is a notification for one server.
type ElectionSend struct {
	To           messages.ServerID
	Notification *messages.Notification
}

// NewElection makes the election of a server that isn't looking yet, and knows no membership.
func NewElection(o ElectionOptions) *Election {
	if err := o.Validate(); err != nil {
		panic(err)
	}
	return &Election{
		o: o, round: o.FirstRound, since: -1,
		met:      map[messages.ServerID]bool{},
		up:       map[messages.ServerID]bool{},
		disputed: map[messages.ServerID]bool{},
		heard:    map[messages.ServerID]*messages.Notification{},
	}
}

// Start begins an election. vote.Epoch and vote.Zxid are what this server has on disk. now is monotonic ms, here and below.
func (e *Election) Start(vote messages.Vote, now int64) ElectionOutput {
	vote.Leader = e.o.Self
	e.looking, e.own, e.reported, e.told = true, vote, 0, nil
	// Those who have a leader are asked anew: it may have died since they spoke of it, or since it spoke itself.
	maps.DeleteFunc(e.heard, func(_ messages.ServerID, n *messages.Notification) bool { return n.State != messages.Looking })
	e.enter(e.round + 1)
	e.update(now, true)
	return e.flush()
}

// Over tells that reigns of a round, and earlier ones, have ended: they are nothing to join. epoch is that of the last
// one: whoever speaks of a later epoch is in a reign that goes on, whatever round he came to it by.
func (e *Election) Over(round uint64, epoch uint32) {
	if round > e.over {
		e.over, e.overEpoch = round, epoch
	}
}

// Settled ends the search, if one was going on, and tells what this server is from now on. Servers that look are told.
func (e *Election) Settled(state messages.ServerState, leader messages.ServerID, epoch uint32, zxid messages.Zxid) ElectionOutput {
	if state == messages.Looking {
		panic("election: a server that looks for a leader isn't settled")
	}
	round := e.round
	if e.word != nil && !e.looking && e.word.Vote.Leader == leader {
		// The reign is the one that we have joined, and its epoch only rises: a follower knows it from the election before
		// the leader has said so.
		round, epoch = e.word.Round, max(epoch, e.word.Vote.Epoch)
	}
	e.settle(state, round, messages.Vote{Leader: leader, Epoch: epoch, Zxid: zxid})
	return e.flush()
}

// settle makes the word of a server that has a leader, and tells everybody if it is news: a server that still looks need
// not ask again.
func (e *Election) settle(state messages.ServerState, round uint64, vote messages.Vote) {
	was := e.word
	e.looking, e.finalizeAt, e.resendAt, e.doubted = false, 0, 0, 0
	e.word = e.say(state, round, vote)
	if was == nil || *was != *e.word {
		e.broadcast()
	}
}

// Notified takes another server's word.
func (e *Election) Notified(n *messages.Notification, now int64) ElectionOutput {
	if n.From == 0 || n.From == e.o.Self {
		return e.flush()
	}
	e.up[n.From], e.met[n.From] = true, true
	if e.heard[n.From] = n; n.State != messages.Looking && n.Round <= e.over && n.Vote.Epoch <= e.overEpoch {
		delete(e.heard, n.From) // it hasn't left that reign yet, and says so when it has
	}
	behind := e.looking && n.State == messages.Looking && n.Round < e.round
	asks := !e.looking && n.State == messages.Looking && e.word != nil
	e.update(now, false)
	if asks || (behind && len(e.out.Sends) == 0) {
		e.send(n.From)
	}
	return e.flush()
}

// LinkUp tells that what is sent to a server arrives there again.
func (e *Election) LinkUp(id messages.ServerID, now int64) ElectionOutput {
	if id == 0 || id == e.o.Self {
		return e.flush()
	}
	e.up[id], e.met[id] = true, true
	delete(e.heard, id)
	if e.looking {
		e.resendWait = e.o.MinNotificationMs
		e.resendAt = now + e.resendWait
	}
	e.update(now, false)
	if e.word != nil && len(e.out.Sends) == 0 {
		e.send(id)
	}
	return e.flush()
}

// LinkDown tells that a server can't be reached. Its word is no longer worth anything: it may have restarted.
func (e *Election) LinkDown(id messages.ServerID, now int64) ElectionOutput {
	delete(e.up, id)
	delete(e.heard, id)
	delete(e.disputed, id)
	e.update(now, false)
	return e.flush()
}

// Dispute tells that there seem to be two servers of one id, or not any more.
func (e *Election) Dispute(id messages.ServerID, disputed bool, now int64) ElectionOutput {
	if delete(e.disputed, id); disputed {
		e.disputed[id] = true
	}
	e.update(now, false)
	return e.flush()
}

// Tick is called when the time of the last WakeAt has come; at any other time it does no harm.
func (e *Election) Tick(now int64) ElectionOutput {
	if e.looking && now >= e.resendAt {
		e.resendWait = min(2*e.resendWait, e.o.MaxNotificationMs)
		e.resendAt = now + e.resendWait
		e.broadcast()
	}
	e.update(now, false)
	return e.flush()
}

// SetRules changes the membership: an election that is going on begins anew, because votes for a server may have become
// votes for a stranger. rules are the current membership's and the proposed one's, if there is one; version and text are
// the current one's.
func (e *Election) SetRules(rules []QuorumRule, version messages.Zxid, text string, now int64) ElectionOutput {
	e.rules, e.config, e.members = slices.Clone(rules), version, text
	if e.since < 0 {
		e.since = now
	}
	if !e.looking {
		if e.word != nil {
			e.word = e.say(e.word.State, e.word.Round, e.word.Vote)
		}
		return e.flush()
	}
	e.reported = 0
	e.enter(e.round + 1)
	e.update(now, true)
	return e.flush()
}

// Look beyond the membership: see Beyond. It takes effect with the next SetRules.
func (e *Election) Look(b Beyond) { e.beyond = b }

// Designate lets the votes of the next election name a server: this one's history, that one's id. It is for a leader that
// is handed over as planned, when the designated server has all that the others have. If it hasn't, its own word shows
// so and the vote is given up.
func (e *Election) Designate(leader messages.ServerID) { e.designated = leader }

// Looking tells whether an election is going on.
func (e *Election) Looking() bool { return e.looking }

// Round is the count of elections.
func (e *Election) Round() uint64 { return e.round }

// say makes a word of ours.
func (e *Election) say(state messages.ServerState, round uint64, vote messages.Vote) *messages.Notification {
	return &messages.Notification{
		From: e.o.Self, State: state, Round: round, Vote: vote, Config: e.config, Members: e.members, Proposed: e.beyond.Tell,
	}
}

func (e *Election) send(to messages.ServerID) {
	e.out.Sends = append(e.out.Sends, ElectionSend{To: to, Notification: e.word})
}

func (e *Election) broadcast() {
	for _, id := range slices.Sorted(maps.Keys(e.up)) {
		e.send(id)
	}
}

// flush hands over what has come about.
func (e *Election) flush() ElectionOutput {
	out := e.out
	e.out = ElectionOutput{}
	if e.looking {
		out.WakeAt = e.resendAt
		if e.finalizeAt != 0 {
			out.WakeAt = min(out.WakeAt, e.finalizeAt)
		}
	}
	return out
}
