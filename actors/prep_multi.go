package actors

import (
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// multi judges operations in their order; each sees what the ones before it do. When one fails nothing is kept, and
// the results say 0 before it, its code, and "runtime inconsistency" behind it.
func (p *Prep) multi(r *messages.Request, ops []jute.MultiOp) (messages.TxnBody, []messages.ErrCode, messages.ErrCode) {
	if !nameCreates(ops) {
		return nil, nil, messages.ErrMarshalling
	}
	mark := p.pending.begin()
	txn := &messages.MultiTxn{Ops: make([]messages.MultiOp, 0, len(ops))}
	for i := range ops {
		body, code := p.multiOp(r, &ops[i])
		if code != messages.ErrOK {
			p.pending.end(mark, false)
			return nil, multiResults(len(ops), i, code), code
		}
		txn.Ops = append(txn.Ops, messages.MultiOp{Op: ops[i].Op, Body: body})
	}
	p.pending.end(mark, true)
	return txn, nil, messages.ErrOK
}

// nameCreates gives each create of a multi the operation that its flag stands for: in a multi ZooKeeper goes by the
// flag alone, and the result of an ordinary create has no Stat, whichever operation asked for it. A TTL flag in a
// record that carries no TTL makes the whole multi malformed.
func nameCreates(ops []jute.MultiOp) bool {
	for i := range ops {
		q, ok := ops[i].Record.(jute.CreateRequest)
		switch {
		case !ok:
		case isTTLFlag(q.Flags):
			if ops[i].Op != messages.OpCreateTTL {
				return false
			}
		case q.Flags == flagContainer:
			ops[i].Op = messages.OpCreateContainer
		default:
			ops[i].Op = messages.OpCreate
		}
	}
	return true
}

func multiResults(n, failed int, code messages.ErrCode) []messages.ErrCode {
	results := make([]messages.ErrCode, n)
	results[failed] = code
	for i := failed + 1; i < n; i++ {
		results[i] = messages.ErrRuntimeInconsistency
	}
	return results
}

func (p *Prep) multiOp(r *messages.Request, op *jute.MultiOp) (messages.TxnBody, messages.ErrCode) {
	switch q := op.Record.(type) {
	case jute.CreateRequest:
		return p.create(r, op.Op, &q)
	case jute.SetDataRequest:
		return p.setData(r, &q)
	case jute.PathVersion:
		if op.Op == messages.OpCheck {
			return nil, p.check(r, &q)
		}
		return p.delete(r, &q)
	}
	return nil, messages.ErrMarshalling
}
