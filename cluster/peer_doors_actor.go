package cluster

import (
	"slices"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// The peer's doors to the other servers: the receptions and the election, which live as long as the peer.

// NewPeer makes the props of a member's peer actor, which is spawned under PeerName. view always shows the pipeline that
// serves clients, nil while there is none.
func NewPeer(rt *actors.Runtime, o Options, view *atomic.Pointer[actors.View]) *actor.Props {
	m := &member{Options: o, rt: rt}
	return rt.PinnedProps(actors.PeerActor, func() actor.Actor {
		a := &peerActor{m: m, view: view, log: rt.Log.With().Str("component", "peer").Logger()}
		a.SupervisorStrategy = actors.NewSupervisor(rt, a.classOf, a.failed)
		return a
	})
}

// PeerName is the name to spawn the peer under.
func PeerName() string { return actors.PeerActor }

func (a *peerActor) classOf(child *actor.PID) actors.FailureClass {
	switch {
	case a.isElection(child.Id):
		return actors.Rebuildable
	case a.permanent(child):
		return actors.Resumable
	}
	class, _ := a.present().Class(child.Id)
	return class
}

// HandleFailure implements actor.SupervisorStrategy. A connection that a reception has failed on is closed, so that who has
// dialled tries again at once.
func (a *peerActor) HandleFailure(system *actor.ActorSystem, parent actor.Supervisor, child *actor.PID,
	stats *actor.RestartStatistics, reason, message any,
) {
	switch m := message.(type) {
	case linkConnected:
		m.transport.Close()
	case linkGreeted:
		system.Root.Send(m.link, CloseLink{Reason: "the reception has failed on it"})
	}
	a.SupervisorStrategy.HandleFailure(system, parent, child, stats, reason, message)
}

func (a *peerActor) isElection(child string) bool { return a.election != nil && a.election.Id == child }

// permanent tells whether a child outlives roles.
func (a *peerActor) permanent(child *actor.PID) bool {
	return a.isElection(child.Id) || slices.ContainsFunc(a.doors, func(w *doorway) bool { return w.has(child.Id) })
}

func (a *peerActor) openDoors(ctx actor.Context) (err error) {
	a.holdClients(ctx, "")
	a.election, err = ctx.SpawnNamed(NewElectionActor(a.m.rt, ElectionActorOptions{
		Self: a.m.Self, Peer: ctx.Self(), Core: a.m.electionOptions(), Spawn: a.m.spawnElectionPeer,
	}), "election")
	if err != nil {
		return err
	}
	a.doors = []*doorway{
		{name: "electiondoor", target: SetTarget{Purpose: messages.ForElection, Target: a.election},
			port: func(at messages.MemberAddress) int { return at.ElectionPort }},
		{name: "quorumdoor", target: SetTarget{Purpose: messages.ForLearning},
			port: func(at messages.MemberAddress) int { return at.QuorumPort }},
	}
	own, listed := a.m.Membership.Member(a.m.Self.ID)
	for i, acceptor := range []actors.Acceptor{a.m.ElectionDoor, a.m.QuorumDoor} {
		if acceptor == nil {
			a.tryDoors(ctx) // the name of this server's own host may be resolved later
			continue
		}
		d := door{}
		if listed {
			d = a.doorOf(a.doors[i], own)
		}
		if err := a.openDoor(ctx, a.doors[i], d, acceptor); err != nil {
			return err
		}
	}
	return nil
}

// admitClients connects clients to the pipeline.
func (a *peerActor) admitClients(ctx actor.Context, role actors.Role, chain *actors.Chain) {
	if role == actors.RoleLeader && a.m.LeaderRefuses {
		a.refuseClients(ctx, "", "this server leads, and serves no clients then (leaderServes)")
		return
	}
	for _, l := range a.m.Listeners {
		ctx.Send(l, actors.Serve{Links: chain.Links, Options: a.m.Actors.Conn, Auth: a.m.Auth})
	}
}

// holdClients closes all clients' connections. New ones may ask four-letter words, and get no session.
func (a *peerActor) holdClients(ctx actor.Context, reason string) {
	a.refuseClients(ctx, reason, "the server looks for a leader")
}

func (a *peerActor) refuseClients(ctx actor.Context, reason, refusal string) {
	o := a.m.Actors.Conn
	o.Refuse = refusal
	links := actors.Links{Commands: a.m.Commands, LastZxid: func() messages.Zxid { return 0 }}
	for _, l := range a.m.Listeners {
		if reason != "" {
			ctx.Send(l, actors.Hold{Reason: reason})
		}
		ctx.Send(l, actors.Serve{Links: links, Options: o, Auth: a.m.Auth})
	}
}

// show puts what this server is up on the board.
func (a *peerActor) show() {
	s := &a.status
	if s.State != a.state || s.SinceUs == 0 {
		s.SinceUs = a.m.rt.Clock.MonoUs()
	}
	s.ID, s.State, s.Leader, s.Members = a.m.Self.ID, a.state, a.leader, a.members.Current()
	if s.Epoch = a.current; a.state == messages.Looking {
		s.Epoch = 0
	}
	a.m.Board.PutPeer(*s)
}
