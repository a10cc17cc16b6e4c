package messages

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
)

// txnVersion leads each encoded transaction. A reader refuses versions that it doesn't know.
const txnVersion = 1

type txnEncoder struct {
	buf bytes.Buffer
	enc *msgpack.Encoder
}

var txnEncoders = sync.Pool{New: func() any {
	e := &txnEncoder{}
	e.enc = msgpack.NewEncoder(&e.buf)
	e.enc.UseCompactInts(true)
	return e
}}

// EncodeTxn gives the one encoding of a transaction that goes to the log and to every other server: a msgpack
// array of version, zxid, time, session, xid, op, kind and body. Nil and empty data stay apart, nil and empty lists
// do not. The error tells of a body that DecodeTxn would refuse: none at all, or a multi within a multi.
func EncodeTxn(h *TxnHeader, body TxnBody) ([]byte, error) {
	e := txnEncoders.Get().(*txnEncoder)
	defer txnEncoders.Put(e)
	e.buf.Reset()
	if body == nil {
		return nil, fmt.Errorf("encode transaction %v: no body", h.Zxid)
	}
	if err := e.txn(h, body); err != nil {
		return nil, fmt.Errorf("encode transaction %v: %w", h.Zxid, err)
	}
	return bytes.Clone(e.buf.Bytes()), nil
}

func (e *txnEncoder) txn(h *TxnHeader, body TxnBody) error {
	return firstError(
		e.enc.EncodeArrayLen(8),
		e.enc.EncodeUint(txnVersion),
		e.enc.EncodeUint(uint64(h.Zxid)),
		e.enc.EncodeInt(h.Time),
		e.enc.EncodeInt(int64(h.Session)),
		e.enc.EncodeInt(int64(h.Xid)),
		e.enc.EncodeInt(int64(h.Op)),
		e.enc.EncodeUint(uint64(body.Kind())),
		e.body(body),
	)
}

func (e *txnEncoder) body(body TxnBody) error {
	enc := e.enc
	switch b := body.(type) {
	case *CreateTxn:
		return firstError(enc.EncodeArrayLen(5), enc.EncodeString(b.Path), enc.EncodeBytes(b.Data),
			e.acl(b.ACL), enc.EncodeUint(uint64(b.Owner)), enc.EncodeInt(int64(b.ParentCreates)))
	case *DeleteTxn:
		return firstError(enc.EncodeArrayLen(1), enc.EncodeString(b.Path))
	case *SetDataTxn:
		return firstError(enc.EncodeArrayLen(3), enc.EncodeString(b.Path), enc.EncodeBytes(b.Data),
			enc.EncodeInt(int64(b.Version)))
	case *SetACLTxn:
		return firstError(enc.EncodeArrayLen(3), enc.EncodeString(b.Path), e.acl(b.ACL), enc.EncodeInt(int64(b.Version)))
	case *CreateSessionTxn:
		return firstError(enc.EncodeArrayLen(2), enc.EncodeInt(int64(b.Timeout)), enc.EncodeBytes(b.Password))
	case *CloseSessionTxn:
		return e.paths(b.Paths)
	case *MultiTxn:
		return e.multi(b)
	}
	return fmt.Errorf("no encoding for %T", body)
}

func (e *txnEncoder) acl(list []ACL) error {
	if err := e.enc.EncodeArrayLen(len(list)); err != nil {
		return err
	}
	for i := range list {
		err := firstError(e.enc.EncodeArrayLen(3), e.enc.EncodeInt(int64(list[i].Perms)),
			e.enc.EncodeString(list[i].ID.Scheme), e.enc.EncodeString(list[i].ID.ID))
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *txnEncoder) paths(paths []string) error {
	if err := firstError(e.enc.EncodeArrayLen(1), e.enc.EncodeArrayLen(len(paths))); err != nil {
		return err
	}
	for _, p := range paths {
		if err := e.enc.EncodeString(p); err != nil {
			return err
		}
	}
	return nil
}

func (e *txnEncoder) multi(m *MultiTxn) error {
	if err := firstError(e.enc.EncodeArrayLen(1), e.enc.EncodeArrayLen(len(m.Ops))); err != nil {
		return err
	}
	for _, op := range m.Ops {
		kind := TxnKind(0)
		if op.Body != nil {
			kind = op.Body.Kind()
		}
		if kind == TxnMulti {
			return errNestedMulti
		}
		err := firstError(e.enc.EncodeArrayLen(3), e.enc.EncodeInt(int64(op.Op)), e.enc.EncodeUint(uint64(kind)))
		if err == nil && op.Body == nil {
			err = e.enc.EncodeNil()
		} else if err == nil {
			err = e.body(op.Body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
