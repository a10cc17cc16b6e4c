package cluster

import (
	"slices"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// Roster is what one server knows of who belongs to its ensemble: the membership in effect, and one that is proposed and may
// be in effect somewhere by now. It decides; the peer actor keeps it on disk.
type Roster struct {
	self   messages.ServerID
	kept   persistence.Memberships
	heard  messages.Membership // proposed members that others have acknowledged, while this server looks for a leader
	logged string              // whom this server's history ends with
}

// NewRoster makes the roster of a server at its start. configured is what its configuration says, stored what it has last
// kept (found: if it has). What was kept counts as long as the configuration says what it said then: a person who has
// changed that since is obeyed, and edited tells so.
func NewRoster(self messages.ServerID, configured messages.Membership, stored persistence.Memberships, found bool) (r Roster, edited bool) {
	r = Roster{self: self, kept: persistence.Memberships{Configured: configured, Current: configured}}
	if !found {
		return r, false
	}
	if !configured.Equal(stored.Configured) && !configured.Equal(stored.Current) {
		return r, true
	}
	r.kept.Current, r.kept.Proposed, r.kept.Former = stored.Current, stored.Proposed, stored.Former
	return r, false
}

// Current is the newest membership that is known to be committed.
func (r *Roster) Current() messages.Membership { return r.kept.Current }

// Proposed is a membership that may be committed; Version 0: there is none.
func (r *Roster) Proposed() messages.Membership { return r.kept.Proposed }

// Kept is what must survive a restart.
func (r *Roster) Kept() persistence.Memberships { return r.kept }

// Hear notes a proposed membership that another server has acknowledged. It is no news if the current one is newer, if this
// server has acknowledged it too, or if it has heard of a newer one. One that this server has in its log counts as if it had
// acknowledged it: it has lost its power while it took over a history, and others may have committed the change. Of any
// quorum that elects a server somebody knows of a change that was committed, and says so with its vote.
func (r *Roster) Hear(m messages.Membership) (news bool) {
	if m.Version <= r.kept.Current.Version || m.Version == r.kept.Proposed.Version || m.Version <= r.heard.Version {
		return false
	}
	if m.String() == r.logged {
		r.kept.Proposed = m
		return true
	}
	r.heard = m
	return true
}

// Found forgets what was only heard, if anything was: there is a leader, and what it says counts.
func (r *Roster) Found() (forgotten bool) {
	forgotten = r.heard.Version != 0
	r.heard = messages.Membership{}
	return forgotten
}

// Heard is the newest membership that was heard of; Version 0: none.
func (r *Roster) Heard() messages.Membership { return r.heard }

// Propose notes a membership that is about to be acknowledged.
func (r *Roster) Propose(m messages.Membership) { r.kept.Proposed = m }

// Commit notes a membership that is committed. It is no news if it isn't newer than the current one.
func (r *Roster) Commit(m messages.Membership) (news bool) {
	if news = m.Version > r.kept.Current.Version; news {
		r.kept.Former = formerPlaces(r.kept.Former, r.kept.Current, m)
		r.kept.Current = m
	}
	if r.kept.Proposed.Version <= r.kept.Current.Version {
		r.kept.Proposed = messages.Membership{}
	}
	if r.heard.Version <= r.kept.Current.Version {
		r.heard = messages.Membership{}
	}
	return news
}

// Configured notes that the configuration says so from now on.
func (r *Roster) Configured(m messages.Membership) { r.kept.Configured = m }

// Recovered forgets a proposal that isn't in this server's log, which leaves configPath's data as members: it was never
// acknowledged from here, or was cut off since because it never became history.
func (r *Roster) Recovered(members string) (forgotten bool) {
	r.logged = members
	if p := r.kept.Proposed; p.Version == 0 || p.String() == members {
		return false
	}
	r.kept.Proposed = messages.Membership{}
	return true
}

// Rules are the quorums that count, the current membership's first.
func (r *Roster) Rules() ([]QuorumRule, error) {
	var rules []QuorumRule
	for _, m := range r.both() {
		rule, err := RuleOf(m)
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func (r *Roster) both() []messages.Membership {
	if r.kept.Proposed.Version == 0 {
		return []messages.Membership{r.kept.Current}
	}
	return []messages.Membership{r.kept.Current, r.kept.Proposed}
}

// Lines are what the memberships say of a server, the current one first: none, one, or two.
func (r *Roster) Lines(id messages.ServerID) (lines []messages.Member) {
	for _, m := range r.reach() {
		if found, ok := m.Member(id); ok {
			lines = append(lines, found)
		}
	}
	return lines[:min(len(lines), 2)]
}

// Former are places at which a server was before it was moved, the latest first.
func (r *Roster) Former(id messages.ServerID) []messages.MemberAddress {
	m, _ := r.kept.Former.Member(id)
	return m.Addresses
}

// formerMax is how many places of a server are remembered. One that is moved more often while it is away has to be told by hand.
const formerMax = 8

// formerPlaces adds to the former places those that a change takes from servers, also from those that it removes: they may
// be members again before they have heard of either.
func formerPlaces(former, was, is messages.Membership) (now messages.Membership) {
	ids := map[messages.ServerID]bool{}
	for _, m := range slices.Concat(was.Members, former.Members) {
		if ids[m.ID] {
			continue
		}
		ids[m.ID] = true
		before, _ := was.Member(m.ID)
		long, _ := former.Member(m.ID)
		after, _ := is.Member(m.ID)
		var places []messages.MemberAddress
		for _, at := range slices.Concat(before.Addresses, long.Addresses) {
			if !slices.Contains(after.Addresses, at) && !slices.Contains(places, at) {
				places = append(places, at)
			}
		}
		if len(places) > 0 {
			now.Members = append(now.Members, messages.Member{ID: m.ID, Addresses: places[:min(len(places), formerMax)]})
		}
	}
	slices.SortFunc(now.Members, func(a, b messages.Member) int { return int(a.ID) - int(b.ID) })
	return now
}

// Others are the servers of both memberships but this one. A server that isn't a member also looks where its configuration
// sends it: nobody comes to it when all that it knows of the members is outdated.
func (r *Roster) Others() (others []messages.ServerID) {
	for _, m := range r.reach() {
		for _, o := range m.Members {
			if o.ID != r.self && !slices.Contains(others, o.ID) {
				others = append(others, o.ID)
			}
		}
	}
	return others
}

func (r *Roster) reach() []messages.Membership {
	all := r.both()
	if r.heard.Version != 0 {
		all = append(all, r.heard)
	}
	if !r.Belongs() {
		all = append(all, r.kept.Configured)
	}
	return all
}

// Observes tells whether this server is an observer. One that isn't a member at all is a follower without a vote: so a
// quorum of new members can be up to date before they are members.
func (r *Roster) Observes() bool {
	current, ok := r.kept.Current.Member(r.self)
	if !ok || current.Role != messages.Observer {
		return false
	}
	for _, m := range []messages.Membership{r.kept.Proposed, r.heard} {
		if next, ok := m.Member(r.self); ok && next.Role != messages.Observer {
			return false
		}
	}
	return true
}

// Belongs tells whether this server is a member of the current membership.
func (r *Roster) Belongs() bool {
	_, ok := r.kept.Current.Member(r.self)
	return ok
}
