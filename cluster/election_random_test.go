package cluster

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/troupekeeper/troupe/messages"
)

// electionChaos is a world in which anything happens, and what must hold nevertheless.
type electionChaos struct {
	*electionWorld
	t       *rapid.T
	rules   []QuorumRule
	boots   uint64
	history map[votedIn]messages.Vote                                   // what a server had on disk in a round
	chosen  map[uint64]map[messages.ServerID]map[messages.ServerID]bool // round → leader → who decided for it
	advice  int
	lossy   bool // single messages are lost
	log     []string
}

type votedIn struct {
	id    messages.ServerID
	round uint64
}

func newElectionChaos(t *rapid.T) *electionChaos {
	c := &electionChaos{
		electionWorld: newElectionWorld(), t: t, lossy: rapid.Bool().Draw(t, "lossy"),
		history: map[votedIn]messages.Vote{}, chosen: map[uint64]map[messages.ServerID]map[messages.ServerID]bool{},
	}
	c.elected, c.doubts = c.check, c.advise
	c.tell = func(format string, args ...any) {
		c.log = append(c.log, fmt.Sprintf("%d ms  %s", c.now, fmt.Sprintf(format, args...)))
	}
	c.saw = func(n *electionNode) { c.history[votedIn{n.id, n.core.round}] = n.core.own }
	ids := []messages.ServerID{1, 2, 3, 4, 5}[:rapid.IntRange(1, 5).Draw(t, "voters")]
	switch rapid.SampledFrom([]string{"majority", "majority", "joint", "weights"}).Draw(t, "rules") {
	case "joint":
		n := rapid.IntRange(1, len(ids)).Draw(t, "old")
		c.rules = []QuorumRule{NewMajority(ids[:n]), NewMajority(ids[n/2:])}
	case "weights":
		weights := map[messages.ServerID]int{ids[len(ids)-1]: 1}
		for _, id := range ids[:len(ids)-1] {
			weights[id] = rapid.IntRange(0, 3).Draw(t, "weight")
		}
		rule, err := NewHierarchical([][]messages.ServerID{ids[:len(ids)/2], ids[len(ids)/2:]}, weights)
		if err != nil {
			t.Fatal(err)
		}
		c.rules = []QuorumRule{rule}
	default:
		c.rules = []QuorumRule{NewMajority(ids)}
	}
	if rapid.Bool().Draw(t, "observer") {
		ids = append(slices.Clone(ids), 9)
	}
	for _, id := range ids {
		c.add(id, c.rules)
		c.grow(id)
	}
	return c
}

// grow lets a server's history go on, as if it had taken part in some reign. It never gets shorter.
func (c *electionChaos) grow(id messages.ServerID) {
	h := &c.nodes[id].history
	h.Epoch += uint32(rapid.IntRange(0, 1).Draw(c.t, "epoch"))
	h.Zxid = max(h.Zxid+messages.Zxid(rapid.IntRange(0, 2).Draw(c.t, "zxid")), messages.MakeZxid(h.Epoch, 0))
}

func (c *electionChaos) bootUp(id messages.ServerID) {
	c.boots++
	o := DefaultElectionOptions(id)
	o.FirstRound = 1_000_000 * c.boots // as the time of day does: beyond all rounds of earlier runs
	c.grow(id)
	c.boot(id, o)
	c.look(id)
}

func (c *electionChaos) quorum(has func(messages.ServerID) bool) bool {
	return !slices.ContainsFunc(c.rules, func(rule QuorumRule) bool { return !rule.Quorum(has) })
}

// check judges a decision.
func (c *electionChaos) check(n *electionNode, e *messages.Elected) {
	if !slices.ContainsFunc(c.rules, func(rule QuorumRule) bool { return rule.MayLead(e.Leader) }) {
		c.fail("%d has elected %d, who may not lead", n.id, e.Leader)
	}
	if voter := n.core.isVoter(n.id); voter == (e.State == messages.Observing) {
		c.fail("%d, voter %v, is %v", n.id, voter, e.State)
	}
	if (e.State == messages.Leading) != (e.Leader == n.id) {
		c.fail("%d is %v, the leader is %d", n.id, e.State, e.Leader)
	}
	if e.State == messages.Observing {
		return
	}
	round := c.chosen[e.Round]
	if round == nil {
		round = map[messages.ServerID]map[messages.ServerID]bool{}
		c.chosen[e.Round] = round
	}
	if round[e.Leader] == nil {
		round[e.Leader] = map[messages.ServerID]bool{}
	}
	round[e.Leader][n.id] = true
	for other, supporters := range round {
		if other != e.Leader && c.quorum(func(id messages.ServerID) bool { return supporters[id] }) &&
			c.quorum(func(id messages.ServerID) bool { return round[e.Leader][id] }) {
			c.fail("in round %d both %d and %d are the leader of a quorum", e.Round, e.Leader, other)
		}
	}
	if e.State != messages.Leading {
		return
	}
	if !c.quorum(n.core.supports) {
		c.fail("%d leads without a quorum", n.id)
	}
	for _, rule := range c.rules {
		for _, id := range rule.Voters() {
			h, known := c.history[votedIn{id, e.Round}]
			h.Leader = n.id // histories are compared, not ids
			if id != n.id && rule.MayLead(id) && n.core.supports(id) && (!known || h.Beats(n.core.own)) {
				c.fail("%d leads with %+v, but %d of its quorum had %+v", n.id, n.core.own, id, h)
			}
		}
	}
}

// advise judges the word that a quorum has another leader, and obeys it.
func (c *electionChaos) advise(n *electionNode, w *LeaderElsewhere) {
	if !c.lossy && c.quorum(func(id messages.ServerID) bool { return c.sameReign(id, n) }) {
		c.fail("%d is told to give up for %d, but has a quorum", n.id, w.Leader)
	}
	c.advice++
	c.look(n.id)
}

// sameReign tells whether a server has settled with the leader of n, and with the same reign of it.
func (c *electionChaos) sameReign(id messages.ServerID, n *electionNode) bool {
	other := c.nodes[id]
	return other != nil && other.core != nil && !other.core.looking &&
		other.core.word.Vote.Leader == n.core.word.Vote.Leader && other.core.word.Round == n.core.word.Round
}

func (c *electionChaos) fail(format string, args ...any) {
	for _, line := range c.log[max(0, len(c.log)-80):] {
		c.t.Log(line)
	}
	c.t.Fatalf(format, args...)
}

// step does one thing by chance, most often what would happen anyway.
func (c *electionChaos) step() {
	ids := c.ids()
	one := rapid.SampledFrom(ids)
	what := rapid.IntRange(0, 99).Draw(c.t, "what")
	switch keys := c.ready(1 << 60); {
	case what < 70 && len(keys) > 0:
		key := rapid.SampledFrom(keys).Draw(c.t, "link")
		if c.lossy && what < 7 {
			c.inFlight[key] = c.inFlight[key][1:]
			return
		}
		c.now++
		c.deliver(key, what >= 65)
	case what < 80:
		c.passToWake()
	case what < 88:
		a, b := one.Draw(c.t, "a"), one.Draw(c.t, "b")
		c.setCut(a, b, what < 83)
	case what < 94:
		if id := one.Draw(c.t, "id"); c.nodes[id].core == nil {
			c.bootUp(id)
		} else {
			c.crash(id)
		}
	case what < 97:
		if n := c.nodes[one.Draw(c.t, "id")]; n.core != nil {
			if !n.core.looking {
				c.grow(n.id)
			}
			c.look(n.id)
		}
	default:
		if n := c.nodes[one.Draw(c.t, "id")]; n.core != nil {
			n.core.Designate(one.Draw(c.t, "designated"))
		}
	}
}

// passToWake lets the next timer fire, before messages that are under way.
func (c *electionChaos) passToWake() {
	var next *electionNode
	for _, id := range c.ids() {
		if n := c.nodes[id]; n.core != nil && n.wakeAt > 0 && (next == nil || n.wakeAt < next.wakeAt) {
			next = n
		}
	}
	if next != nil {
		c.now = max(c.now, next.wakeAt)
		c.apply(next, next.core.Tick(c.now))
	}
}

// roles does what the roles would: a leader without a quorum looks for one again, and so does a follower whose leader
// has begun a new reign, for that broke its link.
func (c *electionChaos) roles() {
	for _, id := range c.ids() {
		n := c.nodes[id]
		if n.core.looking {
			continue
		}
		leader := c.nodes[n.core.word.Vote.Leader]
		follows := func(id messages.ServerID) bool { return c.sameReign(id, leader) }
		if leader.core.looking || leader.core.word.State != messages.Leading || !follows(id) || !c.quorum(follows) {
			c.look(id)
		}
	}
}

// agreed is the leader that everybody has; 0 if there is none.
func (c *electionChaos) agreed() (leader messages.ServerID) {
	for _, id := range c.ids() {
		n := c.nodes[id]
		if n.core.looking || (leader != 0 && n.core.word.Vote.Leader != leader) {
			return 0
		}
		leader = n.core.word.Vote.Leader
	}
	if c.nodes[leader].core.word.State != messages.Leading {
		return 0
	}
	return leader
}

// Whatever is delivered when, twice or never, whoever crashes and whichever links break: a leader has a history that is
// as good as those of its quorum, there are no two with a quorum in one round, and when messages flow again everybody
// has the same leader.
func TestElectionChaos(t *testing.T) {
	longest, advice := int64(0), 0
	rapid.Check(t, func(t *rapid.T) {
		c := newElectionChaos(t)
		for range rapid.SampledFrom([]int{10, 100, 400}).Draw(t, "steps") {
			c.step()
		}
		for _, id := range c.ids() {
			if c.nodes[id].core == nil {
				c.bootUp(id)
			}
		}
		for _, key := range slices.Collect(maps.Keys(c.cut)) {
			c.setCut(key[0], key[1], false)
		}
		start := c.now
		for c.agreed() == 0 {
			if c.now-start > 200_000 {
				c.fail("no common leader after %d ms", c.now-start)
			}
			c.run(1000)
			if c.agreed() == 0 {
				c.roles()
			}
		}
		advice += c.advice
		if !c.lossy {
			longest = max(longest, c.now-start)
		}
		// It stays as it is.
		leader := c.agreed()
		c.run(200_000)
		if c.agreed() != leader {
			c.fail("%d led, then %d", leader, c.agreed())
		}
	})
	t.Logf("without loss of single messages it took %d ms at most; servers were told of another leader %d times", longest, advice)
}
