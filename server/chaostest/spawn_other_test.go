//go:build !linux

package chaostest

import "syscall"

// spawned makes a server a group of its own, so that Ctrl-C reaches the test alone.
func spawned() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
