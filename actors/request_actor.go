package actors

import (
	"encoding/binary"
	"io"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// requestActor is the shell of the RequestProcessor.
type requestActor struct {
	env  *StageEnv
	core *RequestProcessor
}

func newRequestStage(env *StageEnv) actor.Actor {
	first := FirstSessionID(env.Options.SessionServer, env.Clock.WallMs())
	if next := env.nextSession.Load(); uint64(next) > uint64(first) {
		first = messages.SessionID(next)
	}
	a := &requestActor{env: env, core: NewRequestProcessor(env.password, first, env.fillRandom)}
	if env.Role != RoleStandalone {
		a.core.InEnsemble(env.firstTicket())
		env.openLocally(a.core)
	}
	return a
}

// openLocally lets a member that is to have local sessions keep them. What an earlier pipeline has left is taken over.
func (env *StageEnv) openLocally(p *RequestProcessor) {
	switch {
	case env.Role == RoleReadOnly:
		p.ReadOnly(env.locals)
	case env.Options.LocalSessions:
		p.OpenLocally(env.locals, env.Options.LocalUpgrading)
	default:
		env.locals.Clear()
		return
	}
	env.locals.Begin()
}

// firstTicket goes on where the pipeline before ended. A process begins at a random place: the leader may still have
// proposals of its predecessor, and their tickets must not be this one's.
func (env *StageEnv) firstTicket() messages.Ticket {
	if next := env.nextTicket.Load(); next != 0 {
		return messages.Ticket(next)
	}
	var b [4]byte
	env.fillRandom(b[:])
	return messages.Ticket(binary.BigEndian.Uint32(b[:])) << 32
}

// password looks a session up in the tree.
func (env *StageEnv) password(id messages.SessionID) (password []byte, ok bool) {
	env.Tree.Read(func(t *tree.Tree) {
		var s tree.Session
		if s, ok = t.Session(id); ok {
			password = s.Password
		}
	})
	return password, ok
}

func (env *StageEnv) fillRandom(b []byte) {
	if _, err := io.ReadFull(env.Random, b); err != nil {
		panic("no random bytes: " + err.Error())
	}
}

// Receive implements actor.Actor.
func (a *requestActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Requests:
		a.core.Requests(m.Items)
		a.env.doneWith(m)
	case *messages.Connect:
		a.core.Connect(m)
	case *messages.Revalidated:
		a.core.Revalidated(m)
	case *messages.ConnClosed:
		a.core.ConnClosed(m)
	case *messages.SessionClosed:
		a.core.SessionClosed(m)
	case HoldFront:
		a.flush(ctx)
		a.core.Hold()
	case Relink:
		// What was read so far reaches the gate before it sends what waits to the new desk.
		a.flush(ctx)
		a.env.relink(m)
		a.core.Resubmit()
		ctx.Send(a.env.Gate, resubmit{})
	case resubmitted:
		a.core.Resubmitted()
	case *messages.SessionsExpired:
		a.core.Expired(m)
	case *messages.UpgradeRefused:
		a.core.UpgradeRefused(m)
	case takeLocals:
		a.core.Locals()
	case Drained:
		a.env.nextSession.Store(int64(a.core.nextID))
		a.env.nextTicket.Store(uint64(a.core.ticket))
		a.env.Metrics.LocalSessions.Store(int64(a.core.locals.count()))
		a.flush(ctx)
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}

func (a *requestActor) flush(ctx actor.Context) {
	out := a.core.Flush()
	a.env.dispatch(ctx, nil, out)
	a.core.Sent(out)
}
