package sim

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// Traps: some faults do harm only within a step or two of an event, which random times hardly ever hit. A trap waits for
// a moment and then strikes, at once or a few steps later. In every fourth run some kinds of traps are set again and again.

// moment is what a trap waits for. All of them are seen from outside: on the disk, in what actors are sent, by clients.
type moment string

const (
	writeTold      moment = "a client is told of a write"
	syncTold       moment = "a sync is answered"
	ackSent        moment = "a server acknowledges a proposal"
	ackTaken       moment = "the leader takes an acknowledgement"
	promiseSent    moment = "a learner acknowledges NewLeader"
	promiseTaken   moment = "the leader's side takes the acknowledgement of NewLeader"
	appliedFirst   moment = "a transaction is applied first"
	established    moment = "a leader is established"
	broughtUp      moment = "a learner is told that it is up to date"
	acceptedKept   moment = "acceptedEpoch is renamed into place"
	currentKept    moment = "currentEpoch is renamed into place"
	cutBack        moment = "a learner has cut its log back"
	handedOver     moment = "leadership is handed over"
	membersLogged  moment = "a change of members is on its way to a log"
	membersKept    moment = "the file of the members is renamed into place"
	membersAcked   moment = "a change of members is acknowledged"
	membersApplied moment = "a change of members is applied first"
)

// moments are those of all runs, membersMoments those of runs in which members change.
var (
	moments = []moment{writeTold, syncTold, ackSent, ackTaken, promiseSent, promiseTaken, appliedFirst, established, broughtUp,
		acceptedKept, currentKept, cutBack, handedOver}
	membersMoments = []moment{membersLogged, membersKept, membersAcked, membersApplied}
)

// trap waits for a moment, to do the strike of that name.
type trap struct {
	on     moment
	strike string
	skip   int           // moments that pass before
	steps  int           // from the moment to the strike
	wait   time.Duration // behind those
}

// sprung is a trap whose moment has come.
type sprung struct {
	trap
	s, leader *server // whose moment it was, and whom it followed then
}

// trapsAtOnce is how many may wait: what never happens in a run must not keep others from being set.
const trapsAtOnce = 4

// drawTraps decides whether a run has traps, and of which kinds. It has a source of its own, as drawSpares.
func (p *plan) drawTraps(r *rand.Rand) {
	if p.stepCost > 50 || r.IntN(4) > 0 {
		return
	}
	p.trapEvery = pick(r, 15, 30, 60)
	from := moments
	if p.reconfig {
		p.changeEvery = min(p.changeEvery, 15)
		from = slices.Concat(moments, membersMoments, membersMoments, membersMoments)
	}
	for range 2 + r.IntN(3) {
		p.trapMoments = append(p.trapMoments, from[r.IntN(len(from))])
	}
	for range 1 + r.IntN(3) {
		p.trapStrikes = append(p.trapStrikes, strikes[r.IntN(len(strikes))].name)
	}
}

// setTrap sets one of the kinds that the run has.
func (w *World) setTrap() {
	if len(w.traps) >= trapsAtOnce {
		w.traps = slices.Delete(w.traps, 0, 1)
	}
	t := trap{
		on: pick(w.rand, w.plan.trapMoments...), strike: pick(w.rand, w.plan.trapStrikes...),
		skip: pick(w.rand, 0, 0, 0, 1, 2), steps: pick(w.rand, 0, 0, 0, 1, 1, 2, 2, 8),
	}
	if w.rand.IntN(6) == 0 {
		t.wait = w.between(0, 2*time.Millisecond+w.plan.delay)
	}
	w.trace.say("world", "a trap is set: when %s, %s", t.on, t.strike)
	w.traps = append(w.traps, &t)
}

// happened tells the traps of a moment of a server. What they do comes when the present step is over: an actor, or a client,
// is in the middle of something. Only the disk stops at once: the moment may lie between two writes.
func (w *World) happened(m moment, s *server) {
	for i, t := range w.traps {
		if t.on != m {
			continue
		}
		if t.skip--; t.skip >= 0 {
			continue
		}
		w.traps = slices.Delete(w.traps, i, i+1)
		w.sprung = append(w.sprung, &sprung{trap: *t, s: s, leader: w.leaderOf(s)})
		if onDisk(m) && t.steps == 0 && t.wait == 0 && strikeOf(t.strike).own && s.life != nil {
			s.life.excused = true
			s.life.fs.CutPower(w.rand.IntN(3))
		}
		return
	}
}

func onDisk(m moment) bool { return m == acceptedKept || m == currentKept || m == membersKept }

// leaderOf is whom a server follows, or itself if it leads; nil if there is nobody.
func (w *World) leaderOf(s *server) *server {
	if s.life == nil || s.leads() {
		return s
	}
	leader := s.life.board.Status().Leader
	for _, o := range w.servers {
		if o.id == leader && o.life != nil {
			return o
		}
	}
	return nil
}

// spring lets those traps strike whose steps have passed; idle: nothing goes on before time does.
func (w *World) spring(idle bool) {
	waiting := w.sprung
	w.sprung = nil
	for _, t := range waiting {
		if t.steps--; t.steps >= 0 && !idle {
			w.sprung = append(w.sprung, t)
			continue
		}
		if t.wait > 0 {
			w.later(t.wait, func() { w.strike(t) })
			continue
		}
		w.strike(t)
	}
}

func (w *World) strike(t *sprung) {
	if !w.chaos {
		return
	}
	w.trace.say(t.s.name, "%s: %s", t.on, t.strike)
	w.stats.add(fmt.Sprintf("trap: when %s", t.on))
	w.stats.add(fmt.Sprintf("trap: then %s", t.strike))
	strikeOf(t.strike).do(w, t.s, t.leader)
	if w.rand.IntN(2) == 0 {
		w.setTrap() // on the way back something may go wrong again
	}
}

// noticed tells the traps what it means that an actor has handled a message.
func (a *witness) noticed(msg any) {
	w := a.s.w
	switch m := msg.(type) {
	case *messages.Ack:
		a.acknowledged(m)
	case *messages.NewLeaderAck:
		if a.kind == "link" {
			w.happened(promiseSent, a.s)
		} else if a.kind == "learnerhandler" {
			w.happened(promiseTaken, a.s)
		}
	case *messages.Truncated:
		if a.kind == "link" {
			w.happened(cutBack, a.s)
		}
	case *messages.UpToDate:
		if a.kind == "learner" {
			w.happened(broughtUp, a.s)
		}
	case *messages.HandOver:
		if a.kind == "link" {
			w.happened(handedOver, a.s)
		}
	case *messages.Proposals:
		if a.kind == "sync" && a.l.change.note(m.Items) {
			w.happened(membersLogged, a.s)
		}
	}
}

// acknowledged tells of an acknowledgement that is sent by this server's link, or taken by its leader.
func (a *witness) acknowledged(m *messages.Ack) {
	w := a.s.w
	switch {
	case a.kind == "link":
		w.happened(ackSent, a.s)
		if c := &a.l.change; c.zxid != 0 && m.Zxid >= c.zxid {
			c.zxid = 0
			w.happened(membersAcked, a.s)
		}
	case a.kind == "leader" && m.Server != a.s.id:
		if i := slices.IndexFunc(w.servers, func(o *server) bool { return o.id == m.Server }); i >= 0 {
			w.happened(ackTaken, w.servers[i])
		}
	}
}

// loggedChange is the newest change of members that a server was given to log; 0: it has acknowledged it since.
type loggedChange struct{ zxid messages.Zxid }

func (c *loggedChange) note(items []messages.Proposal) (found bool) {
	for i := range items {
		if items[i].Header.Op == messages.OpReconfig {
			c.zxid, found = items[i].Header.Zxid, true
		}
	}
	return found
}

// watchedFS tells the traps which files a server renames into place.
type watchedFS struct {
	persistence.FS
	s *server
}

// Rename implements persistence.FS.
func (f watchedFS) Rename(oldName, newName string) error {
	if err := f.FS.Rename(oldName, newName); err != nil {
		return err
	}
	switch path.Base(newName) {
	case persistence.AcceptedEpochFile:
		f.s.w.happened(acceptedKept, f.s)
	case persistence.CurrentEpochFile:
		f.s.w.happened(currentKept, f.s)
	case persistence.MembershipFile:
		f.s.w.happened(membersKept, f.s)
	}
	return nil
}
