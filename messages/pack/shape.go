package pack

import (
	"fmt"
	"reflect"
)

// shape says how a type is laid out in msgpack: what the decoder expects, and how few bytes it can take.
type shape struct {
	typ    reflect.Type
	kind   reflect.Kind
	fields []field // of a struct
	elem   *shape  // of a slice or pointer; nil for []byte
	least  int     // bytes
}

type field struct {
	index int
	shape *shape
}

// shapeOf panics for types that have no place in a message; it runs before anything else does.
func shapeOf(t reflect.Type) *shape {
	s := &shape{typ: t, kind: t.Kind(), least: 1}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	case reflect.Pointer:
		s.elem = shapeOf(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			s.elem = shapeOf(t.Elem())
		}
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() || f.Tag.Get("msgpack") == "-" {
				continue
			}
			part := shapeOf(f.Type)
			s.fields = append(s.fields, field{index: i, shape: part})
			s.least += part.least
		}
		if f, ok := t.FieldByName("_msgpack"); !ok || f.Tag.Get("msgpack") != ",as_array" {
			panic(fmt.Sprintf("pack: %v is not tagged as_array", t))
		}
	default:
		panic(fmt.Sprintf("pack: %v can't be in a message", t))
	}
	return s
}
