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

// place is 12 bytes of the table. The hint is where the name was when the place was last written. The arena may have
// moved it since, so it proves nothing. But it lets the processor fetch the name while it still waits for the node,
// instead of afterwards, and in a large tree both have to come from memory.
type place struct {
	hash uint32 // the low half
	slot uint32 // plus one; 0 is an empty place
	hint uint32 // block and offset in the arena, 16 bits each; 0 for what doesn't fit
}

func newPlace(hash uint64, slot uint32, r ref) place {
	return place{hash: uint32(hash), slot: slot + 1, hint: hintOf(r)}
}

func hintOf(r ref) uint32 {
	if r.block() >= 1<<16 || uint32(r) >= 1<<16 {
		return 0
	}
	return r.block()<<16 | uint32(r)
}

func (p *place) ref() ref { return ref(p.hint>>16)<<32 | ref(p.hint&0xffff) }

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

// insert adds a slot that is not there yet.
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
		if s.places[i].slot == 0 {
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
		if p.slot != 0 {
			s.put(p)
		}
	}
}

// at gives the place of a slot that is in the table.
func (s *indexSegment) at(hash, slot uint32) int {
	for i := s.home(hash); ; {
		if s.places[i].slot == slot+1 {
			return i
		}
		if i++; i == len(s.places) {
			i = 0
		}
	}
}

// moved writes a new hint.
func (x *index) moved(hash uint64, slot uint32, r ref) {
	s := x.segment(hash)
	s.places[s.at(uint32(hash), slot)].hint = hintOf(r)
}

// remove takes a slot out and closes the gap: later entries of the run move up, so no search ends too early.
func (x *index) remove(hash uint64, slot uint32) {
	s := x.segment(hash)
	n := len(s.places)
	i := s.at(uint32(hash), slot)
	for j := i; ; {
		if j++; j == n {
			j = 0
		}
		p := s.places[j]
		if p.slot == 0 {
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
		if p.slot == 0 {
			return none
		}
		if p.hash == uint32(hash) {
			nd := t.nodes.at(p.slot - 1)
			var same bool
			if r := p.ref(); nd.ref == r { // predicted, so the name is on its way before the node has come
				same = string(t.arena.name(r)) == name
			} else {
				same = string(t.arena.name(nd.ref)) == name
			}
			if same && nd.parent == parent {
				return p.slot - 1
			}
		}
		if i++; i == len(places) {
			i = 0
		}
	}
}

// fillIndex makes the index of a tree that has none from the places of each segment. It returns the slot of a node whose
// parent has another child of the same name, or none.
func (t *Tree) fillIndex(places *[indexSegments][]place) uint32 {
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
func (s *indexSegment) putNew(p place, same func(a, b uint32) bool) uint32 {
	for i := s.home(p.hash); ; {
		q := s.places[i]
		if q.slot == 0 {
			s.places[i] = p
			return none
		}
		if q.hash == p.hash && same(q.slot-1, p.slot-1) {
			return q.slot - 1
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
