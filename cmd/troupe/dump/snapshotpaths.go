package dump

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/troupekeeper/troupe/persistence/tree"
)

// pathIndex knows of each node of a snapshot its name and its parent, so that a record, which tells no more, can be given
// its path. A parent may come after its children: the index is filled in a pass of its own.
type pathIndex struct {
	pages map[uint32]*[pageNodes]spot // slots are dense, but a record may claim any
	names []byte
	count int
}

// pageNodes is how many nodes a page of the index has.
const pageNodes = 1024

// spot is one node's place in the tree.
type spot struct {
	known    bool
	parent   uint32
	children uint32
	nameLen  uint32
	nameAt   int
	subtree  int64 // bytes of data in it and below, once sumUp has run
}

// maxDepth bounds the way to the root: contradictory records could lead round in a circle.
const maxDepth = 1 << 20

func newPathIndex() *pathIndex { return &pathIndex{pages: map[uint32]*[pageNodes]spot{}} }

func (x *pathIndex) at(slot uint32) *spot {
	page := x.pages[slot/pageNodes]
	if page == nil {
		page = new([pageNodes]spot)
		x.pages[slot/pageNodes] = page
	}
	return &page[slot%pageNodes]
}

func (x *pathIndex) add(r *tree.NodeRecord) {
	s := x.at(r.Slot)
	s.known, s.parent = true, r.Parent
	s.nameAt, s.nameLen = len(x.names), uint32(len(r.Name))
	s.subtree = int64(len(r.Data))
	x.names = append(x.names, r.Name...)
	x.count++
	if r.Slot != r.Parent {
		x.at(r.Parent).children++
	}
}

// path returns a node's path. Where the file is damaged before the record of a parent, the path begins with that one's
// number instead.
func (x *pathIndex) path(slot uint32) string {
	var names []string
	for range maxDepth {
		s := x.at(slot)
		if !s.known {
			names = append(names, fmt.Sprintf("(node-%d)", slot))
			return join(names, "")
		}
		if s.parent == slot {
			return join(names, "/")
		}
		names = append(names, string(x.names[s.nameAt:s.nameAt+int(s.nameLen)]))
		slot = s.parent
	}
	return fmt.Sprintf("(node %d, which is below itself)", slot)
}

func join(names []string, begin string) string {
	slices.Reverse(names)
	return begin + strings.Join(names, "/")
}

// sumUp adds each node's data to all that are above it.
func (x *pathIndex) sumUp() {
	own := make(map[uint32]int64, x.count)
	for page, spots := range x.pages {
		for i := range spots {
			if s := &spots[i]; s.known && s.subtree > 0 {
				own[page*pageNodes+uint32(i)] = s.subtree
			}
		}
	}
	for slot, bytes := range own {
		for range maxDepth {
			s := x.at(slot)
			if !s.known || s.parent == slot {
				break
			}
			slot = s.parent
			x.at(slot).subtree += bytes
		}
	}
}

// comparePaths puts a node in front of those below it, and these in front of its next sibling.
func comparePaths(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] == b[i] {
			continue
		}
		if a[i] == '/' || b[i] == '/' {
			if a[i] == '/' {
				return -1
			}
			return 1
		}
		return cmp.Compare(a[i], b[i])
	}
	return cmp.Compare(len(a), len(b))
}

// topList keeps the largest few of many.
type topList struct {
	entries []topEntry
}

type topEntry struct {
	path  string
	value int64
}

// topLength is how many a list keeps.
const topLength = 10

// add takes an entry if it is large enough; the path is asked for only then. Among equals the order of paths decides.
func (l *topList) add(value int64, path func() string) {
	if value <= 0 || (len(l.entries) == topLength && value < l.entries[topLength-1].value) {
		return
	}
	e := topEntry{path(), value}
	at, _ := slices.BinarySearchFunc(l.entries, e, func(a, b topEntry) int {
		return cmp.Or(cmp.Compare(b.value, a.value), comparePaths(a.path, b.path))
	})
	l.entries = slices.Insert(l.entries, at, e)
	l.entries = l.entries[:min(len(l.entries), topLength)]
}
