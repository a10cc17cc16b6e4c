package tree

import "encoding/binary"

// arena keeps the bytes of all nodes: name and data, one entry a node. Entries are written at the end of the newest
// block. New data that is as long as the old is written over it; otherwise the node gets a new entry and the old one is
// a hole. When more than half of a block is holes, what still lives in it is copied to the newest block and the old one
// is used again. So millions of nodes are a few thousand objects to the collector, and a slice into the arena is good
// until the next change, no longer.
type arena struct {
	nodes  *slab[node] // where an entry's owner keeps its ref
	blocks []arenaBlock
	vacant []uint32 // indexes of blocks that are gone
	tail   uint32   // the block that is being filled; none before the first
	spare  [][]byte // buffers of blocks that are gone, for the next ones: a new one would have to be zeroed
}

type arenaBlock struct {
	buf  []byte // len is what is written, cap the block's size
	live int    // bytes of entries that nodes refer to
}

const (
	arenaBlockSize = 64 << 10
	// An entry above this size gets a block of its own, so a block's tail that stays empty is at most 1/8 of it.
	arenaOwnBlock = arenaBlockSize / 8
	// Writes fill blocks about as fast as they clear them, so a few spare ones serve them all.
	arenaSpareBlocks = 4
)

// ref says where an entry is: block in the high half, offset in the low half.
type ref uint64

// noRef is the ref of a node that has no entry yet.
const noRef = ^ref(0)

func (r ref) block() uint32 { return uint32(r >> 32) }

// An entry is: owner's slot (4 bytes), length of the name, length of the data plus one or 0 for nil data (both as
// uvarints), name, data.
const entryOwnerSize = 4

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

// add writes an entry.
func (a *arena) add(owner uint32, name string, data []byte) ref {
	code := dataCode(data)
	size := entryOwnerSize + uvarintLen(uint64(len(name))) + uvarintLen(code) + len(name) + len(data)
	b := a.room(size)
	blk := &a.blocks[b]
	at := len(blk.buf)
	buf := binary.LittleEndian.AppendUint32(blk.buf, owner)
	buf = binary.AppendUvarint(buf, uint64(len(name)))
	buf = binary.AppendUvarint(buf, code)
	buf = append(buf, name...)
	blk.buf = append(buf, data...)
	blk.live += size
	return ref(b)<<32 | ref(at)
}

// room finds the block for an entry of that size. It may move entries of other nodes.
func (a *arena) room(size int) uint32 {
	if size > arenaOwnBlock {
		return a.newBlock(size)
	}
	old := a.tail
	if old != none {
		if blk := &a.blocks[old]; cap(blk.buf)-len(blk.buf) >= size {
			return old
		}
	}
	a.tail = a.newBlock(arenaBlockSize)
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

func (a *arena) newBlock(size int) uint32 {
	blk := arenaBlock{buf: a.buffer(size)}
	if n := len(a.vacant); n > 0 {
		b := a.vacant[n-1]
		a.vacant = a.vacant[:n-1]
		a.blocks[b] = blk
		return b
	}
	a.blocks = append(a.blocks, blk)
	return uint32(len(a.blocks) - 1)
}

func (a *arena) buffer(size int) []byte {
	n := len(a.spare)
	if size != arenaBlockSize || n == 0 {
		return make([]byte, 0, size)
	}
	buf := a.spare[n-1]
	a.spare[n-1] = nil
	a.spare = a.spare[:n-1]
	return buf
}

// overwrite puts data in the place of an entry's, if it is as long; false if it isn't.
func (a *arena) overwrite(r ref, data []byte) bool {
	old := a.get(r).data
	if dataCode(old) != dataCode(data) {
		return false
	}
	copy(old, data)
	return true
}

// entry is a decoded entry. name and data point into the block, so they are good until the next change of the arena.
type entry struct {
	name, data []byte
	size       int
}

func (a *arena) get(r ref) entry {
	buf := a.blocks[r.block()].buf[uint32(r):]
	at := entryOwnerSize
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
	e := entry{name: buf[at:end:end], size: end}
	if code > 0 {
		e.size += int(code - 1)
		e.data = buf[end:e.size:e.size]
	}
	return e
}

// name is get for the name alone, for the index's comparisons.
func (a *arena) name(r ref) []byte {
	buf := a.blocks[r.block()].buf[uint32(r):]
	nameLen, code := buf[entryOwnerSize], buf[entryOwnerSize+1]
	if nameLen >= 0x80 {
		return a.get(r).name
	}
	at := entryOwnerSize + 2
	if code >= 0x80 {
		for at++; buf[at-1] >= 0x80; at++ {
		}
	}
	return buf[at : at+int(nameLen)]
}

// drop turns an entry into a hole. It may move entries of other nodes, so the owner must have left r before.
func (a *arena) drop(r ref) {
	size := a.get(r).size
	a.blocks[r.block()].live -= size
	a.tidy(r.block())
}

// discard gives a block up. Its bytes stay as they are until the next block is begun: a name that add was given may still
// lie there.
func (a *arena) discard(b uint32) {
	if buf := a.blocks[b].buf; cap(buf) == arenaBlockSize && len(a.spare) < arenaSpareBlocks {
		a.spare = append(a.spare, buf[:0])
	}
	a.blocks[b] = arenaBlock{}
	a.vacant = append(a.vacant, b)
}

// evacuate moves a block's live entries to the tail. An entry lives when its owner's ref points to it.
func (a *arena) evacuate(b uint32) {
	buf := a.blocks[b].buf
	for at := 0; at < len(buf); {
		here := ref(b)<<32 | ref(at)
		size := a.get(here).size
		slot := binary.LittleEndian.Uint32(buf[at:])
		if a.nodes.inUse(slot) && a.nodes.at(slot).ref == here {
			to := a.room(size)
			blk := &a.blocks[to]
			a.nodes.at(slot).ref = ref(to)<<32 | ref(len(blk.buf))
			blk.buf = append(blk.buf, buf[at:at+size]...)
			blk.live += size
		}
		at += size
	}
	a.discard(b)
}
