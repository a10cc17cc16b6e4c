package sim

import (
	"math/rand/v2"
	"slices"
	"time"
)

// theme is a run to which one kind of thing happens again and again, each because something was wrong with it once.
type theme struct {
	name string
	tune func(*plan)
}

var themes = []theme{
	{"observers without a log, and leadership moves", func(p *plan) {
		p.observers, p.observerLog = 1, false
		p.clients, p.delay, p.jitter, p.lastCounter = 6, 0, 5*time.Millisecond, 0
		p.only("leadership is moved")
	}},
	{"all members change, and the ensemble is parted", func(p *plan) {
		p.reconfig, p.voters, p.observers, p.spares, p.changeEvery, p.stepCost = true, 3, 0, 3, 8, 0
		p.delay, p.jitter = 5*time.Millisecond, 20*time.Millisecond
		p.only("the ensemble is parted", "the ensemble is parted", "a majority is killed", "all servers lose their power",
			"a server loses its power amid its writes", "many connections break")
	}},
	{"members change, and servers come and go", func(p *plan) {
		p.reconfig = true
		const change = "members change"
		p.only(change, change, change, change, "leadership is moved", "a process is killed", "all servers lose their power",
			"a server is cut off", "the ensemble is parted", "a server loses its power amid its writes")
	}},
	// Who is away while it is moved, and the others too, must be found again.
	{"members move while some are away", func(p *plan) {
		p.reconfig, p.changeEvery, p.moveOneIn, p.places, p.spares, p.stepCost = true, 5, 1, 6, 1, 0
		p.only("a server is cut off", "the ensemble is parted")
	}},
	// A leader applies what others have on disk, and may have in a snapshot what its own log lacks.
	{"disks are slow and full", func(p *plan) {
		p.voters, p.observers, p.diskDelay, p.snapCount, p.segmentBytes, p.stepCost = 3, 0, 30*time.Millisecond, 10, 4<<10, 0
		p.only("a disk is full", "a disk is full", "a process is killed", "a server is cut off")
	}},
	// Servers that don't hear their leader for a while answer ordinary reads with what they have.
	{"all reads are fresh, and servers are deaf", func(p *plan) {
		p.freshReads, p.clients, p.tick, p.syncLimit = true, 10, 500*time.Millisecond, 5
		p.delay, p.jitter, p.drift, p.stepCost = time.Millisecond, 20*time.Millisecond, 500, 0
		p.only("one direction is lost", "a server is cut off", "leadership is moved")
	}},
	{"sessions are local", func(p *plan) { p.localSessions = true }},
	{"local sessions become the ensemble's", func(p *plan) { p.localSessions, p.localUpgrading = true, true }},
	{"one learner is synchronised at a time", func(p *plan) { p.feedAtOnce, p.observers = 1, 2 }},
}

// drawTheme gives every fourth run a theme, unless the processor that all its servers share is slow.
func (p *plan) drawTheme(r *rand.Rand) {
	if p.stepCost <= 50 && r.IntN(4) == 0 {
		themes[r.IntN(len(themes))].tune(p)
	}
}

// only lets nothing else happen, and these often; what is named twice happens more often.
func (p *plan) only(names ...string) {
	p.faults, p.faultEvery = nil, 12
	for _, name := range names {
		i := slices.IndexFunc(allFaults, func(f fault) bool { return f.name == name })
		p.faults = append(p.faults, &allFaults[i])
	}
}
