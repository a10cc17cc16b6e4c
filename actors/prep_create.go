package actors

import (
	"fmt"
	"strings"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// The flags of a create request.
const (
	flagPersistent           = 0
	flagEphemeral            = 1
	flagSequential           = 2
	flagEphemeralSequential  = 3
	flagContainer            = 4
	flagTTL                  = 5
	flagPersistentSequentTTL = 6
)

func isTTLFlag(f int32) bool { return f == flagTTL || f == flagPersistentSequentTTL }

func isSequentialFlag(f int32) bool {
	return f == flagSequential || f == flagEphemeralSequential || f == flagPersistentSequentTTL
}

// create judges all four kinds of create. The operation decides what kind of node it becomes, the flag which checks
// are made and whether the name gets a number.
func (p *Prep) create(r *messages.Request, op messages.OpCode, q *jute.CreateRequest) (messages.TxnBody, messages.ErrCode) {
	if code := p.checkFlags(op, q); code != messages.ErrOK {
		return nil, code
	}
	if code := p.checkOwner(r, op, q.Flags); code != messages.ErrOK {
		return nil, code
	}
	parentPath, ok := rawParent(q.Path)
	if !ok {
		return nil, messages.ErrBadArguments
	}
	acl, err := p.auth.FixACL(q.ACL, r.Identities)
	if err != nil {
		return nil, messages.ErrInvalidACL
	}
	parent, ok := p.pending.get(parentPath)
	if !ok {
		return nil, messages.ErrNoNode
	}
	if !p.allowed(r, parent.acl, messages.PermCreate) {
		return nil, messages.ErrNoAuth
	}
	path := q.Path
	if isSequentialFlag(q.Flags) {
		path += fmt.Sprintf("%010d", parent.creates)
	}
	if code := p.checkPlace(path, parent.owner); code != messages.ErrOK {
		return nil, code
	}
	if code := p.checkQuota(path, 1, int64(len(q.Data))); code != messages.ErrOK {
		return nil, code
	}
	txn := &messages.CreateTxn{
		Path: path, Data: q.Data, ACL: acl, Owner: ownerFor(r, op, q), ParentCreates: parent.creates + 1,
	}
	p.enterCreate(txn, parentPath, &parent)
	return txn, messages.ErrOK
}

// checkFlags comes before everything else.
func (p *Prep) checkFlags(op messages.OpCode, q *jute.CreateRequest) messages.ErrCode {
	switch {
	case q.Flags < flagPersistent || q.Flags > flagPersistentSequentTTL:
		return messages.ErrBadArguments
	case isTTLFlag(q.Flags) && !p.opts.ExtendedTypes:
		return messages.ErrUnimplemented
	case isTTLFlag(q.Flags) && (q.TTL <= 0 || q.TTL > messages.MaxTTL):
		return messages.ErrBadArguments // create and create2 carry no TTL, so they end here too
	case op == messages.OpCreateTTL && !isTTLFlag(q.Flags):
		return messages.ErrBadArguments
	}
	return messages.ErrOK
}

func (p *Prep) checkPlace(path string, parent messages.Owner) messages.ErrCode {
	if !messages.ValidPath(path) {
		return messages.ErrBadArguments
	}
	if _, exists := p.pending.get(path); exists {
		return messages.ErrNodeExists
	}
	if parent.IsEphemeral() {
		return messages.ErrNoChildrenForEphemerals
	}
	return messages.ErrOK
}

// rawParent cuts the last component off without judging the rest: a strange parent is simply not found.
func rawParent(path string) (parent string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 || strings.IndexByte(path, 0) >= 0 {
		return "", false
	}
	if i <= 1 && path[0] == '/' {
		return messages.RootPath, true // "/x", and "//x", which fails later
	}
	return path[:i], true
}

func ownerFor(r *messages.Request, op messages.OpCode, q *jute.CreateRequest) messages.Owner {
	switch {
	case op == messages.OpCreateContainer:
		return messages.ContainerOwner
	case op == messages.OpCreateTTL:
		return messages.TTLOwner(q.TTL)
	case makesEphemeral(op, q.Flags):
		return messages.SessionOwner(r.Session)
	}
	return 0
}

// makesEphemeral tells whether a create makes a node that goes with its session.
func makesEphemeral(op messages.OpCode, flags int32) bool {
	return (op == messages.OpCreate || op == messages.OpCreate2) && (flags == flagEphemeral || flags == flagEphemeralSequential)
}

func (p *Prep) enterCreate(t *messages.CreateTxn, parentPath string, parent *record) {
	up := *parent
	up.creates++
	up.children++
	p.pending.set(parentPath, up, p.zxid)
	p.pending.set(t.Path, record{exists: true, acl: t.ACL, owner: t.Owner, data: len(t.Data)}, p.zxid)
	p.chargeQuota(t.Path, 1, int64(len(t.Data)))
}
