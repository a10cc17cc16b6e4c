package persistence

import (
	"math/rand/v2"
	"path"
	"slices"
	"sync"
)

// CrashClone returns the disk as a power cut at this moment may leave it. With a
// nil rng it is the strictest one: only synced bytes and synced names are left.
// Otherwise, and decided by nothing but the rng:
//
//   - each folder keeps some first part of its unsynced changes;
//   - each file has its synced size or its present one;
//   - of its unsynced sectors, either all survive, or none, or a first part, or each
//     as chance has it; a sector at the border of a first part may itself be torn.
//
// Locks are free in the clone; the original is unchanged and shares nothing with it.
func (m *MemFS) CrashClone(rng *rand.Rand) *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &MemFS{mu: new(sync.Mutex), dirs: map[string]*memDir{}, locks: map[string]bool{}, Capacity: m.Capacity, Now: m.Now}
	nodes := map[*memNode]*memNode{} // a file may keep two names until its folder is synced
	for _, dir := range sortedKeys(m.dirs) {
		d := m.dirs[dir]
		keep := 0
		if rng != nil {
			keep = rng.IntN(len(d.pending) + 1)
		}
		names := map[string]*memNode{}
		for name, node := range d.synced {
			names[name] = node
		}
		for _, change := range d.pending[:keep] {
			change.applyTo(names)
		}
		clone := newMemDir()
		for _, name := range sortedKeys(names) {
			node := names[name]
			if node != nil {
				if nodes[node] == nil {
					nodes[node] = node.crash(rng)
				}
				node = nodes[node]
			}
			clone.names[name], clone.synced[name] = node, node
		}
		c.dirs[dir] = clone
	}
	c.dropLostFolders()
	return c
}

// dropLostFolders removes the contents of folders whose own name did not survive,
// and gives those that did a place.
func (m *MemFS) dropLostFolders() {
	for _, dir := range sortedKeys(m.dirs) { // parents sort before their children
		if dir == "/" || dir == "." {
			continue
		}
		parent := m.dirs[path.Dir(dir)]
		if parent == nil {
			delete(m.dirs, dir)
		} else if node, ok := parent.names[path.Base(dir)]; !ok || node != nil {
			delete(m.dirs, dir)
		}
	}
	for _, dir := range sortedKeys(m.dirs) {
		for name, node := range m.dirs[dir].names {
			if sub := path.Join(dir, name); node == nil && m.dirs[sub] == nil {
				m.dirs[sub] = newMemDir()
			}
		}
	}
}

// crash returns what is left of a file.
func (n *memNode) crash(rng *rand.Rand) *memNode {
	size := n.synced
	if rng != nil && rng.IntN(2) == 0 {
		size = n.size
	}
	c := &memNode{data: slices.Clone(n.data), size: n.size, dirty: map[int64][]byte{}, modified: n.modified}
	sectors := sortedKeys(n.dirty)
	survives := survivors(rng, len(sectors))
	for i, s := range sectors {
		keep := survives(i)
		if keep < sectorBytes {
			c.restore(s, n.dirty[s], keep)
		}
	}
	if int64(len(c.data)) > size {
		c.data = c.data[:size]
	}
	c.size, c.synced = size, size
	return c
}

// restore brings a sector's synced contents back behind its first keep bytes.
func (n *memNode) restore(sector int64, old []byte, keep int) {
	off := sector * sectorBytes
	if old == nil {
		old = make([]byte, sectorBytes)
	}
	if end := off + sectorBytes; int64(len(n.data)) < end {
		n.data = append(n.data, make([]byte, end-int64(len(n.data)))...)
	}
	copy(n.data[off+int64(keep):off+sectorBytes], old[keep:])
}

// survivors returns how many bytes of the i-th of n unsynced sectors are written.
func survivors(rng *rand.Rand, n int) func(i int) int {
	whole := func(yes bool) int {
		if yes {
			return sectorBytes
		}
		return 0
	}
	if rng == nil || n == 0 {
		return func(int) int { return 0 }
	}
	switch rng.IntN(4) {
	case 0:
		return func(int) int { return 0 }
	case 1:
		return func(int) int { return sectorBytes }
	case 2:
		border, part := rng.IntN(n), rng.IntN(sectorBytes)
		return func(i int) int {
			if i == border {
				return part
			}
			return whole(i < border)
		}
	default:
		return func(int) int { return whole(rng.IntN(2) == 0) }
	}
}

func sortedKeys[K string | int64, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
