package tree

import (
	"bytes"
	"math"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"

	"github.com/troupekeeper/troupe/messages"
)

// TestNumbersAndBytesRoundTrip goes over each border of the encoding, with the library as the witness.
func TestNumbersAndBytesRoundTrip(t *testing.T) {
	var borders []int64
	for shift := range 64 {
		v := int64(1) << shift
		borders = append(borders, v, v-1, v+1, -v, -v-1, -v+1)
	}
	for _, v := range append(borders, 0, math.MaxInt64, math.MinInt64) {
		b := packInt(nil, v)
		var got int64
		u := unpacker{b: b}
		if err := msgpack.Unmarshal(b, &got); err != nil || got != v || u.int() != v || u.end() != nil {
			t.Errorf("%d: % x, the library says %d, %v", v, b, got, err)
		}
	}
	for _, n := range []int{0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536} {
		data := bytes.Repeat([]byte{7}, n)
		for _, b := range [][]byte{packBytes(nil, data), packString(nil, data)} {
			var got []byte
			u := unpacker{b: b}
			if err := msgpack.Unmarshal(b, &got); err != nil || !bytes.Equal(got, data) || !bytes.Equal(u.bytes(), data) || u.end() != nil {
				t.Errorf("%d bytes: the library says %d, %v", n, len(got), err)
			}
		}
		u := unpacker{b: append(packArray(nil, n), data...)}
		if got := u.array(); got != n || u.err != nil {
			t.Errorf("an array of %d: %d, %v", n, got, u.err)
		}
	}
	if u := (unpacker{b: packBytes(nil, nil)}); u.bytes() != nil || u.end() != nil {
		t.Error("nil is not kept")
	}
}

func TestNodeRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zxid := rapid.Map(rapid.Uint64(), func(v uint64) messages.Zxid { return messages.Zxid(v) })
		r := NodeRecord{
			Slot: rapid.Uint32().Draw(t, "slot"), Parent: rapid.Uint32().Draw(t, "parent"),
			Name: rapid.SliceOf(rapid.Byte()).Draw(t, "name"), Data: rapid.SliceOf(rapid.Byte()).Draw(t, "data"),
			Czxid: zxid.Draw(t, "czxid"), Mzxid: zxid.Draw(t, "mzxid"), Pzxid: zxid.Draw(t, "pzxid"),
			Ctime: rapid.Int64().Draw(t, "ctime"), Mtime: rapid.Int64().Draw(t, "mtime"),
			Version: rapid.Int32().Draw(t, "version"), Creates: rapid.Int32().Draw(t, "creates"),
			Owner: messages.Owner(rapid.Uint64().Draw(t, "owner")), ACL: rapid.Uint32().Draw(t, "acl"),
			Aversion: rapid.Int32().Draw(t, "aversion"),
		}
		if rapid.Bool().Draw(t, "same") {
			r.Mzxid, r.Pzxid, r.Mtime, r.Data = r.Czxid, r.Czxid, r.Ctime, nil
		}
		encoded := r.encode(nil)
		back, err := DecodeRecord(KindNode, encoded)
		if err != nil {
			t.Fatal(err)
		}
		if got := back.(*NodeRecord); !bytes.Equal(got.encode(nil), encoded) || got.Ctime != r.Ctime || (got.Data == nil) != (r.Data == nil) ||
			got.Owner != r.Owner || got.Mtime != r.Mtime || got.Pzxid != r.Pzxid || got.Aversion != r.Aversion {
			t.Fatalf("%+v became %+v", r, got)
		}
	})
}
