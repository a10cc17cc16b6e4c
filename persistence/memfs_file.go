package persistence

import (
	"fmt"
	"io"
	"io/fs"
	"time"
)

// sectorBytes is what a disk writes as a whole or not at all.
const sectorBytes = 512

// memNode is the contents of a file. Beside the present bytes it keeps, for each
// sector written since the last Sync, what a power cut may bring back.
type memNode struct {
	data     []byte           // what was written; beyond it, up to size, are zeros
	size     int64            // preallocated bytes included
	dirty    map[int64][]byte // sector number → its synced contents; nil for zeros
	synced   int64            // size at the last Sync
	modified time.Time
}

// at copies the present contents from off on, zeros where nothing was written.
func (n *memNode) at(p []byte, off int64) {
	clear(p)
	if off < int64(len(n.data)) {
		copy(p, n.data[off:])
	}
}

// touch remembers the synced contents of the sectors in [off, end).
func (n *memNode) touch(off, end int64) {
	for s := off / sectorBytes; s*sectorBytes < end; s++ {
		if _, known := n.dirty[s]; known {
			continue
		}
		var old []byte
		if s*sectorBytes < int64(len(n.data)) {
			old = make([]byte, sectorBytes)
			n.at(old, s*sectorBytes)
		}
		n.dirty[s] = old
	}
}

func (n *memNode) write(p []byte, off int64) {
	end := off + int64(len(p))
	n.touch(off, end)
	if grow := end - int64(len(n.data)); grow > 0 {
		n.data = append(n.data, make([]byte, grow)...)
	}
	copy(n.data[off:], p)
	n.size = max(n.size, end)
}

func (n *memNode) truncate(size int64) {
	if size < int64(len(n.data)) {
		n.touch(size, int64(len(n.data)))
		n.data = n.data[:size]
	}
	n.size = size
}

// memFile is an open memNode.
type memFile struct {
	fs       *MemFS
	node     *memNode
	name     string
	pos      int64
	writable bool
	closed   bool
}

func (f *memFile) check(op string, write bool) error {
	if f.closed {
		return memError(op, f.name, fs.ErrClosed)
	}
	if write && !f.writable {
		return memError(op, f.name, fs.ErrPermission)
	}
	return nil
}

// ReadAt implements File.
func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check("read", false); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, memError("read", f.name, fs.ErrInvalid)
	}
	n := int(max(0, min(int64(len(p)), f.node.size-off)))
	f.node.at(p[:n], off)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Read implements File.
func (f *memFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.pos)
	f.pos += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// WriteAt implements File. On a full disk nothing is written.
func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check("write", true); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, memError("write", f.name, fs.ErrInvalid)
	}
	if err := f.fs.claim("write", f.name, off+int64(len(p))-f.node.size); err != nil {
		return 0, err
	}
	f.node.write(p, off)
	f.node.modified = f.fs.now()
	return len(p), nil
}

// Write implements File.
func (f *memFile) Write(p []byte) (int, error) {
	n, err := f.WriteAt(p, f.pos)
	f.pos += int64(n)
	return n, err
}

// Sync implements File.
func (f *memFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check("sync", false); err != nil {
		return err
	}
	clear(f.node.dirty)
	f.node.synced = f.node.size
	return nil
}

// WriteBack implements File. A power cut takes what was not synced all the same.
func (f *memFile) WriteBack(int64, int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return f.check("write back", true)
}

// Truncate implements File.
func (f *memFile) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check("truncate", true); err != nil {
		return err
	}
	if err := f.fs.claim("truncate", f.name, size-f.node.size); err != nil {
		return err
	}
	f.node.truncate(size)
	return nil
}

// Preallocate implements File.
func (f *memFile) Preallocate(off, length int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check("preallocate", true); err != nil {
		return err
	}
	if length <= 0 || off+length <= f.node.size {
		return nil
	}
	if err := f.fs.claim("preallocate", f.name, off+length-f.node.size); err != nil {
		return err
	}
	f.node.size = off + length
	return nil
}

// Size implements File.
func (f *memFile) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check("size", false); err != nil {
		return 0, err
	}
	return f.node.size, nil
}

// Close implements File.
func (f *memFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.check("close", false); err != nil {
		return fmt.Errorf("close twice: %w", err)
	}
	f.closed = true
	return nil
}
