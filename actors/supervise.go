package actors

import (
	"github.com/asynkron/protoactor-go/actor"
)

// FailureClass says what happens when an actor panics.
type FailureClass int

const (
	// Private actors stop: the other side reconnects. Connections, learner handlers, election peers.
	Private FailureClass = iota
	// Rebuildable actors restart under their name; their state comes from its owner when they have started.
	Rebuildable
	// Resumable actors go on with their next message, because a restart would stop their children, which are worth more than
	// what they keep themselves. At their start they have none, and are restarted. The receptions.
	Resumable
	// Ordered actors hold requests that must not be lost or swapped: the whole chain stops and a new one is
	// built from disk. All stages, and the roles.
	Ordered
)

// String is the name that log lines print.
func (c FailureClass) String() string {
	return [...]string{"private", "rebuildable", "resumable", "ordered"}[c]
}

// rebuildLimit is how many failures a rebuildable or resumable actor may have within rebuildWindowMs before its
// failure counts as one of the chain.
const (
	rebuildLimit    = 10
	rebuildWindowMs = 10_000
)

// supervisor decides by class. It is embedded by the actors that have children; the library asks it first.
type supervisor struct {
	rt       *Runtime
	class    func(child *actor.PID) FailureClass
	escalate func(child *actor.PID, reason any) // an ordered child has failed
	failures map[string][]int64
}

// HandleFailure implements actor.SupervisorStrategy. It runs on the parent.
func (s *supervisor) HandleFailure(_ *actor.ActorSystem, parent actor.Supervisor, child *actor.PID,
	_ *actor.RestartStatistics, reason, message any,
) {
	_, atStart := message.(*actor.Started)
	switch class := s.class(child); {
	case class == Private:
		s.rt.Metrics.PrivateStops.Inc()
		parent.StopChildren(child)
	case (class == Rebuildable || class == Resumable && atStart) && s.mayRebuild(child):
		s.rt.Metrics.ActorRestarts.Inc()
		s.rt.Log.Warn().Str("actor", child.Id).Msg("restarting the actor; its state comes from its owner")
		parent.RestartChildren(child)
	case class == Resumable && s.mayRebuild(child):
		s.rt.Metrics.ActorRestarts.Inc()
		s.rt.Log.Warn().Str("actor", child.Id).Msg("the actor goes on with its next message")
		parent.ResumeChildren(child)
	default:
		s.rt.Log.Error().Str("actor", child.Id).Str("class", class.String()).
			Msg("stopping the pipeline; it is built anew from disk")
		parent.StopChildren(child)
		s.escalate(child, reason)
	}
}

func (s *supervisor) mayRebuild(child *actor.PID) bool {
	now := monoMs(s.rt.Clock)
	if s.failures == nil {
		s.failures = map[string][]int64{}
	}
	recent := s.failures[child.Id][:0]
	for _, at := range s.failures[child.Id] {
		if now-at < rebuildWindowMs {
			recent = append(recent, at)
		}
	}
	s.failures[child.Id] = append(recent, now)
	return len(s.failures[child.Id]) <= rebuildLimit
}

// PrivateChildren is embedded by an actor outside of this package all of whose children are Private: one that fails
// stops, and its parent hears of it as of any other end.
type PrivateChildren struct{ Runtime *Runtime }

// HandleFailure implements actor.SupervisorStrategy. It runs on the parent.
func (p PrivateChildren) HandleFailure(_ *actor.ActorSystem, parent actor.Supervisor, child *actor.PID,
	_ *actor.RestartStatistics, _, _ any,
) {
	p.Runtime.Metrics.PrivateStops.Inc()
	parent.StopChildren(child)
}

// NewSupervisor is the strategy of an actor outside of this package that has children; the actor embeds it. class gives
// each child's class. escalate is called, on the parent, when an ordered child has failed or another one has failed
// too often; the child has been told to stop.
func NewSupervisor(rt *Runtime, class func(child *actor.PID) FailureClass,
	escalate func(child *actor.PID, reason any),
) actor.SupervisorStrategy {
	return &supervisor{rt: rt, class: class, escalate: escalate}
}
