package tree

import "math/bits"

const (
	chunkBits = 10
	chunkSize = 1 << chunkBits
	chunkMask = chunkSize - 1
	// none is the index that names no item. 2³²−1 nodes would need 256 GB, so it is never a real one.
	none = ^uint32(0)
)

// slab hands out items by a 32-bit index, which is half of a pointer and nothing for the garbage collector to
// follow. Items live in chunks that never move; a chunk that has become empty is given back.
type slab[T any] struct {
	items []*[chunkSize]T // nil where a chunk was given back
	meta  []chunkMeta
	open  []uint32 // chunks with room, the last one is used first
	live  int      // items in use
	spare int      // empty chunks that are kept, so that one node that comes and goes costs no allocation
}

type chunkMeta struct {
	used [chunkSize / 64]uint64
	live uint32
}

// maxSpareChunks bounds the memory that an emptied slab keeps.
const maxSpareChunks = 2

func (s *slab[T]) at(i uint32) *T { return &s.items[i>>chunkBits][i&chunkMask] }

// size is an upper bound of the indexes in use.
func (s *slab[T]) size() uint32 { return uint32(len(s.items)) << chunkBits }

func (s *slab[T]) inUse(i uint32) bool {
	c := i >> chunkBits
	return int(c) < len(s.meta) && s.meta[c].used[i&chunkMask>>6]&(1<<(i&63)) != 0
}

// alloc takes a free item. Its value is zero.
func (s *slab[T]) alloc() uint32 {
	if len(s.open) == 0 {
		s.items = append(s.items, nil)
		s.meta = append(s.meta, chunkMeta{})
		s.open = append(s.open, uint32(len(s.items)-1))
	}
	c := s.open[len(s.open)-1]
	m := &s.meta[c]
	if m.live == 0 {
		if s.items[c] == nil {
			s.items[c] = new([chunkSize]T)
		} else {
			s.spare--
		}
	}
	w := 0
	for m.used[w] == ^uint64(0) {
		w++
	}
	bit := bits.TrailingZeros64(^m.used[w])
	m.used[w] |= 1 << bit
	if m.live++; m.live == chunkSize {
		s.open = s.open[:len(s.open)-1]
	}
	s.live++
	return c<<chunkBits | uint32(w<<6|bit)
}

// free gives an item back and zeroes it.
func (s *slab[T]) free(i uint32) {
	c := i >> chunkBits
	m := &s.meta[c]
	var zero T
	s.items[c][i&chunkMask] = zero
	m.used[i&chunkMask>>6] &^= 1 << (i & 63)
	if m.live == chunkSize {
		s.open = append(s.open, c)
	}
	m.live--
	s.live--
	if m.live == 0 {
		if s.spare < maxSpareChunks {
			s.spare++
		} else {
			s.items[c] = nil
		}
	}
}

// next is the first index in use at or after i, or none.
func (s *slab[T]) next(i uint32) uint32 {
	for c := i >> chunkBits; int(c) < len(s.meta); c++ {
		w := int(i & chunkMask >> 6)
		word := s.meta[c].used[w] &^ (1<<(i&63) - 1)
		for {
			if word != 0 {
				return c<<chunkBits | uint32(w<<6|bits.TrailingZeros64(word))
			}
			if w++; w == chunkSize/64 {
				break
			}
			word = s.meta[c].used[w]
		}
		i = (c + 1) << chunkBits
	}
	return none
}
