package chaostest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// worker is one client of a run, with a goroutine of its own.
type worker interface {
	run(ctx context.Context) // until ctx ends
	leave()                  // without closing the session
}

// chaos is a run of faults under load.
type chaos struct {
	*ensemble
	seed     uint64
	rng      *rand.Rand
	record   *record
	shelf    shelf
	roll     roll
	builders []*builder
	workers  []worker
	faults   []string // what was done so far
	phases   []string // when what was over
	kinds    map[string]int
}

// TestChaos lets many clients work while members are killed, stopped, paused, wiped and cut off from each other, and
// compares what the clients were told with each other and with what is there at the end.
func TestChaos(t *testing.T) {
	seed := startSeed(t)
	rng := rand.New(rand.NewPCG(seed, 0))
	snapshots := [...]string{"300", "2000", "100000"}[rng.IntN(3)] // few: a member that comes back gets a snapshot
	e := newEnsemble(t, layout{
		voters: *serversFlag, observers: *observersFlag, beside: true, keys: map[string]string{"snapCount": snapshots},
	})
	c := &chaos{ensemble: e, seed: seed, rng: rng, kinds: map[string]int{}}
	ctx := testContext(t, *durationFlag+10*patience)
	err := c.play(ctx)
	t.Log(c.summary())
	t.Log(strings.Join(c.phases, ", "))
	if err != nil {
		t.Fatalf("seed %d, snapCount %s: %v\nfaults:\n%s", seed, snapshots, err, strings.Join(c.faults, "\n"))
	}
}

func (c *chaos) play(ctx context.Context) error {
	kinds, err := c.ensemble.kinds(*onlyFlag)
	if err != nil {
		return err
	}
	if err := c.start(ctx); err != nil {
		return err
	}
	c.record = newRecord()
	if err := c.furnish(ctx); err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	var busy sync.WaitGroup
	for _, w := range c.workers {
		busy.Go(func() { w.run(working) })
	}
	err = c.storm(ctx, kinds)
	c.over("faults")
	pause(ctx, time.Second)
	stop()
	busy.Wait()
	c.over("load")
	for _, w := range c.workers {
		w.leave()
	}
	if err != nil {
		return errors.Join(err, c.record.verdict())
	}
	return c.judge(ctx)
}

// furnish makes the folders and the clients.
func (c *chaos) furnish(ctx context.Context) error {
	conn, err := c.connect(ctx, client.Options{Wait: true})
	if err != nil {
		return err
	}
	for i := range 4 {
		c.workers = append(c.workers, newScribe(i, c.rng, c.ensemble, c.record, &c.shelf))
	}
	for i := range 3 {
		b := newBuilder(i, c.rng, c.ensemble, c.record)
		c.builders = append(c.builders, b)
		c.workers = append(c.workers, b, newDrawer(i, c.rng, c.ensemble, c.record, &c.roll), newGuest(i, c.rng, c.ensemble, c.record))
	}
	folders := []string{registerFolder, builderFolder, numberFolder, guestFolder}
	for _, b := range c.builders {
		folders = append(folders, b.folder)
	}
	for _, folder := range folders {
		if _, err := conn.Create(ctx, folder, nil, client.Persistent); err != nil {
			return err
		}
	}
	return conn.CloseSession(ctx)
}

// storm makes one fault after the other until the time is over or a promise is broken. It leaves all members serving.
func (c *chaos) storm(ctx context.Context, kinds []injury) error {
	until := time.Now().Add(*durationFlag)
	said := time.Now()
	for time.Now().Before(until) && !c.record.broken() {
		f, in := draw(c.rng, kinds)
		pause(ctx, f.before)
		leader, err := c.awaitLeader(ctx)
		if err != nil {
			return err
		}
		at := c.record.now()
		c.kinds[f.kind]++
		c.faults = append(c.faults, fmt.Sprintf("  %9.4f %v leads; %v", at.Seconds(), leader, f))
		if err := in.do(ctx, c.ensemble, &f, leader); err != nil {
			return fmt.Errorf("%v: %w", f, err)
		}
		pause(ctx, f.hold)
		held := c.record.now()
		if err := c.mend(ctx); err != nil {
			return fmt.Errorf("after the end of: %v: %w", f, err)
		}
		c.faults[len(c.faults)-1] += fmt.Sprintf("; mended at %.4f, whole at %.4f", held.Seconds(), c.record.now().Seconds())
		if time.Since(said) > 30*time.Second {
			said = time.Now()
			say("chaos, %v: %s", c.record.now().Round(time.Second), c.summary())
		}
	}
	return nil
}

// judge compares everything when all members serve and nobody writes any more.
func (c *chaos) judge(ctx context.Context) error {
	inspector := newUser("inspector", c.rng, c.ensemble, c.record)
	if err := inspector.attach(ctx); err != nil {
		return err
	}
	defer inspector.leave()
	err := await(ctx, "the ephemerals of all sessions are gone", 100*time.Millisecond, func() error {
		names, _, err := inspector.conn.Children(ctx, guestFolder)
		if err == nil && len(names) > 0 {
			err = fmt.Errorf("still there: %v", names)
		}
		return err
	})
	if err != nil {
		return errors.Join(err, c.record.verdict())
	}
	c.over("last sessions")
	v, err := c.agree(ctx)
	if err != nil {
		return errors.Join(err, c.record.verdict())
	}
	c.over("comparison of members")
	for _, b := range c.builders {
		b.audit(v)
	}
	c.roll.audit(c.record, v)
	for _, r := range append(c.shelf.open, c.shelf.closed...) {
		r.final = inspector.do(ctx, step{op: messages.OpGetData, path: r.path})
		if r.final.outcome != done {
			return fmt.Errorf("read at the end: %v", r.final)
		}
	}
	stale := c.record.judgeOrder(c.target.strict)
	judged, undecided := c.shelf.judge(c.record, c.target.strict)
	c.t.Logf("%d registers in order, %d undecided; %d nodes are the same on %d servers at %v; %d reads after a sync, of which %d stale",
		judged, undecided, len(v.nodes), len(c.present()), v.zxid, c.record.reads, stale)
	c.over("judgement")
	return c.record.verdict()
}

// over notes the end of a part of the run.
func (c *chaos) over(phase string) {
	c.phases = append(c.phases, fmt.Sprintf("%s until %.1f s", phase, c.record.now().Seconds()))
}

// summary is one line about all that was done.
func (c *chaos) summary() string {
	if c.record == nil {
		return "nothing was done"
	}
	c.record.mu.Lock()
	defer c.record.mu.Unlock()
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(c.kinds)) {
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, c.kinds[kind]))
	}
	n := c.record.counts
	return fmt.Sprintf("%d answers, %d refusals, %d requests without an answer, %d numbers, %d moves; %d faults: %s",
		n[done], n[refused], n[unknown], len(c.roll.tickets), c.record.moves, len(c.faults), strings.Join(kinds, ", "))
}
