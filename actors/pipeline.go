package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// The stages of a server that runs alone. It is its own leader: what is durable on its disk is committed.
//
//	connection → request ─┬─ every request, in session order ─────────→ commit → final → connection
//	                      └─ writes ─→ prep ─→ sync ─ durable, by zxid ───↑         │
//	                                     ├─ refused, with the zxid before ┘         │
//	                                     └──────────── applied up to here ──────────┤
//	                          sessions, snapshotter ←───────────────────────────────┘
//
// They are listed downstream first, which is the order in which they are spawned: whoever sends finds its neighbour.
func standaloneStages() []StageInfo {
	return []StageInfo{
		{ID: stageFinal, Class: Ordered, New: newFinalStage},
		{ID: stageCommit, Class: Ordered, New: newCommitStage},
		{ID: stageSync, Class: Ordered, Pinned: true, New: newSyncStage},
		{ID: stagePrep, Class: Ordered, New: newPrepStage},
		{ID: stageRequest, Class: Ordered, New: newRequestStage},
		{ID: stageSessions, Class: Rebuildable, New: newTracker},
		{ID: stageSnapshotter, Class: Rebuildable, Pinned: true, New: newSnapshotter},
		{ID: stageSweeper, Class: Rebuildable, New: newSweeper},
	}
}

// The names of the stages.
const (
	stageRequest     = "request"
	stagePrep        = "prep"
	stageSync        = "sync"
	stageCommit      = "commit"
	stageFinal       = "final"
	stageSessions    = "sessions"
	stageSnapshotter = "snapshotter"
	stageSweeper     = "sweeper"
)

// chain is one generation of a pipeline: the children of a role. Its number is in their names, so that nothing that
// was sent to an earlier generation can reach it.
type chain struct {
	generation int
	links      Links
	classes    map[string]FailureClass // by child
}

// has tells whether a stage belongs to this generation.
func (c *chain) has(stage string) bool {
	_, ok := c.classes[stage]
	return ok
}

// spawnChain builds the stages as children of the role that calls it. base has everything but the links and logs.
func spawnChain(ctx actor.Context, base StageEnv, stages []StageInfo, generation int, commands *actor.PID) (*chain, error) {
	name := func(stage string) string { return fmt.Sprintf("%s-%d", stage, generation) }
	address := func(stage string) *actor.PID {
		return base.System.NewLocalPID(ctx.Self().Id + "/" + name(stage))
	}
	c := &chain{generation: generation, classes: map[string]FailureClass{}, links: Links{
		Front: address(stageRequest), Prep: address(stagePrep), Sync: address(stageSync), Gate: address(stageCommit),
		Final: address(stageFinal), Tracker: address(stageSessions), Snapshotter: address(stageSnapshotter),
		Commands: commands, LastZxid: base.Tree.LastZxid,
	}}
	base.Links = c.links
	for _, stage := range stages {
		env := base
		env.Log = base.Runtime.Log.With().Str("component", stage.ID).Logger()
		pid, err := ctx.SpawnNamed(stage.props(&env), name(stage.ID))
		if err != nil {
			return nil, fmt.Errorf("start stage %s: %w", stage.ID, err)
		}
		c.classes[pid.Id] = stage.Class
	}
	return c, nil
}

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
