package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// When leadership is handed over, nobody's connection is closed and no request is lost or done twice. The desk is held, so
// that what it has judged can be finished everywhere; then all requests that wait at the gates of the servers are ones
// that nobody has judged. Each server keeps the stages that its clients depend on, gets a new leader, and hands what
// waits at its gate to the new desk, in the order in which it came.
type (
	// HoldDesk makes prep put what comes aside, and say DeskHeld behind all that it has decided.
	HoldDesk struct{}
	// ReleaseDesk makes it go on with what was put aside.
	ReleaseDesk struct{}
	// DeskHeld arrives at the leader behind everything that prep has decided.
	DeskHeld struct {
		Homes []messages.SessionHome // where the sessions' clients are, by session
	}
	// HoldFront makes the request processor send writes to the gate alone.
	HoldFront struct{}
	// Quiesce asks the stages from the gate on, and the log, to say Quiet when all that they had is done. To is who asks.
	Quiesce struct{ To *actor.PID }
	// Quiet answers, for "sync" or "final".
	Quiet struct{ Stage string }
	// Relink tells a stage, or a connection, its new neighbours and what this server is now.
	Relink struct {
		Links Links
		Role  Role
		Epoch uint32
	}
	// resubmit asks the gate to send what waits for a word to the new desk, resubmitted tells that it has.
	resubmit    struct{}
	resubmitted struct{}
)

// relink takes the new neighbours over.
func (env *StageEnv) relink(m Relink) { env.Links, env.Role, env.Epoch = m.Links, m.Role, m.Epoch }

// Leave stops the stages that belong to the role alone and returns them: what they had must be done by then.
func (c *Chain) Leave(ctx actor.Context) []*actor.PID {
	goes := c.goes
	c.goes = nil
	for _, pid := range goes {
		delete(c.classes, pid.Id)
		ctx.Stop(pid)
	}
	return goes
}

// Switch gives a pipeline that Leave was called on the stages of base.Role, and tells the others of them: downstream
// first, the request processor last, so that what it lets in finds everybody.
func (c *Chain) Switch(ctx actor.Context, base StageEnv, generation int) error {
	c.Generation = generation
	if err := c.spawn(ctx, base); err != nil {
		return err
	}
	for _, stage := range append(customNames(base.Options.Stages),
		stageSync, stageSnapshotter, stageFinal, stageToBeApplied, stageCommit, stageLocal, stageRequest,
	) {
		if pid := c.stays[stage]; pid != nil {
			ctx.Send(pid, Relink{Links: c.Links, Role: base.Role, Epoch: base.Epoch})
		}
	}
	return nil
}
