package sim

import "time"

// What is done to the network.

// partition stalls both directions for a while.
func (w *World) partition(side, other []string) bool {
	w.partitionFor(w.between(0, 2*time.Duration(w.plan.syncLimit+w.plan.initLimit)*w.plan.tick), side, other)
	return true
}

func (w *World) partitionFor(d time.Duration, side, other []string) {
	w.trace.say("world", "%v and %v can't reach each other for %v", side, other, d)
	w.net.Partition(side, other)
	w.later(d, func() {
		w.trace.say("world", "%v and %v can reach each other", side, other)
		for _, a := range side {
			for _, b := range other {
				w.net.Heal(a, b)
				w.net.Heal(b, a)
			}
		}
	})
}

func (w *World) isolate() bool {
	s := w.victim()
	if s == nil {
		return false
	}
	return w.partition([]string{s.name}, w.names(func(o *server) bool { return o != s }))
}

func (w *World) part() bool {
	bits := 1 + w.rand.IntN(1<<len(w.servers)-2)
	side := w.names(func(s *server) bool { return bits>>(s.id-1)&1 == 1 })
	return w.partition(side, w.names(func(s *server) bool { return bits>>(s.id-1)&1 == 0 }))
}

func (w *World) oneWay() bool {
	a, b := w.anyServer(), w.anyServer()
	if a == b {
		return false
	}
	d := w.between(0, 3*time.Duration(w.plan.syncLimit)*w.plan.tick)
	w.trace.say("world", "nothing gets from %s to %s for %v", a.name, b.name, d)
	w.net.Stall(a.name, b.name)
	w.later(d, func() { w.net.Heal(a.name, b.name) })
	return true
}

func (w *World) isolateClient() bool {
	c := w.clients[w.rand.IntN(len(w.clients))]
	return w.partition([]string{c.name}, w.names(func(*server) bool { return true }))
}

func (w *World) breakConn() bool {
	conns := w.net.Conns()
	if len(conns) == 0 {
		return false
	}
	c := conns[w.rand.IntN(len(conns))]
	w.trace.say("world", "the connection from %s to %s breaks", c.From, c.Address)
	c.Cut()
	return true
}

func (w *World) breakConnWithin() bool {
	conns := w.net.Conns()
	if len(conns) == 0 {
		return false
	}
	c := conns[w.rand.IntN(len(conns))]
	from := c.From
	if w.rand.IntN(2) == 0 {
		from = c.To
	}
	n := w.rand.IntN(2000)
	w.trace.say("world", "the connection from %s to %s breaks behind %d more bytes of %s", c.From, c.Address, n, from)
	c.CutAfter(from, n)
	return true
}

func (w *World) breakMany() bool {
	w.trace.say("world", "many connections break")
	for _, c := range w.net.Conns() {
		if w.rand.IntN(2) == 0 {
			c.Cut()
		}
	}
	return true
}

// slow makes one server's network slow for a while; delay adds it.
func (w *World) slow() bool {
	s := w.anyServer()
	s.lag = w.between(0, w.plan.tick)
	w.trace.say(s.name, "has a slow network: %v", s.lag)
	w.later(w.between(0, 5*time.Second), func() { s.lag = 0 })
	return true
}

// delay is how long bytes are under way.
func (w *World) delay(from, to string) time.Duration {
	d := w.plan.delay
	if w.plan.jitter > 0 {
		d += w.between(0, w.plan.jitter)
	}
	for _, s := range w.servers {
		if s.name == from || s.name == to {
			d += s.lag
		}
	}
	return d
}
