package messages

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tinylib/msgp/msgp"
)

// ErrTxnFormat tells that bytes are not a transaction of this version.
var ErrTxnFormat = errors.New("not a transaction of this version")

var errNestedMulti = errors.New("a multi within a multi")

// txnDecoder reads what is left of a transaction. After the first error it reads nothing more.
type txnDecoder struct {
	left   []byte
	shares bool // buffers are parts of it
	err    error
}

// DecodeTxn is the inverse of EncodeTxn. What it returns shares nothing with data. Errors wrap ErrTxnFormat.
func DecodeTxn(data []byte) (TxnHeader, TxnBody, error) { return (&txnDecoder{left: data}).decode() }

// ViewTxn is DecodeTxn for who keeps data and never changes it: the body's buffers are parts of it.
func ViewTxn(data []byte) (TxnHeader, TxnBody, error) {
	return (&txnDecoder{left: data, shares: true}).decode()
}

func (d *txnDecoder) decode() (TxnHeader, TxnBody, error) {
	h, body := d.txn()
	if d.err == nil && len(d.left) > 0 {
		d.fail(fmt.Errorf("%d bytes left over", len(d.left)))
	}
	if d.err != nil {
		if errors.Is(d.err, msgp.ErrShortBytes) {
			d.err = io.ErrUnexpectedEOF
		}
		return h, nil, fmt.Errorf("%w: %w", ErrTxnFormat, d.err)
	}
	return h, body, nil
}

func (d *txnDecoder) fail(err error) {
	if d.err == nil {
		d.err, d.left = err, nil
	}
}

func (d *txnDecoder) txn() (h TxnHeader, body TxnBody) {
	d.array(8)
	if version := d.uint(); d.err == nil && version != txnVersion {
		d.fail(fmt.Errorf("version %d, this server knows %d", version, txnVersion))
	}
	h = TxnHeader{Zxid: Zxid(d.uint()), Time: d.int(), Session: SessionID(d.int()), Xid: d.int32(), Op: OpCode(d.int32())}
	switch kind := d.kind(); {
	case d.err != nil:
	case kind == TxnMulti:
		body = d.multi()
	default:
		body = d.body(kind)
	}
	return h, body
}

// body reads what may stand alone as well as in a multi.
func (d *txnDecoder) body(kind TxnKind) TxnBody {
	switch kind {
	case TxnCreate:
		d.array(5)
		return &CreateTxn{Path: d.string(), Data: d.bytes(), ACL: d.acl(), Owner: Owner(d.uint()), ParentCreates: d.int32()}
	case TxnDelete:
		d.array(1)
		return &DeleteTxn{Path: d.string()}
	case TxnSetData:
		d.array(3)
		return &SetDataTxn{Path: d.string(), Data: d.bytes(), Version: d.int32()}
	case TxnSetACL:
		d.array(3)
		return &SetACLTxn{Path: d.string(), ACL: d.acl(), Version: d.int32()}
	case TxnCreateSession:
		d.array(2)
		return &CreateSessionTxn{Timeout: d.int32(), Password: d.bytes()}
	case TxnCloseSession:
		d.array(1)
		return &CloseSessionTxn{Paths: d.paths()}
	case TxnMulti:
		d.fail(errNestedMulti)
	default:
		d.fail(fmt.Errorf("kind %d is unknown", kind))
	}
	return nil
}

func (d *txnDecoder) multi() TxnBody {
	d.array(1)
	n := d.count()
	m := &MultiTxn{Ops: make([]MultiOp, 0, min(n, 1024))}
	for i := 0; i < n && d.err == nil; i++ {
		d.array(3)
		item, kind := MultiOp{Op: OpCode(d.int32())}, d.kind()
		if kind == 0 {
			d.null()
		} else if d.err == nil {
			item.Body = d.body(kind)
		}
		m.Ops = append(m.Ops, item)
	}
	return m
}

func (d *txnDecoder) acl() []ACL {
	n := d.count()
	list := make([]ACL, 0, min(n, 64))
	for i := 0; i < n && d.err == nil; i++ {
		d.array(3)
		list = append(list, ACL{Perms: Perm(d.int32()), ID: Identity{Scheme: d.string(), ID: d.string()}})
	}
	return list
}

func (d *txnDecoder) paths() []string {
	n := d.count()
	list := make([]string, 0, min(n, 1024))
	for i := 0; i < n && d.err == nil; i++ {
		list = append(list, d.string())
	}
	return list
}

func (d *txnDecoder) arrayLen() (n uint32) {
	if d.err != nil {
		return 0
	}
	n, left, err := msgp.ReadArrayHeaderBytes(d.left)
	if err != nil {
		d.fail(err)
		return 0
	}
	d.left = left
	return n
}

func (d *txnDecoder) array(want uint32) {
	if n := d.arrayLen(); d.err == nil && n != want {
		d.fail(fmt.Errorf("an array of %d where %d belong", n, want))
	}
}

// count reads the length of a list and checks it against the bytes that are left.
func (d *txnDecoder) count() int {
	n := d.arrayLen()
	if int64(n) > int64(len(d.left)) {
		d.fail(fmt.Errorf("a list of %d items in %d bytes", n, len(d.left)))
		return 0
	}
	return int(n)
}

func (d *txnDecoder) uint() (v uint64) {
	if d.err != nil {
		return 0
	}
	v, left, err := msgp.ReadUint64Bytes(d.left)
	if err != nil {
		d.fail(err)
		return 0
	}
	d.left = left
	return v
}

func (d *txnDecoder) int() (v int64) {
	if d.err != nil {
		return 0
	}
	v, left, err := msgp.ReadInt64Bytes(d.left)
	if err != nil {
		d.fail(err)
		return 0
	}
	d.left = left
	return v
}

func (d *txnDecoder) int32() int32 {
	n := d.int()
	if n != int64(int32(n)) {
		d.fail(fmt.Errorf("%d does not fit 32 bits", n))
	}
	return int32(n)
}

func (d *txnDecoder) kind() TxnKind {
	n := d.uint()
	if n != uint64(TxnKind(n)) {
		d.fail(fmt.Errorf("kind %d is unknown", n))
	}
	return TxnKind(n)
}

// string reads a string. The names that are in nearly every ACL take no memory of their own.
func (d *txnDecoder) string() string {
	if d.err != nil {
		return ""
	}
	b, left, err := msgp.ReadStringZC(d.left)
	if err != nil {
		d.fail(err)
		return ""
	}
	d.left = left
	switch string(b) {
	case SchemeWorld:
		return SchemeWorld
	case WorldAnyone:
		return WorldAnyone
	case SchemeDigest:
		return SchemeDigest
	}
	return string(b)
}

// bytes reads a binary; nil is kept apart from empty.
func (d *txnDecoder) bytes() []byte {
	if d.err != nil || d.isNull() {
		return nil
	}
	b, left, err := msgp.ReadBytesZC(d.left)
	if err != nil {
		d.fail(err)
		return nil
	}
	d.left = left
	if d.shares {
		return b[:len(b):len(b)]
	}
	return bytes.Clone(b)
}

// isNull tells whether a nil follows, and passes over it.
func (d *txnDecoder) isNull() bool {
	if !msgp.IsNil(d.left) {
		return false
	}
	d.null()
	return true
}

func (d *txnDecoder) null() {
	if d.err != nil {
		return
	}
	left, err := msgp.ReadNilBytes(d.left)
	if err != nil {
		d.fail(err)
		return
	}
	d.left = left
}
