package cluster

import (
	"fmt"
	"maps"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// MaxWeight is the largest weight that a voter may have. Sums of 255 of them fit into an int of 64 bits.
const MaxWeight = 1<<31 - 1

// hierarchical is the rule with groups: more than half of the groups must be won, and a group is won by more than half of
// its weight. Groups without weight don't count.
type hierarchical struct {
	voters  []messages.ServerID
	weights map[messages.ServerID]int
	groups  []weightedGroup
}

type weightedGroup struct {
	voters []messages.ServerID
	weight int // of all of them
}

// NewHierarchical makes a rule from disjoint groups of voters. A voter that isn't in weights has weight 1; one with
// weight 0 is a voter that decides nothing and never leads. Errors name the server and what is allowed.
func NewHierarchical(groups [][]messages.ServerID, weights map[messages.ServerID]int) (QuorumRule, error) {
	h := &hierarchical{weights: map[messages.ServerID]int{}}
	for _, group := range groups {
		g := weightedGroup{voters: slices.Clone(group)}
		slices.Sort(g.voters)
		for _, id := range g.voters {
			if _, found := h.weights[id]; found {
				return nil, fmt.Errorf("quorum groups: server %d is named twice; every voter belongs to one group", id)
			}
			weight, found := weights[id]
			if !found {
				weight = 1
			}
			if weight < 0 || weight > MaxWeight {
				return nil, fmt.Errorf("quorum weights: server %d has weight %d; allowed are 0 to %d", id, weight, MaxWeight)
			}
			h.weights[id] = weight
			h.voters = append(h.voters, id)
			g.weight += weight
		}
		if g.weight > 0 {
			h.groups = append(h.groups, g)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(weights)) {
		if _, found := h.weights[id]; !found {
			return nil, fmt.Errorf("quorum weights: server %d has a weight but is in no group; add it to one or drop the weight", id)
		}
	}
	if len(h.groups) == 0 {
		return nil, fmt.Errorf("quorum weights: no server has any weight, so nothing could be decided; give some voters 1 or more")
	}
	slices.Sort(h.voters)
	return h, nil
}

// Voters implements QuorumRule.
func (h *hierarchical) Voters() []messages.ServerID { return h.voters }

// Votes implements QuorumRule.
func (h *hierarchical) Votes(id messages.ServerID) bool {
	_, found := h.weights[id]
	return found
}

// MayLead implements QuorumRule.
func (h *hierarchical) MayLead(id messages.ServerID) bool { return h.weights[id] > 0 }

// Quorum implements QuorumRule.
func (h *hierarchical) Quorum(has func(messages.ServerID) bool) bool {
	won := 0
	for i := range h.groups {
		sum := 0
		for _, id := range h.groups[i].voters {
			if weight := h.weights[id]; weight > 0 && has(id) {
				sum += weight
			}
		}
		if sum > h.groups[i].weight/2 {
			won++
		}
	}
	return won > len(h.groups)/2
}
