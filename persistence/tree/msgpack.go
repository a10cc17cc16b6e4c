package tree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Records are msgpack, written and read by hand: with a million nodes the few nanoseconds a field count, and a general
// encoder takes several times as many. What is written is plain msgpack in its shortest form, any decoder reads it.

func packArray(b []byte, n int) []byte {
	switch {
	case n < 16:
		return append(b, 0x90|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, 0xdc), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, 0xdd), uint32(n))
}

func packNil(b []byte) []byte { return append(b, 0xc0) }

func packUint(b []byte, v uint64) []byte {
	switch {
	case v < 0x80:
		return append(b, byte(v))
	case v <= math.MaxUint8:
		return append(b, 0xcc, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, 0xcd), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, 0xce), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(b, 0xcf), v)
}

func packInt(b []byte, v int64) []byte {
	switch {
	case v >= 0:
		return packUint(b, uint64(v))
	case v >= -32:
		return append(b, byte(v))
	case v >= math.MinInt8:
		return append(b, 0xd0, byte(v))
	case v >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(b, 0xd1), uint16(v))
	case v >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(b, 0xd2), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(b, 0xd3), uint64(v))
}

func packString[S ~string | ~[]byte](b []byte, s S) []byte {
	switch n := len(s); {
	case n < 32:
		b = append(b, 0xa0|byte(n))
	case n <= math.MaxUint8:
		b = append(b, 0xd9, byte(n))
	case n <= math.MaxUint16:
		b = binary.BigEndian.AppendUint16(append(b, 0xda), uint16(n))
	default:
		b = binary.BigEndian.AppendUint32(append(b, 0xdb), uint32(n))
	}
	return append(b, s...)
}

// packBytes writes nil for nil.
func packBytes(b, data []byte) []byte {
	switch n := len(data); {
	case data == nil:
		return packNil(b)
	case n <= math.MaxUint8:
		b = append(b, 0xc4, byte(n))
	case n <= math.MaxUint16:
		b = binary.BigEndian.AppendUint16(append(b, 0xc5), uint16(n))
	default:
		b = binary.BigEndian.AppendUint32(append(b, 0xc6), uint32(n))
	}
	return append(b, data...)
}

var (
	errShort = errors.New("it ends too early")
	errLeft  = errors.New("there are bytes left over")
)

// unpacker reads msgpack. The first error stays, and everything after it reads as zero.
type unpacker struct {
	b   []byte
	err error
}

func (u *unpacker) fail(err error) {
	if u.err == nil {
		u.err = err
	}
	u.b = nil
}

// take returns the next n bytes, or nil.
func (u *unpacker) take(n int) []byte {
	if n > len(u.b) {
		u.fail(errShort)
		return nil
	}
	out := u.b[:n:n]
	u.b = u.b[n:]
	return out
}

func (u *unpacker) code() byte {
	if len(u.b) == 0 {
		u.fail(errShort)
		return 0xc1 // never used by msgpack
	}
	c := u.b[0]
	u.b = u.b[1:]
	return c
}

func (u *unpacker) number(bytes int) (v uint64) {
	for _, c := range u.take(bytes) {
		v = v<<8 | uint64(c)
	}
	return v
}

func (u *unpacker) isNil() bool {
	if len(u.b) > 0 && u.b[0] == 0xc0 {
		u.b = u.b[1:]
		return true
	}
	return false
}

func (u *unpacker) uint(limit uint64) uint64 {
	v := uint64(0)
	switch c := u.code(); {
	case c < 0x80:
		v = uint64(c)
	case c >= 0xcc && c <= 0xcf:
		v = u.number(1 << (c - 0xcc))
	default:
		u.fail(fmt.Errorf("byte 0x%02x where an unsigned number belongs", c))
	}
	if v > limit {
		u.fail(fmt.Errorf("number %d, at most %d is possible", v, limit))
		return 0
	}
	return v
}

func (u *unpacker) uint32() uint32 { return uint32(u.uint(math.MaxUint32)) }

func (u *unpacker) int() int64 {
	switch c := u.code(); {
	case c < 0x80:
		return int64(c)
	case c >= 0xe0:
		return int64(int8(c))
	case c >= 0xcc && c <= 0xcf:
		v := u.number(1 << (c - 0xcc))
		if v > math.MaxInt64 {
			u.fail(fmt.Errorf("number %d does not fit 64 bits with a sign", v))
		}
		return int64(v)
	case c == 0xd0:
		return int64(int8(u.number(1)))
	case c == 0xd1:
		return int64(int16(u.number(2)))
	case c == 0xd2:
		return int64(int32(u.number(4)))
	case c == 0xd3:
		return int64(u.number(8))
	default:
		u.fail(fmt.Errorf("byte 0x%02x where a number belongs", c))
	}
	return 0
}

func (u *unpacker) int32() int32 {
	v := u.int()
	if v != int64(int32(v)) {
		u.fail(fmt.Errorf("number %d does not fit 32 bits", v))
	}
	return int32(v)
}

// array reads the length of an array; there must be at least a byte for each element.
func (u *unpacker) array() int {
	n := uint64(0)
	switch c := u.code(); {
	case c&0xf0 == 0x90:
		n = uint64(c & 0x0f)
	case c == 0xdc:
		n = u.number(2)
	case c == 0xdd:
		n = u.number(4)
	default:
		u.fail(fmt.Errorf("byte 0x%02x where an array belongs", c))
	}
	if n > uint64(len(u.b)) {
		u.fail(errShort)
		return 0
	}
	return int(n)
}

func (u *unpacker) arrayOf(want int) {
	if n := u.array(); n != want && u.err == nil {
		u.fail(fmt.Errorf("an array of %d where %d elements belong", n, want))
	}
}

// bytes reads a string or binary; nil is nil. The result is part of the record.
func (u *unpacker) bytes() []byte {
	n := uint64(0)
	switch c := u.code(); {
	case c&0xe0 == 0xa0:
		n = uint64(c & 0x1f)
	case c == 0xc0:
		return nil
	case c >= 0xc4 && c <= 0xc6:
		n = u.number(1 << (c - 0xc4))
	case c >= 0xd9 && c <= 0xdb:
		n = u.number(1 << (c - 0xd9))
	default:
		u.fail(fmt.Errorf("byte 0x%02x where bytes belong", c))
	}
	if n > uint64(len(u.b)) {
		u.fail(errShort)
		return nil
	}
	return u.take(int(n))
}

// end gives the first error, or tells that the record is longer than what was read.
func (u *unpacker) end() error {
	if u.err == nil && len(u.b) > 0 {
		u.err = errLeft
	}
	return u.err
}
