package actors

import "sync"

// Buffers of frames go from final to a connection and, once written, back here: at full load a reply so costs no
// memory. Large ones have a pool of their own, so that a short reply doesn't take one with it; the collector empties both.
const (
	firstFrames   = 512
	smallFrames   = 64 << 10 // the largest that is a small one
	largestFrames = 8 << 20  // and the largest that is kept at all
)

var (
	framePool = sync.Pool{New: func() any {
		b := make([]byte, 0, firstFrames)
		return &b
	}}
	largeFramePool sync.Pool
)

// takeFrames gives an empty buffer.
func takeFrames() []byte { return (*framePool.Get().(*[]byte))[:0] }

// reserveFrames gives b room for n bytes more. A large buffer that grew step by step would be copied at each of them.
func reserveFrames(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) || need <= smallFrames {
		return b // append knows what to do
	}
	large, ok := largeFramePool.Get().(*[]byte)
	if !ok || cap(*large) < need {
		grown := make([]byte, 0, max(need+need/4, 2*smallFrames))
		large = &grown
	}
	grown := append((*large)[:0], b...)
	giveFrames(b)
	return grown
}

// giveFrames takes back a buffer that nobody uses any more.
func giveFrames(b []byte) {
	switch {
	case cap(b) <= smallFrames:
		framePool.Put(&b)
	case cap(b) <= largestFrames:
		largeFramePool.Put(&b)
	}
}
