package killtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// worker is one client of a campaign.
type worker interface {
	attachTo(ctx context.Context, addr string) error
	load(ctx context.Context, round int) // until the connection is gone or ctx ends
	detach()
	settle(ctx context.Context, v *view) error // after a crash: what has become of the requests without reply
}

// campaign is a set of clients that write to one server through all its crashes.
type campaign struct {
	seed      uint64
	rng       *rand.Rand
	tally     tally
	inspector caller
	keepers   []*keeper
	offices   []*office
	bank      *bank
	ghosts    *ghosts
	workers   []worker
	round     int
}

// strength is how many clients of each kind there are.
type strength struct{ keepers, clerks, tellers, ballast int }

func newCampaign(seed uint64, s strength) *campaign {
	c := &campaign{seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), bank: newBank()}
	c.inspector = newCaller("inspector", c.rng, &c.tally)
	c.offices = []*office{newOffice("lasting", client.PersistentSequential), newOffice("passing", client.EphemeralSequential)}
	c.ghosts = &ghosts{rng: rand.New(rand.NewPCG(seed, 2)), tally: &c.tally}
	for i := range s.keepers {
		k := newKeeper(i, c.rng, &c.tally)
		c.keepers = append(c.keepers, k)
		c.workers = append(c.workers, k)
	}
	for i := range s.clerks {
		c.workers = append(c.workers, newClerk(i, c.rng, &c.tally, c.offices))
	}
	for i := range s.tellers {
		c.workers = append(c.workers, newTeller(i, c.rng, &c.tally, c.bank))
	}
	c.workers = append(c.workers, c.ghosts)
	return c
}

// prepare makes the folders on an empty server, and ballast that makes snapshots take a while.
func (c *campaign) prepare(ctx context.Context, addr string, ballast int) error {
	if err := c.attach(ctx, addr); err != nil {
		return err
	}
	in := &c.inspector
	folders := []string{keeperFolder, clerkFolder, bankFolder, slipFolder, ghostFolder, "/ballast"}
	for _, office := range c.offices {
		folders = append(folders, office.folder)
	}
	for _, path := range folders {
		if _, err := in.do(ctx, step{op: messages.OpCreate, path: path}); err != nil {
			return err
		}
	}
	for i := range accounts {
		r, err := in.do(ctx, step{op: messages.OpCreate, path: accountPath(i), data: fmt.Append(nil, firstBalance)})
		if err != nil {
			return err
		}
		c.bank.open(i, r.zxid)
	}
	for _, k := range c.keepers {
		if err := k.prepare(ctx); err != nil {
			return err
		}
	}
	for i := range ballast {
		in.send(step{op: messages.OpCreate, path: fmt.Sprintf("/ballast/%d", i), data: make([]byte, 200)})
	}
	for len(in.flight) > 0 {
		if o, r, ok := in.await(ctx); !ok || r.code != messages.ErrOK {
			return fmt.Errorf("prepare: %v", o)
		}
	}
	c.tally.begin(c.tally.newest)
	return c.verdict()
}

// attach connects all clients: who has a session takes it up.
func (c *campaign) attach(ctx context.Context, addr string) error {
	lost, err := c.inspector.attach(ctx, addr)
	if err != nil {
		return err
	}
	if lost {
		return fmt.Errorf("session %v of the inspector can't be taken up", c.inspector.session)
	}
	for _, w := range c.workers {
		if err := w.attachTo(ctx, addr); err != nil {
			return err
		}
	}
	return nil
}

// load lets all clients write until crash returns, which must have broken all connections: each client reads what was
// still answered and stops then. idle is closed when all clients have stopped by themselves.
func (c *campaign) load(ctx context.Context, crash func(idle <-chan struct{})) {
	c.round++
	haunting, leave := context.WithCancel(ctx)
	defer leave()
	var clients, spirits sync.WaitGroup
	for _, w := range c.workers {
		if w == worker(c.ghosts) {
			spirits.Go(func() { w.load(haunting, c.round) })
			continue
		}
		clients.Go(func() { w.load(ctx, c.round) })
	}
	idle := make(chan struct{})
	go func() {
		clients.Wait()
		close(idle)
	}()
	crash(idle)
	<-idle
	leave()
	spirits.Wait()
	for _, w := range c.workers {
		w.detach()
	}
}

// check compares all that the server at addr shows with what the clients know. started is a moment before that server
// began to run.
func (c *campaign) check(ctx context.Context, addr string, started time.Time) error {
	if err := c.attach(ctx, addr); err != nil {
		return c.failed(err)
	}
	c.ghosts.started = started
	v, err := look(ctx, c.inspector.conn)
	if err != nil {
		return c.failed(err)
	}
	for _, w := range c.workers {
		if err := w.settle(ctx, v); err != nil {
			return c.failed(err)
		}
	}
	for _, office := range c.offices {
		office.audit(v, &c.tally)
	}
	c.bank.audit(v, &c.tally)
	c.tally.begin(v.zxid)
	return c.verdict()
}

// leave drops all connections; the sessions stay.
func (c *campaign) leave() {
	for _, w := range c.workers {
		w.detach()
	}
	c.inspector.detach()
}

func (c *campaign) failed(err error) error {
	return fmt.Errorf("seed %d, round %d: %w", c.seed, c.round, err)
}

// verdict is an error that tells all violations, with what is needed to look into them.
func (c *campaign) verdict() error {
	list := c.tally.take()
	if len(list) == 0 {
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d violations:", len(list))
	for i, v := range list {
		if i == 5 {
			text.WriteString("\n…")
			break
		}
		fmt.Fprintf(&text, "\n%v", v)
	}
	return c.failed(fmt.Errorf("%s", &text))
}

// awaitGhosts waits until the sessions that nobody holds have expired.
func (c *campaign) awaitGhosts(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		names, _, err := c.inspector.conn.Children(ctx, ghostFolder)
		if err == nil && len(names) == 0 {
			return nil
		}
		if err != nil {
			return c.failed(fmt.Errorf("wait for ghosts to go: %w (still there: %v)", err, names))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return c.failed(fmt.Errorf("ghosts are still there after %v: %v", patience, names))
		}
	}
}

// summary is one line about all that was done.
func (c *campaign) summary() string {
	t := &c.tally
	return fmt.Sprintf("%d rounds, %d acknowledged writes and %d refused ones, %d without reply of which %d were carried out; %d comparisons",
		c.round, t.acknowledged.Load(), t.refused.Load(), t.unknown.Load(), t.survived.Load(), t.checked.Load())
}

func testContext(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}
