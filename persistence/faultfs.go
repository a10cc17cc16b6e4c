package persistence

import (
	"errors"
	"fmt"
	"io"
	"path"
	"sync"
)

// Op names one kind of operation for FaultFS.
type Op string

// The operations that FaultFS can fail and trace.
const (
	OpCreate      Op = "create"
	OpOpen        Op = "open"
	OpRename      Op = "rename"
	OpRemove      Op = "remove"
	OpReadDir     Op = "readdir"
	OpMkdir       Op = "mkdir"
	OpStat        Op = "stat"
	OpSyncDir     Op = "syncdir"
	OpLock        Op = "lock"
	OpFree        Op = "free"
	OpRead        Op = "read"
	OpWrite       Op = "write"
	OpSync        Op = "sync"
	OpWriteBack   Op = "writeback"
	OpTruncate    Op = "truncate"
	OpPreallocate Op = "preallocate"
	OpClose       Op = "close"
)

// Fault is a rule by which an operation fails.
type Fault struct {
	Op      Op
	Pattern string // path.Match pattern for the last part of the name; "" for any
	Nth     int    // which matching operation fails, counted from 1; 0 for every one
	Err     error  // what it returns; it has no other effect, except:
	// Short lets a failing write store that many bytes first.
	Short int

	seen int
}

// FaultFS wraps a file system, fails chosen operations and keeps an ordered trace
// of those that change something. It is safe for several goroutines.
type FaultFS struct {
	inner  FS
	mu     sync.Mutex
	faults []*Fault
	trace  []string
	failed int
	left   int  // changes until the power is cut
	cut    bool // whether it is going to be
	open   map[*faultFile]bool
}

// ErrPowerCut is what every operation returns after CutPower has struck.
var ErrPowerCut = errors.New("the power is cut")

var _ FS = (*FaultFS)(nil)

// NewFaultFS wraps a file system; without rules it only traces.
func NewFaultFS(inner FS) *FaultFS {
	return &FaultFS{inner: inner, open: map[*faultFile]bool{}}
}

// Inject adds a rule. The first rule that matches an operation decides.
func (f *FaultFS) Inject(rule Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &rule)
}

// Clear removes all rules.
func (f *FaultFS) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// CutPower lets so many operations that change something pass; the next one and
// everything after it fails without effect. CrashClone of the MemFS below then
// gives the disk as it is found when power is back.
func (f *FaultFS) CutPower(changes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.cut = changes, true
}

// Failed returns how many operations were made to fail.
func (f *FaultFS) Failed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// TakeTrace returns the operations since the last call, in order, one a line:
// names without their folder, writes with the range of bytes.
func (f *FaultFS) TakeTrace() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.trace
	f.trace = nil
	return t
}

// check traces an operation and returns the rule that fails it, if any. Reading
// operations have no detail and are not traced.
func (f *FaultFS) check(op Op, name, detail string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var hit *Fault
	if f.cut {
		if f.left <= 0 {
			hit = &Fault{Err: ErrPowerCut}
		} else if detail != "" {
			f.left--
		}
	}
	for _, rule := range f.faults {
		if rule.Op != op {
			continue
		}
		if ok, _ := path.Match(rule.Pattern, path.Base(name)); !ok && rule.Pattern != "" {
			continue
		}
		rule.seen++
		if hit == nil && (rule.Nth == 0 || rule.Nth == rule.seen) {
			hit = rule
		}
	}
	if hit != nil {
		f.failed++
	}
	if detail != "" {
		line := string(op) + " " + detail
		if hit != nil {
			line += " FAILS"
		}
		f.trace = append(f.trace, line)
	}
	return hit
}

func (f *FaultFS) err(op Op, name, detail string) error {
	if hit := f.check(op, name, detail); hit != nil {
		return fmt.Errorf("%s %s: %w", op, name, hit.Err)
	}
	return nil
}

// Create implements FS.
func (f *FaultFS) Create(name string) (File, error) {
	if err := f.err(OpCreate, name, path.Base(name)); err != nil {
		return nil, err
	}
	return f.wrap(name)(f.inner.Create(name))
}

// Open implements FS.
func (f *FaultFS) Open(name string) (File, error) {
	if err := f.err(OpOpen, name, ""); err != nil {
		return nil, err
	}
	return f.wrap(name)(f.inner.Open(name))
}

// OpenRW implements FS.
func (f *FaultFS) OpenRW(name string) (File, error) {
	if err := f.err(OpOpen, name, ""); err != nil {
		return nil, err
	}
	return f.wrap(name)(f.inner.OpenRW(name))
}

func (f *FaultFS) wrap(name string) func(File, error) (File, error) {
	return func(inner File, err error) (File, error) {
		if err != nil {
			return nil, err
		}
		file := &faultFile{fs: f, inner: inner, name: name}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.open[file] = true
		return file, nil
	}
}

// Rename implements FS. An open file goes by its new name from then on.
func (f *FaultFS) Rename(oldName, newName string) error {
	if err := f.err(OpRename, newName, path.Base(oldName)+" "+path.Base(newName)); err != nil {
		return err
	}
	if err := f.inner.Rename(oldName, newName); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for file := range f.open {
		if file.name == oldName {
			file.name = newName
		}
	}
	return nil
}

// Remove implements FS.
func (f *FaultFS) Remove(name string) error {
	if err := f.err(OpRemove, name, path.Base(name)); err != nil {
		return err
	}
	return f.inner.Remove(name)
}

// ReadDir implements FS.
func (f *FaultFS) ReadDir(dir string) ([]string, error) {
	if err := f.err(OpReadDir, dir, ""); err != nil {
		return nil, err
	}
	return f.inner.ReadDir(dir)
}

// MkdirAll implements FS.
func (f *FaultFS) MkdirAll(dir string) error {
	if err := f.err(OpMkdir, dir, path.Base(dir)); err != nil {
		return err
	}
	return f.inner.MkdirAll(dir)
}

// Stat implements FS.
func (f *FaultFS) Stat(name string) (FileInfo, error) {
	if err := f.err(OpStat, name, ""); err != nil {
		return FileInfo{}, err
	}
	return f.inner.Stat(name)
}

// SyncDir implements FS.
func (f *FaultFS) SyncDir(dir string) error {
	if err := f.err(OpSyncDir, dir, path.Base(dir)); err != nil {
		return err
	}
	return f.inner.SyncDir(dir)
}

// Lock implements FS.
func (f *FaultFS) Lock(name string) (io.Closer, error) {
	if err := f.err(OpLock, name, path.Base(name)); err != nil {
		return nil, err
	}
	return f.inner.Lock(name)
}

// Free implements FS.
func (f *FaultFS) Free(dir string) (int64, error) {
	if err := f.err(OpFree, dir, ""); err != nil {
		return 0, err
	}
	return f.inner.Free(dir)
}
