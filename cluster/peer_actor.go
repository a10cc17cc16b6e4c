package cluster

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

type (
	// lookAgain ends the pause after a role that failed.
	lookAgain struct{}
	// childFailed tells the peer, from within supervision, that one of its children has panicked.
	childFailed struct {
		child  string
		reason any
	}
)

// failuresPerMinute is how often a stage, or the leader or learner, may panic before the process gives up: then the
// failure isn't a passing one.
const failuresPerMinute = 5

// peerActor is the quorum peer: the one owner of this server's life. It recovers the state, waits for the outcome of an
// election, and has either a leader or a learner and, when that says so, a pipeline. When a role ends, everything of
// it stops before the next begins: the disk has one owner at a time, and nothing of an old reign lives on
// (ZOOKEEPER-2845, -4203, -4712). It has a goroutine of its own, because it reads and writes the disk.
type peerActor struct {
	actor.SupervisorStrategy
	m           *member
	members     Roster
	election    *actor.PID
	forgot      bool // members, and the election has not been told
	removed     bool // in this role
	doors       []*doorway
	tryingDoors bool // one of them is to be opened in a moment
	view        *atomic.Pointer[actors.View]
	log         zerolog.Logger

	state             messages.ServerState
	leader            messages.ServerID
	accepted, current uint32
	disk              *persistence.Recovered // while nobody else has it
	kept              *tree.Shared           // of the last role, if that ended in good order
	generation        int
	role              *actor.PID // the leader's or learner's actor
	chain             *actors.Chain
	ending            map[string]bool // children that haven't stopped yet; nil: no role is ending
	pause             time.Duration   // before the next election
	delay             time.Duration   // the same, of an observer, once
	failures          []int64         // when, monotonic milliseconds
	stopping          bool
	lookedAt          int64
	reading           reading
	status            PeerStatus
	base              actors.StageEnv // what the pipeline was built from
	passage           *passage        // leadership is being handed over, and the pipeline waits
}

// Receive implements actor.Actor.
func (a *peerActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.start(ctx)
	case ElectionRestarted:
		a.tellElection(ctx)
	case *messages.Elected:
		a.elected(ctx, m)
	case LeaderElsewhere:
		a.leaderElsewhere(ctx, m)
	case NewerConfig, ProposedConfig, *SaveMembers, *TakeOver, *MembersCommitted, leaveRole, openDoors:
		a.membersChange(ctx, m)
	case *SaveEpoch:
		a.saveEpoch(ctx, m)
	case *LeaderActive:
		a.leaderActive(ctx, m)
	case *LearnerActive:
		a.learnerActive(ctx, m)
	case *RoleEnded:
		a.roleEnded(ctx, m)
	case childFailed:
		a.childFailed(ctx, m)
	case *actor.Terminated:
		a.childStopped(ctx, m.Who.Id)
	case lookAgain:
		a.look(ctx)
	case MoveLeader, *HandingOver, actors.Quiet, handOverLate:
		a.handover(ctx, m)
	case readOnlyDue:
		a.serveReads(ctx, m)
	case *actor.Stopping:
		a.stop(ctx)
	default:
		a.m.rt.Unexpected(ctx, &a.log)
	}
}

// start recovers the state and opens the doors to the other servers.
func (a *peerActor) start(ctx actor.Context) {
	err := a.loadMembers()
	if err == nil {
		err = a.openDoors(ctx)
	}
	if err != nil {
		a.m.Failed(err)
		return
	}
	if a.recover() {
		a.look(ctx)
	}
}

// recover makes the state on disk this server's. False: it can't be, and the process ends.
func (a *peerActor) recover() bool {
	var kept *tree.Tree
	if a.kept != nil {
		kept = a.kept.Own()
	}
	a.kept = nil
	r, err := a.m.Store.Resume(kept, a.m.rt.Clock.MonoUs, a.m.Progress)
	if err == nil {
		a.disk = r
		err = a.readEpochs(r.Tree.LastZxid())
		a.recoverMembers(r.Tree)
	}
	if err != nil {
		a.m.Failed(err)
		return false
	}
	metrics := a.m.rt.Metrics
	metrics.StartLoadMs.Store(r.Load.Milliseconds())
	metrics.StartReplayMs.Store(r.Replay.Milliseconds())
	metrics.StartReplayed.Store(r.Replayed)
	return true
}

// readEpochs reads what this server has promised, and refuses what can't be: it would break the promise.
func (a *peerActor) readEpochs(last messages.Zxid) (err error) {
	if a.accepted, err = a.m.Store.Epoch(persistence.AcceptedEpochFile); err != nil {
		return err
	}
	if a.current, err = a.m.Store.Epoch(persistence.CurrentEpochFile); err != nil {
		return err
	}
	if a.current > a.accepted || last.Epoch() > a.accepted {
		if a.accepted == 0 && a.current == 0 {
			// A data folder of a server that ran alone becomes an ensemble's: its history is of epochs nobody else has.
			a.accepted, a.current = last.Epoch(), last.Epoch()
			return errors.Join(a.m.Store.SetEpoch(persistence.AcceptedEpochFile, a.accepted),
				a.m.Store.SetEpoch(persistence.CurrentEpochFile, a.current))
		}
		return fmt.Errorf("the epoch files in %s say accepted %d and current %d, but the log ends at %v: a file was lost or "+
			"brought back from an older copy; empty this server's data folder and let it join the ensemble anew",
			a.m.Store.Dir().EpochDir, a.accepted, a.current, last)
	}
	return nil
}

// look begins to look for a leader.
func (a *peerActor) look(ctx actor.Context) {
	if a.stopping || a.state != messages.Looking || a.ending != nil {
		return
	}
	a.moveDoors(ctx)
	if a.forgot {
		a.forgot = false
		a.tellMembers(ctx)
	}
	a.lookedAt = a.m.now()
	a.status.Looking++
	a.show()
	a.log.Info().Uint32("epoch", a.current).Stringer("zxid", a.last()).Msg("looking for a leader")
	start := StartElection{Vote: messages.Vote{Leader: a.m.Self.ID, Zxid: a.last(), Epoch: a.current}}
	if a.passage != nil {
		ctx.Send(a.election, DesignateLeader{ID: a.passage.to})
		start.Over = a.status.Round
	}
	ctx.Send(a.election, start)
	a.armReadOnly(ctx)
}

// inPlace is the pipeline that goes on while leadership is handed over; nil: there is none.
func (a *peerActor) inPlace() *actors.Links {
	if a.passage == nil {
		return nil
	}
	return &a.chain.Links
}

// last is the last transaction of this server's history while it looks for a leader.
func (a *peerActor) last() messages.Zxid {
	if a.passage != nil {
		return a.passage.zxid
	}
	return a.disk.Tree.LastZxid()
}

// tellElection gives an election that knows nothing what it needs to know.
func (a *peerActor) tellElection(ctx actor.Context) {
	if !a.tellMembers(ctx) {
		return
	}
	switch {
	case a.state != messages.Looking:
		a.settled(ctx)
	case a.disk != nil || a.passage != nil:
		a.look(ctx)
	}
}

func (a *peerActor) settled(ctx actor.Context) {
	s := RoleSettled{State: a.state, Leader: a.leader, Epoch: a.current}
	ctx.Send(a.election, s)
}

// elected begins the role that the election has found for this server.
func (a *peerActor) elected(ctx actor.Context, m *messages.Elected) {
	if a.reading.chain != nil {
		a.reading.next = m
		a.endReads(ctx, "the search for a leader is over")
		return
	}
	if a.state != messages.Looking || (a.disk == nil && a.passage == nil) || a.ending != nil || a.stopping {
		return
	}
	if a.state, a.leader = m.State, m.Leader; m.State != messages.Leading {
		a.state = a.learns()
	}
	if a.passage != nil && a.base.NoLog != a.noLog() {
		a.endRole(ctx, "with a change of members this server begins or ends to keep a log", false)
		return
	}
	a.generation++
	a.log.Info().Stringer("state", m.State).Uint8("leader", uint8(m.Leader)).Uint64("round", m.Round).
		Int64("ms", a.m.now()-a.lookedAt).Msg("elected")
	a.status.Round = m.Round
	a.status.Elections.Add(a.m.now() - a.lookedAt)
	a.show()
	a.settled(ctx)
	var err error
	if m.State == messages.Leading {
		err = a.lead(ctx)
	} else {
		err = a.learn(ctx)
	}
	if err != nil {
		a.endRole(ctx, err.Error(), true)
	}
}

// leaderElsewhere gives a role up that can come to nothing: a quorum has another leader.
func (a *peerActor) leaderElsewhere(ctx actor.Context, m LeaderElsewhere) {
	if a.role != nil && a.ending == nil && m.Leader != a.leader {
		a.endRole(ctx, fmt.Sprintf("a quorum has leader %d", m.Leader), false)
	}
}

func (a *peerActor) lead(ctx actor.Context) error {
	rules, err := a.members.Rules()
	if err != nil {
		return err
	}
	members := LeaderMembers{Current: a.members.Current(), Proposed: a.members.Proposed(), Rules: rules}
	props := newLeaderActor(a.m, ctx.Self(), a.generation, leaderStart{
		members: members, accepted: a.accepted, current: a.current, last: a.last(),
	})
	if a.role, err = ctx.SpawnNamed(props, "leader-"+strconv.Itoa(a.generation)); err != nil {
		return err
	}
	a.admitLearners(ctx, a.role)
	return nil
}

func (a *peerActor) learn(ctx actor.Context) error {
	leader, err := a.leaderAt(a.leader)
	if err != nil {
		return err
	}
	state, last := a.disk, a.last()
	a.disk = nil
	props := newLearnerActor(a.m, ctx.Self(), a.generation, a.leader, a.state == messages.Observing, learnerStart{
		accepted: a.accepted, current: a.current, config: a.members.Current().Version, proposed: a.members.Proposed().Version,
		leader: leader, state: state, inPlace: a.inPlace(), last: last,
	})
	if a.role, err = ctx.SpawnNamed(props, "learner-"+strconv.Itoa(a.generation)); err != nil {
		a.disk = state
	}
	return err
}

func (a *peerActor) saveEpoch(ctx actor.Context, m *SaveEpoch) {
	if a.role == nil || a.ending != nil || m.Generation != a.generation {
		return
	}
	if err := a.m.Store.SetEpoch(m.File, m.Epoch); err != nil {
		a.endRole(ctx, err.Error(), true)
		return
	}
	if m.File == persistence.AcceptedEpochFile {
		a.accepted = m.Epoch
	} else {
		a.current = m.Epoch
	}
	ctx.Send(a.role, &EpochSaved{File: m.File, Epoch: m.Epoch})
}
