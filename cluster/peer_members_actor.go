package cluster

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// What the peer does about the members of the ensemble: it keeps them on disk, lets the election, the doors and the board
// follow them, and ends a role that this server no longer has.

type (
	// leaveRole ends a role that this server has lost with a change of members, a moment later.
	leaveRole struct{ generation int }
	// openDoors is the time to try again to open a port.
	openDoors struct{}
)

// loadMembers finds out who belongs to the ensemble.
func (a *peerActor) loadMembers() error {
	configured := a.m.Membership
	if !a.m.Reconfig {
		a.members, _ = NewRoster(a.m.Self.ID, configured, persistence.Memberships{}, false)
		return nil
	}
	stored, found, err := a.m.Store.Membership()
	if err != nil {
		return err
	}
	var edited bool
	a.members, edited = NewRoster(a.m.Self.ID, configured, stored, found)
	switch current := a.members.Current(); {
	case edited:
		a.log.Warn().Str("configured", configured.String()).Str("kept", stored.Current.String()).
			Msg("the members in this server's configuration were changed by hand; they count, not those that it kept")
	case !current.Equal(configured):
		a.log.Info().Str("members", current.String()).Msg("the members have changed since this server was configured")
	}
	return nil
}

// recoverMembers looks whether a proposed change is in the log.
func (a *peerActor) recoverMembers(t *tree.Tree) {
	text := ""
	if n, ok := t.LookupString(messages.ConfigPath); ok {
		text = string(n.Data())
	}
	if !a.members.Recovered(text) {
		return
	}
	a.forgot = true
	a.log.Info().Msg("a change of members that was proposed is not in this server's history")
	a.filed(MembershipFiles.Withdraw)
}

func (a *peerActor) membersChange(ctx actor.Context, msg any) {
	switch m := msg.(type) {
	case NewerConfig:
		a.newerMembers(ctx, m)
	case ProposedConfig:
		a.heardOfMembers(ctx, m)
	case *SaveMembers:
		a.saveMembers(ctx, m)
	case *TakeOver:
		a.takeOver(ctx, m)
	case *MembersCommitted:
		a.membersCommitted(ctx, m.Members)
	case leaveRole:
		if a.role != nil && a.ending == nil && m.generation == a.generation {
			a.leaveRole(ctx)
		}
	case openDoors:
		a.tryingDoors = false
		a.moveDoors(ctx)
	}
}

// tellMembers tells the election whose votes count, and lets the doors follow. False: nothing can be decided with these members.
func (a *peerActor) tellMembers(ctx actor.Context) bool {
	rules, err := a.members.Rules()
	if err != nil {
		a.m.Failed(err)
		return false
	}
	var others []ElectionMember
	for _, id := range a.members.Others() {
		others = append(others, a.address(id, func(at messages.MemberAddress) int { return at.ElectionPort }))
	}
	current := a.members.Current()
	ctx.Send(a.election, SetMembers{Rules: rules, Version: current.Version, Text: current.String(), Others: others, Beyond: a.beyond()})
	a.moveDoors(ctx)
	return true
}

// beyond is what this server knows of members that may be in effect somewhere.
func (a *peerActor) beyond() (b Beyond) {
	if p := a.members.Proposed(); p.Version != 0 {
		b.Tell = p.String()
	}
	if h := a.members.Heard(); h.Version != 0 {
		if rule, err := RuleOf(h); err == nil {
			b.Rule, b.Heard = rule, h.String()
		}
	}
	return b
}

// hostPort is one of a member's addresses, host:port.
func hostPort(m messages.Member, port func(messages.MemberAddress) int) string {
	at := m.Addresses[0]
	return net.JoinHostPort(at.Host, strconv.Itoa(port(at)))
}

// address is where a server can be found by what is known of the members.
func (a *peerActor) address(id messages.ServerID, port func(messages.MemberAddress) int) (at ElectionMember) {
	add := func(found messages.MemberAddress) {
		switch address := net.JoinHostPort(found.Host, strconv.Itoa(port(found))); {
		case at.Address == "":
			at.Address = address
		case address != at.Address && !slices.Contains(at.Also, address):
			at.Also = append(at.Also, address)
		}
	}
	for _, line := range a.members.Lines(id) {
		add(line.Addresses[0])
	}
	if at.Address != "" {
		for _, place := range a.members.Former(id) {
			add(place)
		}
	}
	at.ID = id
	return at
}

// leaderAt is where a leader's learners connect to.
func (a *peerActor) leaderAt(leader messages.ServerID) (ElectionMember, error) {
	at := a.address(leader, func(at messages.MemberAddress) int { return at.QuorumPort })
	if at.Address == "" {
		return at, fmt.Errorf("server %d was elected, which is no member of the ensemble that this server knows", leader)
	}
	return at, nil
}

// learns is what this server is when it doesn't lead.
func (a *peerActor) learns() messages.ServerState {
	if a.members.Observes() {
		return messages.Observing
	}
	return messages.Following
}

// saveMembers keeps a change that the leader has proposed. What can't be kept can't be acknowledged.
func (a *peerActor) saveMembers(ctx actor.Context, m *SaveMembers) {
	if a.role == nil || a.ending != nil || m.Generation != a.generation {
		return
	}
	a.members.Propose(m.Members)
	if err := a.keep(); err != nil {
		a.endRole(ctx, err.Error(), true)
		return
	}
	a.log.Info().Str("members", m.Members.String()).Msg("a change of members is proposed")
	a.tellMembers(ctx)
	ctx.Send(a.role, &MembersSaved{Version: m.Members.Version})
	a.filed(func(f MembershipFiles) error { return f.Propose(m.Members) })
}

// takeOver keeps what the leader of this learner knows, before the learner promises to follow it. A change that isn't in the
// leader's history won't be, so it is forgotten.
func (a *peerActor) takeOver(ctx actor.Context, m *TakeOver) {
	if a.role == nil || a.ending != nil || m.Generation != a.generation {
		return
	}
	news := a.members.Commit(m.Current)
	a.members.Propose(m.Proposed)
	if m.Proposed.Version <= a.members.Current().Version {
		a.members.Propose(messages.Membership{})
	}
	if err := a.keep(); err != nil {
		a.endRole(ctx, err.Error(), true)
		return
	}
	a.tellMembers(ctx)
	ctx.Send(a.role, &MembersSaved{})
	if news {
		a.follow(ctx)
	}
}

// newerMembers takes over what another server knows, while this one looks for a leader: who decides isn't clear before.
func (a *peerActor) newerMembers(ctx actor.Context, m NewerConfig) {
	members, err := messages.ParseMembership(m.Members)
	if err == nil && members.Version != m.Version {
		err = fmt.Errorf("its version is %x, not %x", uint64(members.Version), uint64(m.Version))
	}
	if err == nil {
		_, err = RuleOf(members)
	}
	if err != nil {
		a.log.Error().Err(err).Uint8("server", uint8(m.From)).Msg("another server's membership makes no sense")
		return
	}
	if a.state == messages.Looking {
		a.inEffect(ctx, members)
	}
}

// heardOfMembers notes members that another server has acknowledged, while this one looks for a leader: they may be needed to
// find one.
func (a *peerActor) heardOfMembers(ctx actor.Context, m ProposedConfig) {
	members, err := messages.ParseMembership(m.Members)
	if err == nil {
		_, err = RuleOf(members)
	}
	if err != nil {
		a.log.Error().Err(err).Uint8("server", uint8(m.From)).Msg("members that another server has acknowledged make no sense")
		return
	}
	if a.state != messages.Looking || !a.members.Hear(members) {
		return
	}
	a.log.Info().Uint8("server", uint8(m.From)).Str("members", m.Members).Msg("another server has acknowledged new members")
	if a.members.Proposed().Version == members.Version { // they count here, too
		if err := a.keep(); err != nil {
			a.log.Error().Err(err).Msg("the members can't be kept on disk at the moment")
		}
	}
	a.tellMembers(ctx)
}

// membersCommitted lets a change take effect. A leader that has lost its place with it ends its reign itself; a learner
// does it here, when its clients have had a moment to get their answers.
func (a *peerActor) membersCommitted(ctx actor.Context, m messages.Membership) {
	belonged := a.members.Belongs()
	if !a.inEffect(ctx, m) || a.role == nil || a.ending != nil || a.state == messages.Leading {
		return
	}
	if a.removed = belonged && !a.members.Belongs(); a.removed || a.state != a.learns() {
		self, root, msg := ctx.Self(), a.m.rt.System.Root, leaveRole{a.generation}
		a.m.rt.Clock.After(lookEvery, func() { root.Send(self, msg) })
	}
}

// leaveRole ends the role unless the next change has given it back.
func (a *peerActor) leaveRole(ctx actor.Context) {
	switch {
	case a.state != a.learns():
		a.endRole(ctx, "this server has another part among the members now", false)
	case a.removed && !a.members.Belongs():
		a.endRole(ctx, "this server is no member any more", false)
	}
}

// inEffect notes members that are committed, and lets everything follow them. False: they are no news. That they can't be
// kept at the moment ends nothing: after a restart this server counts with the change as a proposed one.
func (a *peerActor) inEffect(ctx actor.Context, m messages.Membership) bool {
	if m.Version == 0 || !a.members.Commit(m) {
		return false
	}
	a.log.Info().Str("members", m.String()).Msg("the members of the ensemble have changed")
	if err := a.keep(); err != nil {
		a.log.Error().Err(err).Msg("the members can't be kept on disk at the moment")
	}
	a.tellMembers(ctx)
	a.follow(ctx)
	return true
}

// follow lets board and files follow the current members.
func (a *peerActor) follow(ctx actor.Context) {
	a.show()
	current := a.members.Current()
	if a.filed(func(f MembershipFiles) error { return f.Activate(current) }) {
		a.members.Configured(current)
		if err := a.keep(); err != nil {
			a.log.Error().Err(err).Msg("the members can't be kept on disk at the moment")
		}
	}
}

// keep makes durable what this server knows of the members.
func (a *peerActor) keep() error {
	if !a.m.Reconfig {
		return nil
	}
	return a.m.Store.SetMembership(a.members.Kept())
}

// filed brings members into the configuration files. It tells whether they are there.
func (a *peerActor) filed(write func(MembershipFiles) error) bool {
	if a.m.Files == nil || !a.m.Reconfig {
		return false
	}
	if err := write(a.m.Files); err != nil {
		a.log.Warn().Err(err).Msg("the configuration files are not in step with the members; the data folder is")
		return false
	}
	return true
}

// quorumOf tells whether servers are a quorum of a membership.
func quorumOf(m messages.Membership, servers []messages.ServerID) (bool, error) {
	rule, err := RuleOf(m)
	if err != nil {
		return false, err
	}
	has := map[messages.ServerID]bool{}
	for _, id := range servers {
		has[id] = true
	}
	return rule.Quorum(func(id messages.ServerID) bool { return has[id] }), nil
}
