package actors

// fifo is first in, first out. Its memory is used again, what a burst has left is given back when the queue is empty.
type fifo[T any] struct {
	all  []T
	head int // how many at the front are gone
}

// fifoKept is how many items an empty queue keeps room for.
const fifoKept = 4096

func (q *fifo[T]) len() int { return len(q.all) - q.head }

// items are what is in the queue, the oldest first, until the next call.
func (q *fifo[T]) items() []T { return q.all[q.head:] }

func (q *fifo[T]) add(item T) {
	if q.head > 0 && len(q.all) == cap(q.all) && q.head >= len(q.all)/2 {
		n := copy(q.all, q.all[q.head:])
		clear(q.all[n:])
		q.all, q.head = q.all[:n], 0
	}
	q.all = append(q.all, item)
}

// first is the oldest one; there must be one.
func (q *fifo[T]) first() *T { return &q.all[q.head] }

// drop takes the oldest ones out.
func (q *fifo[T]) drop(n int) {
	clear(q.all[q.head : q.head+n])
	if q.head += n; q.head < len(q.all) {
		return
	}
	q.all, q.head = q.all[:0], 0
	if cap(q.all) > fifoKept {
		q.all = nil
	}
}

// cut takes out what is behind the first n.
func (q *fifo[T]) cut(n int) {
	clear(q.all[q.head+n:])
	q.all = q.all[:q.head+n]
}
