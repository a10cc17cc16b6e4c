package main

import (
	"os"
	"runtime/debug"
)

// gcPercent is how much garbage may collect before a collection, relative to what lives. The tree is most of what
// lives and holds few pointers, so collections are cheap, and a smaller heap is worth more than fewer of them.
const gcPercent = 50

// tuneMemory sets it unless the operator has decided (GOGC).
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
