package chaostest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// fault is something that goes wrong, and what of it was left to chance.
type fault struct {
	kind    string
	pick    int           // chooses among the members that come into question
	hold    time.Duration // how long it lasts
	slow    time.Duration // more time for each packet and direction
	clients bool          // the clients are cut off as well
	before  time.Duration // of good weather
}

func (f fault) String() string {
	text := fmt.Sprintf("%v after %v", f.kind, f.before.Round(time.Millisecond))
	if f.slow > 0 {
		text += fmt.Sprintf(", by %v", f.slow.Round(time.Millisecond))
	}
	if f.clients {
		text += ", clients too"
	}
	return fmt.Sprintf("%s, for %v, pick %d", text, f.hold.Round(time.Millisecond), f.pick)
}

// injury is a kind of fault. do breaks something and returns how it is mended, which heal and the restart of all that
// was stopped do for most kinds.
type injury struct {
	kind   string
	weight int
	wires  bool // needs separate hosts
	do     func(ctx context.Context, e *ensemble, f *fault, leader *member) error
}

// injuries are all kinds of faults.
var injuries = []injury{
	{"kill the leader", 4, false, func(_ context.Context, _ *ensemble, _ *fault, leader *member) error { return leader.kill() }},
	{"kill a follower", 2, false, func(_ context.Context, e *ensemble, f *fault, leader *member) error {
		return e.choose(f, leader).kill()
	}},
	{"kill all", 2, false, func(_ context.Context, e *ensemble, f *fault, _ *member) error { return e.killAll(f) }},
	{"kill one after the other", 2, false, killInTurn},
	{"stop the leader", 1, false, func(ctx context.Context, _ *ensemble, _ *fault, leader *member) error { return leader.stop(ctx) }},
	{"restart one after the other", 1, false, rollingRestart},
	{"wipe a follower", 1, false, func(_ context.Context, e *ensemble, f *fault, leader *member) error {
		m := e.choose(f, leader)
		return errors.Join(m.kill(), m.wipe())
	}},
	{"pause the leader", 2, false, func(_ context.Context, _ *ensemble, _ *fault, leader *member) error { return leader.pause() }},
	{"pause a follower", 1, false, func(_ context.Context, e *ensemble, f *fault, leader *member) error {
		return e.choose(f, leader).pause()
	}},
	{"isolate the leader", 3, true, func(_ context.Context, e *ensemble, f *fault, leader *member) error {
		e.isolate(leader, true, true, f.clients)
		return nil
	}},
	{"isolate a follower", 1, true, func(_ context.Context, e *ensemble, f *fault, leader *member) error {
		e.isolate(e.choose(f, leader), true, true, f.clients)
		return nil
	}},
	{"mute the leader", 1, true, func(_ context.Context, e *ensemble, f *fault, leader *member) error {
		e.isolate(leader, false, true, f.clients)
		return nil
	}},
	{"deafen the leader", 1, true, func(_ context.Context, e *ensemble, f *fault, leader *member) error {
		e.isolate(leader, true, false, f.clients)
		return nil
	}},
	{"cut a pair", 2, true, func(_ context.Context, e *ensemble, f *fault, _ *member) error {
		one := e.choose(f, nil)
		other := e.choose(f, one)
		e.net.cut(one.id, other.id, true)
		return nil
	}},
	{"split", 2, true, split},
	{"slow the leader", 1, true, func(_ context.Context, e *ensemble, f *fault, leader *member) error {
		for _, m := range e.others(leader) {
			e.net.slow(leader.id, m.id, f.slow)
		}
		return nil
	}},
	{"slow all", 1, true, func(_ context.Context, e *ensemble, f *fault, _ *member) error {
		for _, m := range e.present() {
			for _, other := range e.others(m) {
				e.net.slow(m.id, other.id, f.slow/4)
			}
		}
		return nil
	}},
}

// kinds are the injuries that a run may draw from.
func (e *ensemble) kinds(only string) ([]injury, error) {
	var list []injury
	wanted := strings.Split(only, ",")
	for _, in := range injuries {
		if (only == "" || slices.Contains(wanted, in.kind)) && (e.net.apart || !in.wires) {
			list = append(list, in)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("flag -faults %q leaves none; see the kinds in fault_test.go", only)
	}
	return list, nil
}

// draw takes the next fault from the source of chance. It takes the same number of values each time.
func draw(rng *rand.Rand, kinds []injury) (fault, injury) {
	sum := 0
	for _, in := range kinds {
		sum += in.weight
	}
	n := rng.IntN(sum)
	i := 0
	for ; n >= kinds[i].weight; i++ {
		n -= kinds[i].weight
	}
	f := fault{
		kind: kinds[i].kind, pick: rng.IntN(1000), hold: time.Duration(200+rng.IntN(3800)) * time.Millisecond,
		slow: time.Duration(20+rng.IntN(200)) * time.Millisecond, clients: rng.IntN(2) == 0,
		before: time.Duration(100+rng.IntN(1400)) * time.Millisecond,
	}
	if !strings.HasPrefix(f.kind, "slow") {
		f.slow = 0
	}
	return f, kinds[i]
}

// choose picks a running member other than one.
func (e *ensemble) choose(f *fault, but *member) *member {
	list := e.others(but)
	return list[f.pick%len(list)]
}

// isolate cuts a member off: what it is sent (in), what it sends (out), also from and to clients.
func (e *ensemble) isolate(m *member, in, out, alsoClients bool) {
	ids := []int{}
	for _, other := range e.others(m) {
		ids = append(ids, other.id)
	}
	if alsoClients {
		ids = append(ids, clients)
	}
	for _, id := range ids {
		if in {
			e.net.lose(id, m.id, true)
		}
		if out {
			e.net.lose(m.id, id, true)
		}
	}
}

// split cuts the ensemble in two parts. The leader is in either; the clients reach both.
func split(_ context.Context, e *ensemble, f *fault, _ *member) error {
	list := e.present()
	from, size := f.pick%len(list), 1+f.pick/len(list)%(len(list)/2)
	part := append(slices.Clone(list[from:]), list[:from]...)[:size]
	for _, m := range part {
		for _, other := range list {
			if !slices.Contains(part, other) {
				e.net.cut(m.id, other.id, true)
			}
		}
	}
	return nil
}

// killAll kills all members at once, or a majority of them.
func (e *ensemble) killAll(f *fault) (err error) {
	list := e.present()
	if f.pick%3 == 0 {
		list = slices.DeleteFunc(list, func(m *member) bool { return m.id == 1+f.pick%len(list) })
	}
	for _, m := range list {
		err = errors.Join(err, m.kill())
	}
	return err
}

// killInTurn kills members shortly after each other and starts each at once, so that one dies while another is coming
// back or a leader has hardly begun.
func killInTurn(ctx context.Context, e *ensemble, f *fault, leader *member) error {
	list := e.present()
	gap := f.hold / time.Duration(len(list))
	m := leader
	for range list {
		if err := errors.Join(m.kill(), m.start()); err != nil {
			return err
		}
		pause(ctx, gap)
		m = e.choose(f, m)
	}
	return nil
}

// rollingRestart stops and starts each member properly, and waits until all is well before the next one.
func rollingRestart(ctx context.Context, e *ensemble, f *fault, _ *member) error {
	list := e.present()
	for i := range list {
		m := list[(f.pick+i)%len(list)]
		if err := errors.Join(m.stop(ctx), m.start()); err != nil {
			return err
		}
		if err := e.awaitWhole(ctx); err != nil {
			return err
		}
	}
	return nil
}

// mend heals the network, lets go on what is paused, starts what was killed, and waits until all members serve.
func (e *ensemble) mend(ctx context.Context) error {
	e.net.heal()
	for _, m := range e.members {
		var err error
		switch {
		case m.paused:
			err = m.resume()
		case m.wanted && !m.running():
			err = m.start()
		}
		if err != nil {
			return err
		}
	}
	return e.awaitWhole(ctx)
}
