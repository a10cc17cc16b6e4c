package sim

import "time"

// move lets something happen, and then some time pass.
func (w *World) move() {
	switch {
	case w.rush > 0:
		w.rush--
		w.act()
		w.turns()
		return
	case w.plan.trapEvery > 0 && w.rand.IntN(w.plan.trapEvery) == 0:
		w.setTrap()
	case len(w.plan.faults) > 0 && w.rand.IntN(w.plan.faultEvery) == 0:
		f := w.plan.faults[w.rand.IntN(len(w.plan.faults))]
		if f.do(w) {
			w.stats.add("fault: " + f.name)
		}
	case w.plan.reconfig && w.rand.IntN(w.plan.changeEvery) == 0:
		w.changeMembers()
	default:
		w.act()
	}
	switch {
	case w.rand.IntN(10) < w.plan.busy:
		w.turns()
	case w.rand.IntN(8) > 0:
		w.pass(w.between(0, 40*time.Millisecond))
	default:
		w.pass(w.between(0, 1500*time.Millisecond))
	}
}

// turns lets a few things happen, which take next to no time.
func (w *World) turns() {
	for range w.rand.IntN(60) {
		w.step(w.clock.us + 2_000)
	}
}
