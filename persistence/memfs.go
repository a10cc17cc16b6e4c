package persistence

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// MemFS is a file system in memory that knows what a power cut would leave: which
// bytes were synced and which names. CrashClone makes the disk as it is found
// afterwards. It is safe for several goroutines; its behaviour depends on nothing
// but the calls.
type MemFS struct {
	mu    *sync.Mutex
	dirs  map[string]*memDir
	locks map[string]bool
	// Capacity is the size of the disk in bytes; 0 means no limit.
	Capacity int64
	// Now gives files their modification time; nil means the zero time.
	Now func() time.Time
}

var _ FS = (*MemFS)(nil)

// memDir is a folder: its names now, and the changes since the last SyncDir. What
// a crash leaves is the synced names with some first part of the changes.
type memDir struct {
	names   map[string]*memNode // nil for a subfolder
	synced  map[string]*memNode
	pending []memChange
}

// memChange is one change of a folder; a rename is one too, so that a crash never
// shows half of it.
type memChange struct {
	remove string
	add    string
	node   *memNode // what add names; nil for a subfolder
}

// NewMemFS returns an empty disk.
func NewMemFS() *MemFS {
	m := &MemFS{mu: new(sync.Mutex), dirs: map[string]*memDir{}, locks: map[string]bool{}}
	for _, root := range []string{"/", "."} {
		m.dirs[root] = newMemDir()
	}
	return m
}

func newMemDir() *memDir {
	return &memDir{names: map[string]*memNode{}, synced: map[string]*memNode{}}
}

// apply makes a change and remembers it for the next SyncDir.
func (d *memDir) apply(c memChange) {
	c.applyTo(d.names)
	d.pending = append(d.pending, c)
}

func (c memChange) applyTo(names map[string]*memNode) {
	if c.remove != "" {
		delete(names, c.remove)
	}
	if c.add != "" {
		names[c.add] = c.node
	}
}

func memError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// find returns the folder of a name and what the name stands for.
func (m *MemFS) find(op, name string) (d *memDir, base string, node *memNode, err error) {
	name = path.Clean(name)
	d = m.dirs[path.Dir(name)]
	base = path.Base(name)
	if d == nil {
		return nil, base, nil, memError(op, name, fs.ErrNotExist)
	}
	node, ok := d.names[base]
	if !ok {
		return d, base, nil, memError(op, name, fs.ErrNotExist)
	}
	return d, base, node, nil
}

// Create implements FS.
func (m *MemFS) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, base, _, err := m.find("create", name)
	if err == nil {
		return nil, memError("create", name, fs.ErrExist)
	}
	if d == nil {
		return nil, err
	}
	node := &memNode{dirty: map[int64][]byte{}, modified: m.now()}
	d.apply(memChange{add: base, node: node})
	return &memFile{fs: m, node: node, name: name, writable: true}, nil
}

// Open implements FS.
func (m *MemFS) Open(name string) (File, error) { return m.open(name, false) }

// OpenRW implements FS.
func (m *MemFS) OpenRW(name string) (File, error) { return m.open(name, true) }

func (m *MemFS) open(name string, writable bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _, node, err := m.find("open", name)
	if err != nil {
		return nil, err
	}
	if node == nil {
		return nil, memError("open", name, fs.ErrInvalid)
	}
	return &memFile{fs: m, node: node, name: name, writable: writable}, nil
}

// Rename implements FS. Both names must be in one folder.
func (m *MemFS) Rename(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, base, node, err := m.find("rename", oldName)
	if err != nil {
		return err
	}
	target, newBase, _, _ := m.find("rename", newName)
	if target != d || node == nil {
		return memError("rename", newName, fs.ErrInvalid)
	}
	d.apply(memChange{remove: base, add: newBase, node: node})
	return nil
}

// Remove implements FS. An open file stays readable until it is closed.
func (m *MemFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, base, node, err := m.find("remove", name)
	if err != nil {
		return err
	}
	if node == nil {
		sub := m.dirs[path.Clean(name)]
		if len(sub.names) > 0 {
			return memError("remove", name, fs.ErrInvalid)
		}
		delete(m.dirs, path.Clean(name))
	}
	d.apply(memChange{remove: base})
	return nil
}

// ReadDir implements FS.
func (m *MemFS) ReadDir(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.dirs[path.Clean(dir)]
	if d == nil {
		return nil, memError("readdir", dir, fs.ErrNotExist)
	}
	names := make([]string, 0, len(d.names))
	for name := range d.names {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, nil
}

// MkdirAll implements FS.
func (m *MemFS) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mkdirAll(path.Clean(dir))
}

func (m *MemFS) mkdirAll(dir string) error {
	if m.dirs[dir] != nil {
		return nil
	}
	if err := m.mkdirAll(path.Dir(dir)); err != nil {
		return err
	}
	parent := m.dirs[path.Dir(dir)]
	if _, exists := parent.names[path.Base(dir)]; exists {
		return memError("mkdir", dir, fs.ErrExist)
	}
	parent.apply(memChange{add: path.Base(dir)})
	m.dirs[dir] = newMemDir()
	return nil
}

// Stat implements FS.
func (m *MemFS) Stat(name string) (FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dirs[path.Clean(name)] != nil {
		return FileInfo{IsDir: true}, nil
	}
	_, _, node, err := m.find("stat", name)
	if err != nil {
		return FileInfo{}, err
	}
	return FileInfo{Size: node.size, ModTime: node.modified}, nil
}

// SyncDir implements FS.
func (m *MemFS) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.dirs[path.Clean(dir)]
	if d == nil {
		return memError("syncdir", dir, fs.ErrNotExist)
	}
	for _, c := range d.pending {
		c.applyTo(d.synced)
	}
	d.pending = nil
	return nil
}

// memLock releases a lock when it is closed.
type memLock struct {
	fs   *MemFS
	name string
}

func (l memLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	delete(l.fs.locks, l.name)
	return nil
}

// Lock implements FS.
func (m *MemFS) Lock(name string) (io.Closer, error) {
	if f, err := m.Create(name); err == nil {
		_ = f.Close()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, _, _, err := m.find("lock", name); err != nil {
		return nil, err
	}
	name = path.Clean(name)
	if m.locks[name] {
		return nil, fmt.Errorf("%s: %w", name, ErrLocked)
	}
	m.locks[name] = true
	return memLock{m, name}, nil
}

// Free implements FS.
func (m *MemFS) Free(string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Capacity == 0 {
		return 1 << 50, nil
	}
	return max(0, m.Capacity-m.used()), nil
}

// used adds up what all named files have reserved.
func (m *MemFS) used() int64 {
	var n int64
	for _, d := range m.dirs {
		for _, node := range d.names {
			if node != nil {
				n += node.size
			}
		}
	}
	return n
}

// claim reports whether a file may grow by so many bytes.
func (m *MemFS) claim(op, name string, grow int64) error {
	if m.Capacity > 0 && grow > 0 && m.used()+grow > m.Capacity {
		return memError(op, name, ErrDiskFull)
	}
	return nil
}

func (m *MemFS) now() time.Time {
	if m.Now == nil {
		return time.Time{}
	}
	return m.Now()
}

// Tree returns every file with its size, one "path size" a line, for tests.
func (m *MemFS) Tree() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	for dir, d := range m.dirs {
		for name, node := range d.names {
			if node != nil {
				lines = append(lines, fmt.Sprintf("%s %d\n", path.Join(dir, name), node.size))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
