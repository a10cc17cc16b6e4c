package actors

import (
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

func (p *Prep) delete(r *messages.Request, q *jute.PathVersion) (messages.TxnBody, messages.ErrCode) {
	if code := p.checkSession(r); code != messages.ErrOK {
		return nil, code
	}
	parentPath, ok := rawParent(q.Path)
	if !ok || messages.IsBuiltIn(q.Path) {
		return nil, messages.ErrBadArguments
	}
	parent, ok := p.pending.get(parentPath)
	if !ok {
		return nil, messages.ErrNoNode
	}
	if !p.allowed(r, parent.acl, messages.PermDelete) {
		return nil, messages.ErrNoAuth
	}
	node, ok := p.pending.get(q.Path)
	if !ok {
		return nil, messages.ErrNoNode
	}
	if _, code := nextVersion(node.version, q.Version); code != messages.ErrOK {
		return nil, code
	}
	if node.children > 0 {
		return nil, messages.ErrNotEmpty
	}
	p.enterDelete(q.Path, node.data)
	return &messages.DeleteTxn{Path: q.Path}, messages.ErrOK
}

// deleteContainer is the sweeper's delete of a container or TTL node: it judges anew, because the node may have got
// a child since it was looked at, and it never touches an ephemeral. A client that sends it needs DELETE on the
// parent as for any delete.
func (p *Prep) deleteContainer(r *messages.Request, path string) (messages.TxnBody, messages.ErrCode) {
	parentPath, ok := rawParent(path)
	if !ok || messages.IsBuiltIn(path) {
		return nil, messages.ErrBadArguments
	}
	parent, parentExists := p.pending.get(parentPath)
	node, exists := p.pending.get(path)
	switch {
	case !parentExists:
		return nil, messages.ErrNoNode
	case !p.allowed(r, parent.acl, messages.PermDelete):
		return nil, messages.ErrNoAuth
	case !exists:
		return nil, messages.ErrNoNode
	case node.children > 0:
		return nil, messages.ErrNotEmpty
	case node.owner.IsEphemeral(), own(r) && node.owner == 0:
		return nil, messages.ErrBadVersion
	}
	p.enterDelete(path, node.data)
	return &messages.DeleteTxn{Path: path}, messages.ErrOK
}

func (p *Prep) enterDelete(path string, data int) {
	parentPath := messages.ParentPath(path)
	up := p.pending.must(parentPath)
	up.children--
	p.pending.set(parentPath, up, p.zxid)
	p.pending.set(path, record{}, p.zxid)
	p.chargeQuota(path, -1, -int64(data))
}
