package server

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How much garbage may collect before a collection, relative to what lives. The tree is most of what lives and holds
// few pointers, so with a large one a smaller heap is worth more than fewer collections. With a small one a fixed
// percentage would mean a collection every few megabytes, that is, all the time; so there is a floor in bytes.
const (
	gcPercentLeast = 25
	gcPercentMost  = 800
	gcFloorBytes   = 32 << 20
)

// tuneMemory keeps the percentage right as the heap grows, unless the operator has decided (GOGC).
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercentMost)
		afterEachCollection(func() { debug.SetGCPercent(gcPercent(liveHeap())) })
	}
}

// gcPercent lets the floor's worth of garbage collect, within the limits.
func gcPercent(live uint64) int {
	return int(min(max(gcFloorBytes*100/max(live, 1), gcPercentLeast), gcPercentMost))
}

// liveHeap is what the last collection has left, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// afterEachCollection calls f on a goroutine of the runtime's after every collection: an object that nobody refers to
// is finalised with each of them, and leaves a successor.
func afterEachCollection(f func()) {
	type sentinel struct{ _ [16]byte }
	var arm func(*sentinel)
	arm = func(*sentinel) {
		f()
		runtime.SetFinalizer(new(sentinel), arm)
	}
	runtime.SetFinalizer(new(sentinel), arm)
}
