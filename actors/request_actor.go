package actors

import (
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
	return &requestActor{env: env, core: NewRequestProcessor(env.password, first, env.fillRandom)}
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
	case *messages.Connect:
		a.core.Connect(m)
	case *messages.Revalidated:
		a.core.Revalidated(m)
	case *messages.ConnClosed:
		a.core.ConnClosed(m)
	case *messages.SessionClosed:
		a.core.SessionClosed(m)
	case Drained:
		a.env.nextSession.Store(int64(a.core.nextID))
		a.env.dispatch(ctx, nil, a.core.Flush())
	default:
		a.env.unexpected(ctx, &a.env.Log)
	}
}
