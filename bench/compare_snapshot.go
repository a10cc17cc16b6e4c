//go:build unix

package bench

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// What a snapshot does to the writes that come meanwhile. Servers take one after
// so many transactions; from outside it shows as files that grow.

const (
	// snapshotRate is how many sets a second are due. Both subjects' defaults
	// bring a snapshot after 100,000 transactions at most, which is 13 s then.
	snapshotRate = 8000
	snapshotTime = 30 * time.Second
	// snapshotKeys is the smallest fill whose snapshot takes long enough to see.
	snapshotKeys = 100_000
	// snapshotPoll is how often the files are looked at.
	snapshotPoll = 20 * time.Millisecond
	// snapshotFile is what the names of the files begin with, also of those that
	// are not complete.
	snapshotFile = "snapshot."
)

// underSnapshots writes to a full server for a while, and compares the latencies
// while snapshots are written with those of the rest.
func (c *comparer) underSnapshots(ctx context.Context, f *fleet, cfg Config) error {
	if c.cfg.FillKeys < snapshotKeys {
		return nil
	}
	cfg.Sessions, cfg.Window, cfg.Rate = 8, 32, snapshotRate
	cfg.Warmup, cfg.Duration, cfg.SkipPrepare = c.cfg.MeasureWarmup, snapshotTime, true
	stop := watchSnapshots(f.home)
	r, err := c.run(ctx, cfg, Write())
	busy := stop()
	if err != nil {
		return err
	}
	ratio, ok := snapshotEffect(r, busy)
	if !ok {
		c.out.Notes = append(c.out.Notes, fmt.Sprintf("%s wrote no snapshot, or nothing but snapshots, in %v", f.subject.Name, snapshotTime))
		return nil
	}
	c.add(measureSnapshot, f.subject.Name, 1, ratio, r)
	return nil
}

// watchSnapshots looks at the snapshot files below a folder until it is stopped,
// which returns the times at which they had changed.
func watchSnapshots(home string) (stop func() []time.Time) {
	var busy []time.Time
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		ticker := time.NewTicker(snapshotPoll)
		defer ticker.Stop()
		last := snapshotBytes(home)
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			if now := snapshotBytes(home); now != last {
				last = now
				busy = append(busy, time.Now())
			}
		}
	})
	return func() []time.Time {
		close(done)
		wait.Wait()
		return busy
	}
}

// snapshotBytes sums the sizes of the snapshot files. Files that come or go
// while it looks do not matter.
func snapshotBytes(home string) (total int64) {
	_ = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), snapshotFile) {
			return nil
		}
		if info, err := d.Info(); err == nil {
			total += info.Size()
		}
		return nil
	})
	return total
}

// snapshotEffect divides the median 99th percentile of the intervals in which
// snapshots were written by that of the others.
func snapshotEffect(r *Result, busy []time.Time) (ratio float64, ok bool) {
	var during, calm []float64
	for _, step := range r.Series {
		if step.P99US == 0 {
			continue
		}
		end := r.from.Add(time.Duration(step.AtSeconds * float64(time.Second)))
		begin := end.Add(-time.Duration(step.Seconds * float64(time.Second)))
		at := &calm
		for _, t := range busy {
			if t.After(begin) && t.Before(end.Add(snapshotPoll)) {
				at = &during
				break
			}
		}
		*at = append(*at, step.P99US)
	}
	with, some := spreadOf(during)
	without, others := spreadOf(calm)
	if !some || !others {
		return 0, false
	}
	return with.median / without.median, true
}
