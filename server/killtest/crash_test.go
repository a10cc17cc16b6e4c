package killtest

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/persistence"
)

// TestCrashDisk cuts the power of a server's disk at a random change under load, again and again: unsynced bytes are
// lost, sectors torn, names forgotten. Everything is compared after each start.
func TestCrashDisk(t *testing.T) {
	c := newCampaign(startSeed(), strength{keepers: 4, clerks: 2, tellers: 2})
	t.Logf("seed %d", c.seed)
	ctx := testContext(t, time.Duration(*roundsFlag)*10*time.Second+time.Minute)
	disk := persistence.NewMemFS()
	m := startMemServer(t, disk, drawMem(c.rng))
	if err := c.prepare(ctx, m.ClientAddress(), 100); err != nil {
		t.Fatal(err)
	}
	rounds, restarts := 5**roundsFlag, 0
	for round := range rounds {
		if round%30 == 29 {
			if err := c.awaitGhosts(ctx); err != nil {
				t.Fatal(err)
			}
			fmt.Printf("disk: %s\n", c.summary())
		}
		changes := c.rng.IntN([...]int{10, 100, 600}[c.rng.IntN(3)])
		c.load(ctx, func(idle <-chan struct{}) { cutUnderLoad(t, m, changes, idle) })
		disk = afterPowerCut(disk, c.rng)
		for c.rng.IntN(3) == 0 { // the power goes again while the next start is at work
			startCut(t, disk, c.rng.IntN(25), drawMem(c.rng))
			disk = afterPowerCut(disk, c.rng)
			restarts++
		}
		m = startMemServer(t, disk, drawMem(c.rng))
		if err := c.check(ctx, m.ClientAddress(), m.started); err != nil {
			t.Fatalf("%v\nthe files:\n%s", err, disk.Tree())
		}
	}
	c.leave()
	m.Stop()
	t.Logf("%s; %d starts cut off as well", c.summary(), restarts)
}

// cutUnderLoad lets the power go some changes from now and waits until the server notices: it fails, or it refuses
// all writes because it can't reserve room.
func cutUnderLoad(t *testing.T, m *memServer, changes int, idle <-chan struct{}) {
	m.fault.CutPower(changes)
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-m.Failed():
	case <-idle:
	case <-limit.C:
		t.Errorf("the server doesn't notice that its disk is gone; its log:\n%s\nall goroutines:\n%s", m.log, stacks())
	}
	m.Stop()
	if err := calm(m.log.String()); err != nil {
		t.Fatal(err)
	}
}

// stacks shows where all goroutines are.
func stacks() []byte {
	buf := make([]byte, 1<<20)
	return buf[:runtime.Stack(buf, true)]
}

// TestCrashNoticed makes sure that the comparison has eyes: a server that acknowledges before anything is durable must
// be found out by every kind of client.
func TestCrashNoticed(t *testing.T) {
	ctx := testContext(t, time.Minute)
	kinds := map[string]strength{"keepers": {keepers: 2}, "clerks": {clerks: 2}, "tellers": {tellers: 2}}
	for kind, s := range kinds {
		t.Run(kind, func(t *testing.T) {
			c := newCampaign(startSeed(), s)
			disk := persistence.NewMemFS()
			m := startMemServer(t, disk, nil)
			if err := c.prepare(ctx, m.ClientAddress(), 0); err != nil {
				t.Fatal(err)
			}
			for _, w := range c.workers {
				w.detach()
			}
			m.Stop()
			m = startMemServer(t, disk, memSettings{"forceSync": "no"})
			if err := c.check(ctx, m.ClientAddress(), m.started); err != nil {
				t.Fatal(err)
			}
			c.load(ctx, func(idle <-chan struct{}) { cutUnderLoad(t, m, 50, idle) })
			m = startMemServer(t, disk.CrashClone(nil), nil)
			defer m.Stop()
			if err := c.check(ctx, m.ClientAddress(), m.started); err == nil {
				t.Errorf("%d acknowledged writes were lost, and nobody noticed", c.tally.acknowledged.Load())
			}
			c.leave()
		})
	}
}

// TestCrashFirstStart cuts the power at each change of a first start. Whatever the disk then holds, the next start
// serves an empty tree.
func TestCrashFirstStart(t *testing.T) {
	c := newCampaign(startSeed(), strength{})
	for changes := 0; ; changes++ {
		disk := persistence.NewMemFS()
		served := startCut(t, disk, changes, nil)
		for range 6 {
			again := afterPowerCut(disk, c.rng)
			m := newMemServer(t, again, nil)
			if err := m.Start(); err != nil {
				t.Fatalf("seed %d: the power was cut after %d changes, and the next start says: %v\nthe files:\n%s",
					c.seed, changes, err, again.Tree())
			}
			m.Stop()
		}
		if served {
			if changes < 10 {
				t.Fatalf("a first start makes only %d changes", changes)
			}
			return
		}
	}
}
