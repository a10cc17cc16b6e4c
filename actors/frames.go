package actors

import "sync"

// Buffers of frames go from final to a connection and, once written, back here: at full load a reply so costs no
// memory. Larger ones are left to the collector, so that one big answer isn't kept for ever.
const (
	firstFrames   = 512
	largestFrames = 64 << 10
)

var framePool = sync.Pool{New: func() any {
	b := make([]byte, 0, firstFrames)
	return &b
}}

// takeFrames gives an empty buffer.
func takeFrames() []byte { return (*framePool.Get().(*[]byte))[:0] }

// giveFrames takes back a buffer that nobody uses any more.
func giveFrames(b []byte) {
	if cap(b) <= largestFrames {
		framePool.Put(&b)
	}
}
