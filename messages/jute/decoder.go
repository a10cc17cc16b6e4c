package jute

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed tells that bytes are not the record that they should be.
var ErrMalformed = errors.New("malformed record")

// Decoder reads the fields of one record. After an error all reads give zero values.
type Decoder struct {
	buf []byte
	pos int
	err error
}

// NewDecoder reads from buf, which must not change while results that share it (Buffer, View) are in use.
func NewDecoder(buf []byte) Decoder { return Decoder{buf: buf} }

// Err is the first error, which wraps ErrMalformed, or nil.
func (d *Decoder) Err() error { return d.err }

// Rest is what has not been read.
func (d *Decoder) Rest() []byte { return d.buf[d.pos:] }

func (d *Decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s at byte %d", ErrMalformed, fmt.Sprintf(format, args...), d.pos)
	}
}

// take gives the next n bytes, or nil after an error.
func (d *Decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n > len(d.buf)-d.pos {
		d.fail("%d bytes needed, %d left", n, len(d.buf)-d.pos)
		return nil
	}
	b := d.buf[d.pos : d.pos+n : d.pos+n]
	d.pos += n
	return b
}

// Int reads a 32-bit integer.
func (d *Decoder) Int() int32 {
	if b := d.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// Long reads a 64-bit integer.
func (d *Decoder) Long() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// Bool reads one byte; anything but 0 is true.
func (d *Decoder) Bool() bool {
	b := d.take(1)
	return b != nil && b[0] != 0
}

// View reads a buffer or string without copying. ok is false when it is null (or broken).
func (d *Decoder) View() (b []byte, ok bool) {
	n := d.Int()
	if d.err != nil || n == -1 {
		return nil, false
	}
	if n < 0 {
		d.fail("length %d", n)
		return nil, false
	}
	b = d.take(int(n))
	return b, d.err == nil
}

// Buffer reads a buffer and copies it; null gives nil, an empty one an empty slice.
func (d *Decoder) Buffer() []byte {
	b, ok := d.View()
	if !ok {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

// String reads a string that may not be null.
func (d *Decoder) String() string {
	b, ok := d.View()
	if !ok && d.err == nil {
		d.fail("null where a string belongs")
	}
	return string(b)
}

// NullableString reads a string; ok is false when it is null.
func (d *Decoder) NullableString() (s string, ok bool) {
	b, ok := d.View()
	return string(b), ok
}

// Count reads the length of a vector whose elements take at least size bytes each. null is true for the null
// vector, whose length is 0.
func (d *Decoder) Count(size int) (n int, null bool) {
	c := d.Int()
	if d.err != nil {
		return 0, true
	}
	if c == -1 {
		return 0, true
	}
	if c < 0 || int(c) > (len(d.buf)-d.pos)/size {
		d.fail("a vector of %d elements", c)
		return 0, true
	}
	return int(c), false
}

// Strings reads a vector of strings that may not be null themselves; the null vector gives nil.
func (d *Decoder) Strings() []string {
	n, null := d.Count(4)
	if null {
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, d.String())
	}
	if d.err != nil {
		return nil
	}
	return list
}
