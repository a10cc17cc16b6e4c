package cluster

import (
	"strconv"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// heldLimit is how many bytes of broadcast are kept for a learner that is being synchronised. One that takes longer has
// to begin anew.
const heldLimit = 128 << 20

type (
	// wantFeed is a feeder's first word: what it has found that its learner, whose history ends at last, needs.
	wantFeed struct {
		kind feedKind
		last messages.Zxid
	}
	// feedEnded is its last: empty when everything was sent.
	feedEnded struct{ reason string }
)

// learnerHandlerActor keeps the leader's conversation with one learner, over one link. From the moment at which its
// learner's point of synchronisation is fixed it holds back what is broadcast, and lets it go behind UpToDate. Its class
// is Private: when it fails, the link breaks and the learner comes back.
type learnerHandlerActor struct {
	actors.PrivateChildren
	m      *member
	leader *actor.PID
	link   *actor.PID
	server messages.ServerID
	links  *actors.Links // of this server's pipeline
	feeder *actor.PID
	fedBy  int  // how many feeders there have been
	queued bool // it isn't its learner's turn: what is broadcast until then is of no use to it
	up     bool
	held   []any
	bytes  int
	over   bool
	// retiring: the leader has handed over, and waits for the links to be closed.
	retiring bool
	log      zerolog.Logger
}

func newLearnerHandler(m *member, leader *actor.PID, accepted LinkAccepted, links *actors.Links) *actor.Props {
	return m.rt.SharedProps("learnerhandler", func() actor.Actor {
		return &learnerHandlerActor{
			PrivateChildren: actors.PrivateChildren{Runtime: m.rt},
			m:               m, leader: leader, link: accepted.Link, server: accepted.Peer.From, links: links,
			log: m.rt.Log.With().Str("component", "learnerhandler").Uint8("server", uint8(accepted.Peer.From)).Logger(),
		}
	})
}

// Receive implements actor.Actor.
func (a *learnerHandlerActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		ctx.Watch(a.link) // it may be gone by now, and say nothing
		ctx.Send(a.link, Adopt{Owner: ctx.Self()})
	case *messages.Ack, *messages.Pong, *messages.Requests, *messages.Touches, *messages.Revalidate:
		a.fromLearner(ctx, m)
	case *messages.LearnerInfo, *messages.EpochAck, *messages.NewLeaderAck, wantFeed:
		ctx.Send(a.leader, learnerWord{server: a.server, msg: a.named(m)})
	case *messages.Truncated, *messages.SnapCredit:
		a.toFeeder(ctx, m)
	case Packed, *messages.Commit, *messages.Words, *messages.Revalidated, *messages.HandOver:
		a.broadcast(ctx, m)
	case *messages.Ping, *messages.LeaderInfo:
		ctx.Send(a.link, m)
	case *BeginSync:
		a.beginSync(ctx, m)
	case *FeedTurn:
		a.turn(ctx, m)
	case *GoOn:
		a.goOn(ctx, m)
	case PipelineReady:
		a.links = &m.Links
	case *DropLearner:
		a.drop(ctx, m.Reason)
	case feedEnded:
		a.fed(ctx, m)
	case retire:
		a.retire(ctx)
	case LinkUp:
	case LinkDown:
		a.down(ctx, m)
	case *actor.Terminated:
		a.childGone(ctx, m.Who)
	case *actor.Stopping, *actor.Restarting:
		ctx.Send(a.link, CloseLink{Reason: "the leader has dropped the learner"})
	default:
		a.m.rt.Unexpected(ctx, &a.log)
	}
}

// named sees that nobody speaks in another server's name: the link knows whose it is.
func (a *learnerHandlerActor) named(msg any) any {
	if m, ok := msg.(*messages.LearnerInfo); ok {
		m.Server = a.server
	}
	return msg
}

// fromLearner is what a learner sends while it serves clients.
func (a *learnerHandlerActor) fromLearner(ctx actor.Context, msg any) {
	switch m := msg.(type) {
	case *messages.Ack:
		m.Server = a.server
		ctx.Send(a.leader, m)
	case *messages.Pong:
		m.Server = a.server
		ctx.Send(a.leader, m)
	case *messages.Requests:
		for i := range m.Items {
			m.Items[i].Origin = a.server
		}
		a.toPipeline(ctx, m, func(l *actors.Links) *actor.PID { return l.Prep })
	case *messages.Touches:
		a.toPipeline(ctx, m, func(l *actors.Links) *actor.PID { return l.Tracker })
	case *messages.Revalidate:
		m.Server = a.server
		ctx.Send(a.leader, m)
	}
}

// toPipeline passes on what a learner's clients want. A learner that asks before it was told UpToDate is out of step.
func (a *learnerHandlerActor) toPipeline(ctx actor.Context, msg any, to func(*actors.Links) *actor.PID) {
	if !a.up || a.links == nil {
		a.drop(ctx, "it asks for its clients before it is up to date")
		return
	}
	ctx.Send(to(a.links), msg)
}

func (a *learnerHandlerActor) broadcast(ctx actor.Context, msg any) {
	switch {
	case a.up:
		ctx.Send(a.link, msg)
		return
	case a.queued:
		return
	}
	if p, ok := msg.(Packed); ok {
		a.bytes += len(p.Frames)
	}
	if a.held = append(a.held, msg); a.bytes > heldLimit {
		a.drop(ctx, "too much was proposed while it was being synchronised")
	}
}

// beginSync starts to feed the learner what it lacks. What was proposed by now and isn't committed comes first of what is
// held for later.
func (a *learnerHandlerActor) beginSync(ctx actor.Context, m *BeginSync) {
	for part := range messages.Batches(m.Outstanding, (*messages.Proposal).Size) {
		a.held = append(a.held, &messages.Propose{Items: part})
	}
	a.queued = false
	a.fedBy++
	name := "feeder-" + strconv.Itoa(a.fedBy)
	pid, err := ctx.SpawnNamed(newFeeder(a.m, ctx.Self(), a.link, a.server, m), name)
	if err != nil {
		a.drop(ctx, "its feeder can't be started: "+err.Error())
		return
	}
	a.feeder = pid
}

// turn lets the feeder begin. If it isn't the learner's turn, nothing is kept for it: another BeginSync will come.
func (a *learnerHandlerActor) turn(ctx actor.Context, m *FeedTurn) {
	if m.Now {
		a.toFeeder(ctx, m)
		return
	}
	a.log.Info().Msg("enough learners are being synchronised (leader.maxConcurrentSnapSyncs, …DiffSyncs); this one waits for its turn")
	a.queued, a.held, a.bytes = true, nil, 0
	if a.feeder != nil {
		ctx.Stop(a.feeder)
		a.feeder = nil
	}
}

func (a *learnerHandlerActor) toFeeder(ctx actor.Context, msg any) {
	if a.feeder != nil {
		ctx.Send(a.feeder, msg)
	}
}

func (a *learnerHandlerActor) fed(ctx actor.Context, m feedEnded) {
	if a.feeder != nil {
		ctx.Stop(a.feeder)
		a.feeder = nil
	}
	if m.reason != "" {
		a.drop(ctx, m.reason)
		return
	}
	ctx.Send(a.leader, learnerWord{server: a.server, msg: m})
}

// childGone is about the feeder, or the link, whose last words this word has overtaken.
func (a *learnerHandlerActor) childGone(ctx actor.Context, who *actor.PID) {
	if who.Equal(a.link) {
		ctx.Send(ctx.Self(), LinkDown{Link: who, Reason: "the link was gone before it could be adopted"})
	}
	if a.feeder != nil && who.Id == a.feeder.Id {
		a.feeder = nil
		a.drop(ctx, "its feeder has failed")
	}
}

func (a *learnerHandlerActor) goOn(ctx actor.Context, m *GoOn) {
	a.up = true
	ctx.Send(a.link, &messages.UpToDate{Epoch: m.Epoch})
	for _, msg := range a.held {
		ctx.Send(a.link, msg)
	}
	a.held = nil
	a.log.Info().Uint32("epoch", m.Epoch).Msg("learner is up to date")
}

func (a *learnerHandlerActor) drop(ctx actor.Context, reason string) {
	a.log.Warn().Msg("learner dropped: " + reason)
	ctx.Send(a.link, CloseLink{Reason: reason})
	a.end(ctx, reason)
}

// retirePause is how long a learner has to read the leader's last words and close the link.
// Half of passageLimit: the others must not lose their clients for it.
const retirePause = passageLimit / 2

// retire ends behind the last words: the learner closes the link when it has read them. A link that this side closed
// might drop them.
func (a *learnerHandlerActor) retire(ctx actor.Context) {
	if a.over {
		ctx.Send(a.leader, retired{})
		return
	}
	a.retiring = true
	root, link := a.m.rt.System.Root, a.link
	a.m.rt.Clock.After(retirePause, func() { root.Send(link, CloseLink{Reason: "the leader has handed over"}) })
}

func (a *learnerHandlerActor) down(ctx actor.Context, m LinkDown) {
	if a.retiring && !a.over {
		a.over = true
		ctx.Send(a.leader, retired{})
		return
	}
	a.end(ctx, m.Reason)
}

// end tells the leader, which stops this actor.
func (a *learnerHandlerActor) end(ctx actor.Context, reason string) {
	if !a.over {
		a.over = true
		ctx.Send(a.leader, learnerGone{server: a.server, handler: ctx.Self(), reason: reason})
	}
}
