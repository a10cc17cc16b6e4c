package cluster

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// How a member serves reads while it looks for a leader (readonlymode.enabled): from the state that it would bring into its
// next role, the end of its log included. What it shows may be old, and may yet be cut off: clients ask for it expressly.
// The election goes on beside it.

// readOnlyAfter is how long a server looks before it serves reads, or a tick, if that is longer: most searches end sooner,
// and clients are better off with a server that takes writes.
const readOnlyAfter = 2 * time.Second

// readOnlyDue tells that the search of that number has lasted long enough.
type readOnlyDue struct{ search int64 }

// reading is the pipeline for reads. It ends, all of it, before a role begins: the role changes the tree.
type reading struct {
	chain  *actors.Chain // nil: reads are not served
	ending bool
	next   *messages.Elected // begins when it has ended
}

func (a *peerActor) armReadOnly(ctx actor.Context) {
	if !a.m.ReadOnlyMode || a.reading.chain != nil {
		return
	}
	self, root, search := ctx.Self(), a.m.rt.System.Root, a.status.Looking
	a.m.rt.Clock.After(max(readOnlyAfter, a.m.Tick), func() { root.Send(self, readOnlyDue{search}) })
}

// serveReads lets clients in that are content with reads.
func (a *peerActor) serveReads(ctx actor.Context, m readOnlyDue) {
	busy := a.stopping || a.state != messages.Looking || a.ending != nil || a.disk == nil || a.reading.chain != nil
	if busy || m.search != a.status.Looking {
		return
	}
	a.generation++
	shared := tree.NewShared(a.disk.Tree)
	base := actors.StageEnv{
		Runtime: a.m.rt, Options: a.m.Actors, Auth: a.m.Auth, Tree: shared, Store: a.m.Store, Role: actors.RoleReadOnly,
		Links: actors.Links{Commands: a.m.Commands},
	}
	chain, err := actors.SpawnChain(ctx, base, a.generation)
	a.reading.chain = chain
	if err != nil {
		a.endReads(ctx, err.Error())
		return
	}
	a.view.Store(&actors.View{Links: chain.Links, Role: actors.RoleReadOnly, Tree: shared, Generation: a.generation})
	a.status.ReadOnly = true
	a.show()
	a.log.Warn().Stringer("zxid", shared.LastZxid()).Int64("ms", a.m.now()-a.lookedAt).
		Msg("no leader so far: serving reads to clients that accept it (readonlymode.enabled)")
	o := a.m.Actors.Conn
	o.ReadOnly = true
	for _, l := range a.m.Listeners {
		ctx.Send(l, actors.Serve{Links: chain.Links, Options: o, Auth: a.m.Auth})
	}
}

// endReads closes the connections and stops the pipeline. It is done when the last of its actors has stopped.
func (a *peerActor) endReads(ctx actor.Context, reason string) {
	if a.reading.ending {
		return
	}
	a.log.Info().Msg("reads are no longer served: " + reason)
	a.view.Store(nil)
	a.status.ReadOnly = false
	a.show()
	a.holdClients(ctx, "the server no longer serves reads alone")
	a.reading.ending = true
	a.stopChildren(ctx)
}

// readsEnded goes on with the role that has been found meanwhile, or with the search.
func (a *peerActor) readsEnded(ctx actor.Context) {
	next := a.reading.next
	a.reading = reading{}
	if next != nil {
		a.elected(ctx, next)
		return
	}
	a.armReadOnly(ctx)
}
