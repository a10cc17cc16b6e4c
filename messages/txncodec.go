package messages

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// txnVersion leads each encoded transaction. A reader refuses versions that it doesn't know.
const txnVersion = 1

// EncodeTxn gives the one encoding of a transaction that goes to the log and to every other server: a msgpack
// array of version, zxid, time, session, xid, op, kind and body. Nil and empty data stay apart, nil and empty lists
// do not. The error tells of a body that DecodeTxn would refuse: none at all, or a multi within a multi.
func EncodeTxn(h *TxnHeader, body TxnBody) ([]byte, error) {
	if body == nil {
		return nil, fmt.Errorf("encode transaction %v: no body", h.Zxid)
	}
	b, err := appendTxnBody(appendTxnHeader(make([]byte, 0, txnRoom(body)), h, body.Kind()), body)
	if err != nil {
		return nil, fmt.Errorf("encode transaction %v: %w", h.Zxid, err)
	}
	return b, nil
}

// txnRoom is how many bytes a transaction takes, or some more.
func txnRoom(body TxnBody) int {
	const numbers = 56 // the header, lengths and versions
	switch t := body.(type) {
	case *CreateTxn:
		return numbers + 32 + len(t.Path) + len(t.Data) // 32: the usual ACL
	case *SetDataTxn:
		return numbers + len(t.Path) + len(t.Data)
	case *DeleteTxn:
		return numbers + len(t.Path)
	case *CloseSessionTxn:
		n := numbers
		for _, path := range t.Paths {
			n += 5 + len(path)
		}
		return n
	case *MultiTxn:
		n := numbers
		for _, op := range t.Ops {
			n += txnRoom(op.Body)
		}
		return n
	}
	return 2 * numbers
}

func appendTxnHeader(b []byte, h *TxnHeader, kind TxnKind) []byte {
	b = msgp.AppendArrayHeader(b, 8)
	b = msgp.AppendUint64(b, txnVersion)
	b = msgp.AppendUint64(b, uint64(h.Zxid))
	b = appendInt(b, h.Time)
	b = appendInt(b, int64(h.Session))
	b = appendInt(b, int64(h.Xid))
	b = appendInt(b, int64(h.Op))
	return msgp.AppendUint64(b, uint64(kind))
}

func appendTxnBody(b []byte, body TxnBody) ([]byte, error) {
	switch t := body.(type) {
	case *CreateTxn:
		b = appendData(msgp.AppendString(msgp.AppendArrayHeader(b, 5), t.Path), t.Data)
		return appendInt(msgp.AppendUint64(appendACL(b, t.ACL), uint64(t.Owner)), int64(t.ParentCreates)), nil
	case *DeleteTxn:
		return msgp.AppendString(msgp.AppendArrayHeader(b, 1), t.Path), nil
	case *SetDataTxn:
		b = appendData(msgp.AppendString(msgp.AppendArrayHeader(b, 3), t.Path), t.Data)
		return appendInt(b, int64(t.Version)), nil
	case *SetACLTxn:
		return appendInt(appendACL(msgp.AppendString(msgp.AppendArrayHeader(b, 3), t.Path), t.ACL), int64(t.Version)), nil
	case *CreateSessionTxn:
		return appendData(appendInt(msgp.AppendArrayHeader(b, 2), int64(t.Timeout)), t.Password), nil
	case *CloseSessionTxn:
		b = msgp.AppendArrayHeader(msgp.AppendArrayHeader(b, 1), uint32(len(t.Paths)))
		for _, path := range t.Paths {
			b = msgp.AppendString(b, path)
		}
		return b, nil
	case *MultiTxn:
		return appendMulti(b, t)
	}
	return b, fmt.Errorf("no encoding for %T", body)
}

func appendMulti(b []byte, m *MultiTxn) (_ []byte, err error) {
	b = msgp.AppendArrayHeader(msgp.AppendArrayHeader(b, 1), uint32(len(m.Ops)))
	for _, op := range m.Ops {
		kind := TxnKind(0)
		if op.Body != nil {
			kind = op.Body.Kind()
		}
		if kind == TxnMulti {
			return b, errNestedMulti
		}
		b = msgp.AppendUint64(appendInt(msgp.AppendArrayHeader(b, 3), int64(op.Op)), uint64(kind))
		if op.Body == nil {
			b = msgp.AppendNil(b)
		} else if b, err = appendTxnBody(b, op.Body); err != nil {
			return b, err
		}
	}
	return b, nil
}

func appendACL(b []byte, list []ACL) []byte {
	b = msgp.AppendArrayHeader(b, uint32(len(list)))
	for i := range list {
		b = appendInt(msgp.AppendArrayHeader(b, 3), int64(list[i].Perms))
		b = msgp.AppendString(msgp.AppendString(b, list[i].ID.Scheme), list[i].ID.ID)
	}
	return b
}

// appendInt writes what isn't negative as unsigned, as all of this format does: there is one encoding for each number.
func appendInt(b []byte, v int64) []byte {
	if v >= 0 {
		return msgp.AppendUint64(b, uint64(v))
	}
	return msgp.AppendInt64(b, v)
}

// appendData keeps nil apart from empty.
func appendData(b, data []byte) []byte {
	if data == nil {
		return msgp.AppendNil(b)
	}
	return msgp.AppendBytes(b, data)
}
