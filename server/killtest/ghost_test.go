package killtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// ghostFolder holds the ephemerals of sessions that are left to themselves.
const ghostFolder = "/ghosts"

// ghost is a session that makes some ephemerals and never comes back.
type ghost struct {
	caller
	addr    string
	names   []string    // that must be there while the session lives; after settling, those of requests without reply too
	stayed  atomic.Bool // the connection stood at the moment of the crash
	granted time.Duration
	gone    bool // seen without its nodes once
}

// ghosts makes new ghosts each round and watches over all that were made.
type ghosts struct {
	rng     *rand.Rand
	tally   *tally
	addr    string
	started time.Time // before the present server began to run
	all     []*ghost
	born    int
	staying atomic.Pointer[ghost] // the one that keeps its connection in this round
}

func (g *ghosts) attachTo(_ context.Context, addr string) error {
	g.addr = addr
	g.staying.Store(nil)
	return nil
}

// detach lets go of the ghosts of the round.
func (g *ghosts) detach() {
	for _, one := range g.all {
		one.caller.detach()
	}
}

// load makes one ghost after the other, and keeps some of them connected.
func (g *ghosts) load(ctx context.Context, round int) {
	for range 4 {
		g.born++
		one := &ghost{caller: newCaller(fmt.Sprintf("g%d", g.born), g.rng, g.tally), addr: g.addr}
		one.round = round
		one.timeout = time.Duration(300+g.rng.IntN(500)) * time.Millisecond
		if !one.haunt(ctx) {
			return
		}
		g.all = append(g.all, one)
		if one.live(ctx) {
			g.staying.Store(one)
			<-ctx.Done() // pings keep the session alive until the crash
			return
		}
	}
}

// mark is called just before a crash: the ghost that is connected now has been heard of by the server a moment ago.
func (g *ghosts) mark() {
	if one := g.staying.Load(); one != nil && one.conn.State().Connected() {
		one.stayed.Store(true)
	}
}

// haunt opens the session and sends the creates.
func (one *ghost) haunt(ctx context.Context) bool {
	if _, err := one.attach(ctx, one.addr); err != nil {
		return false
	}
	one.granted = one.conn.Timeout()
	for i := range 1 + one.rng.IntN(5) {
		one.send(step{op: messages.OpCreate, path: fmt.Sprintf("%s/%s-%d", ghostFolder, one.name, i), mode: client.Ephemeral})
	}
	return true
}

// live takes the replies; two ghosts of three then leave, without closing the session.
func (one *ghost) live(ctx context.Context) (stays bool) {
	for len(one.flight) > 0 {
		o, r, ok := one.await(ctx)
		if !ok {
			return false
		}
		if r.code != messages.ErrOK {
			one.tally.report(one.breach(o.steps[0].path, "%v: should be done", o))
			continue
		}
		one.names = append(one.names, messages.BaseName(o.steps[0].path))
	}
	if one.rng.IntN(3) > 0 {
		one.caller.detach()
		return false
	}
	return true
}

// settle looks at each ghost: all its nodes are there, or none for ever.
func (g *ghosts) settle(ctx context.Context, v *view) error {
	there := map[string]map[string]bool{}
	for _, name := range v.ghosts {
		owner, _, _ := strings.Cut(name, "-")
		if there[owner] == nil {
			there[owner] = map[string]bool{}
		}
		there[owner][name] = true
	}
	fresh := time.Since(g.started)
	keep := g.all[:0]
	for _, one := range g.all {
		one.resolve(there[one.name])
		if err := one.judge(ctx, g.addr, there[one.name], fresh); err != nil {
			return err
		}
		delete(there, one.name)
		if !one.gone || len(keep) < ghostsWatched {
			keep = append(keep, one)
		}
	}
	g.all = keep
	for owner, names := range there {
		g.tally.report(violation{key: ghostFolder + "/" + owner, what: fmt.Sprintf("nobody made these nodes, or they were gone: %v", names)})
	}
	return nil
}

// ghostsWatched is how many ghosts are looked after even when they have gone.
const ghostsWatched = 200

// resolve decides the fate of the creates without reply: some first ones were carried out.
func (one *ghost) resolve(there map[string]bool) {
	applied := 0
	for _, o := range one.flight {
		name := messages.BaseName(o.steps[0].path)
		if !there[name] {
			break
		}
		one.names = append(one.names, name)
		applied++
	}
	one.settled(applied)
}

func (one *ghost) judge(ctx context.Context, addr string, there map[string]bool, fresh time.Duration) error {
	one.tally.checked.Add(1)
	wrong := func(format string, args ...any) {
		one.tally.report(one.breach(ghostFolder+"/"+one.name, format, args...))
	}
	switch {
	case one.gone && len(there) > 0:
		wrong("its nodes had gone and are back: %v", there)
	case one.gone || len(one.names) == 0:
		one.gone = true
	case len(there) == 0:
		one.gone = true
		if one.stayed.Load() && fresh < one.granted {
			wrong("its nodes are gone %v after the start, but its timeout is %v and it was connected until the crash", fresh, one.granted)
		}
		lost, err := one.attach(ctx, addr)
		one.caller.detach()
		if err == nil && !lost {
			wrong("its nodes are gone, but its session %v can be taken up", one.session)
		}
		return err
	case len(there) != len(one.names):
		wrong("of its nodes %v only these are there: %v", one.names, there)
	}
	one.stayed.Store(false) // what comes after the next start is another matter
	return nil
}
