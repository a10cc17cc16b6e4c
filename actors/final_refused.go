package actors

import (
	"encoding/binary"

	"github.com/troupekeeper/troupe/messages"
)

// refused answers a request that a stage has refused, as the operation that it was.
func (f *Final) refused(c *finalConn, r *messages.Request) {
	code, was := refusedBy(r)
	f.fail(c, &was, code)
}

// replyCode and replyZxid read a reply's frame, which begins with its length and its xid.
func replyCode(frame []byte) messages.ErrCode {
	return messages.ErrCode(int32(binary.BigEndian.Uint32(frame[16:])))
}

func replyZxid(frame []byte) messages.Zxid { return messages.Zxid(binary.BigEndian.Uint64(frame[8:])) }
