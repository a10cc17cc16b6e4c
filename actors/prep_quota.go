package actors

import "github.com/troupekeeper/troupe/messages"

// checkQuota judges growth of a subtree by count nodes and bytes of data against the deepest quota above path.
func (p *Prep) checkQuota(path string, count, bytes int64) messages.ErrCode {
	q, ok := p.pending.tree.Quota(path)
	if !ok {
		return messages.ErrOK
	}
	inFlight := p.pending.quotas[q.Root]
	usedCount, usedBytes := q.UsedCount+inFlight.count+count, q.UsedBytes+inFlight.bytes+bytes
	if count > 0 {
		if p.opts.EnforceQuota && over(usedCount, q.CountHard) {
			return messages.ErrQuotaExceeded
		}
		p.soft(q.Root, "count", usedCount, q.Count)
	}
	if bytes != 0 {
		if p.opts.EnforceQuota && over(usedBytes, q.BytesHard) {
			return messages.ErrQuotaExceeded
		}
		p.soft(q.Root, "bytes", usedBytes, q.Bytes)
	}
	return messages.ErrOK
}

func over(used, limit int64) bool { return limit >= 0 && used > limit }

func (p *Prep) soft(root, what string, used, limit int64) {
	if p.overQuota != nil && over(used, limit) {
		p.overQuota(root, what, used, limit)
	}
}

// chargeQuota notes what the proposal adds or takes away, until the tree has counted it. Whatever is judged behind it
// happens only if it does, so what it takes away makes room at once: a follower may have told a client of a delete
// that this server's own tree doesn't know yet. Within a multi it makes no room, as with ZooKeeper.
func (p *Prep) chargeQuota(path string, count, bytes int64) {
	if count == 0 && bytes == 0 {
		return
	}
	if q, ok := p.pending.tree.Quota(path); ok {
		p.pending.account(q.Root, usage{count: count, bytes: bytes}, p.zxid)
	}
}
