package tree

import "encoding/binary"

// arena keeps what is of variable length: the name and data of each node, in one entry. Entries are written at the end
// of the newest block. New data that fits in the place of the old is written over it; otherwise the node gets a new
// entry and the old one is a hole. When more than half of a block is holes, what still lives in it is copied to the
// newest block and the old one is used again. So millions of nodes are a few thousand objects to the collector, and a
// slice into the arena is good until the next change, no longer.
type arena struct {
	t      *Tree // its nodes and its index know where entries are
	blocks []arenaBlock
	vacant []uint32 // indexes of blocks that are gone
	tail   uint32   // the block that is being filled; none before the first
	spare  [][]byte // buffers of blocks that are gone, for the next ones: a new one would have to be zeroed
	own    ownEntries
	limit  int // of blocks
}

type arenaBlock struct {
	buf  []byte // len is what is written, cap the block's size
	live int    // bytes of entries that nodes refer to
}

const (
	arenaBlockSize = 64 << 10
	// An entry above this size is on its own, so a block's tail that stays empty is at most 1/8 of it.
	arenaOwnBlock = arenaBlockSize / 8
	// Writes fill blocks about as fast as they clear them, so a few spare ones serve them all.
	arenaSpareBlocks = 4
)

// ref says where an entry is, in half a word: in a block, by the block's index and the offset in units; or, with the
// highest bit, on its own. There can be 8 GiB of blocks; what is more is on its own, which costs memory and no more.
type ref uint32

const (
	entryUnit  = 4 // entries begin and end at multiples of it
	offsetBits = 14
	mostBlocks = 1 << (31 - offsetBits)
	onItsOwn   = ref(1) << 31

	// noRef is the ref of a node that has no entry yet.
	noRef = ^ref(0)
)

func (r ref) block() uint32 { return uint32(r >> offsetBits) }

func (r ref) offset() int { return int(r&(1<<offsetBits-1)) * entryUnit }

func refTo(block uint32, offset int) ref { return ref(block)<<offsetBits | ref(offset/entryUnit) }

// An entry is: the slot of the node's parent (4 bytes), length of the name, length of the data plus one or 0 for nil data
// (both as uvarints), name, data, and what is missing to whole units. Parent and name tell whose entry it is, to a lookup
// and to one who walks through a block. A unit that has none for a parent is no entry but the end of one that has shrunk.
const entryHead = 4

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

func dataCode(data []byte) uint64 {
	if data == nil {
		return 0
	}
	return uint64(len(data)) + 1
}

func wholeUnits(size int) int { return (size + entryUnit - 1) &^ (entryUnit - 1) }

// add writes an entry.
func (a *arena) add(parent uint32, name string, data []byte) ref {
	code := dataCode(data)
	r, buf := a.take(wholeUnits(entryHead + uvarintLen(uint64(len(name))) + uvarintLen(code) + len(name) + len(data)))
	buf = binary.LittleEndian.AppendUint32(buf[:0], parent)
	buf = binary.AppendUvarint(buf, uint64(len(name)))
	buf = binary.AppendUvarint(buf, code)
	buf = append(buf, name...)
	_ = append(buf, data...)
	return r
}

// take finds a place for an entry of that size. It may move entries of other nodes.
func (a *arena) take(size int) (ref, []byte) {
	if size <= arenaOwnBlock {
		if b := a.room(size); b != none {
			blk := &a.blocks[b]
			at := len(blk.buf)
			blk.buf = blk.buf[:at+size]
			blk.live += size
			return refTo(b, at), blk.buf[at : at+size : at+size]
		}
	}
	return a.own.take(size)
}

// room gives the block that has room, or none if there can be no more blocks.
func (a *arena) room(size int) uint32 {
	old := a.tail
	if old != none {
		if blk := &a.blocks[old]; cap(blk.buf)-len(blk.buf) >= size {
			return old
		}
	}
	b := a.newBlock()
	if b == none {
		return none
	}
	a.tail = b
	if old != none {
		// What lives in the old block takes less than half of the new one if it moves there.
		a.tidy(old)
	}
	return a.tail
}

// tidy gives a block up when less than half of it is in use.
func (a *arena) tidy(b uint32) {
	blk := &a.blocks[b]
	switch {
	case b == a.tail:
	case blk.live == 0:
		a.discard(b)
	case blk.live < len(blk.buf)/2:
		a.evacuate(b)
	}
}

func (a *arena) newBlock() uint32 {
	n := len(a.vacant)
	if n == 0 {
		if len(a.blocks) >= a.limit {
			return none
		}
		a.blocks = append(a.blocks, arenaBlock{buf: a.buffer()})
		return uint32(len(a.blocks) - 1)
	}
	b := a.vacant[n-1]
	a.vacant = a.vacant[:n-1]
	a.blocks[b] = arenaBlock{buf: a.buffer()}
	return b
}

func (a *arena) buffer() []byte {
	n := len(a.spare)
	if n == 0 {
		return make([]byte, 0, arenaBlockSize)
	}
	buf := a.spare[n-1]
	a.spare[n-1] = nil
	a.spare = a.spare[:n-1]
	return buf
}

// bytes begins with the entry; what follows it may be behind.
func (a *arena) bytes(r ref) []byte {
	if r < onItsOwn {
		return a.blocks[r.block()].buf[r.offset():]
	}
	return a.own.entries[r&^onItsOwn]
}

// overwrite puts data in the place of an entry's, if it fits there; false if it doesn't. It may move entries.
func (a *arena) overwrite(r ref, data []byte) bool {
	e := a.get(r)
	code := dataCode(data)
	if uvarintLen(code) != e.codeLen {
		return false
	}
	size := wholeUnits(e.dataAt + len(data))
	if size > e.size || r >= onItsOwn && size < e.size-e.size/8 {
		return false
	}
	buf := a.bytes(r)
	binary.PutUvarint(buf[e.nameAt-e.codeLen:], code)
	copy(buf[e.dataAt:], data)
	if gap := e.size - size; gap > 0 {
		if r >= onItsOwn {
			a.own.entries[r&^onItsOwn] = buf[:size]
			return true
		}
		for i := size; i < e.size; i++ {
			buf[i] = 0xff // units that have none for a parent
		}
		a.blocks[r.block()].live -= gap
		a.tidy(r.block())
	}
	return true
}

// entry is a decoded entry. name and data point into the block, so they are good until the next change of the arena.
type entry struct {
	parent                  uint32
	name, data              []byte
	codeLen, nameAt, dataAt int
	size                    int // in whole units
}

func (a *arena) get(r ref) entry {
	buf := a.bytes(r)
	at := entryHead
	nameLen, n := uint64(buf[at]), 1
	if nameLen >= 0x80 {
		nameLen, n = binary.Uvarint(buf[at:])
	}
	at += n
	code, n := uint64(buf[at]), 1
	if code >= 0x80 {
		code, n = binary.Uvarint(buf[at:])
	}
	at += n
	end := at + int(nameLen)
	e := entry{
		parent: binary.LittleEndian.Uint32(buf), name: buf[at:end:end], codeLen: n, nameAt: at, dataAt: end, size: wholeUnits(end),
	}
	if code > 0 {
		last := end + int(code-1)
		e.data, e.size = buf[end:last:last], wholeUnits(last)
	}
	return e
}

// name is get for the name alone, for the index's comparisons.
func (a *arena) name(r ref) []byte { return entryName(a.bytes(r)) }

func entryName(buf []byte) []byte {
	nameLen, code := int(buf[entryHead]), buf[entryHead+1]
	at := entryHead + 2
	if nameLen >= 0x80 {
		long, n := binary.Uvarint(buf[entryHead:])
		nameLen, at = int(long), entryHead+n+1
		code = buf[at-1]
	}
	if code >= 0x80 {
		for at++; buf[at-1] >= 0x80; at++ {
		}
	}
	return buf[at : at+nameLen : at+nameLen]
}

// parent is get for the parent alone.
func (a *arena) parent(r ref) uint32 { return binary.LittleEndian.Uint32(a.bytes(r)) }

// match tells whether the entry is that of the parent's child with the name.
func (a *arena) match(r ref, parent uint32, name string) bool {
	buf := a.bytes(r)
	return binary.LittleEndian.Uint32(buf) == parent && string(entryName(buf)) == name
}

// drop turns an entry into a hole. It may move entries of other nodes, so the owner must have left r before.
func (a *arena) drop(r ref) {
	if r >= onItsOwn {
		a.own.drop(r)
		return
	}
	a.blocks[r.block()].live -= a.get(r).size
	a.tidy(r.block())
}

// discard gives a block up. Its bytes stay as they are until the next block is begun: a name that add was given may still
// lie there.
func (a *arena) discard(b uint32) {
	if len(a.spare) < arenaSpareBlocks {
		a.spare = append(a.spare, a.blocks[b].buf[:0])
	}
	a.blocks[b] = arenaBlock{}
	a.vacant = append(a.vacant, b)
}

// evacuate moves a block's live entries to the tail. An entry lives when a node has its ref.
func (a *arena) evacuate(b uint32) {
	buf := a.blocks[b].buf
	for at := 0; at < len(buf); {
		if binary.LittleEndian.Uint32(buf[at:]) == none {
			at += entryUnit
			continue
		}
		here := refTo(b, at)
		e := a.get(here)
		if slot := a.t.holder(e.parent, text(e.name), here); slot != none {
			to, into := a.take(e.size)
			copy(into, buf[at:at+e.size])
			a.t.moved(slot, e.parent, text(e.name), here, to)
		}
		at += e.size
	}
	a.discard(b)
}

// ownEntries are those that are in no block.
type ownEntries struct {
	entries [][]byte
	vacant  []uint32
}

func (o *ownEntries) take(size int) (ref, []byte) {
	buf := make([]byte, size)
	if n := len(o.vacant); n > 0 {
		i := o.vacant[n-1]
		o.vacant = o.vacant[:n-1]
		o.entries[i] = buf
		return onItsOwn | ref(i), buf
	}
	o.entries = append(o.entries, buf)
	return onItsOwn | ref(len(o.entries)-1), buf
}

func (o *ownEntries) drop(r ref) {
	o.entries[r&^onItsOwn] = nil
	o.vacant = append(o.vacant, uint32(r&^onItsOwn))
}
