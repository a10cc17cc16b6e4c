package tree

// index finds a child by parent and name. It is an open-addressing hash table of 8 bytes a place: 32 bits of the hash,
// and the node's slot plus one. It is cut into segments by the hash, and each grows alone, so a growing tree never
// stops to rehash all of it.
type index struct {
	segments [indexSegments]indexSegment
}

type indexSegment struct {
	places []uint64
	count  int
}

const (
	indexSegmentBits = 8
	indexSegments    = 1 << indexSegmentBits
	indexMinPlaces   = 4
)

func (x *index) segment(hash uint64) *indexSegment { return &x.segments[hash>>(64-indexSegmentBits)] }

// home is where a hash's search begins. Multiplying instead of masking allows sizes that are no power of two, so a
// table may grow by half.
func (s *indexSegment) home(hash uint32) int {
	return int(uint64(hash) * uint64(len(s.places)) >> 32)
}

// insert adds a slot that is not there yet.
func (x *index) insert(hash uint64, slot uint32) {
	s := x.segment(hash)
	if s.count >= len(s.places)*4/5 {
		s.resize(max(indexMinPlaces, len(s.places)*3/2))
	}
	s.put(uint64(uint32(hash))<<32 | uint64(slot+1))
	s.count++
}

func (s *indexSegment) put(p uint64) {
	for i := s.home(uint32(p >> 32)); ; {
		if s.places[i] == 0 {
			s.places[i] = p
			return
		}
		if i++; i == len(s.places) {
			i = 0
		}
	}
}

func (s *indexSegment) resize(n int) {
	old := s.places
	s.places = make([]uint64, n)
	for _, p := range old {
		if p != 0 {
			s.put(p)
		}
	}
}

// reserve makes room for n slots in all, so that a load doesn't grow the table step by step.
func (x *index) reserve(n int) {
	each := n/indexSegments*13/10 + indexMinPlaces
	for i := range x.segments {
		if s := &x.segments[i]; len(s.places) < each {
			s.resize(each)
		}
	}
}

// findHash finds a child in the index, or none. Hash is what hash(parent, name) gives.
func (t *Tree) findHash(hash uint64, parent uint32, name string) uint32 {
	s := t.index.segment(hash)
	places := s.places
	if len(places) == 0 {
		return none
	}
	for i := s.home(uint32(hash)); ; {
		p := places[i]
		if p == 0 {
			return none
		}
		if uint32(p>>32) == uint32(hash) {
			slot := uint32(p) - 1
			if nd := t.nodes.at(slot); nd.parent == parent && string(t.arena.name(nd.ref)) == name {
				return slot
			}
		}
		if i++; i == len(places) {
			i = 0
		}
	}
}

// remove takes a slot out and closes the gap: later entries of the run move up, so no search ends too early.
func (x *index) remove(hash uint64, slot uint32) {
	s := x.segment(hash)
	n := len(s.places)
	want := uint64(uint32(hash))<<32 | uint64(slot+1)
	i := s.home(uint32(hash))
	for s.places[i] != want {
		if i++; i == n {
			i = 0
		}
	}
	for j := i; ; {
		if j++; j == n {
			j = 0
		}
		p := s.places[j]
		if p == 0 {
			break
		}
		if home := s.home(uint32(p >> 32)); between(i, home, j) {
			continue
		}
		s.places[i] = p
		i = j
	}
	s.places[i] = 0
	s.count--
	if n > 16*indexMinPlaces && s.count < n/4 {
		s.resize(n / 2)
	}
}

// between tells whether home lies cyclically in (gap, at]: then the entry at `at` must not move to the gap.
func between(gap, home, at int) bool {
	if gap < at {
		return gap < home && home <= at
	}
	return gap < home || home <= at
}
