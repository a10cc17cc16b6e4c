package sim

import (
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// Sessions expire only when their client has been silent. Only the leader lets them, by what learners tell it of their clients.

// sign is a sign of life: when a client asked something that was answered since, and in which epoch the server served.
type sign struct {
	at    int64
	epoch uint32
}

// alive notes that the client had asked something then that a server has answered: that server knew that it lived.
func (c *client) alive(at int64, by *server) {
	if n := len(c.lively); by.life == nil || n > 0 && at-c.lively[n-1].at < 50_000 {
		return // the one before will do
	}
	old := at - 2*int64(c.timeout)*1000
	c.lively = append(slices.DeleteFunc(c.lively, func(s sign) bool { return s.at < old }), sign{at, by.life.epoch})
}

// expired is called when the end of a session has become history that no client has asked for.
func (w *World) expired(header *messages.TxnHeader) {
	i := slices.IndexFunc(w.clients, func(c *client) bool { return c.session == header.Session })
	leader, known := w.leaders[header.Zxid.Epoch()]
	led := slices.IndexFunc(w.servers, func(s *server) bool { return s.name == leader })
	if i < 0 || !known || led < 0 {
		return
	}
	w.stats.add("session expired")
	c, timeout := w.clients[i], int64(w.clients[i].timeout)*1000
	// The transaction may be older than its place in the history: its time is that of the leader who let the session expire.
	at := (header.Time - startWallMs - w.servers[led].skew) * 1000
	if w.plan.drift > 0 || w.stoodStill+2*timeout > at {
		return // what a server was asked while it stood still it answers before it knows how long that was
	}
	// A learner may be out of its leader's reach for syncLimit before either notices, and serves clients meanwhile.
	silence := timeout - (int64(2*w.plan.syncLimit)+4)*w.plan.tick.Microseconds()
	for _, s := range c.lively {
		// While leadership is handed over a server serves reads without a leader for two seconds at most.
		if s.epoch == header.Zxid.Epoch() && s.at <= at && at-s.at < silence {
			w.fail("sessions", "session %v of %s, which may be silent for %d ms, expired %d ms after it had asked something that was answered",
				header.Session, c.name, c.timeout, (at-s.at)/1000)
		}
	}
}
