package actors

import (
	"bytes"
	"testing"
)

func TestReservedFramesKeepWhatTheyHold(t *testing.T) {
	for _, n := range []int{0, 100, smallFrames, smallFrames + 1, 1 << 20, largestFrames + 1} {
		b := append(takeFrames(), "begun"...)
		b = reserveFrames(b, n)
		if string(b) != "begun" {
			t.Fatalf("%d bytes more: %q", n, b)
		}
		if large := len(b)+n > smallFrames; large && cap(b)-len(b) < n {
			t.Fatalf("%d bytes more don't fit into %d", n, cap(b)-len(b))
		}
		b = append(b, bytes.Repeat([]byte("x"), n)...)
		giveFrames(b)
		if next := takeFrames(); len(next) != 0 || cap(next) > smallFrames {
			t.Fatalf("after a reply of %d bytes the next one begins with %d bytes in a buffer of %d", n, len(next), cap(next))
		}
	}
}
