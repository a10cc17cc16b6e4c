package persistence

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync flushes the bytes and the size, but not the times, of a file: one
// journal commit less per batch than fsync.
func datasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// allocate reserves blocks and grows the file; they read as zeros.
func allocate(f *os.File, off, length int64) error {
	return unix.Fallocate(int(f.Fd()), 0, off, length)
}
