package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	cmap "github.com/orcaman/concurrent-map"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/actortest"
	"github.com/troupekeeper/troupe/cluster/clustertest"
	"github.com/troupekeeper/troupe/messages"
)

// Options are what a run is made from.
type Options struct {
	Seed  uint64
	Moves int       // of the world's, in each of which a client or a fault does something; 0: 600
	Tail  int       // events that a failure tells; 0: 200
	Log   io.Writer // gets every event as a line, for who wants to see more of a run; may be nil

	Stages []actors.ActiveStage // in every server's pipeline

	tune func(*plan) // of tests that are after something
}

// Result is what has come of a run.
type Result struct {
	Seed     uint64
	Plan     string
	Property string   // which one was violated; "" if all have held
	Reason   string   // how
	Events   []string // the last ones before it, in words
	Hash     uint64   // of all events
	Steps    int64    // messages, deliveries and the like
	Txns     int      // transactions
	Elapsed  time.Duration
	Stats    Stats
}

// World is one run: an ensemble, its clients, and what is done to them.
type World struct {
	rand       *rand.Rand
	plan       plan
	stages     []actors.ActiveStage
	steps      *actortest.Steps
	clock      *Clock
	net        *clustertest.Network
	trace      *trace
	stats      Stats
	membership messages.Membership // of all servers
	servers    []*server
	clients    []*client
	history    *history

	leaders      map[uint32]string // by epoch
	told         messages.Zxid     // the newest transaction that any client was told of, or has seen by a read
	lost         []messages.SessionID
	serial       int
	clientSerial int
	visits       int
	stoodStill   int64 // when a server last did

	traps  []*trap
	sprung []*sprung
	rush   int // moves that are short and the clients'

	count    int64
	still    int64 // steps since time last passed
	chaos    bool  // faults go on
	ending   bool  // some process must end
	property string
	reason   string
	tail     int
	events   []string
}

// Each process that starts has the actor library's register of actors, 1024 maps of 32 parts, so that many processors may use it
// at once. Here is one: with 32 parts a fifth of all time went into making them.
func init() { cmap.SHARD_COUNT = 1 }

// Run runs an ensemble and tells what has come of it.
func Run(o Options) (res Result) {
	if o.Moves == 0 {
		o.Moves = 600
	}
	if o.Tail == 0 {
		o.Tail = 200
	}
	w := newWorld(o)
	defer func() {
		if r := recover(); r != nil {
			w.fail("panic", "outside of all actors: %v\n%s", r, debug.Stack())
		}
		res = w.result(o)
	}()
	w.live(o.Moves)
	return res
}

func (w *World) result(o Options) Result {
	return Result{
		Seed: o.Seed, Plan: fmt.Sprintf("%+v", w.plan), Property: w.property, Reason: w.reason, Events: w.events, Hash: w.trace.hash,
		Steps: w.count, Txns: len(w.history.entries), Elapsed: time.Duration(w.clock.us) * time.Microsecond, Stats: w.stats,
	}
}

func newWorld(o Options) *World {
	w := &World{
		stages: o.Stages,
		rand:   rand.New(rand.NewPCG(o.Seed, 3)), steps: actortest.NewSeeded(o.Seed), clock: NewClock(), leaders: map[uint32]string{},
		tail: o.Tail, stats: newStats(),
	}
	w.trace = newTrace(w, max(4*o.Tail, 2000), o.Log)
	w.plan = newPlan(w.rand)
	w.plan.drawSpares(rand.New(rand.NewPCG(o.Seed, 4)))
	if o.tune != nil {
		o.tune(&w.plan)
	} else {
		w.plan.drawTheme(rand.New(rand.NewPCG(o.Seed, 6)))
		w.plan.drawTraps(rand.New(rand.NewPCG(o.Seed, 7)))
	}
	w.history = newHistory(w)
	w.net = clustertest.NewNetwork(w.steps, w.clock, o.Seed)
	w.net.Buffer = w.plan.buffer
	w.net.Delay = w.delay
	rates := rand.New(rand.NewPCG(o.Seed, 5))
	for i := range w.plan.voters + w.plan.observers + w.plan.spares {
		id := messages.ServerID(i + 1)
		s := &server{w: w, id: id, name: fmt.Sprintf("s%d", id), disk: newDisk(), skew: int64(w.rand.IntN(20_000)) - 10_000}
		s.rate = 1000 - w.plan.drift + rates.Int64N(2*w.plan.drift+1)
		s.host = w.net.Host(s.name)
		m := messages.Member{ID: id, Addresses: []messages.MemberAddress{{Host: s.name, QuorumPort: quorumPort, ElectionPort: electionPort}},
			ClientAddress: s.name, ClientPort: clientPort}
		if i >= w.plan.voters && i < w.plan.voters+w.plan.observers {
			m.Role = messages.Observer
		}
		w.membership.Members = append(w.membership.Members, m)
		w.servers = append(w.servers, s)
	}
	w.configure()
	return w
}

// live goes through the phases of a run.
func (w *World) live(moves int) {
	w.chaos = true
	for _, s := range w.servers {
		s.startIn(w.between(0, time.Second))
	}
	for range w.plan.clients {
		w.clients = append(w.clients, w.newClient(nil))
	}
	for i := 0; i < moves && !w.failed(); i++ {
		w.move()
	}
	w.calm()
	w.farewell()
}

// step lets one thing happen: a turn of an actor, or the next timer that is due by the end. False: there is neither.
func (w *World) step(end int64) bool {
	if w.failed() {
		return false
	}
	if w.steps.Step() {
		w.count++
		if w.still++; w.still > 3_000_000 {
			w.fail("rest", "the servers go on and on without a moment passing")
		}
		if w.plan.stepCost > 0 {
			w.moveTo(w.clock.us + w.rand.Int64N(w.plan.stepCost+1))
		}
		if len(w.sprung) > 0 {
			w.spring(false)
		}
		if w.ending {
			w.reap()
		}
		return true
	}
	if len(w.sprung) > 0 {
		w.spring(true)
		return true
	}
	at, ok := w.clock.Next()
	if !ok || at > end {
		return false
	}
	w.moveTo(at)
	return true
}

func (w *World) moveTo(us int64) {
	if us > w.clock.us {
		w.still = 0
	}
	w.clock.Move(us)
	if w.ending {
		w.reap()
	}
}

// pass lets time pass.
func (w *World) pass(d time.Duration) {
	end := w.clock.us + d.Microseconds()
	for w.clock.us < end && w.step(end) {
	}
	if !w.failed() && w.clock.us < end {
		w.moveTo(end)
	}
}

// later calls f after a while.
func (w *World) later(d time.Duration, f func()) actors.Timer {
	return w.clock.After(d, func() {
		if !w.failed() {
			f()
		}
	})
}

// await lets time pass until something has come about. It fails the run when that takes too long.
func (w *World) await(what string, patience time.Duration, done func() bool) {
	began := w.clock.us
	for !w.failed() && !done() {
		if w.clock.us-began > patience.Microseconds() {
			serve := w.names((*server).serving)
			w.fail("liveness", "nothing is done to the ensemble any more, and after %v not: %s; %v serve", patience, what, serve)
			return
		}
		w.pass(50 * time.Millisecond)
	}
	w.stats.longest("ms until "+what, (w.clock.us-began)/1000)
}

// calm ends all that is wrong and sees that the ensemble recovers.
func (w *World) calm() {
	if w.failed() {
		return
	}
	w.trace.say("world", "all faults end")
	w.chaos = false
	w.heal()
	w.await("all members serve", w.plan.patience(), func() bool {
		return !slices.ContainsFunc(w.servers, func(s *server) bool { return !s.serving() && w.belongs(s) })
	})
	if w.plan.reconfig && !w.failed() {
		w.pass(10 * time.Second)
		w.leaveBehind()
	}
	for _, c := range w.clients {
		c.idle = true
	}
	w.probe()
	w.await("all requests are answered", w.plan.patience(), func() bool {
		for _, c := range w.clients {
			if v := c.visit; v == nil || !v.ready || len(v.asked) > 0 {
				return false
			}
		}
		return true
	})
}

// probe sends a write to each server and waits for its answer.
func (w *World) probe() {
	var probes []*client
	for _, s := range w.servers {
		c := w.newClient(s)
		if w.plan.leaderRefuses {
			c.always = nil // the leader would have nobody
		}
		c.idle = true
		probes = append(probes, c)
	}
	asked := map[*client]bool{}
	w.await("each server answers a write", w.plan.patience(), func() bool {
		all := true
		for _, c := range probes {
			v := c.visit
			if v != nil && v.ready && !asked[c] {
				asked[c] = true
				v.ask(question{op: messages.OpCreate, path: "/" + c.name}, createRequest("/"+c.name))
			}
			all = all && asked[c] && v != nil && len(v.asked) == 0
		}
		return all
	})
	w.clients = append(w.clients, probes...)
}

// same tells whether all servers have applied all of the history.
func (w *World) same() bool {
	return !slices.ContainsFunc(w.servers, func(s *server) bool { return s.life == nil || s.applied != w.history.last() })
}

// farewell lets everybody go and checks what is left.
func (w *World) farewell() {
	if w.failed() {
		return
	}
	w.await("all servers have applied the same", w.plan.patience(), w.same)
	if !w.failed() {
		w.agree()
		w.sameMembers()
	}
	for _, c := range w.clients {
		c.gone = true
		for _, v := range append(c.left, c.visit) {
			if v != nil {
				v.close()
			}
		}
	}
	w.await("all sessions have expired", w.plan.patience(), func() bool { sessions, _ := w.history.open(); return sessions == 0 })
	// Of a client that has vanished before it had a session nothing is ever heard: that takes its own time.
	w.await("all connections have ended", w.plan.patience(), func() bool {
		for _, s := range w.servers {
			if s.life == nil || s.life.rt.Conns.Len() > 0 {
				return false
			}
		}
		return true
	})
	w.pass(time.Second)
	// Meanwhile the sweeper may have removed a container, which some have applied and others not.
	w.await("all servers have applied the same in the end", w.plan.patience(), w.same)
	if !w.failed() {
		w.settled()
		w.lostSessions()
		w.agree()
	}
	w.halt()
}

// halt stops all servers in good order.
func (w *World) halt() {
	stopped := 0
	for _, s := range w.servers {
		if w.failed() {
			return
		}
		s.stop(func() { stopped++ })
	}
	w.await("all servers have stopped", w.plan.patience(), func() bool { return stopped == len(w.servers) })
}

// fail ends the run with the first violation.
func (w *World) fail(property, format string, args ...any) {
	if w.property != "" {
		return
	}
	w.property, w.reason = property, fmt.Sprintf(format, args...)
	w.trace.say("world", "VIOLATED %s: %s", property, w.reason)
	words := w.trace.words()
	w.events = words[max(0, len(words)-w.tail):]
}

func (w *World) failed() bool { return w.property != "" }

func (w *World) between(from, to time.Duration) time.Duration {
	return from + time.Duration(w.rand.Int64N(int64(to-from)+1))
}

func (w *World) anyServer() *server { return w.servers[w.rand.IntN(len(w.servers))] }
