package cluster

import (
	"fmt"
	"net"
	"strconv"
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
	if a.permanent(child) {
		return actors.Rebuildable
	}
	class, _ := a.present().Class(child.Id)
	return class
}

// permanent tells whether a child outlives roles.
func (a *peerActor) permanent(child *actor.PID) bool {
	for _, pid := range a.receptions {
		if pid.Id == child.Id {
			return true
		}
	}
	return a.election != nil && a.election.Id == child.Id
}

func (a *peerActor) openDoors(ctx actor.Context) (err error) {
	a.holdClients(ctx, "")
	a.election, err = ctx.SpawnNamed(NewElectionActor(a.m.rt, ElectionActorOptions{
		Self: a.m.Self, Peer: ctx.Self(), Core: a.m.electionOptions(), Spawn: a.m.spawnElectionPeer,
	}), "election")
	if err != nil {
		return err
	}
	open := func(name string, acceptor actors.Acceptor, target SetTarget) error {
		if acceptor == nil {
			return nil
		}
		props := NewReception(a.m.rt, acceptor, a.m.Self, []SetTarget{target}, DefaultReceptionOptions())
		pid, err := ctx.SpawnNamed(props, name)
		if err == nil {
			a.receptions = append(a.receptions, pid)
		}
		return err
	}
	if err := open("electiondoor", a.m.ElectionDoor, SetTarget{Purpose: messages.ForElection, Target: a.election}); err != nil {
		return err
	}
	return open("quorumdoor", a.m.QuorumDoor, SetTarget{Purpose: messages.ForLearning})
}

// admitLearners tells the receptions who takes learners' links; nil: nobody.
func (a *peerActor) admitLearners(ctx actor.Context, leader *actor.PID) {
	for _, pid := range a.receptions {
		ctx.Send(pid, SetTarget{Purpose: messages.ForLearning, Target: leader})
	}
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

// others are the members that an election link is kept to.
func (m *member) others() (others []ElectionMember) {
	for _, o := range m.Membership.Members {
		if o.ID == m.Self.ID {
			continue
		}
		a := o.Addresses[0]
		others = append(others, ElectionMember{ID: o.ID, Address: net.JoinHostPort(a.Host, strconv.Itoa(a.ElectionPort))})
	}
	return others
}

// quorumAddress is where a leader's learners connect to.
func (m *member) quorumAddress(leader messages.ServerID) (string, error) {
	o, ok := m.Membership.Member(leader)
	if !ok {
		return "", fmt.Errorf("server %d was elected, which is no member of this server's configuration", leader)
	}
	a := o.Addresses[0]
	return net.JoinHostPort(a.Host, strconv.Itoa(a.QuorumPort)), nil
}

// show puts what this server is up on the board.
func (a *peerActor) show() {
	s := &a.status
	if s.State != a.state || s.SinceUs == 0 {
		s.SinceUs = a.m.rt.Clock.MonoUs()
	}
	s.ID, s.State, s.Leader, s.Members = a.m.Self.ID, a.state, a.leader, a.m.Membership
	if s.Epoch = a.current; a.state == messages.Looking {
		s.Epoch = 0
	}
	a.m.Board.PutPeer(*s)
}
