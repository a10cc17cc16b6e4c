package killtest

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	roundsFlag = flag.Int("rounds", 5, "how many times TestKill kills the server")
	seedFlag   = flag.Uint64("seed", 0, "where chance begins; 0: at the time")
)

// startSeed is the seed of a test: the one that was asked for, or a new one.
func startSeed() uint64 {
	if *seedFlag != 0 {
		return *seedFlag
	}
	return uint64(time.Now().UnixNano())
}

// The moments at which the server is killed.
const (
	underLoad  = "load"
	inSnapshot = "snapshot"
	inRoll     = "roll"
	inStart    = "start"
	twice      = "twice"
	terminated = "term"
)

// killer runs one server process through its lives.
type killer struct {
	*campaign
	process
	t     *testing.T
	kills map[string]int
	files struct{ snapshots, segments int } // that came while somebody looked
}

// TestKill kills the real program again and again while many clients write, and compares everything after each start.
func TestKill(t *testing.T) {
	seed := startSeed()
	folder, err := os.MkdirTemp("", "troupe-kill-")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("seed %d, %d rounds, folder %s", seed, *roundsFlag, folder)
	log, err := os.Create(filepath.Join(folder, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	k := &killer{t: t, kills: map[string]int{}, campaign: newCampaign(seed, strength{keepers: 5, clerks: 3, tellers: 3})}
	k.process = process{binary: buildServer(t, folder), data: filepath.Join(folder, "data"), log: log}
	if err := k.run(testContext(t, time.Duration(*roundsFlag)*10*time.Second+2*time.Minute)); err != nil {
		if k.cmd != nil && k.cmd.ProcessState == nil {
			_ = k.cmd.Process.Kill()
		}
		t.Fatalf("%v\nthe data is kept in %s, the server's words in %s", err, k.data, log.Name())
	}
	t.Log(k.report())
	_ = log.Close()
	if err := os.RemoveAll(folder); err != nil {
		t.Log(err)
	}
}

func (k *killer) report() string {
	var kills []string
	for _, phase := range slices.Sorted(maps.Keys(k.kills)) {
		kills = append(kills, fmt.Sprintf("%s %d", phase, k.kills[phase]))
	}
	return k.summary() + "; ends by phase: " + strings.Join(kills, ", ")
}

func (k *killer) run(ctx context.Context) error {
	begun := time.Now()
	if err := k.launch(k.draw()); err != nil {
		return err
	}
	addr, err := k.ready(ctx)
	if err != nil {
		return err
	}
	if err := k.prepare(ctx, addr, 4000); err != nil {
		return err
	}
	for round := range *roundsFlag {
		if err := k.play(ctx); err != nil {
			return err
		}
		if round%10 == 9 {
			if err := k.awaitGhosts(ctx); err != nil {
				return err
			}
			fmt.Printf("kill, %v: %s\n", time.Since(begun).Round(time.Second), k.report())
		}
	}
	k.leave()
	return k.terminate()
}

// draw picks the settings of a start: small numbers make snapshots, new segments and purges come often.
func (k *killer) draw() settings {
	return settings{
		snapCount:  [...]int{50, 200, 1000, 5000, 100000}[k.rng.IntN(5)],
		preAllocKB: [...]int{4, 16, 64, 1024, 65536}[k.rng.IntN(5)],
		compress:   k.rng.IntN(2) == 0,
	}
}

// play is one round: load, an end of some kind, a start, the comparison.
func (k *killer) play(ctx context.Context) error {
	phase := [...]string{
		underLoad, underLoad, underLoad, underLoad, inSnapshot, inSnapshot, inRoll, inStart, inStart, twice, terminated,
	}[k.rng.IntN(11)]
	var ended error
	k.load(ctx, func(<-chan struct{}) { ended = k.end(ctx, phase) })
	if ended == nil {
		ended = k.calm()
	}
	if ended != nil {
		return k.failed(ended)
	}
	if phase == inStart || phase == twice {
		if err := k.killStarts(ctx, phase); err != nil {
			return err
		}
	}
	if err := k.launch(k.draw()); err != nil {
		return err
	}
	addr, err := k.ready(ctx)
	if err != nil {
		return k.failed(err)
	}
	return k.check(ctx, addr, k.started)
}

// end waits for the moment and ends the server.
func (k *killer) end(ctx context.Context, phase string) error {
	moment := time.Duration(20+k.rng.IntN(400)) * time.Millisecond
	switch phase {
	case inSnapshot, inRoll:
		if !k.spot(ctx, phase) {
			phase = underLoad
		}
	case terminated:
		pause(ctx, moment)
		k.kills[phase]++
		return k.terminate()
	default:
		pause(ctx, moment)
	}
	k.kills[phase]++
	k.ghosts.mark()
	return k.kill()
}

// killStarts kills the server while it starts: twice at a random moment, or once just after it has begun to serve.
func (k *killer) killStarts(ctx context.Context, phase string) error {
	for range 2 {
		if err := k.launch(k.draw()); err != nil {
			return err
		}
		if phase == twice {
			if _, err := k.ready(ctx); err != nil {
				return k.failed(err)
			}
		} else {
			pause(ctx, time.Duration(k.rng.IntN(40_000))*time.Microsecond)
		}
		k.kills[phase]++
		if err := k.kill(); err != nil {
			return err
		}
	}
	return nil
}

// spot waits for the sign of a phase in the data folder: a snapshot that is being written, or a new segment.
func (k *killer) spot(ctx context.Context, phase string) bool {
	limit := time.NewTimer(700 * time.Millisecond)
	defer limit.Stop()
	look := time.NewTicker(100 * time.Microsecond)
	defer look.Stop()
	before := newestName(filepath.Join(k.data, "troupe", "log"))
	for {
		if phase == inRoll && newestName(filepath.Join(k.data, "troupe", "log")) != before {
			return true
		}
		if temps, _ := filepath.Glob(filepath.Join(k.data, "troupe", "snapshots", "*.tmp")); phase == inSnapshot && len(temps) > 0 {
			pause(ctx, time.Duration(k.rng.IntN(4000))*time.Microsecond)
			return true
		}
		select {
		case <-look.C:
		case <-limit.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// newestName is the last name of a folder that begins with log.
func newestName(folder string) string {
	names, _ := filepath.Glob(filepath.Join(folder, "log.*"))
	if len(names) == 0 {
		return ""
	}
	return slices.Max(names)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
