package cluster

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

type (
	// learnerLook is the learner's timer, learnerRedial the pause before it dials again.
	learnerLook   struct{}
	learnerRedial struct{}
	// LearnerActive tells the peer that the learner is up to date: the pipeline may run on this state.
	LearnerActive struct {
		Generation int
		Epoch      uint32
		State      *persistence.Recovered
		Link       *actor.PID
		// Committed is the change of members in its history that the leader was not sure of; Version 0: there is none.
		Committed messages.Membership
	}
)

const (
	redialPause = 25 * time.Millisecond
	// redialLimit is how long an elected leader may take to open its door. One that has died is better looked for anew.
	redialLimit = 1500
)

// learnerActor is the follower or observer: the shell of Learner. Discovery and synchronisation happen in this one
// thread, disk included, in the order that Zab demands (ZOOKEEPER-3911, -4643, -4646, -4785): then it passes
// proposals to the log and commits to the gate. It has a goroutine of its own until it does no more than that.
type learnerActor struct {
	actors.PrivateChildren
	m          *member
	turns      *actors.MovingDispatcher
	peer       *actor.PID
	generation int
	leader     messages.ServerID
	observer   bool
	start      learnerStart
	core       *Learner
	state      *persistence.Recovered // until the pipeline has it
	incoming   *persistence.Replacement
	log        zerolog.Logger

	link    *actor.PID // the one that is up
	dialled int
	links   *actors.Links // nil until the pipeline is there
	waiting []any         // what came before it was, or comes behind saving

	// In place.
	promise     *messages.NewLeader // to be acknowledged when the log is quiet
	beyond      []messages.Proposal // of the leader's, and not in this server's tree yet
	beyondBytes int
	arrived     *messages.UpToDate // to be followed when the tree is quiet

	saving    *messages.Propose   // holds a change of members, which the peer is to keep first
	proposed  messages.Membership // the change in the leader's history
	newLeader *messages.NewLeader // waits until the peer has kept the members that go with it

	began, heard int64 // monotonic milliseconds
	pongMoved    int64 // when the leader last showed that it hears this server
	heardBeat    uint64
	timer        actors.Timer
	over         bool
	diskFull     bool
}

// learnerStart is what a learner begins with.
type learnerStart struct {
	inPlace           *actors.Links // the pipeline goes on; its state ends at last
	last              messages.Zxid
	accepted, current uint32
	config            messages.Zxid  // version of the current membership
	proposed          messages.Zxid  // and of the proposed one
	leader            ElectionMember // where it takes learners
	state             *persistence.Recovered
}

func newLearnerActor(m *member, peer *actor.PID, generation int, leader messages.ServerID, observer bool, s learnerStart) *actor.Props {
	return m.rt.MovingProps("learner", func(d *actors.MovingDispatcher) actor.Actor {
		return &learnerActor{
			turns:           d,
			PrivateChildren: actors.PrivateChildren{Runtime: m.rt},
			m:               m, peer: peer, generation: generation, leader: leader, observer: observer, start: s, state: s.state,
			core: NewLearner(m.Self.ID, s.accepted, s.current, s.last),
			log:  m.rt.Log.With().Str("component", "learner").Uint8("leader", uint8(leader)).Logger(),
		}
	})
}

// Receive implements actor.Actor.
func (a *learnerActor) Receive(ctx actor.Context) {
	if a.over && !farewell(ctx.Message()) {
		return
	}
	switch m := ctx.Message().(type) {
	case *messages.Propose, *messages.Commit, *messages.Inform, *messages.Words, *messages.Revalidated, *messages.HandOver:
		a.heard = a.m.now()
		a.broadcast(ctx, m)
	case *messages.Ping:
		a.heard = a.m.now()
		a.ping(ctx, m)
	case *messages.LeaderInfo, *messages.Truncate, *messages.SnapBegin, *messages.SnapChunk, *messages.History,
		*messages.ProposedMembers, *messages.NewLeader, *messages.UpToDate:
		a.heard = a.m.now()
		if err := a.synchronise(ctx, m); err != nil {
			a.end(ctx, err.Error())
		}
	case PipelineReady:
		a.ready(ctx, m)
	case *MembersSaved:
		a.membersSaved(ctx)
	case *actor.Started:
		a.begin(ctx)
	default:
		a.other(ctx, m)
	}
}

// farewell tells whether a message is one that an actor at its end still needs.
func farewell(msg any) bool {
	switch msg.(type) {
	case *actor.Stopping, *actor.Restarting, *actor.Stopped, *actor.Terminated:
		return true
	}
	return false
}

// other is what doesn't come from the leader.
func (a *learnerActor) other(ctx actor.Context, msg any) {
	switch m := msg.(type) {
	case LinkUp:
		a.linkUp(ctx, m)
	case LinkDown:
		a.linkDown(ctx, m)
	case learnerRedial:
		a.dial(ctx)
	case learnerLook:
		a.look(ctx)
	case *messages.DiskSpace:
		a.diskSpace(m)
	case actors.Quiet:
		a.quiet(ctx)
	case *actor.Stopping, *actor.Restarting:
		a.stop()
	case *messages.KeepAlive:
	default:
		a.m.rt.Unexpected(ctx, &a.log)
	}
}

func (a *learnerActor) begin(ctx actor.Context) {
	a.began = a.m.now()
	a.dial(ctx)
	a.arm(ctx)
}

func (a *learnerActor) arm(ctx actor.Context) {
	self, root := ctx.Self(), a.m.rt.System.Root
	a.timer = a.m.rt.Clock.After(lookEvery, func() { root.Send(self, learnerLook{}) })
}

func (a *learnerActor) dial(ctx actor.Context) {
	a.dialled++
	props := NewLink(a.m.rt, uint64(a.m.Self.ID), Dial{
		Network: a.m.Network, Address: a.start.leader.at(uint64(a.dialled)), Timeout: 500 * time.Millisecond, Owner: ctx.Self(),
		Options: LearningLinks(),
		Hello: messages.Hello{
			Protocol: messages.LinkProtocol, Purpose: messages.ForLearning, From: a.m.Self.ID, To: a.leader,
			Incarnation: a.m.Self.Incarnation,
		},
	})
	if _, err := ctx.SpawnNamed(props, fmt.Sprintf("link-%d", a.dialled)); err != nil {
		a.end(ctx, "can't start a link: "+err.Error())
	}
}

func (a *learnerActor) linkUp(ctx actor.Context, m LinkUp) {
	a.link = m.Link
	a.heard, a.pongMoved = a.m.now(), a.m.now()
	ctx.Send(a.link, &messages.LearnerInfo{
		Server: a.m.Self.ID, Observer: a.observer, AcceptedEpoch: a.start.accepted, Config: a.start.config,
	})
}

// linkDown tries again while the leader may not have opened its door yet; a link that was up and broke ends the role.
func (a *learnerActor) linkDown(ctx actor.Context, m LinkDown) {
	if a.link != nil || a.m.now()-a.began > redialLimit {
		a.end(ctx, "the link to the leader is down: "+m.Reason)
		return
	}
	self, root := ctx.Self(), a.m.rt.System.Root
	a.m.rt.Clock.After(redialPause, func() { root.Send(self, learnerRedial{}) })
}

// look ends the role when the leader is silent, or doesn't hear this server (a leader that is deaf goes on sending).
func (a *learnerActor) look(ctx actor.Context) {
	now := a.m.now()
	a.arm(ctx)
	limit := a.m.ms(a.m.SyncLimit)
	if a.links == nil {
		limit = a.m.ms(a.m.InitLimit)
	}
	switch {
	case a.link == nil:
	case now-a.heard > limit:
		a.end(ctx, fmt.Sprintf("the leader has been silent for %d ms", now-a.heard))
	case a.links != nil && now-a.pongMoved > limit:
		a.end(ctx, fmt.Sprintf("the leader has not heard this server for %d ms", now-a.pongMoved))
	}
}

func (a *learnerActor) diskSpace(m *messages.DiskSpace) {
	if a.diskFull = m.Full; m.Full {
		a.log.Error().Int64("free_bytes", m.Free).
			Msg("the disk of the transaction log is full: what is proposed is not acknowledged until there is room")
	}
}

func (a *learnerActor) stop() {
	if a.timer != nil { // else it has failed at its very start
		a.timer.Stop()
	}
	if a.incoming != nil {
		a.incoming.Abort()
		a.incoming = nil
	}
	if a.state != nil { // the pipeline never got it
		if err := a.state.Log.Close(); err != nil {
			a.log.Warn().Err(err).Msg("closing the transaction log failed; the next start reads what is there")
		}
		a.state = nil
	}
}

func (a *learnerActor) end(ctx actor.Context, reason string) {
	if a.over {
		return
	}
	a.over = true
	if a.link != nil {
		ctx.Send(a.link, CloseLink{Reason: reason})
	}
	ctx.Send(a.peer, &RoleEnded{Generation: a.generation, Reason: reason})
}
