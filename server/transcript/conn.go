package transcript

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// frameMax is more than any server here sends; a longer frame is an error of the server's.
const frameMax = 64 << 20

// conn is one client's connection. A goroutine of its own cuts what comes into frames.
type conn struct {
	net.Conn
	frames chan []byte // with their lengths; closed at the end
	err    error       // why it ended; to be read when frames is closed
}

func (c *conn) read(ctx context.Context) {
	defer close(c.frames)
	for {
		frame := make([]byte, 4)
		if _, c.err = io.ReadFull(c, frame); c.err != nil {
			return
		}
		n := binary.BigEndian.Uint32(frame)
		if n > frameMax {
			c.err = fmt.Errorf("the server announced a frame of %d bytes", n)
			return
		}
		frame = append(frame, make([]byte, n)...)
		if _, c.err = io.ReadFull(c, frame[4:]); c.err != nil {
			return
		}
		select {
		case c.frames <- frame:
		case <-ctx.Done():
			return
		}
	}
}

// ended is why the connection has ended; frames must be closed.
func (c *conn) ended() error { return c.err }
