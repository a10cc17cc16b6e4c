package tree

// index finds a child by parent and name. It is an open-addressing hash table, cut into segments by the hash; each grows
// alone, so a growing tree never stops to rehash all of it.
type index struct {
	segments [indexSegments]indexSegment
}

type indexSegment struct {
	places []place
	count  int
}

// place is 12 bytes of the table. It leads to the node's entry in the arena, which has parent and name and so tells whether
// it is the one. The slot is here as well, so that the processor can fetch the node while it still waits for the entry:
// in a large tree both have to come from memory.
type place struct {
	hash uint32 // the low half
	slot uint32
	ref1 ref // plus one; 0 is an empty place
}

func newPlace(hash uint64, slot uint32, r ref) place {
	return place{hash: uint32(hash), slot: slot, ref1: r + 1}
}

const (
	indexSegmentBits = 8
	indexSegments    = 1 << indexSegmentBits
	indexMinPlaces   = 4
)

func (x *index) segment(hash uint64) *indexSegment { return &x.segments[indexSegmentOf(hash)] }

func indexSegmentOf(hash uint64) uint64 { return hash >> (64 - indexSegmentBits) }

// home is where a hash's search begins. Multiplying instead of masking allows sizes that are no power of two, so a
// table may grow by half.
func (s *indexSegment) home(hash uint32) int {
	return int(uint64(hash) * uint64(len(s.places)) >> 32)
}

// insert adds an entry that is not there yet.
func (x *index) insert(hash uint64, slot uint32, r ref) {
	s := x.segment(hash)
	if s.count >= len(s.places)*4/5 {
		s.resize(max(indexMinPlaces, len(s.places)*3/2))
	}
	s.put(newPlace(hash, slot, r))
	s.count++
}

func (s *indexSegment) put(p place) {
	for i := s.home(p.hash); ; {
		if s.places[i].ref1 == 0 {
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
	s.places = make([]place, n)
	for _, p := range old {
		if p.ref1 != 0 {
			s.put(p)
		}
	}
}

// at gives the place of an entry that is in the table.
func (s *indexSegment) at(hash uint32, r ref) int {
	for i := s.home(hash); ; {
		if s.places[i].ref1 == r+1 {
			return i
		}
		if i++; i == len(s.places) {
			i = 0
		}
	}
}

// holder is the slot whose entry that is, or none.
func (x *index) holder(hash uint64, r ref) uint32 {
	s := x.segment(hash)
	if len(s.places) == 0 {
		return none
	}
	for i := s.home(uint32(hash)); s.places[i].ref1 != 0; {
		if s.places[i].ref1 == r+1 {
			return s.places[i].slot
		}
		if i++; i == len(s.places) {
			i = 0
		}
	}
	return none
}

// moved notes where an entry is now.
func (x *index) moved(hash uint64, from, to ref) {
	s := x.segment(hash)
	s.places[s.at(uint32(hash), from)].ref1 = to + 1
}

// remove takes an entry out and closes the gap: later entries of the run move up, so no search ends too early.
func (x *index) remove(hash uint64, r ref) {
	s := x.segment(hash)
	n := len(s.places)
	i := s.at(uint32(hash), r)
	for j := i; ; {
		if j++; j == n {
			j = 0
		}
		p := s.places[j]
		if p.ref1 == 0 {
			break
		}
		if between(i, s.home(p.hash), j) {
			continue
		}
		s.places[i] = p
		i = j
	}
	s.places[i] = place{}
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

// findHash finds a child in the index, or none. Hash is what hash(parent, name) gives.
func (t *Tree) findHash(hash uint64, parent uint32, name string) uint32 {
	s := t.index.segment(hash)
	places := s.places
	if len(places) == 0 {
		return none
	}
	for i := s.home(uint32(hash)); ; {
		p := &places[i]
		if p.ref1 == 0 {
			return none
		}
		if p.hash == uint32(hash) {
			if t.arena.match(p.ref1-1, parent, name) {
				return p.slot
			}
		}
		if i++; i == len(places) {
			i = 0
		}
	}
}

// fillIndex makes the index of a tree that has none from the places of each segment. It returns the entry of a node whose
// parent has another child of the same name, or noRef.
func (t *Tree) fillIndex(places *[indexSegments][]place) ref {
	for i := range places {
		s := &t.index.segments[i]
		s.resize(len(places[i])*10/7 + indexMinPlaces)
		s.count = len(places[i])
		for _, p := range places[i] {
			if other := s.putNew(p, t.sameName); other != noRef {
				return other
			}
		}
	}
	return noRef
}

// putNew is put, but it returns an entry that is the same by hash and by same.
func (s *indexSegment) putNew(p place, same func(a, b ref) bool) ref {
	for i := s.home(p.hash); ; {
		q := s.places[i]
		if q.ref1 == 0 {
			s.places[i] = p
			return noRef
		}
		if q.hash == p.hash && same(q.ref1-1, p.ref1-1) {
			return q.ref1 - 1
		}
		if i++; i == len(s.places) {
			i = 0
		}
	}
}

func (t *Tree) sameName(a, b ref) bool {
	return t.arena.match(a, t.arena.parent(b), text(t.arena.name(b)))
}
