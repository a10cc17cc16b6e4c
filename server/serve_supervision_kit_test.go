package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// arena is an ensemble of three voters and an observer, with clients at work on each member, in which actors are made to
// panic.
type arena struct {
	*troupe
	saboteurs []*saboteur
	writers   [][]*writer // by member
	stopped   chan struct{}
	done      sync.WaitGroup
	report    *panicReport
	book      *logBook // of all members
}

const (
	arenaObserver = 3
	arenaWriters  = 2                    // on each member
	arenaPause    = 5 * time.Millisecond // between the changes of a client: the load is to be there, not to be all there is
)

// patience keeps a machine that stands still for a second from being taken for a server that has failed.
const patience = "syncLimit=50\ninitLimit=100"

func newArena(t *testing.T, report *panicReport) *arena {
	t.Helper()
	a := &arena{stopped: make(chan struct{}), report: report, book: &logBook{}}
	a.troupe = newTroupe(t, 3, 1, patience, "snapCount=200", "znode.container.checkIntervalMs=100")
	for range a.servers {
		a.saboteurs = append(a.saboteurs, &saboteur{})
	}
	a.options = func(i int, o *server.Options) {
		o.Wrap = a.saboteurs[i].wrapActor
		o.Log = zerolog.New(a.book).Level(zerolog.InfoLevel).With().Int("server", i+1).Logger()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(a.book.tail(64 << 10))
		}
	})
	a.startAll()
	for i := range a.servers {
		a.writers = append(a.writers, nil)
		for j := range arenaWriters {
			w := &writer{Client: dialClient(t, a.address(i), func(o *client.Options) { o.Timeout, o.Wait = 20*time.Second, true })}
			w.pause = arenaPause
			name := fmt.Sprintf("/w%d%d", i+1, j)
			_, err1 := w.Create(serveContext(t), name, nil, client.Persistent)
			_, err2 := w.Create(serveContext(t), name+"/w"+counterSuffix, nil, client.Persistent)
			_, err3 := w.Create(serveContext(t), name+"-eph", nil, client.Ephemeral)
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Fatal(err)
			}
			a.writers[i] = append(a.writers[i], w)
			a.done.Go(func() { w.run(t, name+"/w", a.stopped) })
		}
	}
	return a
}

// progress waits until each client on each member has so many more acknowledged writes.
func (a *arena) progress(what string, more int64) {
	a.t.Helper()
	for i, all := range a.writers {
		for _, w := range all {
			goal := w.count.Load() + more
			eventually(a.t, fmt.Sprintf("%s at server %d", what, i+1), func() bool { return w.count.Load() >= goal || w.Err() != nil })
			if err := w.Err(); err != nil {
				a.t.Fatalf("%s: a session at server %d ended: %v", what, i+1, err)
			}
		}
	}
}

// counters of one member at one moment.
type counters struct {
	panics, stops, restarts, rebuilds, looking int64
}

func (a *arena) counters(i int) counters {
	m := a.servers[i].Metrics()
	return counters{m.Panics.Load(), m.PrivateStops.Load(), m.ActorRestarts.Load(), m.PipelineRebuilds.Load(), a.servers[i].Status().Looking}
}

func (a *arena) allCounters() (all []counters) {
	for i := range a.servers {
		all = append(all, a.counters(i))
	}
	return all
}

func (c counters) since(b counters) counters {
	return counters{c.panics - b.panics, c.stops - b.stops, c.restarts - b.restarts, c.rebuilds - b.rebuilds, c.looking - b.looking}
}

// forget begins to measure anew how long clients wait.
func (a *arena) forget() {
	for _, all := range a.writers {
		for _, w := range all {
			w.last.Store(time.Now().UnixNano())
			w.gap.Store(0)
		}
	}
}

// waited is the longest that a client of a member had to wait for an acknowledgement.
func (a *arena) waited(i int) (gap time.Duration) {
	for _, w := range a.writers[i] {
		gap = max(gap, time.Duration(w.gap.Load()))
	}
	return gap
}

// verify stops the clients and looks on every member for all that was acknowledged, and for what lives as long as its client.
func (a *arena) verify() {
	a.t.Helper()
	close(a.stopped)
	a.done.Wait()
	ctx := serveContext(a.t)
	acknowledged := 0
	for i := range a.servers {
		c := a.connect(ctx, i)
		if err := c.Sync(ctx, "/"); err != nil {
			a.t.Fatal(err)
		}
		for j, all := range a.writers {
			for k, w := range all {
				name := fmt.Sprintf("/w%d%d", j+1, k)
				there, err := c.ChildNames(ctx, name)
				if err != nil {
					a.t.Fatal(err)
				}
				slices.Sort(there)
				for _, p := range w.acknowledged {
					acknowledged++
					if _, found := slices.BinarySearch(there, path.Base(p)); !found {
						a.t.Errorf("%s was acknowledged at server %d and is not on server %d", p, j+1, i+1)
					}
				}
				if s, err := c.Exists(ctx, name+"/w"+counterSuffix); err != nil || int(s.Version) < w.versions {
					a.t.Errorf("server %d: %d changes were acknowledged, the version is %d, %v", i+1, w.versions, s.Version, err)
				}
				id, _ := w.Session()
				if s, err := c.Exists(ctx, name+"-eph"); err != nil || messages.SessionID(s.EphemeralOwner) != id {
					a.t.Errorf("server %d: the ephemeral of a session that lives: %+v %v", i+1, s, err)
				}
			}
		}
	}
	a.report.note("%d acknowledged writes are on every member", acknowledged/len(a.servers))
}

// place finds the member with a part: the leader, a follower, the observer.
func (a *arena) place(part string) int {
	a.t.Helper()
	victim := -1
	eventually(a.t, "there is a "+part, func() bool {
		leader := a.leader()
		switch {
		case leader < 0:
			return false
		case part == "leader":
			victim = leader
		case part == "follower":
			victim = (leader + 1) % arenaObserver
		default:
			victim = arenaObserver
		}
		role, ok := a.servers[victim].Serving()
		return ok && role.String() == part
	})
	return victim
}

// fill writes more than a feeder sends ahead.
func (a *arena) fill() {
	a.t.Helper()
	ctx := serveContext(a.t)
	c := a.connect(ctx, 0)
	for i := range 20 {
		if _, err := c.Create(ctx, number("/large%d", i), make([]byte, 260<<10), client.Persistent); err != nil {
			a.t.Fatal(err)
		}
	}
}

// newcomer starts the observer anew, on an empty disk if it is to get everything.
func (a *arena) newcomer(empty bool) {
	a.stop(arenaObserver)
	if empty {
		a.disks[arenaObserver] = persistence.NewMemFS()
	}
	a.start(arenaObserver)
}

// panicReport is the table of what was made to panic and what that cost.
type panicReport struct {
	mu    sync.Mutex
	rows  []string
	costs map[string][2][]time.Duration // by outcome: how long the victim's clients have waited, and those of the others
	notes []string
}

// add enters one panic: what, on which part, its outcome, and how long the victim's clients and the others' have waited.
func (r *panicReport) add(what, on, outcome string, itself, others time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, strings.Join([]string{what, on, outcome, round(itself), round(others)}, "\t"))
	if r.costs == nil {
		r.costs = map[string][2][]time.Duration{}
	}
	c := r.costs[outcome]
	r.costs[outcome] = [2][]time.Duration{append(c[0], itself), append(c[1], others)}
}

func round(d time.Duration) string { return d.Round(time.Millisecond).String() }

func (r *panicReport) note(format string, values ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, values...))
}

func (r *panicReport) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.Sort(r.rows)
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what panicked\ton\twhat happened\tits clients waited\tthe others' waited")
	for _, row := range r.rows {
		fmt.Fprintln(w, row)
	}
	fmt.Fprintln(w, "\t\t\t\t\nin short\ttimes\twhat happened\tits clients: median, most\tthe others': median, most")
	for _, outcome := range slices.Sorted(maps.Keys(r.costs)) {
		fmt.Fprintf(w, "\t%d\t%s", len(r.costs[outcome][0]), outcome)
		for _, waits := range r.costs[outcome] {
			slices.Sort(waits)
			fmt.Fprintf(w, "\t%s, %s", round(waits[len(waits)/2]), round(waits[len(waits)-1]))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String() + strings.Join(r.notes, "\n")
}
