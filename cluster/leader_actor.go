package cluster

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/pack"
)

type (
	// leaderLook is the leader's timer.
	leaderLook struct{}
	// PipelineReady tells the leader, or the learner, whom this server's pipeline consists of.
	PipelineReady struct{ Links actors.Links }
	// learnerWord is what a handler passes on of its learner's words, when they don't name the server themselves.
	learnerWord struct {
		server messages.ServerID
		msg    any
	}
	// retire asks a leader, and by it each handler, to end behind all that has been sent; retired answers.
	retire  struct{}
	retired struct{}
	// learnerGone tells that a handler's link is down.
	learnerGone struct {
		server  messages.ServerID
		handler *actor.PID
		reason  string
	}
)

// leaderActor is the shell of Leader and the parent of the learners' handlers. It shares the loop of the stages.
type leaderActor struct {
	actors.PrivateChildren
	m          *member
	peer       *actor.PID
	generation int
	core       *Leader
	start      leaderStart
	links      *actors.Links // nil until the pipeline is there
	handlers   map[messages.ServerID]*actor.PID
	runs       map[messages.ServerID]uint64 // whose incarnations those are
	spawned    int
	waiting    []LeaderSend // until the pipeline is there
	timer      actors.Timer
	log        zerolog.Logger
	move       MoveLeader
	retiring   int // handlers that haven't answered yet
	packedMsg  any // the message that packed holds
	packed     []byte
}

// leaderStart is what a reign begins with.
type leaderStart struct {
	members           LeaderMembers
	accepted, current uint32
	last              messages.Zxid
}

func newLeaderActor(m *member, peer *actor.PID, generation int, s leaderStart) *actor.Props {
	return m.rt.SharedProps("leader", func() actor.Actor {
		return &leaderActor{
			PrivateChildren: actors.PrivateChildren{Runtime: m.rt}, m: m, peer: peer, generation: generation, start: s,
			handlers: map[messages.ServerID]*actor.PID{}, runs: map[messages.ServerID]uint64{},
			log: m.rt.Log.With().Str("component", "leader").Logger(),
		}
	})
}

// Receive implements actor.Actor.
func (a *leaderActor) Receive(ctx actor.Context) {
	now := a.m.now()
	switch m := ctx.Message().(type) {
	case *messages.Proposals:
		a.core.Propose(m.Items, now)
	case *messages.Ack:
		a.core.Ack(m, now)
	case *messages.Pong:
		a.core.Pong(m, now)
	case *messages.Words:
		a.core.Words(m)
	case *messages.SyncWishes:
		a.core.Syncs(m, now)
	case *messages.Revalidate:
		a.revalidate(ctx, m)
	case *messages.Revalidated:
		a.revalidated(ctx, m)
	case actors.DeskHeld:
		a.core.DeskHeld(m.Homes)
	default:
		a.other(ctx, now)
	}
	a.flush(ctx)
}

// other is what doesn't belong to the broadcast.
func (a *leaderActor) other(ctx actor.Context, now int64) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.begin(ctx, now)
	case learnerWord:
		a.word(m, now)
	case learnerGone:
		a.gone(ctx, m)
	case LinkAccepted:
		a.accepted(ctx, m, now)
	case *EpochSaved, *MembersSaved:
		a.saved(ctx, m, now)
	case PipelineReady:
		a.ready(ctx, m)
	case *messages.DiskSpace:
		if m.Full {
			a.core.DiskFull(now)
		}
	case MoveLeader:
		a.moveLeader(m, now)
	case retire, retired:
		a.retire(ctx, m)
	case leaderLook:
		a.look(ctx, now)
	case *actor.Stopping, *actor.Restarting:
		if a.timer != nil { // else it has failed at its very start
			a.timer.Stop()
		}
	case *actor.Terminated:
		a.handlerEnded(ctx, m.Who)
	default:
		a.m.rt.Unexpected(ctx, &a.log)
	}
}

func (a *leaderActor) begin(ctx actor.Context, now int64) {
	s := a.start
	a.core = NewLeader(a.m.leaderOptions(), s.members, s.accepted, s.current, s.last, now)
	a.look(ctx, now)
}

func (a *leaderActor) look(ctx actor.Context, now int64) {
	a.core.Tick(now)
	a.show()
	self, root := ctx.Self(), a.m.rt.System.Root
	a.timer = a.m.rt.Clock.After(lookEvery, func() { root.Send(self, leaderLook{}) })
}

// moveLeader begins a handover. Who asked is answered when it has come to an end here.
func (a *leaderActor) moveLeader(m MoveLeader, now int64) {
	if err := a.core.HandOver(m.To, now); err != nil {
		m.answer(err)
		return
	}
	a.move = m
}

// retire ends the leader when its handlers have sent the last words to their learners.
func (a *leaderActor) retire(ctx actor.Context, msg any) {
	if _, ok := msg.(retired); ok {
		a.retiring--
	} else {
		a.retiring = len(a.handlers)
		a.tellHandlers(ctx, retire{})
	}
	if a.retiring == 0 {
		ctx.Stop(ctx.Self())
	}
}

// tellHandlers sends to all of them, always in the same order, so that a run can be played again.
func (a *leaderActor) tellHandlers(ctx actor.Context, msg any) {
	for _, server := range slices.Sorted(maps.Keys(a.handlers)) {
		ctx.Send(a.handlers[server], msg)
	}
}

// show puts up what only a leader knows.
func (a *leaderActor) show() {
	phase := PhaseDiscovery
	switch {
	case a.core.Active():
		phase = PhaseBroadcast
	case a.core.phase >= leaderSynchronise:
		phase = PhaseSynchronization
	}
	a.m.Board.PutPhase(phase)
	s := a.core.Status()
	for i := range s.Learners {
		s.Learners[i].HeardUs *= 1000
	}
	if metrics := a.m.rt.Metrics; metrics.LastProposalSize.Load() >= 0 {
		s.Proposals = Tally{
			Count: 1, Last: metrics.LastProposalSize.Load(), Min: metrics.MinProposalSize.Load(), Max: metrics.MaxProposalSize.Load(),
		}
	}
	a.m.Board.PutLeader(s)
}

func (a *leaderActor) word(w learnerWord, now int64) {
	a.core.Heard(w.server, now)
	switch m := w.msg.(type) {
	case *messages.LearnerInfo:
		a.core.LearnerInfo(m, now)
	case *messages.EpochAck:
		a.core.EpochAck(w.server, m, now)
	case *messages.NewLeaderAck:
		a.core.NewLeaderAck(w.server, m, now)
	case wantFeed:
		a.core.WantFeed(w.server, m.kind, m.last)
	case feedEnded:
		a.core.FeedEnded(w.server)
	}
}

// saved takes the peer's word that something is durable.
func (a *leaderActor) saved(ctx actor.Context, msg any, now int64) {
	switch m := msg.(type) {
	case *EpochSaved:
		a.core.EpochSaved(m, now)
	case *MembersSaved:
		a.core.MembersSaved(m, now)
		if a.links != nil { // a change that waits has come through the pipeline
			ctx.Send(a.links.Proposal, actors.MembersKept{Version: m.Version})
		}
	}
}

// accepted gives a learner's link its handler. One that is there already is of an older link, unless another process with
// this id was heard only just now.
func (a *leaderActor) accepted(ctx actor.Context, m LinkAccepted, now int64) {
	server := m.Peer.From
	if a.runs[server] != m.Peer.Incarnation && a.core.HeardWithin(server, now, a.m.Tick.Milliseconds()) {
		ctx.Send(m.Link, CloseLink{Reason: fmt.Sprintf("a server with id %d follows server %d already: each server needs an id of its own, "+
			"compare the files myid", server, a.m.Self.ID)})
		return
	}
	if old := a.handlers[server]; old != nil {
		a.core.LearnerGone(server)
		ctx.Stop(old)
	}
	a.spawned++
	name := "learner" + strconv.Itoa(int(server)) + "-" + strconv.Itoa(a.spawned)
	pid, err := ctx.SpawnNamed(newLearnerHandler(a.m, ctx.Self(), m, a.links), name)
	if err != nil {
		a.log.Error().Err(err).Msg("can't start a learner's handler")
		ctx.Send(m.Link, CloseLink{Reason: "the leader has failed to start a handler"})
		return
	}
	a.handlers[server], a.runs[server] = pid, m.Peer.Incarnation
}

func (a *leaderActor) gone(ctx actor.Context, m learnerGone) {
	if a.handlers[m.server] != m.handler && (a.handlers[m.server] == nil || a.handlers[m.server].Id != m.handler.Id) {
		return // a newer link has taken its place
	}
	a.log.Info().Uint8("server", uint8(m.server)).Msg("learner lost: " + m.reason)
	delete(a.handlers, m.server)
	a.core.LearnerGone(m.server)
	ctx.Stop(m.handler)
	if a.retiring > 0 {
		a.retire(ctx, retired{}) // it was never asked
	}
}

// handlerEnded is for a handler that has failed, which can't say so: nobody must wait for its words.
func (a *leaderActor) handlerEnded(ctx actor.Context, who *actor.PID) {
	for server, h := range a.handlers { // one of them at most: the order makes no difference
		if h.Equal(who) {
			a.gone(ctx, learnerGone{server: server, handler: who, reason: "its handler has failed"})
			return
		}
	}
}

// revalidate sends the question behind everything that is committed: through the gate and final to the tracker, which by
// then knows every session that a client may know of.
func (a *leaderActor) revalidate(ctx actor.Context, m *messages.Revalidate) {
	if a.links != nil {
		ctx.Send(a.links.Gate, m)
	}
}

func (a *leaderActor) revalidated(ctx actor.Context, m *messages.Revalidated) {
	if m.Server == 0 {
		ctx.Send(a.links.Front, m)
		return
	}
	m.After = a.core.committed
	if handler := a.handlers[m.Server]; handler != nil {
		ctx.Send(handler, m)
	}
}

// ready begins to serve: what was held back for the pipeline goes out.
func (a *leaderActor) ready(ctx actor.Context, m PipelineReady) {
	a.links = &m.Links
	a.tellHandlers(ctx, m)
	waiting := a.waiting
	a.waiting = nil
	for _, s := range waiting {
		a.deliver(ctx, s)
	}
}

func (a *leaderActor) flush(ctx actor.Context) {
	if a.core == nil {
		return
	}
	for _, s := range a.core.Flush() {
		a.deliver(ctx, s)
	}
}

func (a *leaderActor) deliver(ctx actor.Context, s LeaderSend) {
	switch s.To {
	case ToPeer:
		switch m := s.Msg.(type) {
		case *RoleEnded:
			m.Generation = a.generation
		case *HandingOver:
			m.Generation = a.generation
			a.move.answer(nil)
		case *SaveMembers:
			m.Generation = a.generation
		case *SaveEpoch:
			m.Generation = a.generation
		case *LeaderActive:
			m.Generation = a.generation
		}
		ctx.Send(a.peer, s.Msg)
	case ToGate, ToDesk:
		switch {
		case a.links == nil:
			a.waiting = append(a.waiting, s)
		case s.To == ToDesk:
			a.tellDesk(ctx, s.Msg)
		default:
			ctx.Send(a.links.Gate, s.Msg)
		}
	default:
		if _, ok := s.Msg.(*GoOn); ok && a.links == nil {
			a.waiting = append(a.waiting, s) // the learner's clients would find nobody here yet
			return
		}
		if h := a.handlers[s.Server]; h != nil {
			ctx.Send(h, a.encoded(s.Msg))
		}
	}
}

func (a *leaderActor) tellDesk(ctx actor.Context, msg any) {
	order, ok := msg.(deskOrder)
	switch {
	case !ok:
		ctx.Send(a.links.Prep, msg)
	case order.hold:
		ctx.Send(a.links.Prep, actors.HoldDesk{})
	default:
		ctx.Send(a.links.Prep, actors.ReleaseDesk{})
		a.move.answer(errors.New(order.reason))
	}
}

// encoded makes frames of what goes to several learners, once.
func (a *leaderActor) encoded(msg any) any {
	switch msg.(type) {
	case *messages.Propose, *messages.Inform:
	default:
		return msg
	}
	if msg != a.packedMsg {
		frames, err := pack.Encode(nil, msg)
		if err != nil {
			panic("leader: " + err.Error()) // what was proposed is within all limits
		}
		a.packedMsg, a.packed = msg, frames
	}
	return Packed{Frames: a.packed}
}
