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
	// headerPool has what the other two keep a buffer in while it is in use and they have none.
	headerPool = sync.Pool{New: func() any { return new([]byte) }}
)

// takeFrames gives an empty buffer.
func takeFrames() []byte { return unwrapFrames(framePool.Get().(*[]byte))[:0] }

func unwrapFrames(header *[]byte) []byte {
	b := *header
	*header = nil
	headerPool.Put(header)
	return b
}

func wrapFrames(b []byte) *[]byte {
	header := headerPool.Get().(*[]byte)
	*header = b
	return header
}

// reserveFrames gives b room for n bytes more. A large buffer that grew step by step would be copied at each of them.
func reserveFrames(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) || need <= smallFrames {
		return b // append knows what to do
	}
	var grown []byte
	if header, ok := largeFramePool.Get().(*[]byte); ok {
		grown = unwrapFrames(header)[:0]
	}
	if cap(grown) < need {
		grown = make([]byte, 0, max(need+need/4, 2*smallFrames))
	}
	grown = append(grown, b...)
	giveFrames(b)
	return grown
}

// giveFrames takes back a buffer that nobody uses any more.
func giveFrames(b []byte) {
	switch {
	case cap(b) <= smallFrames:
		framePool.Put(wrapFrames(b))
	case cap(b) <= largestFrames:
		largeFramePool.Put(wrapFrames(b))
	}
}
