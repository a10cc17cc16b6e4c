package messages

import "iter"

// BatchBytes is how many bytes of transactions or requests go between servers in one message. One that is larger than
// that goes alone.
const BatchBytes = 1 << 20

// Batches cuts a list into parts of at most BatchBytes by the size of each item, one item at least. The parts share the
// list's memory.
func Batches[T any](items []T, size func(*T) int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		start, bytes := 0, 0
		for i := range items {
			n := size(&items[i])
			if i > start && bytes+n > BatchBytes {
				if !yield(items[start:i:i]) {
					return
				}
				start, bytes = i, 0
			}
			bytes += n
		}
		if start < len(items) {
			yield(items[start:])
		}
	}
}

// Size is how much a proposal takes in a message between servers, in bytes.
func (p *Proposal) Size() int { return len(p.Encoded) + 32 }

// Size is how much a request takes in a message between servers, in bytes.
func (r *Request) Size() int { return len(r.Body) + 128 }
