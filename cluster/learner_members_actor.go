package cluster

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// What a learner does about changes of members: they are kept by the peer before anything behind them is acknowledged.

// TakeOver tells the peer whom the leader's ensemble consists of, and which change of that is in the history that this server
// is about to promise to follow (Proposed.Version 0: none). MembersSaved answers.
type TakeOver struct {
	Generation int
	Current    messages.Membership
	Proposed   messages.Membership
}

// saveFirst has a change of members kept before it is logged. What comes meanwhile waits.
func (a *learnerActor) saveFirst(ctx actor.Context, m *messages.Propose) error {
	for i := range m.Items {
		members, ok, err := m.Items[i].Membership()
		if err != nil {
			return err
		}
		if ok {
			a.saving = m
			ctx.Send(a.peer, &SaveMembers{Generation: a.generation, Members: members})
		}
	}
	return nil
}

// membersSaved goes on with what had to wait for it.
func (a *learnerActor) membersSaved(ctx actor.Context) {
	var err error
	switch {
	case a.newLeader != nil:
		m := a.newLeader
		a.newLeader = nil
		err = a.takenOver(ctx, m)
	case a.saving != nil:
		m, waiting := a.saving, a.waiting
		a.saving, a.waiting = nil, nil
		err = a.propose(ctx, m)
		for _, msg := range waiting {
			a.broadcast(ctx, msg)
		}
	}
	if err != nil {
		a.end(ctx, err.Error())
	}
}

func (a *learnerActor) propose(ctx actor.Context, m *messages.Propose) error {
	if err := a.core.Propose(m.Items); err != nil {
		return err
	}
	ctx.Send(a.links.Sync, &messages.Proposals{Items: m.Items})
	return nil
}

// committed lets transactions through the gate, and tells the peer of new members: behind the gate the clients have their
// answers, before the peer may end this role.
func (a *learnerActor) committed(ctx actor.Context, items []messages.Proposal) error {
	ctx.Send(a.links.Gate, &messages.Committed{Items: items})
	for i := range items {
		members, ok, err := items[i].Membership()
		if err != nil {
			return err
		}
		if ok {
			ctx.Send(a.peer, &MembersCommitted{Members: members})
		}
	}
	return nil
}

// proposedMembers takes note of the change in the leader's history.
func (a *learnerActor) proposedMembers(m *messages.ProposedMembers) (err error) {
	a.proposed, err = messages.ParseMembership(m.Members)
	return err
}

// takeOver has the leader's members kept before anything is promised, if they are news.
func (a *learnerActor) takeOver(ctx actor.Context, m *messages.NewLeader) error {
	if m.Config <= a.start.config && a.proposed.Version == a.start.proposed {
		return a.takenOver(ctx, m)
	}
	current, err := messages.ParseMembership(m.Members)
	if err != nil {
		return err
	}
	a.newLeader = m
	ctx.Send(a.peer, &TakeOver{Generation: a.generation, Current: current, Proposed: a.proposed})
	return nil
}
