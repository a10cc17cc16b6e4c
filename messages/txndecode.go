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

type txnDecoder struct {
	r     bytes.Reader
	dec   *msgpack.Decoder
	depth int
}

var txnDecoders = sync.Pool{New: func() any {
	d := &txnDecoder{}
	d.dec = msgpack.NewDecoder(&d.r)
	return d
}}

// DecodeTxn is the inverse of EncodeTxn. What it returns shares nothing with data. Errors wrap ErrTxnFormat.
func DecodeTxn(data []byte) (TxnHeader, TxnBody, error) {
	d := txnDecoders.Get().(*txnDecoder)
	defer txnDecoders.Put(d)
	d.r.Reset(data)
	d.dec.Reset(&d.r)
	d.depth = 0
	h, body, err := d.txn()
	if err == nil && d.r.Len() > 0 {
		err = fmt.Errorf("%d bytes left over", d.r.Len())
	}
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
	var zxid, kind uint64
	var session, xid, op int64
	err = firstError(d.uint(&zxid), d.int(&h.Time), d.int(&session), d.int(&xid), d.int(&op), d.uint(&kind))
	if err != nil {
		return h, nil, err
	}
	h.Zxid, h.Session, h.Xid, h.Op = Zxid(zxid), SessionID(session), int32(xid), OpCode(op)
	body, err = d.body(TxnKind(kind))
	return h, body, err
}

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
		return d.multi()
	}
	return nil, fmt.Errorf("kind %d is unknown", kind)
}

func (d *txnDecoder) create() (TxnBody, error) {
	b := &CreateTxn{}
	var owner uint64
	err := firstOf(d.array(5), func() error {
		return firstError(d.string(&b.Path), d.bytes(&b.Data), d.acl(&b.ACL), d.uint(&owner), d.int32(&b.ParentCreates))
	})
	b.Owner = Owner(owner)
	return b, err
}

func (d *txnDecoder) multi() (TxnBody, error) {
	if d.depth++; d.depth > 1 {
		return nil, errors.New("a multi within a multi")
	}
	if err := d.array(1); err != nil {
		return nil, err
	}
	n, err := d.count()
	if err != nil {
		return nil, err
	}
	m := &MultiTxn{Ops: make([]MultiOp, 0, min(n, 1024))}
	for range n {
		var op int64
		var kind uint64
		if err := firstOf(d.array(3), func() error { return firstError(d.int(&op), d.uint(&kind)) }); err != nil {
			return nil, err
		}
		item := MultiOp{Op: OpCode(op)}
		if kind == 0 {
			err = d.dec.DecodeNil()
		} else {
			item.Body, err = d.body(TxnKind(kind))
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

func (d *txnDecoder) string(v *string) error {
	var b []byte
	err := d.bytes(&b)
	*v = string(b)
	return err
}

// bytes reads a string or binary. The length is checked first, so a damaged one can't make it allocate.
func (d *txnDecoder) bytes(v *[]byte) error {
	n, err := d.dec.DecodeBytesLen()
	if err != nil {
		return err
	}
	if n == -1 {
		*v = nil
		return nil
	}
	if n < 0 || n > d.r.Len() {
		return fmt.Errorf("%d bytes announced, %d are left", n, d.r.Len())
	}
	*v = make([]byte, n)
	return d.dec.ReadFull(*v)
}
