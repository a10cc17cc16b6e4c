package server

import (
	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/messages"
)

// mntrMember are the keys of mntr that only a member of an ensemble has.
func (c *console) mntrMember() fields {
	s, ok := c.member()
	if !ok {
		return nil
	}
	f := fields{
		{"peer_state", s.State.String() + " - " + s.Phase.String()},
		{"quorum_size", len(s.Members.Voters())},
	}
	if s.State != messages.Leading {
		return f
	}
	followers, guests, observers := s.Synced()
	sizes := proposalSizes(s)
	return append(f, fields{
		{"leader_uptime", c.since(s)},
		{"learners", len(s.Learners)},
		{"synced_followers", followers},
		{"synced_non_voting_followers", guests},
		{"synced_observers", observers},
		{"pending_syncs", s.PendingSyncs},
		{"last_proposal_size", sizes.Last},
		{"min_proposal_size", sizes.Min},
		{"max_proposal_size", sizes.Max},
	}...)
}

// proposalSizes are -1 before the first proposal.
func proposalSizes(s cluster.Status) responseSizes {
	p := s.Proposals
	if p.Count == 0 {
		return responseSizes{Last: -1, Min: -1, Max: -1}
	}
	return responseSizes{Last: p.Last, Min: p.Min, Max: p.Max}
}

// electionFields are the numbers of ZooKeeper's tables that an ensemble's board knows.
func (c *console) electionFields(f fields) {
	s, ok := c.ensemble()
	if !ok {
		return
	}
	e := s.Elections
	avg := decimal(0)
	if e.Count > 0 {
		avg = decimal(float64(e.Sum) / float64(e.Count))
	}
	for key, value := range map[string]any{
		"looking_count": s.Looking, "avg_election_time": avg, "min_election_time": e.Min, "max_election_time": e.Max,
		"cnt_election_time": e.Count, "sum_election_time": e.Sum,
	} {
		f.set(key, value)
	}
}
