package actors

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// Links are the addresses of the neighbours, known before any of them is spawned: an address is a name. They hold
// for one generation of the pipeline.
type Links struct {
	Front       *actor.PID // the request processor
	Prep        *actor.PID // on a learner the link to the leader, which has the desk
	Proposal    *actor.PID // a leader's only
	Sync        *actor.PID
	Ack         *actor.PID // ack or sendack; nil where what is durable is committed, and on observers
	Gate        *actor.PID // commit
	ToBeApplied *actor.PID // nil on a server that runs alone
	Final       *actor.PID
	Tracker     *actor.PID // sessions
	Local       *actor.PID // of sessions that only this server knows; nil where there are none
	Snapshotter *actor.PID
	Leader      *actor.PID   // the leader's actor on this server, or the link to it; nil on a server that runs alone
	Member      *actor.PID   // this server's leader or learner actor; nil on a server that runs alone
	Commands    *actor.PID   // four-letter words; lives as long as the server
	Custom      *CustomLinks // nil where no stages of somebody's own run

	LastZxid func() messages.Zxid // of the tree, from any goroutine
}

// touches is who hears that a session's client gave a sign of life.
func (l *Links) touches() *actor.PID {
	if l.Local != nil {
		return l.Local // it passes on what isn't its own
	}
	return l.Tracker
}

// StageEnv is what a stage is built from.
type StageEnv struct {
	*Runtime
	Links
	Options  *Options
	Role     Role
	Epoch    uint32   // of the leader's reign; 0 on a server that runs alone
	Ensemble Ensemble // a leader's
	// Homes, of a leader that leadership was handed over to, is where the sessions' clients are.
	Homes    []messages.SessionHome
	Auth     *auth.Registry
	Tree     *tree.Shared
	Store    *persistence.Store
	Recovery *persistence.Recovered // what this generation began with; the log in it belongs to sync
	NoLog    bool                   // an observer's: what the leader informs of is not written down (syncEnabled=false)
	DiskFull bool                   // there was no room for the log when this generation began
	Log      zerolog.Logger         // with the stage's name

	showsReplies bool // of final: what it tells connections goes by the stages that are shown replies
}

// StageInfo describes one stage of a pipeline.
type StageInfo struct {
	ID     string
	Class  FailureClass
	Stays  bool                     // it outlives a change of roles in an ensemble
	Pinned bool                     // it may block, so it has a goroutine to itself
	When   func(env *StageEnv) bool // whether this server has it; nil: always
	New    func(env *StageEnv) actor.Actor
}

// dispatch sends what a core has put into its outbox. next is the stage's successor.
func (env *StageEnv) dispatch(ctx actor.Context, next *actor.PID, out messages.Outbox) {
	for i := range out {
		if to := env.address(out[i].Slot, next, out[i].Msg); to != nil {
			ctx.Send(to, out[i].Msg)
		}
	}
}

// doneWith gives a batch back, of which this stage was the last reader: unless there are stages of somebody's own, which may
// still have it, or parts of it.
func (env *StageEnv) doneWith(batch interface{ Done() }) {
	if env.Custom == nil {
		batch.Done()
	}
}

// address turns a slot into an address. A connection that has ended has none.
func (env *StageEnv) address(slot messages.Slot, next *actor.PID, msg any) *actor.PID {
	switch slot {
	case messages.SlotNext:
		return next
	case messages.SlotPrep:
		return env.Prep
	case messages.SlotGate:
		return env.Gate
	case messages.SlotTracker:
		return env.Tracker
	case messages.SlotSync:
		return env.Sync
	case messages.SlotFront:
		if _, end := msg.(*messages.SessionClosed); end && env.showsReplies {
			return env.Custom.Replies[0]
		}
		return env.Front
	case messages.SlotSnap:
		return env.Snapshotter
	case messages.SlotLeader:
		return env.Leader
	case messages.SlotLocal:
		return env.Local
	case messages.SlotApplied:
		return env.applied()
	case messages.SlotReplies:
		return env.Custom.Replies[0]
	case messages.SlotConn:
		if env.showsReplies {
			return env.Custom.Replies[0]
		}
		return env.Conns.PID(connOf(msg))
	}
	return nil
}

// applied is who hears what the tree holds. A learner has no desk.
func (env *StageEnv) applied() *actor.PID {
	switch {
	case env.ToBeApplied != nil:
		return env.ToBeApplied
	case env.Role == RoleStandalone:
		return env.Prep
	}
	return nil
}

// connOf is the connection that a message is for.
func connOf(msg any) messages.ConnID {
	switch m := msg.(type) {
	case *messages.Output:
		return m.Conn
	case *messages.SessionReady:
		return m.Conn
	case *messages.SessionRefused:
		return m.Conn
	case *messages.CloseConn:
		return m.Conn
	}
	return 0
}
