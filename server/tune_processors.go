package server

import (
	"os"
	"runtime"
)

// TuneRuntime fits Go's runtime to a process that does nothing but serve; Main does so, and troupe serve. It leaves alone
// what the operator has decided, by GOGC or GOMAXPROCS. A program that has other things to do knows better itself.
func TuneRuntime() {
	tuneMemory()
	tuneProcessors()
}

// tuneProcessors lets two goroutines more than there are processors run at a time, unless the operator has decided
// (GOMAXPROCS): the loop of the stages and the log's, which wait most of their time, for sockets and for the disk. With none to
// spare Go's monitor would take the processor from them at each wait, and look for such every twenty microseconds; with three
// servers on two processors that was a fifth of what a write cost.
func tuneProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	}
}
