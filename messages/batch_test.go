package messages

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the sizes are, nothing is lost or swapped, and a part is above the limit only if it is one item.
func TestBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOf(rapid.IntRange(0, BatchBytes+BatchBytes/4)).Draw(t, "sizes")
		var all []int
		for part := range Batches(sizes, func(n *int) int { return *n }) {
			sum := 0
			for _, n := range part {
				sum += n
			}
			if len(part) == 0 || (sum > BatchBytes && len(part) > 1) {
				t.Fatalf("a part of %d items with %d bytes", len(part), sum)
			}
			all = append(all, part...)
		}
		if !slices.Equal(all, sizes) {
			t.Fatalf("%v became %v", sizes, all)
		}
	})
}
