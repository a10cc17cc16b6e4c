package pack

import (
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/tinylib/msgp/msgp"
)

// valueReader fills Go values from msgpack. It reads the parts through the library and puts them together itself: no
// list is made longer than the bytes that are left can fill, no integer is cut to its width, and nothing but what
// appendValue writes is taken.
type valueReader struct {
	data []byte
	left []byte // of data
}

// Ranges of msgpack's codes.
const (
	maxFixInt   = 0x7f
	minNegative = 0xe0
	firstUint   = 0xcc
	lastUint    = 0xcf
	firstInt    = 0xd0
	lastInt     = 0xd3
	codeUint64  = lastUint
	codeFalse   = 0xc2
	codeTrue    = 0xc3
)

// decodeValue sets v, which is zero and of the shape s, to what body says. All of body must be used.
func decodeValue(v reflect.Value, s *shape, body []byte) error {
	d := valueReader{data: body, left: body}
	err := d.value(v, s)
	if errors.Is(err, msgp.ErrShortBytes) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && len(d.left) > 0 {
		err = fmt.Errorf("%d bytes left over", len(d.left))
	}
	return err
}

func (d *valueReader) value(v reflect.Value, s *shape) error {
	switch s.kind {
	case reflect.Bool:
		return d.bool(v)
	case reflect.Int32, reflect.Int64:
		return d.int(v)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return d.uint(v)
	case reflect.String:
		b, err := d.text()
		if err == nil {
			v.SetString(string(b))
		}
		return err
	case reflect.Pointer:
		return d.pointer(v, s)
	case reflect.Slice:
		if s.elem == nil {
			return d.bytes(v)
		}
		return d.slice(v, s)
	}
	return d.fields(v, s)
}

func (d *valueReader) fields(v reflect.Value, s *shape) error {
	n, left, err := msgp.ReadArrayHeaderBytes(d.left)
	if err != nil {
		return err
	}
	if int(n) != len(s.fields) {
		return fmt.Errorf("%v with %d fields instead of %d", s.typ, n, len(s.fields))
	}
	d.left = left
	for i := range s.fields {
		f := &s.fields[i]
		if err := d.value(v.Field(f.index), f.shape); err != nil {
			return err
		}
	}
	return nil
}

// null tells whether a nil follows, and passes over it.
func (d *valueReader) null() bool {
	if !msgp.IsNil(d.left) {
		return false
	}
	d.left = d.left[1:]
	return true
}

// slice allocates no more elements than the bytes that are left can hold.
func (d *valueReader) slice(v reflect.Value, s *shape) error {
	if d.null() {
		return nil
	}
	n, left, err := msgp.ReadArrayHeaderBytes(d.left)
	if err != nil {
		return err
	}
	if int64(n) > int64(len(left)/s.elem.least) {
		return fmt.Errorf("a list of %d items in %d bytes", n, len(left))
	}
	d.left = left
	v.Set(reflect.MakeSlice(s.typ, int(n), int(n)))
	for i := range int(n) {
		if err := d.value(v.Index(i), s.elem); err != nil {
			return err
		}
	}
	return nil
}

func (d *valueReader) pointer(v reflect.Value, s *shape) error {
	if d.null() {
		return nil
	}
	v.Set(reflect.New(s.elem.typ))
	return d.value(v.Elem(), s.elem)
}

func (d *valueReader) bytes(v reflect.Value) error {
	if d.null() {
		return nil
	}
	b, left, err := msgp.ReadBytesZC(d.left)
	if err != nil {
		return d.short(err)
	}
	d.left = left
	c := make([]byte, len(b))
	copy(c, b)
	v.SetBytes(c)
	return nil
}

func (d *valueReader) text() ([]byte, error) {
	if msgp.IsNil(d.left) {
		return nil, fmt.Errorf("nil where a string belongs at byte %d", d.offset())
	}
	b, left, err := msgp.ReadStringZC(d.left)
	if err != nil {
		return nil, d.short(err)
	}
	d.left = left
	return b, nil
}

// short says what the library's word on bytes that aren't there means for a string or a buffer.
func (d *valueReader) short(err error) error {
	if errors.Is(err, msgp.ErrShortBytes) {
		return fmt.Errorf("more bytes announced at byte %d than the %d that are left: %w", d.offset(), len(d.left), io.ErrUnexpectedEOF)
	}
	return err
}

// code is the first byte of what follows.
func (d *valueReader) code() (byte, error) {
	if len(d.left) == 0 {
		return 0, msgp.ErrShortBytes
	}
	return d.left[0], nil
}

func (d *valueReader) bool(v reflect.Value) error {
	c, err := d.code()
	if err != nil {
		return err
	}
	if c != codeTrue && c != codeFalse {
		return d.wrong(c, "a boolean")
	}
	v.SetBool(c == codeTrue)
	d.left = d.left[1:]
	return nil
}

func (d *valueReader) int(v reflect.Value) error {
	c, err := d.code()
	if err != nil {
		return err
	}
	if c > maxFixInt && c < minNegative && (c < firstUint || c > lastInt) {
		return d.wrong(c, "an integer")
	}
	n, left, err := msgp.ReadInt64Bytes(d.left)
	if errors.Is(err, msgp.ErrShortBytes) {
		return err
	}
	if err != nil {
		return fmt.Errorf("an integer that does not fit %v at byte %d: %w", v.Type(), d.offset(), err)
	}
	if v.OverflowInt(n) {
		return fmt.Errorf("%d does not fit %v at byte %d", n, v.Type(), d.offset())
	}
	v.SetInt(n)
	d.left = left
	return nil
}

func (d *valueReader) uint(v reflect.Value) error {
	c, err := d.code()
	if err != nil {
		return err
	}
	if c > maxFixInt && (c < firstUint || c > lastUint) {
		return d.wrong(c, "an unsigned integer")
	}
	n, left, err := msgp.ReadUint64Bytes(d.left)
	if err != nil {
		return err
	}
	if v.OverflowUint(n) {
		return fmt.Errorf("%d does not fit %v at byte %d", n, v.Type(), d.offset())
	}
	v.SetUint(n)
	d.left = left
	return nil
}

func (d *valueReader) offset() int { return len(d.data) - len(d.left) }

func (d *valueReader) wrong(c byte, want string) error {
	return fmt.Errorf("code %#x where %s belongs at byte %d", c, want, d.offset())
}

// appendValue writes what a valueReader reads. v is of the shape s.
func appendValue(b []byte, v reflect.Value, s *shape) []byte {
	switch s.kind {
	case reflect.Bool:
		return msgp.AppendBool(b, v.Bool())
	case reflect.Int32, reflect.Int64:
		if n := v.Int(); n < 0 {
			return msgp.AppendInt64(b, n)
		}
		return msgp.AppendUint64(b, uint64(v.Int()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return msgp.AppendUint64(b, v.Uint())
	case reflect.String:
		return msgp.AppendString(b, v.String())
	case reflect.Pointer:
		if v.IsNil() {
			return msgp.AppendNil(b)
		}
		return appendValue(b, v.Elem(), s.elem)
	case reflect.Slice:
		switch {
		case v.IsNil():
			return msgp.AppendNil(b)
		case s.elem == nil:
			return msgp.AppendBytes(b, v.Bytes())
		}
		b = msgp.AppendArrayHeader(b, uint32(v.Len()))
		for i := range v.Len() {
			b = appendValue(b, v.Index(i), s.elem)
		}
		return b
	}
	b = msgp.AppendArrayHeader(b, uint32(len(s.fields)))
	for i := range s.fields {
		b = appendValue(b, v.Field(s.fields[i].index), s.fields[i].shape)
	}
	return b
}
