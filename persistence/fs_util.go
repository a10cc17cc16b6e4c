package persistence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// tempSuffix ends the name of every file that is not yet what it will become. A
// file with it may be removed whenever no one is writing it.
const tempSuffix = ".tmp"

// readSmallFile reads a whole file of at most limit bytes. The limit is checked
// before memory is taken, so a damaged or foreign file cannot exhaust it.
func readSmallFile(fsys FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are expected", name, size, limit)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}

// writeFileAtomic replaces a file so that after a crash either the old or the new
// contents are there, whole. It returns when the new ones are durable.
func writeFileAtomic(fsys FS, name string, data []byte) error {
	temp := name + tempSuffix
	f, err := createFresh(fsys, temp)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		discard(fsys, f, temp)
		return fmt.Errorf("write %s: %w", temp, err)
	}
	if err := f.Sync(); err != nil {
		discard(fsys, f, temp)
		return fmt.Errorf("sync %s: %w", temp, err)
	}
	if err := f.Close(); err != nil {
		discard(fsys, nil, temp)
		return fmt.Errorf("close %s: %w", temp, err)
	}
	return publish(fsys, temp, name)
}

// publish renames a finished, synced temporary file and makes the name durable.
func publish(fsys FS, temp, name string) error {
	if err := fsys.Rename(temp, name); err != nil {
		return fmt.Errorf("rename %s: %w", temp, err)
	}
	if err := fsys.SyncDir(path.Dir(name)); err != nil {
		return fmt.Errorf("sync folder of %s: %w", name, err)
	}
	return nil
}

// createFresh creates a file in the place of one that an interrupted writer left.
func createFresh(fsys FS, name string) (File, error) {
	if err := removeIfExists(fsys, name); err != nil {
		return nil, err
	}
	f, err := fsys.Create(name)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	return f, nil
}

// removeIfExists removes a file whose absence is as good.
func removeIfExists(fsys FS, name string) error {
	if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return nil
}

// discard drops a temporary file on the way out of a failure. Its own errors are
// not reported: the first failure is the news, and a left-over temporary file is
// harmless.
func discard(fsys FS, f File, name string) {
	if f != nil {
		_ = f.Close()
	}
	_ = fsys.Remove(name)
}
