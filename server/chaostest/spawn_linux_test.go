package chaostest

import "syscall"

// spawned makes a server a group of its own, so that Ctrl-C reaches the test alone, and lets it die with the thread
// that starts it.
func spawned() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
