//go:build unix

package shell

import (
	"os"
	"syscall"
)

// redrawPrompt makes the line editor draw its line again: it does so when the terminal has changed its size, of which
// this signal tells it.
func redrawPrompt() {
	syscall.Kill(os.Getpid(), syscall.SIGWINCH)
}
