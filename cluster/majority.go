package cluster

import (
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// QuorumRule says which sets of servers may decide. Any two quorums of a rule have a server in common. Rules are frozen.
type QuorumRule interface {
	// Voters are the servers that take part in decisions, in ascending order. It must not be changed.
	Voters() []messages.ServerID
	// Votes tells whether a server is a voter.
	Votes(id messages.ServerID) bool
	// MayLead tells whether a server is a voter whose vote has weight. No other is ever elected.
	MayLead(id messages.ServerID) bool
	// Quorum tells whether the voters for which has is true are enough. It asks about voters only.
	Quorum(has func(messages.ServerID) bool) bool
}

// majority is the rule that more than half of the voters decide.
type majority struct{ voters []messages.ServerID }

// NewMajority makes the rule that more than half of the voters are a quorum. Without any voter nothing is one.
func NewMajority(voters []messages.ServerID) QuorumRule {
	sorted := slices.Clone(voters)
	slices.Sort(sorted)
	return &majority{voters: slices.Compact(sorted)}
}

// Voters implements QuorumRule.
func (m *majority) Voters() []messages.ServerID { return m.voters }

// Votes implements QuorumRule.
func (m *majority) Votes(id messages.ServerID) bool {
	_, found := slices.BinarySearch(m.voters, id)
	return found
}

// MayLead implements QuorumRule.
func (m *majority) MayLead(id messages.ServerID) bool { return m.Votes(id) }

// Quorum implements QuorumRule.
func (m *majority) Quorum(has func(messages.ServerID) bool) bool {
	n := 0
	for _, id := range m.voters {
		if has(id) {
			n++
		}
	}
	return n > len(m.voters)/2
}
