package actors

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFifo compares the queue with a plain list, through all the sizes at which it moves or gives back its memory.
func TestFifo(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var q fifo[*int]
	var want []*int
	for step := range 20_000 {
		switch n := rnd.IntN(len(want) + 1); rnd.IntN(5) {
		case 0, 1, 2:
			for range rnd.IntN(40) {
				item := new(int)
				*item = step
				q.add(item)
				want = append(want, item)
			}
		case 3:
			q.drop(n)
			want = want[n:]
		case 4:
			if step%7 == 0 {
				q.cut(n)
				want = want[:n]
			}
		}
		if q.len() != len(want) || !slices.Equal(q.items(), want) || len(want) > 0 && *q.first() != want[0] {
			t.Fatalf("step %d: the queue and the list differ", step)
		}
		unused := slices.Concat(q.all[:q.head], q.all[len(q.all):cap(q.all)])
		if slices.ContainsFunc(unused, func(i *int) bool { return i != nil }) {
			t.Fatalf("step %d: what has been taken out is still held", step)
		}
	}
	q.cut(0)
	for range 2 * fifoKept {
		q.add(new(int))
	}
	if q.drop(q.len()); cap(q.all) > fifoKept {
		t.Fatalf("an empty queue keeps room for %d items", cap(q.all))
	}
}
