package cluster

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// How a role of the peer is established, and how it ends.

func (a *peerActor) leaderActive(ctx actor.Context, m *LeaderActive) {
	if a.role == nil || a.ending != nil || a.state != messages.Leading || m.Generation != a.generation {
		return
	}
	a.forgot = a.members.Found() || a.forgot
	a.inEffect(ctx, m.Members)
	state := a.disk
	a.disk = nil
	a.establish(ctx, state, actors.RoleLeader, m.Epoch, actors.Links{Leader: a.role, Member: a.role})
}

func (a *peerActor) learnerActive(ctx actor.Context, m *LearnerActive) {
	if a.role == nil || a.ending != nil || m.Generation != a.generation {
		if m.State == nil {
			return
		}
		if err := m.State.Log.Close(); err != nil {
			a.log.Warn().Err(err).Msg("closing the transaction log failed; the next start reads what is there")
		}
		return
	}
	a.accepted, a.current = m.Epoch, m.Epoch
	a.forgot = a.members.Found() || a.forgot
	if a.inEffect(ctx, m.Committed); a.state != a.learns() {
		if m.State != nil {
			a.kept, a.disk = nil, m.State
		}
		a.endRole(ctx, "this server has another part among the members now", false)
		return
	}
	role := actors.RoleFollower
	if a.state == messages.Observing {
		role = actors.RoleObserver
	}
	a.establish(ctx, m.State, role, m.Epoch, actors.Links{Leader: m.Link, Prep: m.Link, Member: a.role})
}

// establish builds the pipeline and lets clients in.
func (a *peerActor) establish(ctx actor.Context, state *persistence.Recovered, role actors.Role, epoch uint32, links actors.Links) {
	if a.passage != nil {
		a.switchRole(ctx, role, epoch, links)
		return
	}
	shared := tree.NewShared(state.Tree)
	links.Commands = a.m.Commands
	base := actors.StageEnv{
		Runtime: a.m.rt, Options: a.m.Actors, Auth: a.m.Auth, Tree: shared, Store: a.m.Store, Recovery: state,
		DiskFull: actors.NoRoom(state.Log), NoLog: a.noLog(),
		Role: role, Epoch: epoch, Links: links, Ensemble: actors.Ensemble{Members: a.members.Current(), Quorum: quorumOf},
	}
	chain, err := actors.SpawnChain(ctx, base, a.generation)
	if err != nil {
		a.endRole(ctx, err.Error(), true)
		return
	}
	a.chain, a.kept, a.pause, a.base = chain, shared, 0, base
	a.established(ctx, role, epoch)
	a.admitClients(ctx, role, chain)
}

// noLog tells whether this server keeps no log in its present state.
func (a *peerActor) noLog() bool { return a.state == messages.Observing && !a.m.ObserverLog }

// established tells everybody that the role is there with its pipeline.
func (a *peerActor) established(ctx actor.Context, role actors.Role, epoch uint32) {
	ctx.Send(a.role, PipelineReady{Links: a.chain.Links})
	a.view.Store(&actors.View{Links: a.chain.Links, Role: role, Tree: a.kept, Generation: a.generation})
	a.log.Info().Stringer("role", role).Uint32("epoch", epoch).Stringer("zxid", a.kept.LastZxid()).
		Int64("ms", a.m.now()-a.lookedAt).Msg("serving")
	a.show()
	a.settled(ctx)
	if a.m.Ready != nil {
		a.m.Ready()
	}
}

func (a *peerActor) roleEnded(ctx actor.Context, m *RoleEnded) {
	if a.role == nil || m.Generation != a.generation || a.ending != nil {
		return
	}
	a.endRole(ctx, m.Reason, false)
}

// endRole closes all connections and stops everything of the role. failed: its tree may not be what the log says.
func (a *peerActor) endRole(ctx actor.Context, reason string, failed bool) {
	a.log.Warn().Stringer("state", a.state).Msg("leaving the role: " + reason)
	served := a.chain != nil
	a.passage = nil
	a.view.Store(nil)
	a.holdClients(ctx, "the server looks for a leader")
	a.admitLearners(ctx, nil)
	if a.state == messages.Observing {
		a.delay = a.m.observerDelay()
	}
	if failed || a.base.NoLog { // in which case the tree is ahead of the disk, where the next role begins
		a.kept = nil
	}
	if !served {
		a.kept = nil
		a.pause = min(max(2*a.pause, failedPause), failedPauseMax)
	}
	a.state, a.leader, a.chain = messages.Looking, 0, nil
	a.show()
	a.role = nil
	a.stopChildren(ctx)
}

// stopChildren ends all but the doors. What comes next begins when they have stopped.
func (a *peerActor) stopChildren(ctx actor.Context) {
	a.ending = map[string]bool{}
	for _, child := range ctx.Children() {
		if a.permanent(child) {
			continue
		}
		a.ending[child.Id] = true
		ctx.Stop(child)
	}
	a.beginAnew(ctx)
}

// A role that never served is begun again after a pause, which grows: what was wrong may not be over yet.
const (
	failedPause    = 10 * time.Millisecond
	failedPauseMax = time.Second
)

func (a *peerActor) childStopped(ctx actor.Context, child string) {
	a.doorClosed(ctx, child)
	if a.passage != nil {
		delete(a.passage.left, child)
		a.passed(ctx)
	}
	if a.ending == nil {
		return
	}
	delete(a.ending, child)
	a.beginAnew(ctx)
}

// beginAnew waits for the last of the role's actors: the log has one owner at a time.
func (a *peerActor) beginAnew(ctx actor.Context) {
	if len(a.ending) > 0 || a.stopping {
		return
	}
	a.ending = nil
	if a.reading.ending {
		a.readsEnded(ctx)
		return
	}
	if a.disk == nil && !a.recover() {
		return
	}
	pause := a.pause + a.delay
	if a.delay = 0; pause == 0 {
		a.look(ctx)
		return
	}
	self, root := ctx.Self(), a.m.rt.System.Root
	a.m.rt.Clock.After(pause, func() { root.Send(self, lookAgain{}) })
}

// failed runs within supervision; the work is done as a message.
func (a *peerActor) failed(child *actor.PID, reason any) {
	a.m.rt.System.Root.Send(a.m.rt.System.NewLocalPID(actors.PeerActor), childFailed{child: child.Id, reason: reason})
}

func (a *peerActor) childFailed(ctx actor.Context, m childFailed) {
	if a.permanent(actor.NewPID("", m.child)) {
		a.m.rt.Fatal(fmt.Errorf("%s fails again and again, and without it this server finds no others: %v", m.child, m.reason))
		return
	}
	if a.ending != nil {
		return
	}
	_, ours := a.present().Class(m.child)
	if a.role != nil && m.child == a.role.Id {
		ours = true
	}
	if !ours {
		return // of an earlier role
	}
	a.m.rt.Metrics.PipelineRebuilds.Inc()
	now := a.m.now()
	recent := a.failures[:0]
	for _, at := range a.failures {
		if now-at < 60_000 {
			recent = append(recent, at)
		}
	}
	if a.failures = append(recent, now); len(a.failures) > failuresPerMinute {
		a.m.rt.Fatal(fmt.Errorf("this server's pipeline failed %d times within a minute, last in %s: %v", len(a.failures), m.child, m.reason))
		return
	}
	reason := fmt.Sprintf("%s has failed: %v", m.child, m.reason)
	if a.reading.chain != nil {
		a.endReads(ctx, reason)
		return
	}
	a.endRole(ctx, reason, true)
}

// present is the pipeline that there is, of a role or for reads alone; nil: none.
func (a *peerActor) present() *actors.Chain {
	if a.reading.chain != nil {
		return a.reading.chain
	}
	return a.chain
}

func (a *peerActor) stop(ctx actor.Context) {
	a.stopping = true
	a.view.Store(nil)
	for _, l := range a.m.Listeners {
		ctx.Send(l, actors.Hold{Reason: "the server is shutting down"})
	}
	if a.disk != nil {
		if err := a.disk.Log.Close(); err != nil {
			a.log.Warn().Err(err).Msg("closing the transaction log failed; the next start reads what is there")
		}
		a.disk = nil
	}
}
