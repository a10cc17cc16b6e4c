package messages

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
)

// ErrTxnFormat tells that bytes are not a transaction of this version.
var ErrTxnFormat = errors.New("not a transaction of this version")

var errNestedMulti = errors.New("a multi within a multi")

type txnDecoder struct {
	data []byte
	r    bytes.Reader // over data; the library reads from it without looking ahead
	dec  *msgpack.Decoder
}

var txnDecoders = sync.Pool{New: func() any {
	d := &txnDecoder{}
	d.dec = msgpack.NewDecoder(&d.r)
	return d
}}

// DecodeTxn is the inverse of EncodeTxn. What it returns shares nothing with data. Errors wrap ErrTxnFormat.
func DecodeTxn(data []byte) (TxnHeader, TxnBody, error) {
	d := txnDecoders.Get().(*txnDecoder)
	d.data = data
	d.r.Reset(data)
	d.dec.Reset(&d.r)
	h, body, err := d.txn()
	if err == nil && d.r.Len() > 0 {
		err = fmt.Errorf("%d bytes left over", d.r.Len())
	}
	d.data = nil // the pool must not keep the caller's bytes alive
	d.r.Reset(nil)
	txnDecoders.Put(d)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return h, nil, fmt.Errorf("%w: %w", ErrTxnFormat, err)
	}
	return h, body, nil
}

func (d *txnDecoder) txn() (h TxnHeader, body TxnBody, err error) {
	if err = d.array(8); err != nil {
		return h, nil, err
	}
	version, err := d.dec.DecodeUint64()
	if err != nil {
		return h, nil, err
	}
	if version != txnVersion {
		return h, nil, fmt.Errorf("version %d, this server knows %d", version, txnVersion)
	}
	var kind TxnKind
	err = firstError(d.uint((*uint64)(&h.Zxid)), d.int(&h.Time), d.int((*int64)(&h.Session)), d.int32(&h.Xid),
		d.int32((*int32)(&h.Op)), d.kind(&kind))
	if err != nil {
		return h, nil, err
	}
	if kind == TxnMulti {
		body, err = d.multi()
	} else {
		body, err = d.body(kind)
	}
	return h, body, err
}

// body reads what may stand alone as well as in a multi.
func (d *txnDecoder) body(kind TxnKind) (TxnBody, error) {
	switch kind {
	case TxnCreate:
		return d.create()
	case TxnDelete:
		b := &DeleteTxn{}
		return b, firstOf(d.array(1), func() error { return d.string(&b.Path) })
	case TxnSetData:
		b := &SetDataTxn{}
		return b, firstOf(d.array(3), func() error {
			return firstError(d.string(&b.Path), d.bytes(&b.Data), d.int32(&b.Version))
		})
	case TxnSetACL:
		b := &SetACLTxn{}
		return b, firstOf(d.array(3), func() error {
			return firstError(d.string(&b.Path), d.acl(&b.ACL), d.int32(&b.Version))
		})
	case TxnCreateSession:
		b := &CreateSessionTxn{}
		return b, firstOf(d.array(2), func() error { return firstError(d.int32(&b.Timeout), d.bytes(&b.Password)) })
	case TxnCloseSession:
		b := &CloseSessionTxn{}
		return b, firstOf(d.array(1), func() error { return d.paths(&b.Paths) })
	case TxnMulti:
		return nil, errNestedMulti
	}
	return nil, fmt.Errorf("kind %d is unknown", kind)
}

func (d *txnDecoder) create() (TxnBody, error) {
	b := &CreateTxn{}
	return b, firstOf(d.array(5), func() error {
		return firstError(d.string(&b.Path), d.bytes(&b.Data), d.acl(&b.ACL), d.uint((*uint64)(&b.Owner)),
			d.int32(&b.ParentCreates))
	})
}

func (d *txnDecoder) multi() (TxnBody, error) {
	if err := d.array(1); err != nil {
		return nil, err
	}
	n, err := d.count()
	if err != nil {
		return nil, err
	}
	m := &MultiTxn{Ops: make([]MultiOp, 0, min(n, 1024))}
	for range n {
		var item MultiOp
		var kind TxnKind
		err := firstOf(d.array(3), func() error { return firstError(d.int32((*int32)(&item.Op)), d.kind(&kind)) })
		if err == nil && kind == 0 {
			err = d.dec.DecodeNil()
		} else if err == nil {
			item.Body, err = d.body(kind)
		}
		if err != nil {
			return nil, err
		}
		m.Ops = append(m.Ops, item)
	}
	return m, nil
}

func (d *txnDecoder) acl(list *[]ACL) error {
	n, err := d.count()
	if err != nil {
		return err
	}
	*list = make([]ACL, 0, min(n, 64))
	for range n {
		var a ACL
		err := firstOf(d.array(3), func() error {
			return firstError(d.int32((*int32)(&a.Perms)), d.string(&a.ID.Scheme), d.string(&a.ID.ID))
		})
		if err != nil {
			return err
		}
		*list = append(*list, a)
	}
	return nil
}

func (d *txnDecoder) paths(list *[]string) error {
	n, err := d.count()
	if err != nil {
		return err
	}
	*list = make([]string, 0, min(n, 1024))
	for range n {
		var p string
		if err := d.string(&p); err != nil {
			return err
		}
		*list = append(*list, p)
	}
	return nil
}

// firstOf runs rest only when the step before it went well.
func firstOf(err error, rest func() error) error {
	if err != nil {
		return err
	}
	return rest()
}

func (d *txnDecoder) array(want int) error {
	n, err := d.dec.DecodeArrayLen()
	if err == nil && n != want {
		err = fmt.Errorf("an array of %d where %d belong", n, want)
	}
	return err
}

// count reads the length of a list and checks it against the bytes that are left.
func (d *txnDecoder) count() (int, error) {
	n, err := d.dec.DecodeArrayLen()
	if err == nil && (n < 0 || n > d.r.Len()) {
		err = fmt.Errorf("a list of %d items in %d bytes", n, d.r.Len())
	}
	return n, err
}

func (d *txnDecoder) uint(v *uint64) (err error) { *v, err = d.dec.DecodeUint64(); return err }
func (d *txnDecoder) int(v *int64) (err error)   { *v, err = d.dec.DecodeInt64(); return err }

func (d *txnDecoder) int32(v *int32) error {
	n, err := d.dec.DecodeInt64()
	if err == nil && n != int64(int32(n)) {
		err = fmt.Errorf("%d does not fit 32 bits", n)
	}
	*v = int32(n)
	return err
}

func (d *txnDecoder) kind(v *TxnKind) error {
	n, err := d.dec.DecodeUint64()
	if err == nil && n != uint64(TxnKind(n)) {
		err = fmt.Errorf("kind %d is unknown", n)
	}
	*v = TxnKind(n)
	return err
}

// string reads a string. The names that are in nearly every ACL take no memory of their own.
func (d *txnDecoder) string(v *string) error {
	b, err := d.view()
	switch string(b) {
	case SchemeWorld:
		*v = SchemeWorld
	case WorldAnyone:
		*v = WorldAnyone
	case SchemeDigest:
		*v = SchemeDigest
	default:
		*v = string(b)
	}
	return err
}

// bytes reads a copy of a binary; nil is kept apart from empty.
func (d *txnDecoder) bytes(v *[]byte) error {
	b, err := d.view()
	*v = bytes.Clone(b)
	return err
}

// view reads a string or binary without copying; nil gives nil. The length is checked against the bytes that are
// left, so a damaged one can't make anybody allocate.
func (d *txnDecoder) view() ([]byte, error) {
	n, err := d.dec.DecodeBytesLen()
	if err != nil || n == -1 {
		return nil, err
	}
	if n < 0 || n > d.r.Len() {
		return nil, fmt.Errorf("%d bytes announced, %d are left", n, d.r.Len())
	}
	start := len(d.data) - d.r.Len()
	_, err = d.r.Seek(int64(n), io.SeekCurrent)
	return d.data[start : start+n : start+n], err
}
