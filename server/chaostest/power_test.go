package chaostest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// TestPowerAndDisk takes power and disks away. Members come back by themselves, or they say what to do.
func TestPowerAndDisk(t *testing.T) {
	t.Run("first start", testFirstStart)
	t.Run("garbled tail", testGarbledTail)
	t.Run("the leader's disk is full", func(t *testing.T) {
		testFullDisk(t, func(_ *ensemble, leader *member) []*member { return []*member{leader} })
	})
	t.Run("a follower's disk is full", func(t *testing.T) {
		testFullDisk(t, func(e *ensemble, leader *member) []*member { return e.others(leader)[:1] })
	})
	t.Run("all disks are full", func(t *testing.T) {
		testFullDisk(t, func(e *ensemble, _ *member) []*member { return e.members })
	})
}

// testFirstStart kills all members at a random moment of their very first start, or of one of the next two. After that
// they must come up.
func testFirstStart(t *testing.T) {
	seed := startSeed(t)
	rng := rand.New(rand.NewPCG(seed, 0))
	e := newEnsemble(t, layout{voters: *serversFlag, beside: true})
	ctx := testContext(t, time.Duration(*cutsFlag+1)*2*patience)
	for cut := range *cutsFlag {
		var moments []time.Duration
		for range 1 + rng.IntN(3) {
			for _, m := range e.members {
				if err := m.start(); err != nil {
					t.Fatal(err)
				}
			}
			moment := time.Duration(rng.IntN(3000)) * time.Millisecond
			if e.target.name == "troupe" {
				moment /= 4 // it has no virtual machine to start first
			}
			moments = append(moments, moment)
			pause(ctx, moment)
			for _, m := range e.members {
				if err := m.kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := e.start(ctx); err != nil {
			t.Fatalf("seed %d: after first starts that were cut off after %v: %v", seed, moments, err)
		}
		if err := e.writeOne(ctx, fmt.Sprintf("/cut%d", cut)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, m := range e.members {
			if err := errors.Join(m.kill(), m.wipe()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// writeOne creates a node.
func (e *ensemble) writeOne(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := e.connect(ctx, client.Options{Wait: true})
	if err != nil {
		return err
	}
	_, err = conn.Create(ctx, path, make([]byte, 100), client.Persistent)
	return errors.Join(err, conn.CloseSession(ctx))
}

// testGarbledTail flips bytes at the end of what a stopped member has written last: it comes back by itself and gets
// from the leader what it lost, or its last words name the file and what to do.
func testGarbledTail(t *testing.T) {
	seed := startSeed(t)
	rng := rand.New(rand.NewPCG(seed, 0))
	if theTarget(t).logFolder == "" {
		t.Skip("only the project's own log format is known here")
	}
	e := newEnsemble(t, layout{voters: *serversFlag, beside: true})
	ctx := testContext(t, 4*patience)
	if err := e.start(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := e.writeOne(ctx, fmt.Sprintf("/before%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	m := e.members[rng.IntN(len(e.members))]
	if err := m.kill(); err != nil {
		t.Fatal(err)
	}
	file, err := m.garble(rng)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.writeOne(ctx, "/after"); err != nil {
		t.Fatal(err)
	}
	if err := m.start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-m.exited:
		if words := m.lastWords(); !strings.Contains(words, filepath.Base(file)) || !strings.Contains(words, "troupe log check") {
			t.Errorf("seed %d: %v doesn't start with garbled bytes in %s, and doesn't say what to do:\n%s", seed, m, file, words)
		}
		return
	case <-time.After(3 * time.Second):
	}
	if err := e.awaitWhole(ctx); err != nil {
		t.Fatalf("seed %d: garbled %s: %v", seed, file, err)
	}
	if _, err := e.agree(ctx); err != nil {
		t.Errorf("seed %d: garbled %s: %v", seed, file, err)
	}
}

// garble flips some of the last bytes that aren't zero in the newest file of a member's log: behind them is space that
// was reserved.
func (m *member) garble(rng *rand.Rand) (file string, err error) {
	names, err := filepath.Glob(filepath.Join(m.dataDir(), m.target.logFolder, "log.*"))
	if err != nil || len(names) == 0 {
		return "", fmt.Errorf("no log in %s: %w", m.dataDir(), err)
	}
	file = slices.Max(names)
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	end := len(strings.TrimRight(string(data), "\x00"))
	if end < 100 {
		return "", fmt.Errorf("%s holds only %d bytes", file, end)
	}
	for range 4 {
		data[end-1-rng.IntN(12)] ^= byte(1 + rng.IntN(255))
	}
	return file, os.WriteFile(file, data, 0o644)
}

// diskBytes is the size of a small disk. A server wants some of it to stay free.
const diskBytes = 160 << 20

// testFullDisk fills the disks of some members. With one of them full the others go on; with all of them full writes
// end. When there is room again all go on by themselves, or after a restart if they have ended and said why.
func testFullDisk(t *testing.T, pick func(e *ensemble, leader *member) []*member) {
	e := newEnsemble(t, layout{voters: *serversFlag, needsApart: true, beside: true, keys: map[string]string{"preAllocSize": "1024"}})
	ctx := testContext(t, 6*patience)
	for _, m := range e.members {
		if err := m.host().mountSmall(m.dataDir(), diskBytes); err != nil {
			t.Skipf("no small disks: %v", err)
		}
		if err := m.wipe(); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := e.writeOne(ctx, "/before"); err != nil {
		t.Fatal(err)
	}
	leader, err := e.awaitLeader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	full := pick(e, leader)
	for _, m := range full {
		if err := m.fill(); err != nil {
			t.Fatal(err)
		}
	}
	acknowledged := e.writeALot(ctx, len(full) == len(e.members))
	if len(full) < len(e.members) {
		if err := e.writeOne(ctx, "/meanwhile"); err != nil {
			t.Errorf("with the disk of one member full the others don't go on: %v", err)
		}
	}
	ended := e.emptyDisks(t, ctx)
	if err := e.writeOne(ctx, "/after"); err != nil {
		t.Fatal(e.explain(err))
	}
	v, err := e.agree(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(acknowledged.paths, "/before", "/after") {
		if _, ok := v.nodes[path]; !ok {
			t.Errorf("%s was acknowledged and is missing", path)
		}
	}
	t.Logf("%d writes acknowledged on full disks, %d not; ended by themselves: %v", len(acknowledged.paths), acknowledged.failed, ended)
}

// emptyDisks makes room again, and starts those that have ended, which must have said why.
func (e *ensemble) emptyDisks(t *testing.T, ctx context.Context) (ended []*member) {
	for _, m := range e.members {
		m.host().do(func() { _ = os.Remove(filepath.Join(m.dataDir(), "filler")) })
		if m.running() {
			continue
		}
		ended = append(ended, m)
		if words := strings.ToLower(m.lastWords()); !strings.Contains(words, "no space left") && !strings.Contains(words, "full") {
			t.Errorf("%v has ended on a full disk without saying so:\n%s", m, words)
		}
		if err := m.start(); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.awaitWhole(ctx); err != nil {
		t.Fatal(err)
	}
	return ended
}

// fill takes all room on a member's disk.
func (m *member) fill() (err error) {
	m.host().do(func() {
		f, openErr := os.Create(filepath.Join(m.dataDir(), "filler"))
		if err = openErr; err != nil {
			return
		}
		defer f.Close()
		for block := make([]byte, 1<<20); ; {
			if _, full := f.Write(block); full != nil {
				if len(block) == 1 {
					return
				}
				block = block[:len(block)/2]
			}
		}
	})
	return err
}

// written is what became of many writes.
type attempts struct {
	paths  []string // acknowledged
	failed int
}

// writeALot writes more than a log has reserved, until it is done or (untilRefused) writes don't get through any more.
func (e *ensemble) writeALot(ctx context.Context, untilRefused bool) (a attempts) {
	ctx, cancel := context.WithTimeout(ctx, patience/3)
	defer cancel()
	conn, err := e.connect(ctx, client.Options{Timeout: writerTimeout, Wait: true})
	if err != nil {
		a.failed++
		return a
	}
	defer conn.Abandon()
	block := make([]byte, 100<<10)
	for i := range 60 {
		waiting, stop := context.WithTimeout(ctx, requestPatience)
		path := fmt.Sprintf("/lot%d", i)
		_, err := conn.Create(waiting, path, block, client.Persistent)
		stop()
		if err == nil {
			a.paths = append(a.paths, path)
			if _, err := conn.Set(ctx, path, nil, -1); err != nil && errors.Is(err, messages.ErrNoNode) {
				a.failed++
			}
			continue
		}
		if a.failed++; untilRefused && a.failed > 3 {
			return a
		}
	}
	return a
}
