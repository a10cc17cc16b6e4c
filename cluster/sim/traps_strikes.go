package sim

import (
	"slices"
	"time"
)

// strike is what a trap does. It is told whose moment it was, and who led then (nil: nobody).
type strike struct {
	name string
	own  bool // the server whose moment it was loses its power
	do   func(w *World, s, leader *server)
}

var strikes []strike

// init, because what a strike does may set the next trap.
func init() {
	strikes = []strike{
		{"all lose their power", true, func(w *World, _, leader *server) { w.powerless(w.servers, leader) }},
		{"leader and server lose their power", true, func(w *World, s, leader *server) { w.powerless([]*server{leader, s}, leader) }},
		{"the server loses its power", true, func(w *World, s, _ *server) { w.powerless([]*server{s}, nil) }},
		{"the leader loses its power", false, func(w *World, _, leader *server) { w.powerless([]*server{leader}, leader) }},
		{"the others lose their power", false, (*World).othersPowerless},
		{"the leader becomes deaf", false, func(w *World, _, leader *server) { w.oneSided(leader, true) }},
		{"the leader becomes mute", false, func(w *World, _, leader *server) { w.oneSided(leader, false) }},
		{"the leader's links break", false, func(w *World, _, leader *server) { w.linkless(leader) }},
		{"leader and server are parted from the others", false, (*World).pairApart},
	}
}

func strikeOf(name string) *strike {
	return &strikes[slices.IndexFunc(strikes, func(s strike) bool { return s.name == name })]
}

// powerless cuts the power of some servers at the same moment. Mostly nothing is left that was not synced. One of them may
// come back last, when the others have gone on without it.
func (w *World) powerless(servers []*server, last *server) {
	strict := w.rand.IntN(3) > 0
	late := w.rand.IntN(2) == 0
	for _, s := range slices.Clone(servers) {
		if s == nil || s.life == nil {
			continue
		}
		s.cutPower(strict)
		switch {
		case s == last && late:
			s.startIn(w.between(1500*time.Millisecond, 6*time.Second))
		case w.rand.IntN(2) == 0:
			s.startIn(w.between(0, 300*time.Millisecond))
		default:
			s.startIn(w.between(0, 2*time.Second))
		}
	}
}

func (w *World) othersPowerless(s, leader *server) {
	others := slices.DeleteFunc(slices.Clone(w.servers), func(o *server) bool { return o == s })
	w.powerless(others, leader)
}

// apartFor is how long a strike on the network lasts.
func (w *World) apartFor() time.Duration {
	return w.between(200*time.Millisecond, 3*time.Duration(w.plan.syncLimit)*w.plan.tick)
}

// oneSided lets nothing through between a server and all others in one direction. Its clients still reach it.
func (w *World) oneSided(s *server, deaf bool) {
	if s == nil {
		return
	}
	ways := func(f func(from, to string)) {
		for _, o := range w.servers {
			switch {
			case o == s:
			case deaf:
				f(o.name, s.name)
			default:
				f(s.name, o.name)
			}
		}
	}
	ways(w.net.Stall)
	w.rush = rushMoves
	w.later(w.apartFor(), func() { ways(w.net.Heal) })
}

// linkless breaks a server's links to all others, which hear of it at once and can't get through to it for a while.
func (w *World) linkless(s *server) {
	if s == nil {
		return
	}
	others := w.names(func(o *server) bool { return o != s })
	for _, c := range w.net.Conns() {
		if (c.From == s.name && slices.Contains(others, c.To)) || (c.To == s.name && slices.Contains(others, c.From)) {
			c.Cut()
		}
	}
	w.apart([]string{s.name}, others)
}

func (w *World) pairApart(s, leader *server) {
	w.apart(w.names(func(o *server) bool { return o == s || o == leader }), w.names(func(o *server) bool { return o != s && o != leader }))
}

func (w *World) apart(side, others []string) {
	w.partitionFor(w.apartFor(), side, others)
	w.rush = rushMoves
}

// rushMoves is how many moves are short, and left to the clients, when a leader has lost its followers: what it tells its clients
// in that fraction of a second counts.
const rushMoves = 40
