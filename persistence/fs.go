package persistence

import (
	"errors"
	"io"
	"time"
)

// ErrLocked is returned by FS.Lock when another process, or another opener in
// this process, holds the lock.
var ErrLocked = errors.New("locked by another server")

// ErrDiskFull says that the disk, or the quota on it, has no room left. Real and
// simulated file systems wrap it, so that callers need not know error numbers.
var ErrDiskFull = errors.New("no space left on the disk")

// FS is the seam between this package and the disk. Everything that must survive
// a power cut goes through it, so that tests and the simulation can lose power at
// any instruction. Names are slash separated paths. Errors satisfy errors.Is with
// io/fs's ErrNotExist and ErrExist, and with ErrDiskFull and ErrLocked above.
//
// A file's bytes are durable after File.Sync, its name after FS.SyncDir of the
// folder that holds it. Nothing else promises durability.
type FS interface {
	// Create makes a new file for reading and writing; it fails if the name exists.
	Create(name string) (File, error)
	// Open opens an existing file for reading.
	Open(name string) (File, error)
	// OpenRW opens an existing file for reading and writing.
	OpenRW(name string) (File, error)
	// Rename gives a file another name in the same folder, replacing what had it.
	Rename(oldName, newName string) error
	// Remove deletes a file or an empty folder.
	Remove(name string) error
	// ReadDir returns the names in a folder, sorted.
	ReadDir(dir string) ([]string, error)
	// MkdirAll makes a folder and those above it; it is no error if they exist.
	MkdirAll(dir string) error
	// Stat describes a file or folder.
	Stat(name string) (FileInfo, error)
	// SyncDir makes the names in a folder durable.
	SyncDir(dir string) error
	// Lock takes an exclusive lock between processes on the named file, making the
	// file if need be, and fails at once with ErrLocked if it is held. Closing the
	// result, or the end of the process, releases it; the file stays.
	Lock(name string) (io.Closer, error)
	// Free returns the bytes that this user can still write below a folder.
	Free(dir string) (int64, error)
}

// FileInfo is what Stat tells.
type FileInfo struct {
	Size    int64 // bytes, preallocated ones included
	ModTime time.Time
	IsDir   bool
}

// File is an open file. Like an *os.File it has one position that Read and Write
// move; ReadAt and WriteAt leave it alone.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.WriterAt
	io.Closer
	// Sync returns when all bytes written so far, and the size, are durable. After
	// an error nothing is known about them and it must not be tried again: the
	// kernel may have dropped the pages it could not write.
	Sync() error
	// WriteBack moves the bytes of a part of the file, written before, to the disk and returns when they are there. It
	// makes nothing durable, but leaves a later Sync little to do, and no other file's Sync waits for it as for one.
	// Where the system has no such call it does nothing. After an error what Sync says of its own errors holds.
	WriteBack(off, length int64) error
	// Truncate sets the size; growing fills with zeros.
	Truncate(size int64) error
	// Preallocate reserves disk space for length bytes from off on and grows the
	// file to cover them; bytes never written read as zero. When it fails with
	// ErrDiskFull the contents are untouched.
	Preallocate(off, length int64) error
	// Size returns the present size in bytes.
	Size() (int64, error)
}
