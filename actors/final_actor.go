package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// beginSnapshot asks final for an image of the tree as it is between two messages; endSnapshot gives it back, or (nil)
// whatever image is open.
type (
	beginSnapshot struct{ by *snapshotterActor }
	endSnapshot   struct{ image *tree.Snapshot }
)

// finalActor is the shell of the last stage.
type finalActor struct {
	env   *StageEnv
	core  *Final
	image *tree.Snapshot // that is open
}

func newFinalStage(env *StageEnv) actor.Actor {
	alive := func(id messages.ConnID) bool { return env.Conns.PID(id) != nil }
	a := &finalActor{env: env, core: NewFinal(env.Tree.Own(), env.Auth, env.Metrics, alive)}
	a.core.readOnly = env.Role == RoleReadOnly
	if env.Custom != nil && len(env.Custom.Replies) > 1 {
		a.core.witness, env.showsReplies = &replyWitness{conns: env.Conns}, true
	}
	return a
}

// Receive implements actor.Actor.
func (a *finalActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Deliveries:
		a.deliver(ctx, m.Items)
		if a.env.Custom != nil {
			a.env.Custom.tap(ctx, m.Items)
		}
		a.env.doneWith(m)
	case *messages.ConnClosed:
		a.core.ConnClosed(m)
	case *messages.ConnIdentities:
		a.core.ConnIdentities(m)
	case *messages.WatchQuery:
		ctx.Respond(a.core.WatchReport(m.List, a.sessionOf))
	case beginSnapshot:
		a.env.Tree.Write(func(t *tree.Tree) { a.image = t.BeginSnapshot() })
		ctx.Send(a.env.Snapshotter, snapshotBegun{by: m.by, image: a.image})
	case endSnapshot:
		if a.image != nil && (m.image == nil || m.image == a.image) {
			a.env.Tree.Write(func(*tree.Tree) { a.image.Close() })
			a.image = nil
		}
	case *messages.Revalidate:
		// The tracker must know of every session that has been opened by now.
		a.flush(ctx)
		ctx.Send(a.env.Tracker, m)
	case Quiesce:
		a.flush(ctx)
		ctx.Send(m.To, Quiet{Stage: stageFinal})
	case Relink:
		a.env.relink(m)
	case Drained:
		a.flush(ctx)
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

// deliver takes the tree's lock only when the batch changes something: final's own reads need none.
func (a *finalActor) deliver(ctx actor.Context, items []messages.Delivery) {
	now, write := a.env.Clock.MonoUs(), changes(items)
	for len(items) > 0 {
		var n int
		var err error
		if write {
			a.env.Tree.Write(func(*tree.Tree) { n, err = a.core.Deliver(items, now) })
		} else {
			n, err = a.core.Deliver(items, now)
		}
		if err != nil {
			a.env.Fatal(err)
			return
		}
		items = items[n:]
		if a.core.Full() {
			a.flush(ctx)
		}
	}
}

func (a *finalActor) flush(ctx actor.Context) {
	out := a.core.Flush()
	a.env.dispatch(ctx, nil, out)
	a.core.Sent(out)
}

func changes(items []messages.Delivery) bool {
	for i := range items {
		if items[i].Proposal != nil {
			return true
		}
	}
	return false
}

func (a *finalActor) sessionOf(id messages.ConnID) messages.SessionID { return a.env.Conns.Session(id) }
