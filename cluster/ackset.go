package cluster

import (
	"slices"
	"sort"

	"github.com/troupekeeper/troupe/messages"
)

// CommittedUpTo is the highest zxid that a quorum has acknowledged: the servers for which acked is at least that are a
// quorum by the rule. acked is asked about voters only and must be 0 for one that has acknowledged nothing; the result is
// 0 when no more can be said. Acknowledgements are cumulative, so the order in which they came makes no difference.
func CommittedUpTo(rule QuorumRule, acked func(messages.ServerID) messages.Zxid) messages.Zxid {
	var few [16]messages.Zxid // ensembles are small: this mostly stays on the stack
	levels := few[:0]
	for _, id := range rule.Voters() {
		levels = append(levels, acked(id))
	}
	slices.Sort(levels)
	if _, ok := rule.(*majority); !ok {
		return highestQuorum(rule, acked, slices.Clone(levels))
	}
	if len(levels) == 0 {
		return 0
	}
	// The highest value that more than half of them have reached has len/2 others at or above it.
	return levels[len(levels)-1-len(levels)/2]
}

// highestQuorum is the highest of the ascending levels that a quorum has reached; 0 if there is none. A lower level is
// reached by more servers, so what is a quorum at one level is one at all lower ones.
func highestQuorum(rule QuorumRule, acked func(messages.ServerID) messages.Zxid, levels []messages.Zxid) messages.Zxid {
	above := sort.Search(len(levels), func(i int) bool {
		return !rule.Quorum(func(id messages.ServerID) bool { return acked(id) >= levels[i] })
	})
	if above == 0 {
		return 0
	}
	return levels[above-1]
}
