package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Op is a kind of request that the generator sends and accounts for.
type Op uint8

// The kinds of request. OpConnect stands for the handshake that opens a
// session; OpEcho is a frame for an echo server, which returns it unchanged;
// OpWatch is a get that leaves a watch, OpEvent the event that this fires and
// OpLastEvent the last of those that one write fired; OpRecipe is any request of
// a recipe, and the kinds after it are what recipes time.
const (
	OpGet Op = iota
	OpSet
	OpCreate
	OpDelete
	OpPing
	OpConnect
	OpClose
	OpEcho
	OpSync
	OpWatch
	OpEvent
	OpLastEvent
	OpExists
	OpChildren
	OpMulti
	OpCreateSequential
	OpRecipe
	OpHandOver
	OpTake
	OpBarrier

	opCount
)

// opNames and opCodes are indexed by Op. The codes are the protocol's opcodes;
// OpConnect has none, since the handshake has no request header, nor have events.
var (
	opNames = [opCount]string{"get", "set", "create", "delete", "ping", "connect", "close", "echo", "sync", "watch", "event", "last event",
		"exists", "list", "multi", "create sequential", "request", "hand-over", "take", "barrier"}
	opCodes = [opCount]int32{4, 5, 1, 2, 11, 0, -11, 0, 9, 4, 0, 0, 3, 12, 14, 1, 0, 0, 0, 0}
)

// String returns the name used in reports.
func (o Op) String() string {
	if o >= opCount {
		return fmt.Sprintf("op(%d)", uint8(o))
	}
	return opNames[o]
}

// answered says that this kind stands for an answer, and not for an event or for
// what a load times by itself.
func (o Op) answered() bool {
	switch o {
	case OpEvent, OpLastEvent, OpHandOver, OpTake, OpBarrier:
		return false
	}
	return true
}

const (
	// pingXid is what a server puts into the answer of every ping.
	pingXid = -2
	// watchXid marks a watch event, which no request asked for.
	watchXid = -1
	// replyHeaderBytes is xid, zxid and error code.
	replyHeaderBytes = 16
	// statBytes is the fixed length of a Stat record.
	statBytes = 68
	// statDataLengthOffset is where a Stat holds the length of the data.
	statDataLengthOffset = 52
	// statChildrenOffset is where it holds the number of children.
	statChildrenOffset = 56
	// frameBytesMax bounds what a server may announce. It is far above any
	// server's own limit, so a larger length means that the stream is garbage.
	frameBytesMax = 64 << 20
	// passwordBytes is the length of a session's password.
	passwordBytes = 16
)

// Error codes of the protocol that the generator has to tell apart.
const (
	codeOK             = 0
	codeNoNode         = -101
	codeNodeExists     = -110
	codeSessionExpired = -112
)

// codeNames names the codes that a load can provoke.
var codeNames = map[int32]string{
	-1: "SystemError", -2: "RuntimeInconsistency", -4: "ConnectionLoss", -5: "MarshallingError",
	-6: "Unimplemented", -7: "OperationTimeout", -8: "BadArguments", -101: "NoNode", -102: "NoAuth",
	-103: "BadVersion", -110: "NodeExists", -111: "NotEmpty", -112: "SessionExpired", -115: "AuthFailed",
	-118: "SessionMoved", -119: "NotReadOnly", -124: "SessionClosedRequireSaslAuth", -125: "QuotaExceeded",
	-127: "ThrottledOp",
}

// codeName returns "NoNode (-101)" and the like.
func codeName(code int32) string {
	if name, ok := codeNames[code]; ok {
		return fmt.Sprintf("%s (%d)", name, code)
	}
	return fmt.Sprintf("error %d", code)
}

var be = binary.BigEndian

// beginFrame appends room for the length and a request header. The caller
// appends the record and calls endFrame with the offset returned.
func beginFrame(b []byte, xid int32, op Op) (frame []byte, start int) {
	start = len(b)
	b = append(b, 0, 0, 0, 0)
	b = be.AppendUint32(b, uint32(xid))
	b = be.AppendUint32(b, uint32(opCodes[op]))
	return b, start
}

// endFrame writes the length of the frame that began at start.
func endFrame(b []byte, start int) []byte {
	be.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// appendConnect appends the frame that asks for a new session. The timeout is
// in milliseconds.
func appendConnect(b []byte, timeoutMS int32) []byte {
	return appendResume(b, timeoutMS, 0, connected{})
}

// appendResume appends the frame that asks for an earlier session on a new
// connection. A server that has not seen the zxid yet has to refuse it.
func appendResume(b []byte, timeoutMS int32, zxid int64, session connected) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = be.AppendUint32(b, 0) // protocol version
	b = be.AppendUint64(b, uint64(zxid))
	b = be.AppendUint32(b, uint32(timeoutMS))
	b = be.AppendUint64(b, uint64(session.sessionID)) // 0 for a new one
	b = be.AppendUint32(b, passwordBytes)
	b = append(b, session.password[:]...)
	b = append(b, 0) // not for a read-only server
	return endFrame(b, start)
}

// connected is what the generator needs of the answer to the handshake.
type connected struct {
	timeoutMS int32
	sessionID int64
	password  [passwordBytes]byte
}

// errRefusedSession is the server's way to say that a session has expired.
var errRefusedSession = errors.New("the server refused the session")

// parseConnected reads the answer to the handshake. A timeout of 0 is the
// server's way to refuse a session.
func parseConnected(body []byte) (connected, error) {
	const fixed = 4 + 4 + 8 + 4
	if len(body) < fixed {
		return connected{}, fmt.Errorf("answer to the handshake has %d bytes, want at least %d", len(body), fixed)
	}
	c := connected{timeoutMS: int32(be.Uint32(body[4:])), sessionID: int64(be.Uint64(body[8:]))}
	if c.timeoutMS <= 0 || c.sessionID == 0 {
		return c, fmt.Errorf("%w (timeout %d ms, session %#x)", errRefusedSession, c.timeoutMS, c.sessionID)
	}
	copy(c.password[:], body[fixed:])
	return c, nil
}

// openACL is the encoded list with one entry: anyone may do anything.
var openACL = func() []byte {
	b := be.AppendUint32(nil, 1)
	b = be.AppendUint32(b, 31)
	b = appendString(b, "world")
	return appendString(b, "anyone")
}()

// appendString appends a length and the text.
func appendString(b []byte, s string) []byte {
	b = be.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// header is the part that every answer has.
type header struct {
	xid  int32
	zxid int64
	code int32
}

// parseHeader splits an answer into header and record.
func parseHeader(body []byte) (header, []byte, error) {
	if len(body) < replyHeaderBytes {
		return header{}, nil, fmt.Errorf("answer has %d bytes, want at least %d", len(body), replyHeaderBytes)
	}
	return header{
		xid:  int32(be.Uint32(body)),
		zxid: int64(be.Uint64(body[4:])),
		code: int32(be.Uint32(body[12:])),
	}, body[replyHeaderBytes:], nil
}

// nextFrame returns the first complete frame's body in b and the rest. When the
// frame is not complete, need is the number of bytes it takes in all (4 when
// even its length is missing).
func nextFrame(b []byte) (body, rest []byte, need int, err error) {
	if len(b) < 4 {
		return nil, b, 4, nil
	}
	length := int32(be.Uint32(b))
	if length < 0 || length > frameBytesMax {
		return nil, b, 0, fmt.Errorf("frame announces %d bytes, allowed are 0 to %d", length, frameBytesMax)
	}
	end := 4 + int(length)
	if len(b) < end {
		return nil, b, end, nil
	}
	return b[4:end], b[end:], 0, nil
}
