package messages

import (
	"bytes"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

// TestTxnEncodingIsMsgpack compares the encoding with that of another library, byte by byte: logs outlive programs, so it must
// not change.
func TestTxnEncodingIsMsgpack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, body := genHeader(t), genBody(t, true)
		got, err := EncodeTxn(&h, body)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		enc := msgpack.NewEncoder(&want)
		enc.UseCompactInts(true)
		err = enc.Encode([]any{uint64(1), uint64(h.Zxid), h.Time, int64(h.Session), int64(h.Xid), int64(h.Op), uint64(body.Kind()),
			plain(body)})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("%#v is\n%x, the library writes\n%x", body, got, want.Bytes())
		}
	})
}

// plain is a body as lists of numbers, strings and bytes.
func plain(body TxnBody) any {
	switch b := body.(type) {
	case *CreateTxn:
		return []any{b.Path, b.Data, plainACL(b.ACL), uint64(b.Owner), int64(b.ParentCreates)}
	case *DeleteTxn:
		return []any{b.Path}
	case *SetDataTxn:
		return []any{b.Path, b.Data, int64(b.Version)}
	case *SetACLTxn:
		return []any{b.Path, plainACL(b.ACL), int64(b.Version)}
	case *CreateSessionTxn:
		return []any{int64(b.Timeout), b.Password}
	case *CloseSessionTxn:
		paths := []any{}
		for _, p := range b.Paths {
			paths = append(paths, p)
		}
		return []any{paths}
	case *MultiTxn:
		ops := []any{}
		for _, op := range b.Ops {
			if op.Body == nil {
				ops = append(ops, []any{int64(op.Op), uint64(0), nil})
			} else {
				ops = append(ops, []any{int64(op.Op), uint64(op.Body.Kind()), plain(op.Body)})
			}
		}
		return []any{ops}
	}
	return nil
}

func plainACL(list []ACL) any {
	all := []any{}
	for _, a := range list {
		all = append(all, []any{int64(a.Perms), a.ID.Scheme, a.ID.ID})
	}
	return all
}
