package sim

import (
	"math/rand/v2"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// plan is what a seed makes of the ensemble and of what is done to it. Each run has some kinds of faults and not others,
// and limits that differ widely: together these reach more than a run that has a little of everything.
type plan struct {
	voters, observers int
	clients           int
	tick              time.Duration
	initLimit         int
	syncLimit         int
	commitLogCount    int
	snapshotFactor    float64
	observerLog       bool
	snapCount         int
	segmentBytes      int64
	compress          bool
	readOnly          bool          // readonlymode.enabled
	leaderRefuses     bool          // leaderServes=no
	resigns           bool          // a leader hands over before it stops
	lastCounter       uint32        // of an epoch
	reconfig          bool          // members change
	freshReads        bool          // reads.linearizable
	localSessions     bool          // localSessionsEnabled
	localUpgrading    bool          // localSessionsUpgradingEnabled
	feedAtOnce        int           // learners of a kind; 0: no limit
	largest           int           // bytes of a large value
	stepCost          int64         // microseconds that one message takes at most
	diskDelay         time.Duration // that what writes to the disk takes at most for a message
	delay, jitter     time.Duration
	buffer            int // of the network
	faults            []*fault
	faultEvery        int   // moves between two faults, on average
	busy              int   // how many of ten moves are short
	drift             int64 // milliseconds that a clock may gain or lose in a second
	changeEvery       int   // moves between two wishes for that, on average
	spares            int   // servers that are no members at first
	moveOneIn, places int   // of how many changes one moves a member, and between how many places
	trapEvery         int   // moves between two traps, on average; 0: there are none
	trapMoments       []moment
	trapStrikes       []string
}

func newPlan(r *rand.Rand) plan {
	p := plan{
		voters: pick(r, 3, 3, 3, 4, 5, 5), observers: pick(r, 0, 0, 1), clients: 2 + r.IntN(6),
		tick:      pick[time.Duration](r, 100, 200, 500) * time.Millisecond,
		initLimit: pick(r, 5, 10), syncLimit: pick(r, 2, 5),
		commitLogCount: pick(r, 1, 3, 10, 50, 500), snapshotFactor: pick(r, -1, 0.33, 0.33, 100), observerLog: r.IntN(3) > 0,
		snapCount: pick(r, 4, 10, 30, 100, 100_000), segmentBytes: pick[int64](r, 4<<10, 16<<10, 256<<10),
		compress: r.IntN(4) == 0, readOnly: r.IntN(3) == 0, leaderRefuses: r.IntN(8) == 0, resigns: r.IntN(2) == 0,
		reconfig: r.IntN(3) == 0, freshReads: r.IntN(5) == 0,
		lastCounter: pick[uint32](r, 0, 0, 0, 40, 10),
		largest:     pick(r, 1, 2000, 20_000),
		stepCost:    pick[int64](r, 0, 0, 5, 50, 300),
		delay:       pick[time.Duration](r, 0, 0, 200, 2000, 20_000) * time.Microsecond,
		jitter:      pick[time.Duration](r, 0, 0, 500, 5000) * time.Microsecond,
		diskDelay:   pick[time.Duration](r, 0, 0, 1, 10, 30) * time.Millisecond,
		buffer:      pick(r, 256<<10, 64<<10, 4<<10), faultEvery: pick(r, 10, 30, 30, 100, 300), busy: pick(r, 5, 8, 9),
	}
	for i := range allFaults {
		if wanted := r.IntN(2) == 0; wanted || (p.reconfig && allFaults[i].name == "members change") {
			for range 1 + r.IntN(3) {
				p.faults = append(p.faults, &allFaults[i])
			}
		}
	}
	p.reasonable()
	return p
}

// reasonable takes away what no ensemble could live with.
func (p *plan) reasonable() {
	if p.stepCost > 50 { // all servers share one processor, and a write takes hundreds of steps
		p.tick = max(p.tick, leastLimit/time.Duration(p.syncLimit))
	}
	if p.reconfig { // the ensemble may shrink to its leader, and nobody would serve
		p.leaderRefuses = false
	}
}

// leastLimit is the shortest syncLimit on a slow processor.
const leastLimit = 500 * time.Millisecond

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// sessionTimeout is what clients ask for, in milliseconds.
func (p *plan) sessionTimeout() int32 { return int32(max(8*p.tick, 2*time.Second).Milliseconds()) }

// patience is how long an ensemble that nothing is done to any more may take for something.
func (p *plan) patience() time.Duration { return 20*time.Second + 40*p.tick }

func (p *plan) actorOptions(id messages.ServerID) actors.Options {
	o := actors.DefaultOptions()
	o.Conn.MinTimeout = int32(2 * p.tick.Milliseconds())
	o.Conn.MaxTimeout = int32(40 * p.tick.Milliseconds())
	o.Conn.TickMs = p.tick.Milliseconds()
	o.Prep.ReconfigEnabled = p.reconfig
	o.Conn.FreshReads = p.freshReads
	o.Conn.HandshakeTimeout = 3 * time.Second
	o.Conn.Words = map[string]bool{}
	o.Sweep.Interval = time.Second
	o.SnapCount = p.snapCount
	o.SessionServer = id
	o.LocalSessions, o.LocalUpgrading = p.localSessions, p.localUpgrading
	return o
}
