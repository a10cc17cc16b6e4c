//go:build unix

package bench

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// sessionState is how far a session has come.
type sessionState uint8

const (
	stateClosed   sessionState = iota // no socket
	stateDialing                      // waiting for the connection
	stateGreeting                     // waiting for the answer to the handshake
	stateOpen                         // requests may be sent
	stateClosing                      // close was sent; the server will hang up
)

// outstanding is a request whose answer has not come yet.
type outstanding struct {
	sent time.Duration
	xid  int32
	key  uint32
	op   Op
}

// Session is one connection of the generator with the session it opened. Its
// methods may only be called from the callbacks of the [Load] that drives it.
// Requests leave together when the callback returns.
type Session struct {
	loop  *loop
	addr  *net.TCPAddr
	index int // among all sessions of the run
	fd    int
	state sessionState

	timeout   time.Duration // as negotiated
	dialed    time.Duration // when the connection attempt began
	wantWrite bool
	xid       int32
	zxid      int64
	heard     time.Duration // when the last answer came
	waiting   queue
	record    []byte              // of the recipe's answer that is being handled
	number    int32               // of the last sequential node created
	armed     map[uint32]struct{} // keys with a watch of this session
	partial   []byte              // input that ends within a frame
	need      int                 // bytes of that frame
	out       []byte              // requests not yet written
}

// Index numbers the sessions of a run from 0.
func (s *Session) Index() int { return s.index }

// Timeout is the session timeout that the server granted.
func (s *Session) Timeout() time.Duration { return s.timeout }

// Get asks for the data of a key, without a watch.
func (s *Session) Get(key uint32) {
	b, start, ok := s.begin(OpGet, key)
	if !ok {
		return
	}
	b = s.appendKey(b, key)
	s.out = endFrame(append(b, 0), start)
}

// Set gives a key a new value, whatever its version.
func (s *Session) Set(key uint32) {
	b, start, ok := s.begin(OpSet, key)
	if !ok {
		return
	}
	b = s.appendNewValue(s.appendKey(b, key), key)
	s.out = endFrame(be.AppendUint32(b, ^uint32(0)), start)
}

// Create creates the persistent node of a key, open to everyone.
func (s *Session) Create(key uint32) {
	b, start, ok := s.begin(OpCreate, key)
	if !ok {
		return
	}
	b = s.appendNewValue(s.appendKey(b, key), key)
	b = append(b, openACL...)
	s.out = endFrame(be.AppendUint32(b, 0), start)
}

// Delete deletes the node of a key, whatever its version.
func (s *Session) Delete(key uint32) {
	b, start, ok := s.begin(OpDelete, key)
	if !ok {
		return
	}
	s.out = endFrame(be.AppendUint32(s.appendKey(b, key), ^uint32(0)), start)
}

// Ping tells the server that the session is alive.
func (s *Session) Ping() {
	if b, start, ok := s.begin(OpPing, 0); ok {
		s.out = endFrame(b, start)
	}
}

// Echo sends a frame that an echo server returns unchanged. It is laid out so
// that the answer reads as a successful one that carries the key's value.
func (s *Session) Echo(key uint32) {
	b, start, ok := s.begin(OpEcho, key)
	if !ok {
		return
	}
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // second half of the zxid, error code
	s.loop.seq++
	b = appendValue(b, key, s.loop.seq, s.loop.keys.ValueBytes)
	s.out = endFrame(b, start)
}

// Close closes the session. Its server hangs up after the answer.
func (s *Session) Close() {
	if b, start, ok := s.begin(OpClose, 0); ok {
		s.out = endFrame(b, start)
		s.state = stateClosing
	}
}

// begin accounts for a request and starts its frame. It reports false when no
// request may be sent, because the run is being wound up or the session closed.
func (s *Session) begin(op Op, key uint32) (b []byte, start int, ok bool) {
	if s.state != stateOpen || s.loop.over(op) {
		return nil, 0, false
	}
	s.loop.sent++
	if s.out == nil {
		// Nearly always everything can be written at once, so one buffer
		// serves all sessions of the loop in turn.
		s.out, s.loop.scratch = s.loop.scratch[:0], nil
		if s.loop.ticking {
			s.loop.touched = append(s.loop.touched, s)
		}
	}
	s.xid++
	if s.xid < 0 {
		s.xid = 1
	}
	xid := s.xid
	if op == OpPing {
		xid = pingXid
	}
	s.waiting.push(outstanding{sent: s.loop.stamp, xid: xid, key: key, op: op})
	b, start = beginFrame(s.out, xid, op)
	return b, start, true
}

// over says that no request of that kind may be sent any more.
func (l *loop) over(op Op) bool {
	if l.draining {
		return op != OpClose
	}
	return l.sent >= l.quota
}

// appendKey appends the path of a key with its length.
func (s *Session) appendKey(b []byte, key uint32) []byte {
	k := &s.loop.keys
	return k.appendPath(be.AppendUint32(b, uint32(k.pathBytes())), key)
}

// appendNewValue appends a value that no earlier write stored, with its length.
func (s *Session) appendNewValue(b []byte, key uint32) []byte {
	s.loop.seq++
	size := s.loop.keys.ValueBytes
	return appendValue(be.AppendUint32(b, uint32(size)), key, s.loop.seq, size)
}

// flush writes what the session has to say, as far as the socket takes it.
func (s *Session) flush() error {
	if len(s.out) == 0 || s.state == stateDialing || s.state == stateClosed {
		return nil
	}
	n, err := writeSocket(s.fd, s.out)
	if err != nil && !errors.Is(err, errAgain) {
		return fmt.Errorf("write to %v: %w", s.addr, err)
	}
	rest := s.out[n:]
	if len(rest) == 0 {
		if s.loop.scratch == nil {
			s.loop.scratch = s.out[:0]
		}
		s.out = nil
	} else {
		s.out = append([]byte(nil), rest...)
	}
	return s.watchWrites(len(rest) > 0)
}

// watchWrites asks for an event when there is room to write, or no longer.
func (s *Session) watchWrites(want bool) error {
	if want == s.wantWrite {
		return nil
	}
	s.wantWrite = want
	return s.loop.poll.modify(s.fd, want)
}

// checkAnswer judges an answer by its request. A refusal is not wrong in
// itself; err says that the server broke the protocol or lost data.
func (s *Session) checkAnswer(p outstanding, h header, record []byte) error {
	if h.xid != p.xid {
		return fmt.Errorf("answer has xid %d, want %d (%s)", h.xid, p.xid, p.op)
	}
	if h.zxid < s.zxid {
		return fmt.Errorf("zxid went back from %#x to %#x (%s)", s.zxid, h.zxid, p.op)
	}
	if h.code != codeOK {
		if len(record) != 0 {
			return fmt.Errorf("refused %s carries %d bytes, want 0", p.op, len(record))
		}
		return nil
	}
	keys := &s.loop.keys
	switch p.op {
	case OpGet, OpWatch:
		return checkData(record, p.key, keys.ValueBytes)
	case OpSet:
		return checkStat(record, keys.ValueBytes)
	case OpCreate:
		return checkPath(record, keys, p.key)
	case OpEcho:
		return checkValue(record, p.key, keys.ValueBytes)
	default:
		return s.checkNode(p, record)
	}
}

// checkData judges the record that answers a get.
func checkData(record []byte, key uint32, size int) error {
	if len(record) < 4+statBytes {
		return fmt.Errorf("answer to get carries %d bytes, want %d", len(record), 4+size+statBytes)
	}
	n := int(int32(be.Uint32(record)))
	if n != size || len(record) != 4+size+statBytes {
		return fmt.Errorf("get of key %d: data has %d bytes in a record of %d, want %d in %d",
			key, n, len(record), size, 4+size+statBytes)
	}
	if err := checkValue(record[4:4+size], key, size); err != nil {
		return fmt.Errorf("get: %w", err)
	}
	return checkStat(record[4+size:], size)
}

// checkStat judges the length of a Stat and the data length in it.
func checkStat(record []byte, size int) error {
	if len(record) != statBytes {
		return fmt.Errorf("stat has %d bytes, want %d", len(record), statBytes)
	}
	if got := int(int32(be.Uint32(record[statDataLengthOffset:]))); got != size {
		return fmt.Errorf("stat says %d bytes of data, want %d", got, size)
	}
	return nil
}

// checkPath judges the path that answers a create.
func checkPath(record []byte, keys *Keyspace, key uint32) error {
	var buf [128]byte
	want := keys.appendPath(buf[:0], key)
	if len(record) != 4+len(want) || int(be.Uint32(record)) != len(want) || string(record[4:]) != string(want) {
		return fmt.Errorf("create of %s was answered with another path", want)
	}
	return nil
}

// queue is a first-in first-out ring of outstanding requests that grows.
type queue struct {
	ring       []outstanding
	head, size int
}

func (q *queue) push(o outstanding) {
	if q.size == len(q.ring) {
		grown := make([]outstanding, max(4, 2*len(q.ring)))
		for i := range q.size {
			grown[i] = q.ring[(q.head+i)&(len(q.ring)-1)]
		}
		q.ring, q.head = grown, 0
	}
	q.ring[(q.head+q.size)&(len(q.ring)-1)] = o
	q.size++
}

// pop removes the oldest; the queue must not be empty.
func (q *queue) pop() outstanding {
	o := q.ring[q.head]
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.size--
	return o
}

// oldest returns the oldest without removing it.
func (q *queue) oldest() (outstanding, bool) {
	if q.size == 0 {
		return outstanding{}, false
	}
	return q.ring[q.head], true
}

func (q *queue) clear() { q.head, q.size = 0, 0 }
