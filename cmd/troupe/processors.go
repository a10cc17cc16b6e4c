package main

import (
	"os"
	"runtime"
)

// tuneProcessors lets one goroutine more than there are processors run at a time, unless the operator has decided
// (GOMAXPROCS): one waits for the disk most of its time. With none to spare Go's monitor would take the processor from it
// at each sync of the log, and look for such every twenty microseconds; with three servers on two processors that was a
// fifth of what a write cost.
func tuneProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}
