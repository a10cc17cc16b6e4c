package persistence

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"

	"golang.org/x/sys/unix"
)

// OSFS is the real file system. Files are made readable for their owner and group
// only, since they hold what users store and their session passwords.
type OSFS struct{}

var _ FS = OSFS{}

const (
	fileMode = 0o640
	dirMode  = 0o750
)

// Create implements FS.
func (OSFS) Create(name string) (File, error) {
	return openOS(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// Open implements FS.
func (OSFS) Open(name string) (File, error) { return openOS(name, os.O_RDONLY) }

// OpenRW implements FS.
func (OSFS) OpenRW(name string) (File, error) { return openOS(name, os.O_RDWR) }

func openOS(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, fileMode)
	if err != nil {
		return nil, diskFull(err)
	}
	return &osFile{f}, nil
}

// Rename implements FS.
func (OSFS) Rename(oldName, newName string) error { return diskFull(os.Rename(oldName, newName)) }

// Remove implements FS.
func (OSFS) Remove(name string) error { return os.Remove(name) }

// ReadDir implements FS.
func (OSFS) ReadDir(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	return names, nil
}

// MkdirAll implements FS.
func (OSFS) MkdirAll(dir string) error { return diskFull(os.MkdirAll(dir, dirMode)) }

// Stat implements FS.
func (OSFS) Stat(name string) (FileInfo, error) {
	i, err := os.Stat(name)
	if err != nil {
		return FileInfo{}, err
	}
	return FileInfo{Size: i.Size(), ModTime: i.ModTime(), IsDir: i.IsDir()}, nil
}

// SyncDir implements FS.
func (OSFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		_ = d.Close()
		return diskFull(err)
	}
	return d.Close()
}

// Lock implements FS with flock, which the kernel releases when the process ends
// in whatever way.
func (OSFS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, diskFull(err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s: %w", name, ErrLocked)
	}
	return nil, fmt.Errorf("lock %s: %w", name, err)
}

// Free implements FS.
func (OSFS) Free(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// osFile adds to os.File what only the system calls offer.
type osFile struct{ *os.File }

func (f *osFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, diskFull(err)
}

func (f *osFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	return n, diskFull(err)
}

func (f *osFile) Truncate(size int64) error { return diskFull(f.File.Truncate(size)) }

func (f *osFile) Sync() error {
	err := retryInterrupted(func() error { return datasync(f.File) })
	return diskFull(pathError("fdatasync", f.Name(), err))
}

func (f *osFile) WriteBack(off, length int64) error {
	err := retryInterrupted(func() error { return writeBack(f.File, off, length) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return diskFull(pathError("sync_file_range", f.Name(), err))
}

func (f *osFile) Preallocate(off, length int64) error {
	if length <= 0 {
		return nil
	}
	err := retryInterrupted(func() error { return allocate(f.File, off, length) })
	if err == nil {
		return nil
	}
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		err = f.fillWithZeros(off, length)
	}
	return diskFull(pathError("preallocate", f.Name(), err))
}

// fillWithZeros stands in for fallocate where the file system has none. Only the
// part beyond the present end is written, so nothing stored is overwritten.
func (f *osFile) fillWithZeros(off, length int64) error {
	size, err := f.Size()
	if err != nil {
		return err
	}
	end := off + length
	zeros := make([]byte, min(1<<20, max(0, end-size)))
	for at := size; at < end; {
		n, err := f.File.WriteAt(zeros[:min(int64(len(zeros)), end-at)], at)
		if err != nil {
			_ = f.File.Truncate(size)
			return err
		}
		at += int64(n)
	}
	return nil
}

func (f *osFile) Size() (int64, error) {
	i, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return i.Size(), nil
}

// retryInterrupted repeats a system call that a signal interrupted before it did
// anything; Go's scheduler sends such signals to its own threads.
func retryInterrupted(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: name, Err: err}
}

// diskFull marks the system's words for "no room" with ErrDiskFull.
func diskFull(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}
