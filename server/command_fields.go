package server

import (
	"bytes"
	"encoding/json"
)

// fields is an object whose keys are data rather than known beforehand. Unlike a map it keeps its order.
type fields []field

type field struct {
	key   string
	value any
}

// MarshalJSON implements json.Marshaler.
func (f fields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(e.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(e.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// set replaces the value of a key that is there.
func (f fields) set(key string, value any) {
	for i := range f {
		if f[i].key == key {
			f[i].value = value
		}
	}
}
