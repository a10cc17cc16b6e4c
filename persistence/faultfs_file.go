package persistence

import (
	"fmt"
	"io"
	"path"
)

// faultFile is an open file of a FaultFS. It keeps its own position, so that a
// short write moves it as far as it wrote.
type faultFile struct {
	fs    *FaultFS
	inner File
	name  string
	pos   int64
}

func (f *faultFile) Read(p []byte) (int, error) {
	if err := f.fs.err(OpRead, f.name, ""); err != nil {
		return 0, err
	}
	n, err := f.inner.ReadAt(p, f.pos)
	f.pos += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

func (f *faultFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.err(OpRead, f.name, ""); err != nil {
		return 0, err
	}
	return f.inner.ReadAt(p, off)
}

func (f *faultFile) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, f.pos)
	f.pos += int64(n)
	return n, err
}

func (f *faultFile) WriteAt(p []byte, off int64) (int, error) {
	hit := f.fs.check(OpWrite, f.name, fmt.Sprintf("%s [%d,%d)", path.Base(f.name), off, off+int64(len(p))))
	if hit == nil {
		return f.inner.WriteAt(p, off)
	}
	n, err := f.inner.WriteAt(p[:min(hit.Short, len(p))], off)
	if err == nil {
		err = fmt.Errorf("write %s: %w", f.name, hit.Err)
	}
	return n, err
}

func (f *faultFile) Sync() error {
	if err := f.fs.err(OpSync, f.name, path.Base(f.name)); err != nil {
		return err
	}
	return f.inner.Sync()
}

func (f *faultFile) WriteBack(off, length int64) error {
	if err := f.fs.err(OpWriteBack, f.name, fmt.Sprintf("%s [%d,%d)", path.Base(f.name), off, off+length)); err != nil {
		return err
	}
	return f.inner.WriteBack(off, length)
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.fs.err(OpTruncate, f.name, fmt.Sprintf("%s %d", path.Base(f.name), size)); err != nil {
		return err
	}
	return f.inner.Truncate(size)
}

func (f *faultFile) Preallocate(off, length int64) error {
	if err := f.fs.err(OpPreallocate, f.name, fmt.Sprintf("%s [%d,%d)", path.Base(f.name), off, off+length)); err != nil {
		return err
	}
	return f.inner.Preallocate(off, length)
}

func (f *faultFile) Size() (int64, error) { return f.inner.Size() }

func (f *faultFile) Close() error {
	f.fs.mu.Lock()
	delete(f.fs.open, f)
	f.fs.mu.Unlock()
	if err := f.fs.err(OpClose, f.name, ""); err != nil {
		_ = f.inner.Close()
		return err
	}
	return f.inner.Close()
}
