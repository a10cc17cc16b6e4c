package actors

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// prepActor is the shell of the desk.
type prepActor struct {
	env    *StageEnv
	core   *Prep
	warned map[string]int64 // when a soft quota was last complained about, wall clock
	held   bool             // leadership is being handed over
	aside  []*messages.Requests
}

func newPrepStage(env *StageEnv) actor.Actor {
	if env.Custom != nil && len(env.Custom.Trials) > 1 {
		return &prepTrialActor{prepActor: newPrepActor(env)}
	}
	return newPrepActor(env)
}

func newPrepActor(env *StageEnv) *prepActor {
	a := &prepActor{env: env, warned: map[string]int64{}}
	a.core = NewPrep(env.Options.Prep, env.Auth, env.Tree.LastZxid(), a.overQuota)
	if env.Role == RoleLeader {
		a.core.Reign(env.Epoch)
		a.core.homes.inherit(env.Homes, env.Options.SessionServer)
		a.core.Govern(env.Ensemble, func(err error) { env.Log.Info().Err(err).Msg("a change of members is refused") })
	}
	a.diskSpace(&messages.DiskSpace{Full: env.DiskFull})
	return a
}

// Receive implements actor.Actor.
func (a *prepActor) Receive(ctx actor.Context) { a.handle(ctx, ctx.Message()) }

func (a *prepActor) handle(ctx actor.Context, msg any) {
	switch m := msg.(type) {
	case *actor.Started:
		a.writeMembers()
		a.env.dispatch(ctx, a.next(), a.core.Flush())
	case *messages.Requests:
		a.requests(m)
	case HoldDesk:
		a.held = true
		a.env.dispatch(ctx, a.next(), a.core.Flush())
		ctx.Send(a.env.Proposal, DeskHeld{Homes: a.core.homes.list(a.env.Options.SessionServer)})
	case ReleaseDesk:
		a.release()
	case *messages.Applied:
		a.env.Metrics.OutstandingRemoved.Add(int64(a.core.Applied(m.Zxid)))
	case *messages.DiskSpace:
		a.diskSpace(m)
	case *messages.SessionHome:
		a.core.homes.move(m)
	case *messages.Followers:
		a.core.Followers(m)
	case Drained:
		a.env.Metrics.Proposals.Add(int64(len(a.core.proposals)))
		a.env.dispatch(ctx, a.next(), a.core.Flush())
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

func (a *prepActor) requests(m *messages.Requests) {
	if a.held {
		a.aside = append(a.aside, m)
		return
	}
	a.env.Metrics.PrepQueue.Observe(int64(len(m.Items)), 1)
	a.judge(m.Items)
	a.env.doneWith(m)
}

// release goes on with what was put aside: leadership stays where it is.
func (a *prepActor) release() {
	aside := a.aside
	a.held, a.aside = false, nil
	for _, m := range aside {
		a.requests(m)
	}
}

func (a *prepActor) judge(items []messages.Request) {
	now := a.env.Clock.WallMs()
	before := a.core.Outstanding()
	a.env.Tree.Read(func(t *tree.Tree) { a.core.Judge(t, items, now) })
	a.env.Metrics.OutstandingQueued.Add(int64(a.core.Outstanding() - before))
}

// writeMembers lets clients read who the members are, if they can't yet. It is a transaction like any other, so every
// server has it at the same zxid. Where members never change it says what the configuration files say.
func (a *prepActor) writeMembers() {
	text := a.env.Ensemble.Members.String()
	if a.env.Role != RoleLeader || a.treeSays(text) {
		return
	}
	r := messages.Request{Op: messages.OpReconfig}
	if !a.env.Options.Prep.ReconfigEnabled {
		r.Op = messages.OpSetData
		r.Body = jute.AppendInt(jute.AppendBuffer(jute.AppendString(nil, messages.ConfigPath), []byte(text)), -1)
	}
	a.judge([]messages.Request{r})
}

func (a *prepActor) treeSays(members string) (same bool) {
	a.env.Tree.Read(func(t *tree.Tree) {
		n, ok := t.LookupString(messages.ConfigPath)
		same = ok && string(n.Data()) == members
	})
	return same
}

// next is the board on which proposals are put up, or on a server that runs alone the log.
func (a *prepActor) next() *actor.PID {
	if a.env.Proposal != nil {
		return a.env.Proposal
	}
	return a.env.Sync
}

func (a *prepActor) diskSpace(m *messages.DiskSpace) {
	if m.Full == a.core.full {
		return
	}
	a.core.DiskFull(m.Full)
	a.env.Metrics.DiskFull.Store(m.Full)
	if m.Full {
		a.env.Log.Error().Int64("free_bytes", m.Free).
			Msg("the disk of the transaction log is full: writes are refused until there is room again, reads go on")
		return
	}
	a.env.Log.Info().Msg("there is room for the transaction log again: writes are accepted")
}

// quotaPauseMs is how often a soft quota that is passed gets a log line, at most.
const quotaPauseMs = 60_000

func (a *prepActor) overQuota(root, what string, used, limit int64) {
	key, now := root+" "+what, a.env.Clock.WallMs()
	if last, ok := a.warned[key]; ok && now-last < quotaPauseMs && now >= last {
		return
	}
	a.warned[key] = now
	a.env.Metrics.QuotaExceeded.Inc()
	a.env.Log.Warn().Str("path", root).Msg(fmt.Sprintf("quota exceeded: %s is %d, the soft limit %d", what, used, limit))
}
