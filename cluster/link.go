package cluster

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/pack"
)

// LinkOptions are the limits of links of one purpose.
type LinkOptions struct {
	// HelloTimeout is how long the other side may take for its Hello. A stranger who says nothing holds a place for so long.
	HelloTimeout time.Duration
	// AdoptTimeout is how long a link that was accepted waits for its owner: less than the other side waits for its Hello, so
	// that it can be told.
	AdoptTimeout time.Duration
	// KeepAliveEvery is the pause in what is sent after which a KeepAlive goes out; 0: none are sent. It must be well
	// below the other side's SilenceLimit.
	KeepAliveEvery time.Duration
	// SilenceLimit is how long nothing may come from the other side; 0: for ever. A short one notices a peer that is cut
	// off soon, and takes one that is only busy for such.
	SilenceLimit time.Duration
	// OutputLimit is how many bytes may wait to be written. A side that reads too slowly loses the link rather than
	// filling this server's memory.
	OutputLimit int
}

// ElectionLinks are the options of links for elections: little is sent, and a silent peer should be noticed.
func ElectionLinks() LinkOptions {
	return LinkOptions{
		HelloTimeout: 2 * time.Second, AdoptTimeout: 1500 * time.Millisecond,
		KeepAliveEvery: 500 * time.Millisecond, SilenceLimit: 2 * time.Second,
		OutputLimit: 1 << 20,
	}
}

// LearningLinks are the options of links between a leader and its learners. These find out by heartbeats of their own
// that the other side is silent.
func LearningLinks() LinkOptions {
	return LinkOptions{HelloTimeout: 2 * time.Second, AdoptTimeout: 1500 * time.Millisecond, OutputLimit: 256 << 20}
}

// linkPhase is how far a link has come.
type linkPhase uint8

const (
	linkGreets linkPhase = iota // the other side's Hello is awaited
	linkAsks                    // accepted: Hello has come, whether somebody is there for it is being asked
	linkWaits                   // accepted: its owner is awaited
	linkRuns
	linkOver
)

const (
	// helloLimit is the longest body before both sides know each other: strangers get no memory.
	helloLimit = 1 << 10
	// reasonLimit keeps a refusal below helloLimit.
	reasonLimit = 500
	// keepLinkBuffer is the largest buffer that a link keeps when it is empty.
	keepLinkBuffer = 1 << 20
	// linkPiece is how much output makes a piece, and keepPieces how many empty buffers for such are kept.
	linkPiece  = 256 << 10
	keepPieces = 4
)

// errRefused says that the other side wants no link.
var errRefused = errors.New("refused")

// linkCore is one connection between two servers as bytes: frames in, frames out, and the greeting. It decides about
// nothing that the frames mean.
type linkCore struct {
	opts    LinkOptions
	own     messages.Hello // what this side says
	peer    messages.Hello // what the other side has said, or is expected to
	dialled bool
	phase   linkPhase

	in   []byte // the beginning of a frame; all that has come while nothing is read
	msgs []any  // what Bytes gave last

	// Output is in pieces, so that much of it isn't copied from buffer to larger buffer.
	full    [][]byte // encoded, not yet taken to be written, oldest first
	out     []byte   // the piece behind them, which is being filled
	queued  int      // bytes in full
	writing int      // bytes that were taken and are not written yet
	spare   [][]byte // empty buffers

	heard, said, ticked int64 // when something came, went out, and was looked after: monotonic microseconds
}

// newDialledLink begins with this side's Hello. It may be sent to at once: what is put in goes out behind the Hello.
func newDialledLink(hello messages.Hello, o LinkOptions) *linkCore {
	hello.Protocol = messages.LinkProtocol
	l := &linkCore{opts: o, own: hello, dialled: true}
	l.peer = messages.Hello{Purpose: hello.Purpose, From: hello.To, To: hello.From}
	l.out, _ = pack.Encode(nil, &l.own) // a Hello is always encoded
	return l
}

// newAcceptedLink waits for the Hello of whoever has dialled.
func newAcceptedLink(id messages.ServerID, incarnation uint64, o LinkOptions) *linkCore {
	own := messages.Hello{Protocol: messages.LinkProtocol, From: id, Incarnation: incarnation}
	return &linkCore{opts: o, own: own}
}

// Bytes takes what the connection has read. The messages, pointers all, hold until the next call; after an error the link
// is over, and those before the error are as good as any.
func (l *linkCore) Bytes(chunk []byte) (msgs []any, err error) {
	clear(l.msgs)
	l.msgs = l.msgs[:0]
	if l.phase == linkGreets && l.beginsAsTLS(chunk) {
		l.phase = linkOver
		return nil, errors.New(noTLSHere)
	}
	for len(chunk) > 0 && (l.phase == linkGreets || l.phase == linkRuns) {
		var msg any
		if msg, chunk, err = l.frame(chunk); msg != nil {
			err = l.take(msg)
		}
		if err != nil {
			err = l.foreign(err)
			l.phase = linkOver
			return l.msgs, err
		}
	}
	if l.phase != linkOver {
		l.in = append(l.in, chunk...)
	}
	return l.msgs, nil
}

// beginsAsTLS looks at the first two bytes of all, which may come one by one.
func (l *linkCore) beginsAsTLS(chunk []byte) bool {
	switch len(l.in) {
	case 0:
		return speaksTLS(chunk)
	case 1:
		return len(chunk) > 0 && speaksTLS([]byte{l.in[0], chunk[0]})
	}
	return false
}

// frame takes one message out of what has come, or keeps the beginning of one. A message that has come in one piece is
// decoded where it is.
func (l *linkCore) frame(chunk []byte) (msg any, rest []byte, err error) {
	if len(l.in) == 0 {
		size, err := pack.FrameSize(chunk, l.frameLimit())
		if err != nil {
			return nil, nil, err
		}
		if size == 0 || size > len(chunk) {
			l.in = append(l.in, chunk...)
			return nil, nil, nil
		}
		return pack.DecodePointer(chunk)
	}
	chunk = l.fill(pack.HeaderSize, chunk)
	size, err := pack.FrameSize(l.in, l.frameLimit())
	if size == 0 || err != nil {
		return nil, nil, err
	}
	if chunk = l.fill(size, chunk); len(l.in) < size {
		return nil, nil, nil
	}
	msg, _, err = pack.DecodePointer(l.in)
	if l.in = l.in[:0]; cap(l.in) > keepLinkBuffer {
		l.in = nil
	}
	return msg, chunk, err
}

// fill moves bytes from the chunk to the frame that has begun, until that has size bytes.
func (l *linkCore) fill(size int, chunk []byte) (rest []byte) {
	n := min(max(size-len(l.in), 0), len(chunk))
	l.in = append(l.in, chunk[:n]...)
	return chunk[n:]
}

func (l *linkCore) frameLimit() int {
	if l.phase == linkGreets {
		return helloLimit
	}
	return pack.MaxBody
}

// foreign says of the first bytes that they aren't from where a link comes from.
func (l *linkCore) foreign(err error) error {
	if l.phase == linkGreets && (errors.Is(err, pack.ErrVersion) || errors.Is(err, pack.ErrTooLong) || errors.Is(err, pack.ErrChecksum)) {
		return fmt.Errorf("what came is no hello of a Troupe server of this version: %w", err)
	}
	return err
}

func (l *linkCore) take(msg any) error {
	switch m := msg.(type) {
	case *messages.Hello:
		return l.hello(*m)
	case *messages.HelloRefused:
		if l.dialled && l.phase == linkGreets {
			return fmt.Errorf("the other side %w the link: %s", errRefused, m.Reason)
		}
	case *messages.KeepAlive:
		if l.phase == linkRuns {
			return nil
		}
	default:
		if l.phase == linkRuns {
			l.msgs = append(l.msgs, msg)
			return nil
		}
	}
	return fmt.Errorf("a message of type %T has no place here: only one Hello, and that first", msg)
}

// hello judges the other side's Hello. The reasons go to both sides, so they say "server 3" and not "this server".
func (l *linkCore) hello(h messages.Hello) error {
	self := l.own.From
	switch {
	case l.phase != linkGreets:
		return errors.New("the other side said Hello twice")
	case h.Protocol != messages.LinkProtocol:
		return fmt.Errorf("server %d speaks version %d of the protocol between servers, server %d speaks version %d: "+
			"all servers of an ensemble must speak the same", h.From, h.Protocol, self, messages.LinkProtocol)
	case h.From == self:
		return fmt.Errorf("both sides are server %d: each server needs an id of its own", self)
	case h.From == 0:
		return errors.New("a server without an id said Hello: ids are 1 to 255")
	case h.To != self:
		return fmt.Errorf("server %d looks for server %d, but this address is server %d's: compare the addresses in their configurations",
			h.From, h.To, self)
	case l.dialled && h.From != l.peer.From:
		return fmt.Errorf("server %d looks for server %d, but this address is server %d's: compare the addresses in their configurations",
			self, l.peer.From, h.From)
	case h.Purpose != messages.ForElection && h.Purpose != messages.ForLearning:
		return fmt.Errorf("server %d wants a link for the unknown purpose %d", h.From, h.Purpose)
	case l.dialled && h.Purpose != l.own.Purpose:
		return fmt.Errorf("server %d answered for purpose %d, purpose %d was asked for", h.From, h.Purpose, l.own.Purpose)
	}
	l.peer = h
	if l.phase = linkAsks; l.dialled {
		l.phase = linkRuns
	}
	return nil
}

// Offer waits for an owner. From now on o counts. Until there is one who has dialled can still be refused.
func (l *linkCore) Offer(o LinkOptions) { l.opts, l.phase = o, linkWaits }

// Refuse tells who has dialled why there is to be no link, and ends it.
func (l *linkCore) Refuse(reason string) {
	l.phase = linkOver
	reason = reason[:min(len(reason), reasonLimit)]
	l.out, _ = pack.Encode(l.out, &messages.HelloRefused{Reason: reason})
}

// Adopted says Hello to who has dialled and begins to read for the owner: these are the messages that have come already.
func (l *linkCore) Adopted() (msgs []any, err error) {
	l.phase = linkRuns
	l.own.To, l.own.Purpose = l.peer.From, l.peer.Purpose
	if err := l.Put(&l.own); err != nil {
		return nil, err
	}
	waiting := l.in
	l.in = nil
	return l.Bytes(waiting)
}

// Put encodes a message for the other side. After an error the link must end: a message that is left out would be a gap.
func (l *linkCore) Put(msg any) (err error) {
	if l.out, err = pack.Encode(l.out, msg); err != nil {
		return fmt.Errorf("can't send to server %d: %w", l.peer.From, err)
	}
	return l.room()
}

// PutFrames takes messages that are encoded already.
func (l *linkCore) PutFrames(frames []byte) error {
	l.out = append(l.out, frames...)
	return l.room()
}

func (l *linkCore) room() error {
	if n := l.Waiting(); n > l.opts.OutputLimit {
		return fmt.Errorf("server %d reads too slowly: %d bytes wait for it, the limit is %d bytes", l.peer.From, n, l.opts.OutputLimit)
	}
	if len(l.out) >= linkPiece {
		l.full = append(l.full, l.out)
		l.queued += len(l.out)
		l.out = l.buffer()
	}
	return nil
}

func (l *linkCore) buffer() (b []byte) {
	if n := len(l.spare); n > 0 {
		b, l.spare = l.spare[n-1], l.spare[:n-1]
	}
	return b
}

// Waiting is how many bytes wait to be written.
func (l *linkCore) Waiting() int { return l.writing + l.queued + len(l.out) }

// Take gives a piece of output to be written, the oldest one, and nothing while there is one that isn't.
func (l *linkCore) Take() (out []byte) {
	switch {
	case l.writing > 0:
		return nil
	case len(l.full) > 0:
		out, l.full = l.full[0], l.full[1:]
		l.queued -= len(out)
	case len(l.out) > 0:
		out = l.out
		l.out = l.buffer()
	}
	l.writing = len(out)
	return out
}

// Wrote gives back what Take gave, when all of it is written.
func (l *linkCore) Wrote(out []byte) {
	l.writing = 0
	if c := cap(out); c > 0 && c <= keepLinkBuffer && len(l.spare) < keepPieces {
		l.spare = append(l.spare, out[:0])
	}
}

// Interval is how often Tick wants to be called; 0: never.
func (l *linkCore) Interval() time.Duration {
	half, quarter := l.opts.KeepAliveEvery/2, l.opts.SilenceLimit/4
	switch {
	case half == 0:
		return quarter
	case quarter == 0:
		return half
	}
	return min(half, quarter)
}

// Tick sees to it that the other side hears something, and judges its silence. now is monotonic microseconds.
func (l *linkCore) Tick(now int64) error {
	if l.phase != linkRuns || now-l.ticked > 3*l.Interval().Microseconds() {
		l.heard = now // nothing was read by intention, or this server itself was asleep, and what has come waits behind this
	}
	l.ticked = now
	if limit := l.opts.SilenceLimit; limit > 0 && now-l.heard > limit.Microseconds() {
		return fmt.Errorf("server %d has been silent for %d ms, the limit is %d ms", l.peer.From, (now-l.heard)/1000, limit.Milliseconds())
	}
	if every := l.opts.KeepAliveEvery; every > 0 && l.Waiting() == 0 && now-l.said >= every.Microseconds() && l.phase == linkRuns {
		return l.Put(&messages.KeepAlive{})
	}
	return nil
}

// Ended is the reason why a connection that the other side has ended is over.
func (l *linkCore) Ended(err error) string {
	who := "the other side"
	if l.peer.From != 0 {
		who = fmt.Sprintf("server %d", l.peer.From)
	}
	text := who + " closed the connection"
	if err != nil {
		text = fmt.Sprintf("the connection to %s broke: %v", who, err)
	}
	if len(l.in) > 0 {
		text += fmt.Sprintf(", %d bytes into a message", len(l.in))
	}
	return text
}
