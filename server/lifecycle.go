package server

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// stopPatience is how long Stop waits for one part. A part that takes longer is left behind: what it holds isn't
// acknowledged, and a process that hangs at its end is worse.
const stopPatience = 10 * time.Second

// Stop ends the server in the reverse order of its start: no new connections, the clients' connections closed, the
// stages stopped, the log synced and closed, the folder unlocked. It may be called more than once.
func (s *Server) Stop() {
	s.once.Do(s.stop)
}

func (s *Server) stop() {
	s.resign()
	if s.admin != nil {
		s.admin.close()
	}
	s.stopActor(s.listener)
	if s.listener == nil && s.client != nil {
		s.client.Close()
	}
	s.stopActor(s.role)
	s.doors.close()
	s.stopActor(s.commands)
	if s.stopLoops != nil {
		s.stopLoops()
	}
	if s.runtime != nil {
		s.runtime.System.Shutdown()
	}
	if s.store != nil {
		if err := s.store.Close(); err != nil {
			s.log.Warn().Err(err).Msg("unlocking the data folder failed")
		}
	}
}

// stopActor stops an actor with its children and waits until all of them are gone.
func (s *Server) stopActor(pid *actor.PID) {
	if pid == nil {
		return
	}
	gone := make(chan struct{})
	watcher := s.runtime.System.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started:
			ctx.Watch(pid)
			ctx.Stop(pid)
		case *actor.Terminated:
			close(gone)
			ctx.Stop(ctx.Self())
		}
	}))
	select {
	case <-gone:
	case <-time.After(stopPatience):
		s.log.Warn().Str("actor", pid.Id).Dur("after", stopPatience).Msg("an actor didn't stop in time and is left behind")
		s.runtime.System.Root.Stop(watcher)
	}
}
