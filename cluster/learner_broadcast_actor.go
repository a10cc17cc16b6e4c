package cluster

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// ready lets what has come since UpToDate through to the pipeline.
func (a *learnerActor) ready(ctx actor.Context, m PipelineReady) {
	a.links = &m.Links
	a.turns.MoveToShared() // the disk is the log's from now on
	a.pongMoved = a.m.now()
	waiting := a.waiting
	a.waiting = nil
	for _, msg := range waiting {
		a.broadcast(ctx, msg)
	}
}

// broadcast passes on what the leader has decided. What contradicts what came before ends the role: the next
// synchronisation finds out what is right.
func (a *learnerActor) broadcast(ctx actor.Context, msg any) {
	if a.links == nil || a.saving != nil {
		a.waiting = append(a.waiting, msg)
		return
	}
	var err error
	switch m := msg.(type) {
	case *messages.Propose:
		if err = a.saveFirst(ctx, m); err == nil && a.saving == nil {
			err = a.propose(ctx, m)
		}
	case *messages.Commit:
		var items []messages.Proposal
		if items, err = a.core.Commit(m.Zxid); err == nil {
			err = a.committed(ctx, items)
		}
	case *messages.Inform:
		err = a.inform(ctx, m)
	case *messages.Words:
		ctx.Send(a.links.Gate, &messages.Refusals{Items: m.Items})
	case *messages.Revalidated:
		ctx.Send(a.links.Front, m)
	case *messages.HandOver:
		err = a.handOver(ctx, m)
	}
	if err != nil {
		a.end(ctx, err.Error())
	}
}

// handOver is the leader's last word. If this server has all that it says, the pipeline waits for the next leader.
func (a *learnerActor) handOver(ctx actor.Context, m *messages.HandOver) error {
	if err := a.core.HandOver(m); err != nil {
		return err
	}
	a.over = true
	ctx.Send(a.peer, &HandingOver{Generation: a.generation, To: m.To, Zxid: m.Zxid, Homes: m.Homes})
	return nil
}

func (a *learnerActor) inform(ctx actor.Context, m *messages.Inform) error {
	if err := a.core.Inform(m.Items); err != nil {
		return err
	}
	a.writeDown(ctx, a.links, m.Items)
	return a.committed(ctx, m.Items)
}

// writeDown sends what is committed already to the log. An observer may be told to have none.
func (a *learnerActor) writeDown(ctx actor.Context, links *actors.Links, items []messages.Proposal) {
	if !a.observer || a.m.ObserverLog {
		ctx.Send(links.Sync, &messages.Proposals{Items: items})
	}
}

// ping answers the leader's heartbeat, and tells it whose clients are alive.
func (a *learnerActor) ping(ctx actor.Context, m *messages.Ping) {
	if m.Heard > a.heardBeat {
		a.heardBeat, a.pongMoved = m.Heard, a.m.now()
	}
	if a.link == nil {
		return
	}
	ctx.Send(a.link, &messages.Pong{Server: a.m.Self.ID, Beat: m.Beat, DiskFull: a.diskFull})
	if a.links != nil {
		ctx.Send(a.links.Tracker, actors.TakeTouches{})
	}
}
