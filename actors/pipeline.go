package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// Role is what a server is to its ensemble. It decides which stages its pipeline has.
type Role uint8

// The roles.
const (
	RoleStandalone Role = iota
	RoleLeader
	RoleFollower
	RoleObserver
	RoleReadOnly
)

// String is the name that log lines print.
func (r Role) String() string {
	return [...]string{"standalone", "leader", "follower", "observer", "read-only"}[r]
}

// The stages of each role, listed downstream first, which is the order in which they are spawned: whoever sends finds
// its neighbour. The request processor hands each request to the gate, in session order, and each write to the desk as
// well, which is the leader's.
//
//	STANDALONE  request → gate, and → prep → sync ─ durable is committed ─→ gate → final → connection
//	LEADER      request → gate, and → prep → proposal ─┬→ sync → ack → leader ─ committed ─→ gate → tobeapplied → final
//	                                                   └→ leader → learners
//	FOLLOWER    request → gate, and → the leader (link);  learner → sync → sendack → the leader (link)
//	                                                      learner ─ committed ─→ gate → tobeapplied → final
//	OBSERVER    as a follower, but it acknowledges nothing
//	READ-ONLY   request → gate → final: neither log nor desk, while this member looks for a leader
//
// Those that are marked Stays are the same in each role of an ensemble: when leadership is handed over they go on, with
// all that their clients wait for, and are told their new neighbours (Relink).
//
// What prep refuses goes to the gate of the server whose client asked, with the zxid before; final tells what it has
// applied to prep, sessions and snapshotter.
var stagesOf = map[Role][]StageInfo{
	RoleStandalone: {
		{ID: stageFinal, Class: Ordered, New: newFinalStage},
		{ID: stageCommit, Class: Ordered, New: newCommitStage},
		{ID: stageSync, Class: Ordered, Pinned: true, New: newSyncStage},
		{ID: stagePrep, Class: Ordered, New: newPrepStage},
		{ID: stageRequest, Class: Ordered, New: newRequestStage},
		{ID: stageSessions, Class: Rebuildable, New: newTracker},
		{ID: stageSnapshotter, Class: Rebuildable, Pinned: true, New: newSnapshotter},
		{ID: stageSweeper, Class: Rebuildable, New: newSweeper},
	},
	RoleLeader: {
		{ID: stageFinal, Class: Ordered, Stays: true, New: newFinalStage},
		{ID: stageToBeApplied, Class: Ordered, Stays: true, New: newToBeAppliedStage},
		{ID: stageCommit, Class: Ordered, Stays: true, New: newCommitStage},
		{ID: stageAck, Class: Ordered, New: newAckStage},
		{ID: stageSync, Class: Ordered, Stays: true, Pinned: true, New: newSyncStage},
		{ID: stageProposal, Class: Ordered, New: newProposalStage},
		{ID: stagePrep, Class: Ordered, New: newPrepStage},
		{ID: stageRequest, Class: Ordered, Stays: true, New: newRequestStage},
		{ID: stageSessions, Class: Rebuildable, New: newTracker},
		{ID: stageLocal, Class: Rebuildable, Stays: true, When: hasLocalSessions, New: newLocalTracker},
		{ID: stageSnapshotter, Class: Rebuildable, Stays: true, Pinned: true, New: newSnapshotter},
		{ID: stageSweeper, Class: Rebuildable, New: newSweeper},
	},
	RoleFollower: {
		{ID: stageFinal, Class: Ordered, Stays: true, New: newFinalStage},
		{ID: stageToBeApplied, Class: Ordered, Stays: true, New: newToBeAppliedStage},
		{ID: stageCommit, Class: Ordered, Stays: true, New: newCommitStage},
		{ID: stageSendAck, Class: Ordered, New: newAckStage},
		{ID: stageSync, Class: Ordered, Stays: true, Pinned: true, New: newSyncStage},
		{ID: stageRequest, Class: Ordered, Stays: true, New: newRequestStage},
		{ID: stageSessions, Class: Rebuildable, New: newLearnerTracker},
		{ID: stageLocal, Class: Rebuildable, Stays: true, When: hasLocalSessions, New: newLocalTracker},
		{ID: stageSnapshotter, Class: Rebuildable, Stays: true, Pinned: true, New: newSnapshotter},
	},
	RoleObserver: {
		{ID: stageFinal, Class: Ordered, Stays: true, New: newFinalStage},
		{ID: stageToBeApplied, Class: Ordered, Stays: true, New: newToBeAppliedStage},
		{ID: stageCommit, Class: Ordered, Stays: true, New: newCommitStage},
		{ID: stageSync, Class: Ordered, Stays: true, Pinned: true, New: newSyncStage},
		{ID: stageRequest, Class: Ordered, Stays: true, New: newRequestStage},
		{ID: stageSessions, Class: Rebuildable, New: newLearnerTracker},
		{ID: stageLocal, Class: Rebuildable, Stays: true, When: hasLocalSessions, New: newLocalTracker},
		{ID: stageSnapshotter, Class: Rebuildable, Stays: true, Pinned: true, New: newSnapshotter},
	},
	RoleReadOnly: {
		{ID: stageFinal, Class: Ordered, New: newFinalStage},
		{ID: stageCommit, Class: Ordered, New: newCommitStage},
		{ID: stageRequest, Class: Ordered, New: newRequestStage},
		{ID: stageLocal, Class: Rebuildable, New: newLocalTracker},
	},
}

func hasLocalSessions(env *StageEnv) bool { return env.Options.LocalSessions }

// The names of the stages.
const (
	stageRequest     = "request"
	stagePrep        = "prep"
	stageProposal    = "proposal"
	stageSync        = "sync"
	stageAck         = "ack"
	stageSendAck     = "sendack"
	stageCommit      = "commit"
	stageToBeApplied = "tobeapplied"
	stageFinal       = "final"
	stageSessions    = "sessions"
	stageLocal       = "localsessions"
	stageSnapshotter = "snapshotter"
	stageSweeper     = "sweeper"
)

// Chain is one generation of a pipeline: children of a role. Its number is in their names, so that nothing that was
// sent to an earlier generation can reach it.
type Chain struct {
	Generation int
	Links      Links
	role       Role
	classes    map[string]FailureClass // by child
	stays      map[string]*actor.PID   // by stage: those that outlive a change of roles
	goes       []*actor.PID            // the others
}

// Class tells the failure class of a child; ok is false when it doesn't belong to this generation.
func (c *Chain) Class(child string) (class FailureClass, ok bool) {
	if c != nil {
		class, ok = c.classes[child]
	}
	if !ok {
		class = Ordered
	}
	return class, ok
}

// SpawnChain builds the stages of base.Role as children of the role's actor that calls it. base.Links has what lies
// outside of the pipeline (Commands, Leader, Member and, on a learner, Prep); the rest is filled in.
func SpawnChain(ctx actor.Context, base StageEnv, generation int) (*Chain, error) {
	c := &Chain{Generation: generation, classes: map[string]FailureClass{}, stays: map[string]*actor.PID{}}
	return c, c.spawn(ctx, base)
}

// spawn starts the stages of base.Role that aren't there yet.
func (c *Chain) spawn(ctx actor.Context, base StageEnv) error {
	c.link(ctx, &base)
	c.role, c.Links = base.Role, base.Links
	for _, stage := range withCustom(stagesOf[base.Role], &base) {
		if c.stays[stage.ID] != nil || !stage.on(&base) {
			continue
		}
		env := base
		env.Log = base.Runtime.Log.With().Str("component", stage.ID).Logger()
		pid, err := ctx.SpawnNamed(stage.props(&env), c.name(stage.ID))
		if err != nil {
			return fmt.Errorf("start stage %s: %w", stage.ID, err)
		}
		c.classes[pid.Id] = stage.Class
		if stage.Stays {
			c.stays[stage.ID] = pid
		} else {
			c.goes = append(c.goes, pid)
		}
	}
	return nil
}

func (c *Chain) name(stage string) string { return fmt.Sprintf("%s-%d", stage, c.Generation) }

// link fills in the addresses of the stages, known before any of them is spawned.
func (c *Chain) link(ctx actor.Context, base *StageEnv) {
	has := map[string]bool{}
	for _, s := range stagesOf[base.Role] {
		has[s.ID] = s.on(base)
	}
	set := func(to **actor.PID, stage string) {
		switch {
		case c.stays[stage] != nil:
			*to = c.stays[stage]
		case has[stage]:
			*to = base.System.NewLocalPID(ctx.Self().Id + "/" + c.name(stage))
		}
	}
	l := &base.Links
	set(&l.Front, stageRequest)
	set(&l.Prep, stagePrep)
	set(&l.Proposal, stageProposal)
	set(&l.Sync, stageSync)
	set(&l.Ack, stageAck)
	set(&l.Ack, stageSendAck)
	set(&l.Gate, stageCommit)
	set(&l.ToBeApplied, stageToBeApplied)
	set(&l.Final, stageFinal)
	set(&l.Tracker, stageSessions)
	set(&l.Local, stageLocal)
	if base.Role == RoleReadOnly {
		l.Tracker = l.Local // all sessions are local
	}
	set(&l.Snapshotter, stageSnapshotter)
	l.LastZxid = base.Tree.LastZxid
	c.linkCustom(ctx, base)
}

// on tells whether a server of this environment has the stage.
func (s StageInfo) on(env *StageEnv) bool { return s.When == nil || s.When(env) }

func (s StageInfo) props(env *StageEnv) *actor.Props {
	producer := func() actor.Actor { return s.New(env) }
	if s.Pinned {
		return env.pinnedProps(s.ID, producer)
	}
	return env.sharedProps(s.ID, producer)
}

// View is what others than the stages may see of a running pipeline.
type View struct {
	Links
	Role       Role
	Tree       *tree.Shared
	Generation int
}

// LastZxid is the last transaction applied, 0 while nothing is served.
func (v *View) LastZxid() messages.Zxid {
	if v == nil {
		return 0
	}
	return v.Tree.LastZxid()
}
