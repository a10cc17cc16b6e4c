package persistence

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync flushes the bytes and the size, but not the times, of a file: one
// journal commit less per batch than fsync.
func datasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// writeBack starts and awaits the writing of a part of a file, without the flush of the disk's cache that others would
// have to wait for.
func writeBack(f *os.File, off, length int64) error {
	const all = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	return unix.SyncFileRange(int(f.Fd()), off, length, all)
}

// allocate reserves blocks and grows the file; they read as zeros.
func allocate(f *os.File, off, length int64) error {
	return unix.Fallocate(int(f.Fd()), 0, off, length)
}
