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

// freePiece is how much of a removed file's space is given back at once. A file system that is mounted with discard
// tells the disk of all of it within the call, which takes a quarter of a millisecond for so much.
const freePiece = 1 << 20

// remove deletes a file or an empty folder. The space of a large file is given back in pieces after its name is gone:
// in one go it would keep the disk busy for so long that the next fsync of the log waits tens of milliseconds.
func remove(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return os.Remove(name) // a folder, a link, or what isn't there
	}
	defer f.Close()
	if err := os.Remove(name); err != nil {
		return err
	}
	size := ownSize(f)
	for size > freePiece {
		size = (size - 1) / freePiece * freePiece
		if f.Truncate(size) != nil {
			return nil // the close gives back the rest
		}
	}
	return nil
}

// ownSize returns the size of a file that has no name and is open nowhere else, 0 for any other: nobody who reads an
// old snapshot, and no other name of it, may see it shrink. A lease for writing is granted to the only opener.
func ownSize(f *os.File) int64 {
	var s unix.Stat_t
	fd := int(f.Fd())
	if unix.Fstat(fd, &s) != nil || s.Nlink != 0 || s.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		return 0
	}
	return s.Size
}

// allocate reserves blocks and grows the file; they read as zeros.
func allocate(f *os.File, off, length int64) error {
	return unix.Fallocate(int(f.Fd()), 0, off, length)
}
