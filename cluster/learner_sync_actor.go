package cluster

import (
	"errors"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// synchronise is discovery and synchronisation, one message after the other. Each step is durable before the next begins.
func (a *learnerActor) synchronise(ctx actor.Context, msg any) error {
	if a.state == nil && a.start.inPlace == nil {
		return fmt.Errorf("%T comes out of turn: this server is up to date", msg)
	}
	switch m := msg.(type) {
	case *messages.LeaderInfo:
		return a.leaderInfo(ctx, m)
	case *messages.ProposedMembers:
		return a.proposedMembers(m)
	case *messages.NewLeader:
		return a.takeOver(ctx, m)
	case *messages.UpToDate:
		return a.upToDate(ctx, m)
	}
	if a.start.inPlace != nil {
		return a.inPlace(ctx, msg)
	}
	switch m := msg.(type) {
	case *messages.Truncate:
		return a.truncate(ctx, m)
	case *messages.SnapBegin:
		return a.snapBegin(m)
	case *messages.SnapChunk:
		return a.snapChunk(ctx, m)
	case *messages.History:
		return a.history(ctx, m)
	}
	return nil
}

// last is the last transaction of this server's history.
func (a *learnerActor) last() messages.Zxid {
	if a.start.inPlace != nil {
		return a.start.last
	}
	return a.state.Tree.LastZxid()
}

// inPlaceMost is how many bytes of transactions wait for a new leader in place.
const inPlaceMost = 16 << 20

// inPlace takes what the new leader has beyond the history that was handed over. It goes to the log at once, and to the tree, which
// clients look at, only when the reign is established: the leader may be another one than leadership was handed to, or have come
// back, with transactions that nobody has committed.
func (a *learnerActor) inPlace(ctx actor.Context, msg any) error {
	m, ok := msg.(*messages.History)
	if !ok {
		return fmt.Errorf("%T: the new leader's history is not this server's, which ends at %v; it must be synchronised anew",
			msg, a.start.last)
	}
	for i := range m.Items {
		z := m.Items[i].Header.Zxid
		if !z.Follows(a.start.last) {
			return fmt.Errorf("the new leader's transaction %v does not follow %v", z, a.start.last)
		}
		a.start.last = z
		m.Items[i].Ticket = 0 // this server has asked the new leader for nothing yet
		a.beyondBytes += len(m.Items[i].Encoded)
	}
	if a.beyondBytes > inPlaceMost {
		return fmt.Errorf("the new leader has %d bytes that this server lacks, more than can wait; it must be synchronised anew", a.beyondBytes)
	}
	a.beyond = append(a.beyond, m.Items...)
	a.writeDown(ctx, a.start.inPlace, m.Items)
	ctx.Send(a.link, &messages.SnapCredit{})
	return nil
}

// quiet goes on, in place, with the promise to a new leader when the pipeline's log has all of its history, and with its reign
// when the tree has.
func (a *learnerActor) quiet(ctx actor.Context) {
	switch {
	case a.over:
	case a.promise != nil:
		m := a.promise
		a.promise = nil
		if err := a.acknowledge(ctx, m); err != nil {
			a.end(ctx, err.Error())
		}
	case a.arrived != nil:
		m := a.arrived
		a.arrived = nil
		a.active(ctx, m)
	}
}

// leaderInfo promises to follow nobody of an earlier epoch.
func (a *learnerActor) leaderInfo(ctx actor.Context, m *messages.LeaderInfo) error {
	if a.start.inPlace != nil && m.Epoch != nextReign(a.core.current) {
		return fmt.Errorf("leadership was handed over in epoch %d, and this is epoch %d: %s", a.core.current, m.Epoch, reignBetween)
	}
	fresh, err := a.core.LeaderInfo(m.Epoch)
	if err != nil {
		return err
	}
	if fresh {
		if err := a.m.Store.SetEpoch(persistence.AcceptedEpochFile, m.Epoch); err != nil {
			return err
		}
	}
	a.m.Board.PutPhase(PhaseSynchronization)
	ctx.Send(a.link, &messages.EpochAck{Fresh: fresh, CurrentEpoch: a.core.current, Last: a.last()})
	return nil
}

// truncate removes what never became history. The tree is built anew from what is left (ZOOKEEPER-2355).
func (a *learnerActor) truncate(ctx actor.Context, m *messages.Truncate) error {
	a.log.Info().Stringer("after", m.After).Stringer("from", a.state.Tree.LastZxid()).Msg("cutting off transactions that never became history")
	old := a.state
	a.state = nil
	state, err := a.m.Store.Truncate(old, m.After, a.m.rt.Clock.MonoUs)
	if err != nil {
		return fmt.Errorf("cut the log after %v: %w", m.After, err)
	}
	a.state = state
	ctx.Send(a.link, &messages.Truncated{Last: state.Tree.LastZxid()})
	return nil
}

func (a *learnerActor) snapBegin(m *messages.SnapBegin) (err error) {
	if a.incoming != nil {
		return errors.New("a snapshot begins within a snapshot")
	}
	a.log.Info().Stringer("zxid", m.Zxid).Int64("bytes", m.Bytes).Msg("the leader sends a snapshot")
	a.incoming, err = a.m.Store.Replace(a.state, m.Zxid)
	return err
}

func (a *learnerActor) snapChunk(ctx actor.Context, m *messages.SnapChunk) error {
	if a.incoming == nil {
		return errors.New("a part of a snapshot that has not begun")
	}
	if err := a.incoming.Add(m.Records); err != nil {
		return err
	}
	if m.Last {
		incoming, old := a.incoming, a.state
		a.incoming, a.state = nil, nil
		state, err := incoming.Finish(old)
		if err != nil {
			return errors.Join(err, old.Log.Close())
		}
		a.state = state
		a.log.Info().Stringer("zxid", state.SnapshotZxid).Msg("the leader's snapshot is in place")
	}
	ctx.Send(a.link, &messages.SnapCredit{})
	return nil
}

func (a *learnerActor) history(ctx actor.Context, m *messages.History) error {
	if a.incoming != nil {
		return errors.New("history within a snapshot")
	}
	if err := a.state.ApplyHistory(m.Items); err != nil {
		return err
	}
	ctx.Send(a.link, &messages.SnapCredit{})
	return nil
}

// takenOver makes the history durable first and the epoch second (ZOOKEEPER-4643): a server with a new epoch and an old
// history would win elections that it must lose. Only then it promises (ZOOKEEPER-3911, -4646).
func (a *learnerActor) takenOver(ctx actor.Context, m *messages.NewLeader) error {
	if err := a.core.Synchronised(m, a.last()); err != nil {
		return err
	}
	if a.start.inPlace != nil { // the log is the pipeline's
		a.promise = m
		ctx.Send(a.start.inPlace.Sync, actors.Quiesce{To: ctx.Self()})
		return nil
	}
	if err := a.state.Log.Sync(); err != nil {
		return err
	}
	return a.acknowledge(ctx, m)
}

func (a *learnerActor) acknowledge(ctx actor.Context, m *messages.NewLeader) error {
	if err := a.m.Store.SetEpoch(persistence.CurrentEpochFile, m.Epoch); err != nil {
		return err
	}
	ctx.Send(a.link, &messages.NewLeaderAck{Epoch: m.Epoch})
	return nil
}

// upToDate hands the state to the pipeline.
func (a *learnerActor) upToDate(ctx actor.Context, m *messages.UpToDate) error {
	if err := a.core.UpToDate(m); err != nil {
		return err
	}
	if len(a.beyond) > 0 {
		a.arrived = m
		ctx.Send(a.start.inPlace.Gate, &messages.Committed{Items: a.beyond})
		ctx.Send(a.start.inPlace.Gate, actors.Quiesce{To: ctx.Self()})
		a.beyond = nil
		return nil
	}
	a.active(ctx, m)
	return nil
}

func (a *learnerActor) active(ctx actor.Context, m *messages.UpToDate) {
	state := a.state
	a.state = nil
	a.m.Board.PutPhase(PhaseBroadcast)
	ctx.Send(a.peer, &LearnerActive{
		Generation: a.generation, Epoch: m.Epoch, State: state, Link: a.link, Committed: a.proposed,
	})
}
