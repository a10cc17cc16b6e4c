package actors

import (
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// Item is what a stage is shown: a request, a transaction or a reply, as its place has it. Only Refuse changes it.
type Item struct {
	seq     uint64 // 0: not from a guard
	verdict messages.ErrCode
	request *messages.Request
	txn     *messages.Proposal
	reply   *replySeen
	conns   *ConnTable
}

// replySeen is what is known of a reply.
type replySeen struct {
	code    messages.ErrCode
	zxid    messages.Zxid
	latency int64
}

// Refuse asks for the item to be answered with this code instead of going on. What closes a session can't be refused, nor
// what is committed; the call has no effect then. Codes are those of package messages; ErrOK takes the refusal back.
func (i *Item) Refuse(code messages.ErrCode) { i.verdict = code }

// Refused is the code that the item is refused with, ErrOK if it isn't.
func (i *Item) Refused() messages.ErrCode { return i.verdict }

// Op is the client's operation.
func (i *Item) Op() messages.OpCode {
	if i.request != nil {
		return i.request.Op
	}
	return i.txn.Header.Op
}

// Session is whose request it is; 0 for what the server itself does.
func (i *Item) Session() messages.SessionID {
	if i.request != nil {
		return i.request.Session
	}
	return i.txn.Header.Session
}

// Conn is the connection that it came by, 0 where this server doesn't know it.
func (i *Item) Conn() messages.ConnID {
	if i.request != nil && i.request.Origin == 0 {
		return i.request.Conn
	}
	return 0
}

// Client is where that connection comes from, ip:port; "" if it has ended or is another server's.
func (i *Item) Client() string {
	if i.conns == nil || i.Conn() == 0 {
		return ""
	}
	return i.conns.Remote(i.Conn())
}

// Identities are who the client has proved to be. They are shared: don't change them.
func (i *Item) Identities() []messages.Identity {
	if i.request != nil {
		return i.request.Identities
	}
	return nil
}

// Own tells whether the server itself asks: for what expires, and for containers that are empty.
func (i *Item) Own() bool {
	if i.request != nil {
		return i.request.Conn == 0
	}
	return i.txn.Header.Session == 0
}

// Request is the client's request; nil at AfterCommit. It must not be changed.
func (i *Item) Request() *messages.Request { return i.request }

// Txn is the transaction; nil before it is made, and of replies that belong to none. It must not be changed.
func (i *Item) Txn() *messages.Proposal { return i.txn }

// Zxid is the transaction's, or the one that a reply carries; 0 before there is one.
func (i *Item) Zxid() messages.Zxid {
	switch {
	case i.reply != nil:
		return i.reply.zxid
	case i.txn != nil:
		return i.txn.Header.Zxid
	}
	return 0
}

// Outcome is the code that a reply carries. It is ErrOK at all other places.
func (i *Item) Outcome() messages.ErrCode {
	if i.reply != nil {
		return i.reply.code
	}
	return messages.ErrOK
}

// LatencyUs is how long the request of a reply has taken, in microseconds.
func (i *Item) LatencyUs() int64 {
	if i.reply != nil {
		return i.reply.latency
	}
	return 0
}

// Path is the path that a request names, the first one of a multi; "" if there is none.
func (i *Item) Path() string {
	if i.txn != nil || i.request.Op.IsWrite() {
		if list := i.Changes(); len(list) > 0 {
			return list[0].Path
		}
		return ""
	}
	d := jute.NewDecoder(i.request.Body)
	switch i.request.Op {
	case messages.OpExists, messages.OpGetData, messages.OpGetACL, messages.OpGetChildren, messages.OpGetChildren2, messages.OpSync,
		messages.OpGetAllChildrenNumber, messages.OpGetEphemerals, messages.OpAddWatch, messages.OpRemoveWatches, messages.OpCheckWatches:
		path, _ := d.View()
		return string(path)
	}
	return ""
}

// Change is one node that a write is about. Of a request it says what was asked for, of a transaction what becomes so.
type Change struct {
	Op        messages.OpCode // create, delete, setData, setACL or check
	Path      string
	Data      []byte         // of create and setData; shared: don't change it
	ACL       []messages.ACL // of create and setACL
	Version   int32          // of a request the version that is expected, of a transaction the one that it makes
	Ephemeral bool
	Container bool
	// Sequential is of a request: its Path is what the number is put behind.
	Sequential bool
}

// Changes lists the nodes that a write is about, those of a multi one after the other. It is nil for a read, and for a
// request that can't be read, which prep refuses.
func (i *Item) Changes() []Change {
	if i.txn != nil {
		return TxnChanges(i.txn)
	}
	return requestChanges(i.request)
}

// TxnChanges lists the nodes that a transaction changes.
func TxnChanges(p *messages.Proposal) []Change { return txnChanges(nil, p.Body) }

// RequestChanges lists what the request of an item asks for, also when there is a transaction by now; nil if it has no request.
func RequestChanges(i *Item) []Change {
	if i.request == nil {
		return nil
	}
	return requestChanges(i.request)
}

func txnChanges(list []Change, body messages.TxnBody) []Change {
	switch t := body.(type) {
	case *messages.CreateTxn:
		return append(list, Change{
			Op: messages.OpCreate, Path: t.Path, Data: t.Data, ACL: t.ACL, Ephemeral: t.Owner.IsEphemeral(),
			Container: t.Owner.IsContainer(),
		})
	case *messages.DeleteTxn:
		return append(list, Change{Op: messages.OpDelete, Path: t.Path})
	case *messages.SetDataTxn:
		return append(list, Change{Op: messages.OpSetData, Path: t.Path, Data: t.Data, Version: t.Version})
	case *messages.SetACLTxn:
		return append(list, Change{Op: messages.OpSetACL, Path: t.Path, ACL: t.ACL, Version: t.Version})
	case *messages.CloseSessionTxn:
		for _, path := range t.Paths {
			list = append(list, Change{Op: messages.OpDelete, Path: path, Ephemeral: true})
		}
	case *messages.MultiTxn:
		for _, op := range t.Ops {
			list = txnChanges(list, op.Body)
		}
	}
	return list
}

func requestChanges(r *messages.Request) []Change {
	d := jute.NewDecoder(r.Body)
	var list []Change
	switch r.Op {
	case messages.OpCreate, messages.OpCreate2, messages.OpCreateContainer, messages.OpCreateTTL:
		list = recordChange(nil, r.Op, jute.DecodeCreateRequest(&d, r.Op))
	case messages.OpDelete:
		list = recordChange(nil, r.Op, jute.DecodePathVersion(&d))
	case messages.OpDeleteContainer:
		list = []Change{{Op: messages.OpDelete, Path: d.String(), Version: -1, Container: true}}
	case messages.OpCheck:
		list = recordChange(nil, r.Op, jute.DecodeCheckRequest(&d))
	case messages.OpSetData:
		list = recordChange(nil, r.Op, jute.DecodeSetDataRequest(&d))
	case messages.OpSetACL:
		q := jute.DecodeSetACLRequest(&d)
		list = []Change{{Op: messages.OpSetACL, Path: q.Path, ACL: q.ACL, Version: q.Version}}
	case messages.OpMulti:
		for _, op := range jute.DecodeMulti(&d, false) {
			list = recordChange(list, op.Op, op.Record)
		}
	}
	if d.Err() != nil {
		return nil
	}
	return list
}

func recordChange(list []Change, op messages.OpCode, record any) []Change {
	switch q := record.(type) {
	case jute.CreateRequest:
		return append(list, Change{
			Op: messages.OpCreate, Path: q.Path, Data: q.Data, ACL: q.ACL, Ephemeral: makesEphemeral(op, q.Flags),
			Container: op == messages.OpCreateContainer, Sequential: isSequentialFlag(q.Flags),
		})
	case jute.PathVersion:
		return append(list, Change{Op: op, Path: q.Path, Version: q.Version})
	case jute.SetDataRequest:
		return append(list, Change{Op: op, Path: q.Path, Data: q.Data, Version: q.Version})
	}
	return list
}

// refusable tells whether a stage may refuse an item. Closing a session is always possible: it makes room. What no client may
// send ends its connection with an answer of its own.
func (i *Item) refusable() bool {
	if i.request == nil || i.reply != nil {
		return true
	}
	switch op := i.request.Op; op {
	case messages.OpCloseSession, messages.OpCheck:
		return false
	case messages.OpCreateSession:
		return true
	default:
		return op.Known()
	}
}

// housekeeping is what a stage may refuse, but a policy doesn't: that a session is opened, and that a client which has come back
// sets its watches anew. Clients could do nothing else then, and would try again and again.
func (i *Item) housekeeping() bool {
	if i.request == nil || i.reply != nil {
		return false
	}
	switch i.request.Op {
	case messages.OpCreateSession, messages.OpSetWatches, messages.OpSetWatches2:
		return true
	}
	return false
}

// refusedRequest is what goes on in place of a request that a stage has refused: it takes the request's place among those of
// its session, and is answered there.
func refusedRequest(r *messages.Request, code messages.ErrCode) messages.Request {
	refused := *r
	refused.Op = messages.OpRefused
	refused.Body = append(jute.AppendInt(jute.AppendInt(nil, int32(code)), int32(r.Op)), r.Body...)
	return refused
}

// refusedBy reads what refusedRequest has written: the code, and the request as it was.
func refusedBy(r *messages.Request) (code messages.ErrCode, was messages.Request) {
	d := jute.NewDecoder(r.Body)
	was = *r
	code, was.Op = messages.ErrCode(d.Int()), messages.OpCode(d.Int())
	was.Body = d.Rest()
	return code, was
}
