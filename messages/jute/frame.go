package jute

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// DefaultFrameLimit is the longest frame that a server accepts unless it is told otherwise: ZooKeeper's default of
// jute.maxbuffer, in bytes without the length prefix.
const DefaultFrameLimit = 0xfffff

// ErrFrameLength tells that a length prefix can't be right: it is above the limit or negative. The connection that
// sent it is of no more use, because nobody knows where its next frame starts.
var ErrFrameLength = errors.New("frame length out of range")

// ErrFrameNegative is the ErrFrameLength of a negative length. It also comes from a peer that speaks another
// protocol, as a TLS client does on a plain port, so a log line may want to tell it apart.
var ErrFrameNegative = fmt.Errorf("%w: negative", ErrFrameLength)

const (
	prefixSize = 4
	// leastCarry is the least capacity of a carried-over frame. Most frames are smaller, so most need one allocation.
	leastCarry = 512
)

// Splitter cuts a stream of bytes into frames. Whoever reads the socket feeds it what arrived, of any size, and
// takes the frames out. It neither reads nor waits, so it can be tested byte by byte.
//
// A frame that lies whole within a chunk is a part of that chunk. One that a chunk boundary cuts is put together in
// a buffer of its own, which grows as the bytes arrive and never by what the length announces: a peer that promises
// 1 MB and sends 3 bytes costs 512 bytes. Neither is written again, so frames stay valid for as long as they are
// kept; a kept frame keeps its whole chunk. Between frames the Splitter holds no bytes at all.
//
// The zero value is ready. A Splitter serves one stream and is not safe for concurrent use.
type Splitter struct {
	// Limit is the longest frame in bytes, without the length prefix; 0 means DefaultFrameLimit.
	Limit int

	// Runs of whole frames with their prefixes that are not handed out yet, the first one and those behind it; each is a
	// chunk's or one put together. Mostly there is one, so it needs no list.
	run   []byte
	runs  [][]byte
	carry []byte // the start of a frame whose rest has not arrived
	err   error
}

// Feed takes the next bytes of the stream. The chunk belongs to the Splitter and the frames' owners from now on: the
// caller must not write to it again. The error wraps ErrFrameLength and stays; the frames in front of the bad length
// can still be taken.
func (s *Splitter) Feed(chunk []byte) error {
	if s.err != nil {
		return s.err
	}
	if len(s.carry) > 0 {
		chunk = s.complete(chunk)
		if s.err != nil || len(chunk) == 0 {
			return s.err
		}
	}
	end := s.wholeFrames(chunk)
	if end > 0 {
		s.add(chunk[:end])
	}
	if s.err == nil && end < len(chunk) {
		s.hold(chunk[end:])
	}
	return s.err
}

// Next hands out the next whole frame without its length prefix; ok is false when more bytes are needed.
func (s *Splitter) Next() (frame []byte, ok bool) {
	run := s.run
	if len(run) == 0 {
		return nil, false
	}
	end := prefixSize + int(binary.BigEndian.Uint32(run)) // Feed has checked it
	frame = run[prefixSize:end:end]
	if end < len(run) {
		s.run = run[end:]
		return frame, true
	}
	if s.run = nil; len(s.runs) == 0 {
		return frame, true
	}
	s.run, s.runs[0] = s.runs[0], nil
	if s.runs = s.runs[1:]; len(s.runs) == 0 {
		s.runs = nil
	}
	return frame, true
}

// add puts a run behind those that are there.
func (s *Splitter) add(run []byte) {
	if s.run == nil {
		s.run = run
		return
	}
	s.runs = append(s.runs, run)
}

// Pending is how many bytes of an unfinished frame have arrived, prefix included. A stream that ends while it isn't 0
// has been cut.
func (s *Splitter) Pending() int { return len(s.carry) }

// wholeFrames is the length of the run of whole frames that buf starts with. A bad length behind it sets s.err.
func (s *Splitter) wholeFrames(buf []byte) int {
	end := 0
	for len(buf)-end >= prefixSize {
		length, err := s.length(buf[end:])
		if err != nil {
			s.err = err
			return end
		}
		if length > len(buf)-end-prefixSize {
			return end
		}
		end += prefixSize + length
	}
	return end
}

// complete adds to the carried-over frame what belongs to it and returns the rest of the chunk.
func (s *Splitter) complete(chunk []byte) []byte {
	if missing := prefixSize - len(s.carry); missing > 0 {
		chunk = s.take(chunk, missing, prefixSize)
		if len(s.carry) < prefixSize {
			return nil
		}
	}
	length, err := s.length(s.carry)
	if err != nil {
		s.err, s.carry = err, nil
		return nil
	}
	whole := prefixSize + length
	chunk = s.take(chunk, whole-len(s.carry), whole)
	if len(s.carry) == whole {
		s.add(s.carry)
		s.carry = nil
	}
	return chunk
}

// hold starts a carried-over frame. It is a copy, so that a peer that sends a few bytes and waits doesn't keep a
// whole chunk alive.
func (s *Splitter) hold(tail []byte) {
	whole := leastCarry
	if len(tail) >= prefixSize {
		length, _ := s.length(tail) // wholeFrames has checked it
		whole = prefixSize + length
	}
	s.take(tail, len(tail), whole)
}

// take appends up to n bytes of chunk to the carried-over frame, which will have the size whole when it is complete,
// and returns the others. Capacity doubles, but not beyond whole.
func (s *Splitter) take(chunk []byte, n, whole int) []byte {
	n = min(n, len(chunk))
	if need := len(s.carry) + n; need > cap(s.carry) {
		grown := make([]byte, len(s.carry), max(need, min(whole, max(2*need, leastCarry))))
		copy(grown, s.carry)
		s.carry = grown
	}
	s.carry = append(s.carry, chunk[:n]...)
	return chunk[n:]
}

// length reads and checks a length prefix.
func (s *Splitter) length(buf []byte) (int, error) {
	limit := s.Limit
	if limit == 0 {
		limit = DefaultFrameLimit
	}
	length := int32(binary.BigEndian.Uint32(buf))
	switch {
	case length < 0:
		return 0, fmt.Errorf("%w: %d, the limit is 0 to %d bytes", ErrFrameNegative, length, limit)
	case int(length) > limit:
		return 0, fmt.Errorf("%w: %d, the limit is 0 to %d bytes", ErrFrameLength, length, limit)
	}
	return int(length), nil
}
