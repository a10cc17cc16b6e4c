package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/persistence"
)

// fault is one kind of thing that is done to an ensemble. do tells whether there was something to do it to.
type fault struct {
	name string
	do   func(w *World) bool
}

var allFaults = []fault{
	{"a process is killed", func(w *World) bool { return w.lose(func(s *server) { s.kill("is killed") }) }},
	{"a server loses its power", func(w *World) bool { return w.lose(func(s *server) { s.cutPower(w.rand.IntN(3) == 0) }) }},
	{"a server loses its power amid its writes", (*World).cutAmidWrites},
	{"a server loses its power amid its synchronisation", (*World).cutAmidSync},
	{"all servers lose their power", (*World).blackout},
	{"a majority is killed", (*World).killMajority},
	{"a server is stopped in good order", (*World).stopOne},
	{"leadership is moved", (*World).moveLeader},
	{"members change", (*World).changeMembers},
	{"a disk is full", (*World).fillDisk},
	{"a machine vanishes", (*World).vanish},
	{"a server stands still", (*World).standStill},
	{"a server is cut off", (*World).isolate},
	{"the ensemble is parted", (*World).part},
	{"one direction is lost", (*World).oneWay},
	{"a client is cut off", (*World).isolateClient},
	{"a connection breaks", (*World).breakConn},
	{"a connection breaks within a message", (*World).breakConnWithin},
	{"many connections break", (*World).breakMany},
	{"the network is slow", (*World).slow},
	{"an actor panics", (*World).armPanic},
	{"a write to the disk fails", (*World).failDisk},
	{"members change amid a blackout", (*World).changeAmidBlackout},
}

func newDisk() *persistence.MemFS { return persistence.NewMemFS() }

// victim is a server that is up, often the leader.
func (w *World) victim() *server {
	if w.rand.IntN(2) == 0 {
		for _, s := range w.servers {
			if s.leads() && !s.life.stopping {
				return s
			}
		}
	}
	s := w.anyServer()
	if s.life == nil || s.life.stopping {
		return nil
	}
	return s
}

// downFor is how long a server stays away.
func (w *World) downFor() time.Duration {
	if w.rand.IntN(3) == 0 {
		return w.between(0, 10*time.Second)
	}
	return w.between(0, time.Second)
}

func (w *World) lose(how func(*server)) bool {
	s := w.victim()
	if s == nil {
		return false
	}
	how(s)
	s.startIn(w.downFor())
	return true
}

func (w *World) cutAmidWrites() bool {
	s := w.victim()
	if s == nil {
		return false
	}
	s.cutWithin(w.rand.IntN(30))
	return true
}

// cutAmidSync waits until the server takes its leader's history over: each step of that must be durable before the next.
func (w *World) cutAmidSync() bool {
	s := w.victim()
	if s == nil || s.life.cutSync > 0 || s.life.cutting {
		return false
	}
	s.life.cutSync = 1 + w.rand.IntN(6)
	if s.leads() || w.rand.IntN(2) == 0 {
		return true
	}
	for _, c := range w.net.Conns() {
		if c.From == s.name && c.Address[len(c.To)+1:] == fmt.Sprint(quorumPort) {
			c.Cut() // it has to begin anew at once
		}
	}
	return true
}

// loseLeaderOf cuts the power of a learner's leader a moment later: what it has just counted on is all that is left.
func (w *World) loseLeaderOf(learner *server) {
	leader := learner.life.board.Status().Leader
	w.later(w.between(0, 2*time.Millisecond+w.plan.delay), func() {
		for _, s := range w.servers {
			if s.id == leader && s.life != nil && !s.life.stopping {
				s.cutPower(false)
				s.startIn(w.downFor())
			}
		}
	})
}

// cutWithin lets a server write so often and then cuts its power.
func (s *server) cutWithin(writes int) {
	w, l := s.w, s.life
	l.excused, l.cutting = true, true
	w.trace.say(s.name, "is going to lose its power within %d writes", writes)
	l.fs.CutPower(writes)
	// What the power cut leaves is decided by what was written before it. Nobody may hear of what the process did after.
	var look func()
	look = func() {
		switch {
		case s.life != l || l.lane.dead:
		case l.fs.Failed() > 0:
			s.cutPower(w.rand.IntN(3) == 0)
			s.startIn(w.downFor())
		default:
			w.later(time.Millisecond, look)
		}
	}
	look()
}

func (w *World) blackout() bool {
	strict, done := w.rand.IntN(2) == 0, false
	for _, s := range w.servers {
		if s.life != nil {
			s.cutPower(strict)
			done = true
		}
		s.startIn(w.between(0, 2*time.Second))
	}
	return done
}

func (w *World) killMajority() bool {
	n := len(w.servers)/2 + 1
	for _, i := range w.rand.Perm(len(w.servers))[:n] {
		if s := w.servers[i]; s.life != nil {
			s.kill("is killed with others")
			s.startIn(w.downFor())
		}
	}
	return true
}

func (w *World) stopOne() bool {
	s := w.victim()
	if s == nil {
		return false
	}
	s.stop(func() { s.startIn(w.downFor()) })
	return true
}

func (w *World) moveLeader() bool {
	for _, s := range w.servers {
		if s.leads() && !s.life.stopping {
			s.handOver(messages.ServerID(w.rand.IntN(w.plan.voters + 1)))
			return true
		}
	}
	return false
}

// fillDisk leaves a server little room for a while.
func (w *World) fillDisk() bool {
	s := w.victim()
	if s == nil {
		return false
	}
	const size = 1 << 40
	s.disk.Capacity = size
	free, _ := s.disk.Free(".")
	room := w.rand.Int64N(4 * w.plan.segmentBytes)
	s.disk.Capacity = size - free + room
	w.trace.say(s.name, "has a disk with room for %d bytes", room)
	w.later(w.between(0, 5*time.Second), func() {
		w.trace.say(s.name, "has room on its disk")
		s.disk.Capacity = 0
	})
	return true
}

func (w *World) vanish() bool {
	s := w.victim()
	if s == nil {
		return false
	}
	s.vanished = true
	s.cutPower(false)
	s.startIn(w.downFor())
	return true
}

func (w *World) standStill() bool {
	s := w.victim()
	if s == nil || s.life.lane.paused {
		return false
	}
	l := s.life
	l.lane.paused = true
	w.stoodStill = w.clock.us
	d := w.between(0, 3*time.Duration(w.plan.syncLimit)*w.plan.tick)
	w.trace.say(s.name, "stands still for %v", d)
	w.later(d, func() {
		w.stoodStill = w.clock.us
		if l.lane.paused && !l.lane.dead {
			w.trace.say(s.name, "goes on")
			l.lane.resume()
		}
	})
	return true
}

var kinds = []string{
	"request", "prep", "proposal", "sync", "ack", "sendack", "commit", "tobeapplied", "final", "sessions", "snapshotter", "sweeper",
	"bucket", "connection", "listener", "leader", "learner", "learnerhandler", "feeder", "link", "reception", "election", "electionpeer",
	"peer",
}

func (w *World) armPanic() bool {
	s := w.victim()
	if s == nil || s.life.armed != nil {
		return false
	}
	s.life.armed = &armedPanic{kind: kinds[w.rand.IntN(len(kinds))], left: 1 + w.rand.IntN(20)}
	return true
}

var errDisk = errors.New("input/output error")

func (w *World) failDisk() bool {
	s := w.victim()
	if s == nil {
		return false
	}
	ops := []persistence.Op{persistence.OpSync, persistence.OpWrite, persistence.OpRename, persistence.OpCreate, persistence.OpSyncDir,
		persistence.OpTruncate, persistence.OpPreallocate}
	op := ops[w.rand.IntN(len(ops))]
	w.trace.say(s.name, "one %s of the next ones is going to fail", op)
	s.life.fs.Inject(persistence.Fault{Op: op, Nth: 1 + w.rand.IntN(20), Err: errDisk})
	s.life.excused = true
	return true
}

// heal ends all faults.
func (w *World) heal() {
	w.traps, w.sprung, w.rush = nil, nil, 0
	w.net.HealAll()
	for _, s := range w.servers {
		s.lag = 0
		s.disk.Capacity = 0
		if s.life == nil {
			s.start()
			continue
		}
		l := s.life
		l.armed, l.cutSync = nil, 0
		l.fs.Clear()
		if l.cutting {
			s.cutPower(true)
			s.start()
			continue
		}
		if l.lane.paused {
			w.stoodStill = w.clock.us
			l.lane.resume()
		}
	}
}

func createRequest(path string) []byte {
	r := jute.CreateRequest{Path: path, Data: []byte("x"), ACL: messages.WorldACL(messages.PermAll)}
	return r.Append(nil, messages.OpCreate)
}
