//go:build unix

package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Intervals are told apart by what happened to the files in them.
func TestSnapshotEffect(t *testing.T) {
	from := time.Unix(100, 0)
	r := &Result{from: from}
	for i, p99 := range []float64{10, 10, 40, 60, 10, 30} {
		r.Series = append(r.Series, Interval{AtSeconds: float64(i+1) / 4, Seconds: 0.25, P99US: p99})
	}
	during := []time.Time{from.Add(600 * time.Millisecond), from.Add(700 * time.Millisecond), from.Add(900 * time.Millisecond)}
	if got, ok := snapshotEffect(r, during); !ok || got != 5 {
		t.Errorf("got %v, %v, want 50 over 10", got, ok)
	}
	if _, ok := snapshotEffect(r, nil); ok {
		t.Error("an effect of no snapshot")
	}
	if _, ok := snapshotEffect(&Result{}, during); ok {
		t.Error("an effect on nothing")
	}
}

func TestWatchSnapshots(t *testing.T) {
	home := t.TempDir()
	folder := filepath.Join(home, "data", "version-2")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, bytes int) {
		if err := os.WriteFile(filepath.Join(folder, name), make([]byte, bytes), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("log.1", 10)
	if got := snapshotBytes(home); got != 0 {
		t.Errorf("a log counts as %d bytes of snapshots", got)
	}
	stop := watchSnapshots(home)
	if busy := stop(); len(busy) != 0 {
		t.Errorf("changes at %v of no snapshot", busy)
	}
	write("snapshot.12.tmp", 7)
	write("snapshot.11", 5)
	if got := snapshotBytes(home); got != 12 {
		t.Errorf("%d bytes of snapshots, want 12", got)
	}
}
