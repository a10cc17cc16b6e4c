package actors

import (
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

func (p *Prep) setData(r *messages.Request, q *jute.SetDataRequest) (messages.TxnBody, messages.ErrCode) {
	node, code := p.writable(r, q.Path, messages.PermWrite)
	if code != messages.ErrOK {
		return nil, code
	}
	if p.governs(r, q.Path) {
		return nil, messages.ErrBadArguments
	}
	growth := int64(len(q.Data) - node.data)
	if code := p.checkQuota(q.Path, 0, growth); code != messages.ErrOK {
		return nil, code
	}
	version, code := nextVersion(node.version, q.Version)
	if code != messages.ErrOK {
		return nil, code
	}
	node.version, node.data = version, len(q.Data)
	p.pending.set(q.Path, node, p.zxid)
	p.chargeQuota(q.Path, 0, growth)
	return &messages.SetDataTxn{Path: q.Path, Data: q.Data, Version: version}, messages.ErrOK
}

func (p *Prep) setACL(r *messages.Request, q *jute.SetACLRequest) (messages.TxnBody, messages.ErrCode) {
	if code := p.checkSession(r); code != messages.ErrOK {
		return nil, code
	}
	if !messages.ValidPath(q.Path) {
		return nil, messages.ErrBadArguments
	}
	acl, err := p.auth.FixACL(q.ACL, r.Identities)
	if err != nil {
		return nil, messages.ErrInvalidACL
	}
	node, code := p.writable(r, q.Path, messages.PermAdmin)
	if code != messages.ErrOK {
		return nil, code
	}
	version, code := nextVersion(node.aversion, q.Version)
	if code != messages.ErrOK {
		return nil, code
	}
	node.aversion, node.acl = version, acl
	p.pending.set(q.Path, node, p.zxid)
	return &messages.SetACLTxn{Path: q.Path, ACL: acl, Version: version}, messages.ErrOK
}

// check is an operation of a multi: it changes nothing.
func (p *Prep) check(r *messages.Request, q *jute.PathVersion) messages.ErrCode {
	node, code := p.writable(r, q.Path, messages.PermRead)
	if code == messages.ErrOK {
		_, code = nextVersion(node.version, q.Version)
	}
	return code
}

// writable finds a node for an operation that needs perm on it.
func (p *Prep) writable(r *messages.Request, path string, perm messages.Perm) (node record, code messages.ErrCode) {
	if code := p.checkSession(r); code != messages.ErrOK {
		return node, code
	}
	if !messages.ValidPath(path) {
		return node, messages.ErrBadArguments
	}
	node, ok := p.pending.get(path)
	if !ok {
		return node, messages.ErrNoNode
	}
	if !p.allowed(r, node.acl, perm) {
		return node, messages.ErrNoAuth
	}
	return node, messages.ErrOK
}
