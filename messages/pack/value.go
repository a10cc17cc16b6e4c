package pack

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// valueReader fills Go values from msgpack. It reads the parts through the library but puts them together itself: the
// library's own reflection makes a slice of structs as long as the bytes say before it has seen one of them, cuts
// integers to their width in silence and takes floats and maps where they don't belong.
type valueReader struct {
	data []byte
	r    bytes.Reader // over data; the library reads from it without looking ahead
	dec  *msgpack.Decoder
}

var valueReaders = sync.Pool{New: func() any {
	d := &valueReader{}
	d.dec = msgpack.NewDecoder(&d.r)
	return d
}}

// decodeValue sets v, which is zero and of the shape s, to what body says. All of body must be used.
func decodeValue(v reflect.Value, s *shape, body []byte) error {
	d := valueReaders.Get().(*valueReader)
	d.data = body
	d.r.Reset(body)
	d.dec.Reset(&d.r)
	err := d.value(v, s)
	if err == nil && d.r.Len() > 0 {
		err = fmt.Errorf("%d bytes left over", d.r.Len())
	}
	d.data = nil // the pool must not keep the caller's bytes alive
	d.r.Reset(nil)
	valueReaders.Put(d)
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
		b, null, err := d.view()
		if err == nil && null {
			err = fmt.Errorf("nil where a string belongs at byte %d", d.offset())
		}
		v.SetString(string(b))
		return err
	case reflect.Pointer:
		return d.pointer(v, s)
	case reflect.Slice:
		if s.elem == nil {
			b, null, err := d.view()
			if err == nil && !null {
				v.SetBytes(append(make([]byte, 0, len(b)), b...))
			}
			return err
		}
		return d.slice(v, s)
	}
	return d.fields(v, s)
}

func (d *valueReader) fields(v reflect.Value, s *shape) error {
	n, err := d.dec.DecodeArrayLen()
	if err != nil {
		return err
	}
	if n != len(s.fields) {
		return fmt.Errorf("%v with %d fields instead of %d", s.typ, n, len(s.fields))
	}
	for _, f := range s.fields {
		if err := d.value(v.Field(f.index), f.shape); err != nil {
			return err
		}
	}
	return nil
}

// slice allocates no more elements than the bytes that are left can hold.
func (d *valueReader) slice(v reflect.Value, s *shape) error {
	n, err := d.dec.DecodeArrayLen()
	if err != nil || n == -1 {
		return err
	}
	if n < 0 || n > d.r.Len()/s.elem.least {
		return fmt.Errorf("a list of %d items in %d bytes", n, d.r.Len())
	}
	v.Set(reflect.MakeSlice(s.typ, n, n))
	for i := range n {
		if err := d.value(v.Index(i), s.elem); err != nil {
			return err
		}
	}
	return nil
}

func (d *valueReader) pointer(v reflect.Value, s *shape) error {
	c, err := d.dec.PeekCode()
	if err != nil {
		return err
	}
	if c == msgpcode.Nil {
		return d.dec.DecodeNil()
	}
	v.Set(reflect.New(s.elem.typ))
	return d.value(v.Elem(), s.elem)
}

func (d *valueReader) bool(v reflect.Value) error {
	c, err := d.dec.PeekCode()
	if err != nil {
		return err
	}
	if c != msgpcode.True && c != msgpcode.False {
		return d.wrong(c, "a boolean")
	}
	b, err := d.dec.DecodeBool()
	v.SetBool(b)
	return err
}

func (d *valueReader) int(v reflect.Value) error {
	c, err := d.dec.PeekCode()
	if err != nil {
		return err
	}
	if !isInt(c) {
		return d.wrong(c, "an integer")
	}
	n, err := d.dec.DecodeInt64()
	if err == nil && (v.OverflowInt(n) || c == msgpcode.Uint64 && n < 0) {
		err = fmt.Errorf("%d does not fit %v", n, v.Type())
	}
	v.SetInt(n)
	return err
}

func (d *valueReader) uint(v reflect.Value) error {
	c, err := d.dec.PeekCode()
	if err != nil {
		return err
	}
	signed := msgpcode.IsFixedNum(c) && int8(c) < 0 || c >= msgpcode.Int8 && c <= msgpcode.Int64
	if !isInt(c) || signed {
		return d.wrong(c, "an unsigned integer")
	}
	n, err := d.dec.DecodeUint64()
	if err == nil && v.OverflowUint(n) {
		err = fmt.Errorf("%d does not fit %v", n, v.Type())
	}
	v.SetUint(n)
	return err
}

// isInt tells whether an integer follows; nil and floats, which the library takes as well, are none.
func isInt(c byte) bool {
	return msgpcode.IsFixedNum(c) || c >= msgpcode.Uint8 && c <= msgpcode.Int64
}

// view reads a string or binary without copying.
func (d *valueReader) view() (b []byte, null bool, err error) {
	n, err := d.dec.DecodeBytesLen()
	if err != nil || n == -1 {
		return nil, true, err
	}
	if n < 0 || n > d.r.Len() {
		return nil, false, fmt.Errorf("%d bytes announced, %d are left", n, d.r.Len())
	}
	start := d.offset()
	_, err = d.r.Seek(int64(n), io.SeekCurrent)
	return d.data[start : start+n], false, err
}

func (d *valueReader) offset() int { return len(d.data) - d.r.Len() }

func (d *valueReader) wrong(c byte, want string) error {
	return fmt.Errorf("code %#x where %s belongs at byte %d", c, want, d.offset())
}
