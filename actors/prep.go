package actors

import (
	"math"

	"github.com/troupekeeper/troupe/actors/auth"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// PrepOptions are the rules that writes are judged by.
type PrepOptions struct {
	ExtendedTypes   bool // TTL nodes
	EnforceQuota    bool // hard limits count
	ReconfigEnabled bool
	Change          messages.ChangeRules // for new memberships
}

// Prep is the desk: it judges each write against the tree and everything that is proposed and not yet applied, in
// the order in which writes come, and turns it into a transaction with the next zxid, or refuses it. A transaction
// says what becomes so; nothing after prep can refuse it.
type Prep struct {
	opts    PrepOptions
	auth    *auth.Registry
	pending *pending
	last    messages.Zxid // of the latest proposal
	epoch   uint32        // of the zxids to give out
	full    bool          // the disk is: nothing that could be refused is accepted

	// Of the request that is being judged.
	zxid messages.Zxid
	now  int64

	proposals []messages.Proposal
	lastBatch int                // how many proposals the last one had, for the capacity of the next
	refusals  []messages.Refusal // of this server's own clients
	words     []messages.Words   // of others'
	syncs     []messages.SyncWish
	homes     sessionHomes
	ensemble  *prepEnsemble                              // nil on a server that runs alone
	overQuota func(root, what string, used, limit int64) // a soft limit was passed
}

// NewPrep makes the desk of a server whose tree is at last. overQuota hears of soft limits that are passed; it may
// be nil.
func NewPrep(o PrepOptions, reg *auth.Registry, last messages.Zxid, overQuota func(root, what string, used, limit int64)) *Prep {
	return &Prep{opts: o, auth: reg, pending: newPending(), last: last, epoch: last.Epoch(), overQuota: overQuota}
}

// Reign makes it the desk of a leader: zxids are of its epoch, and sessions have a server that they are at home on.
func (p *Prep) Reign(epoch uint32) { p.epoch, p.homes = epoch, sessionHomes{} }

// Judge takes a batch of writes at nowMs (milliseconds since 1970). t must not change meanwhile.
func (p *Prep) Judge(t *tree.Tree, items []messages.Request, nowMs int64) {
	p.pending.tree = t
	p.now = nowMs
	for i := range items {
		p.judge(&items[i])
	}
	p.pending.tree = nil
}

// Applied trims the overlay.
func (p *Prep) Applied(zxid messages.Zxid) (trimmed int) {
	if e := p.ensemble; e != nil && e.changing <= zxid {
		e.changing = 0
	}
	return p.pending.trim(zxid)
}

// DiskFull tells whether there is room for more log.
func (p *Prep) DiskFull(full bool) { p.full = full }

// Flush hands over what has been decided since the last call. The refusals go first: a later write of the same session may
// be on disk, and its word at the gate, before this function's caller has sent the second message, and the gate must know
// by then that the write before it was refused.
func (p *Prep) Flush() messages.Outbox {
	var out messages.Outbox
	if len(p.refusals) > 0 {
		out = out.To(messages.SlotGate, &messages.Refusals{Items: p.refusals})
		p.refusals = nil
	}
	for i := range p.words {
		out = out.To(messages.SlotNext, &p.words[i])
	}
	p.words = nil
	if len(p.proposals) > 0 {
		out = out.To(messages.SlotNext, &messages.Proposals{Items: p.proposals})
		p.lastBatch = len(p.proposals)
		p.proposals = nil
	}
	if len(p.syncs) > 0 {
		out = out.To(messages.SlotNext, &messages.SyncWishes{Items: p.syncs})
		p.syncs = nil
	}
	return out
}

// Outstanding is how many changes wait to be applied.
func (p *Prep) Outstanding() int { return p.pending.queue.len() }

// next is the zxid of the next proposal. A full counter starts the next epoch, so it can't run into it.
func (p *Prep) next() messages.Zxid {
	if p.last.Epoch() == p.epoch && p.last.Counter() == math.MaxUint32 {
		p.epoch++
	}
	if p.last.Epoch() != p.epoch {
		return messages.MakeZxid(p.epoch, 1)
	}
	return p.last + 1
}

func (p *Prep) judge(r *messages.Request) {
	if r.Op == messages.OpSync || r.Fresh && showsState(r.Op) {
		p.sync(r)
		return
	}
	p.zxid = p.next()
	var body messages.TxnBody
	var results []messages.ErrCode
	code := p.admit(r)
	if code == messages.ErrOK {
		body, results, code = p.decide(r)
	}
	if code != messages.ErrOK {
		p.refuse(r, code, results)
		return
	}
	header := messages.TxnHeader{Zxid: p.zxid, Time: p.now, Session: r.Session, Xid: r.Xid, Op: r.Op}
	encoded, err := messages.EncodeTxn(&header, body)
	if err != nil {
		panic("prep: " + err.Error()) // a bug: no input can cause it
	}
	p.last = p.zxid
	if p.proposals == nil {
		p.proposals = make([]messages.Proposal, 0, batchCap(p.lastBatch, 1))
	}
	p.proposals = append(p.proposals, messages.Proposal{Header: header, Origin: r.Origin, Ticket: r.Ticket, Encoded: encoded, Body: body})
}

// refuse answers what becomes no transaction, by the way that leads to the server whose client asked.
func (p *Prep) refuse(r *messages.Request, code messages.ErrCode, results []messages.ErrCode) {
	word := messages.Refusal{Origin: r.Origin, Ticket: r.Ticket, After: p.last, Err: code, Results: results}
	if r.Origin == 0 {
		p.refusals = append(p.refusals, word)
		return
	}
	for i := range p.words {
		if p.words[i].Server == r.Origin {
			p.words[i].Items = append(p.words[i].Items, word)
			return
		}
	}
	p.words = append(p.words, messages.Words{Server: r.Origin, Items: []messages.Refusal{word}})
}

// sync passes a sync on in its place among the writes, and what waits for a proof as a sync does. A read needn't see what
// is only proposed, so it doesn't wait for that.
func (p *Prep) sync(r *messages.Request) {
	if code := p.homes.check(r); code != messages.ErrOK {
		p.refuse(r, code, nil)
		return
	}
	wish := messages.SyncWish{Server: r.Origin, Ticket: r.Ticket}
	if r.Op == messages.OpSync {
		wish.After = p.last
	}
	p.syncs = append(p.syncs, wish)
}

// admit refuses what can't be judged at all. Closing a session is always possible: it makes room.
func (p *Prep) admit(r *messages.Request) messages.ErrCode {
	if code := p.homes.check(r); code != messages.ErrOK {
		return code
	}
	if p.full && r.Op != messages.OpCloseSession {
		return messages.ErrNotReadOnly
	}
	return messages.ErrOK
}

// decide dispatches to the operation's file. results is for a multi that fails.
func (p *Prep) decide(r *messages.Request) (body messages.TxnBody, results []messages.ErrCode, code messages.ErrCode) {
	d := jute.NewDecoder(r.Body)
	switch r.Op {
	case messages.OpRefused:
		code, _ = refusedBy(r)
		return nil, nil, code
	case messages.OpCreate, messages.OpCreate2, messages.OpCreateContainer, messages.OpCreateTTL:
		req := jute.DecodeCreateRequest(&d, r.Op)
		return decided(&d, func() (messages.TxnBody, messages.ErrCode) { return p.create(r, r.Op, &req) })
	case messages.OpDelete:
		req := jute.DecodePathVersion(&d)
		return decided(&d, func() (messages.TxnBody, messages.ErrCode) { return p.delete(r, &req) })
	case messages.OpDeleteContainer:
		path := d.String()
		return decided(&d, func() (messages.TxnBody, messages.ErrCode) { return p.deleteContainer(r, path) })
	case messages.OpSetData:
		req := jute.DecodeSetDataRequest(&d)
		return decided(&d, func() (messages.TxnBody, messages.ErrCode) { return p.setData(r, &req) })
	case messages.OpSetACL:
		req := jute.DecodeSetACLRequest(&d)
		return decided(&d, func() (messages.TxnBody, messages.ErrCode) { return p.setACL(r, &req) })
	case messages.OpMulti:
		ops := jute.DecodeMulti(&d, false)
		if d.Err() != nil {
			return nil, nil, messages.ErrMarshalling
		}
		return p.multi(r, ops)
	case messages.OpReconfig:
		if own(r) {
			body, code = p.restate()
			return body, nil, code
		}
		req := jute.DecodeReconfigRequest(&d)
		return decided(&d, func() (messages.TxnBody, messages.ErrCode) { return p.reconfig(r, &req) })
	case messages.OpCreateSession:
		timeout, password := d.Int(), d.Buffer()
		return decided(&d, func() (messages.TxnBody, messages.ErrCode) { return p.createSession(r, timeout, password) })
	case messages.OpCloseSession:
		body, code = p.closeSession(r)
		return body, nil, code
	}
	return nil, nil, messages.ErrUnimplemented
}

// decided judges only what could be read.
func decided(d *jute.Decoder, judge func() (messages.TxnBody, messages.ErrCode)) (messages.TxnBody, []messages.ErrCode, messages.ErrCode) {
	if d.Err() != nil {
		return nil, nil, messages.ErrMarshalling
	}
	body, code := judge()
	return body, nil, code
}

// own tells whether the server itself asks: no session is checked then, and no ACL.
func own(r *messages.Request) bool { return r.Conn == 0 && r.Session == 0 }

// checkSession tells whether the session may write. Of a local one its server alone knows whether it lives.
func (p *Prep) checkSession(r *messages.Request) messages.ErrCode {
	if own(r) || r.Local {
		return messages.ErrOK
	}
	return p.pending.checkSession(r.Session)
}

// checkOwner does that for a create: a session that nobody else knows can't own a node.
func (p *Prep) checkOwner(r *messages.Request, op messages.OpCode, flags int32) messages.ErrCode {
	if r.Local && makesEphemeral(op, flags) {
		return messages.ErrEphemeralOnLocalSession
	}
	return p.checkSession(r)
}

func (p *Prep) allowed(r *messages.Request, acl []messages.ACL, perm messages.Perm) bool {
	return own(r) || p.auth.Allowed(acl, perm, r.Identities)
}

// nextVersion checks an expected version (-1: any) and gives the one after the change.
func nextVersion(current, expected int32) (int32, messages.ErrCode) {
	if expected != -1 && expected != current {
		return 0, messages.ErrBadVersion
	}
	return current + 1, messages.ErrOK
}
