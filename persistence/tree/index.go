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

func (x *index) segment(hash uint64) *indexSegment { return &x.segments[indexSegmentOf(hash)] }

func indexSegmentOf(hash uint64) uint64 { return hash >> (64 - indexSegmentBits) }

// indexPlace is what the table holds for a slot. It is never 0.
func indexPlace(hash uint64, slot uint32) uint64 { return uint64(uint32(hash))<<32 | uint64(slot+1) }

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
	s.put(indexPlace(hash, slot))
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

// fillIndex makes the index of a tree that has none from the places of each segment. It returns the slot of a node whose
// parent has another child of the same name, or none.
func (t *Tree) fillIndex(places *[indexSegments][]uint64) uint32 {
	for i := range places {
		s := &t.index.segments[i]
		s.resize(len(places[i])*10/7 + indexMinPlaces)
		s.count = len(places[i])
		for _, p := range places[i] {
			if other := s.putNew(p, t.sameName); other != none {
				return other
			}
		}
	}
	return none
}

// putNew is put, but it returns the slot of an entry that is the same by hash and by same.
func (s *indexSegment) putNew(p uint64, same func(a, b uint32) bool) uint32 {
	for i := s.home(uint32(p >> 32)); ; {
		q := s.places[i]
		if q == 0 {
			s.places[i] = p
			return none
		}
		if q>>32 == p>>32 && same(uint32(q)-1, uint32(p)-1) {
			return uint32(q) - 1
		}
		if i++; i == len(s.places) {
			i = 0
		}
	}
}

func (t *Tree) sameName(a, b uint32) bool {
	na, nb := t.nodes.at(a), t.nodes.at(b)
	return na.parent == nb.parent && string(t.arena.name(na.ref)) == string(t.arena.name(nb.ref))
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
	want := indexPlace(hash, slot)
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
