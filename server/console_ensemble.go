package server

import (
	"sync"

	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/messages"
)

// ensemble is what the server's board shows; false on a server that runs alone.
func (c *console) ensemble() (cluster.Status, bool) {
	if c.board == nil {
		return cluster.Status{}, false
	}
	return c.board.Status(), true
}

// member is ensemble for what only a server with a role can tell: not while it looks, also if it serves reads then.
func (c *console) member() (cluster.Status, bool) {
	s, ok := c.ensemble()
	return s, ok && s.State != messages.Looking
}

// readOnly tells whether reads alone are served.
func (c *console) readOnly() bool {
	s, ok := c.ensemble()
	return ok && s.State == messages.Looking && s.ReadOnly
}

// state is the server's role as srvr and mntr print it.
func (c *console) state() string {
	s, ok := c.ensemble()
	switch {
	case !ok:
		return "standalone"
	case c.readOnly():
		return "read-only"
	case s.State == messages.Leading:
		return "leader"
	case s.State == messages.Following:
		return "follower"
	case s.State == messages.Observing:
		return "observer"
	}
	return s.State.String()
}

// self is this server's line in the membership in effect, or else in the configuration, as that of a server that is still
// to be added. It is empty if neither has one.
func (c *console) self(s cluster.Status) messages.Member {
	if m, ok := s.Members.Member(s.ID); ok {
		return m
	}
	m, _ := c.config.Ensemble.Self()
	return m
}

// since is how long the present state has lasted, in milliseconds.
func (c *console) since(s cluster.Status) int64 { return (c.runtime.Clock.MonoUs() - s.SinceUs) / 1000 }

// observerCounts remembers what the counters of the connections to observers stood at when an operator set them to zero.
// The handlers go on counting: nobody has to be asked.
type observerCounts struct {
	mu   sync.Mutex
	zero map[observerConn]cluster.LearnerStatus
}

// observerConn is one connection: after a new one everything counts from its beginning.
type observerConn struct {
	id          messages.ServerID
	established int64
}

func connOf(l cluster.LearnerStatus) observerConn { return observerConn{l.ID, l.EstablishedMs} }

// reset makes the present counters the new zero.
func (o *observerCounts) reset(learners []cluster.LearnerStatus) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.zero = map[observerConn]cluster.LearnerStatus{}
	for _, l := range learners {
		if l.Observer {
			o.zero[connOf(l)] = l
		}
	}
}

// counted is the learner with its counters since the last reset.
func (o *observerCounts) counted(l cluster.LearnerStatus) cluster.LearnerStatus {
	o.mu.Lock()
	defer o.mu.Unlock()
	z := o.zero[connOf(l)]
	l.Received -= z.Received
	l.Sent -= z.Sent
	l.Requests -= z.Requests
	return l
}
