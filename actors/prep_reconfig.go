package actors

import (
	"errors"
	"fmt"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// Ensemble is what a leader's desk must know of it.
type Ensemble struct {
	Members messages.Membership // in effect when the reign begins
	// Quorum tells whether some servers are a quorum of a membership, and an error if that has no rule.
	Quorum func(m messages.Membership, servers []messages.ServerID) (bool, error)
}

// prepEnsemble is the desk's account of who belongs to the ensemble.
type prepEnsemble struct {
	Ensemble
	changing  messages.Zxid       // the change that isn't applied yet; 0: there is none
	followers []messages.ServerID // that acknowledge proposals
	refused   func(error)         // hears why a change was refused; may be nil
}

// Govern makes it the desk of an ensemble, which decides about changes of members. refused hears why one is refused: the
// client gets only a code.
func (p *Prep) Govern(e Ensemble, refused func(error)) {
	p.ensemble = &prepEnsemble{Ensemble: e, refused: refused}
}

// Followers takes the leader's word on who acknowledges proposals.
func (p *Prep) Followers(m *messages.Followers) {
	if p.ensemble != nil {
		p.ensemble.followers = m.Servers
	}
}

// reconfig judges a change of members. The order of the checks is ZooKeeper's.
func (p *Prep) reconfig(r *messages.Request, q *jute.ReconfigRequest) (messages.TxnBody, messages.ErrCode) {
	e := p.ensemble
	switch {
	case !p.opts.ReconfigEnabled:
		return nil, messages.ErrReconfigDisabled
	case e == nil:
		return nil, messages.ErrUnimplemented // a server that runs alone has no members
	}
	if code := p.checkSession(r); code != messages.ErrOK {
		return nil, code
	}
	next, err := p.changed(q)
	if err == nil {
		_, code := p.writable(r, messages.ConfigPath, messages.PermWrite)
		if code == messages.ErrOK {
			return p.enterMembers(next), messages.ErrOK
		}
		err = fmt.Errorf("%w: it needs WRITE on %s", code, messages.ConfigPath)
	}
	if e.refused != nil {
		e.refused(err)
	}
	var code messages.ErrCode
	if !errors.As(err, &code) {
		code = messages.ErrBadArguments
	}
	return nil, code
}

// changed is the membership after a change that may be made now. The error wraps the code that the client gets.
func (p *Prep) changed(q *jute.ReconfigRequest) (messages.Membership, error) {
	e := p.ensemble
	if e.changing != 0 {
		return messages.Membership{}, fmt.Errorf("%w: that of %v isn't committed yet", messages.ErrReconfigInProgress, e.changing)
	}
	next, err := e.Members.Change(messages.MembershipChange{
		Joining: q.Joining, Leaving: q.Leaving, Members: q.NewMembers, Expected: q.ConfigID,
	}, p.opts.Change, p.zxid)
	if err != nil {
		return next, err
	}
	if _, found := next.Member(0); found {
		return next, fmt.Errorf("%w: server 0: the ids of servers are 1 to %d", messages.ErrBadArguments, messages.MaxServerID)
	}
	ok, err := e.Quorum(next, e.followers)
	if err != nil {
		return next, fmt.Errorf("%w: %w", messages.ErrBadArguments, err)
	}
	if !ok {
		return next, fmt.Errorf("%w: of its voters %v only %v are up to date and acknowledge proposals",
			messages.ErrNewConfigNoQuorum, next.Voters(), e.followers)
	}
	return next, nil
}

// enterMembers makes the transaction of a new membership.
func (p *Prep) enterMembers(m messages.Membership) messages.TxnBody {
	txn := messages.ReconfigTxn(m)
	node := p.pending.must(messages.ConfigPath)
	node.version, node.data = txn.Version, len(txn.Data)
	p.pending.set(messages.ConfigPath, node, p.zxid)
	p.ensemble.Members, p.ensemble.changing = m, p.zxid
	return txn
}

// restate lets the members have a version of this reign, when a reign begins and the tree doesn't say who they are. A
// membership that was never established has version 0, so that each server may have another one; what is proposed and
// committed here goes before all of those (ZOOKEEPER-1783).
func (p *Prep) restate() (messages.TxnBody, messages.ErrCode) {
	m := p.ensemble.Members
	m.Version = p.zxid
	return p.enterMembers(m), messages.ErrOK
}

// governs tells whether a client wants to write by hand what only a change of members may: what stands there tells a server
// at its start whether a change that it knows of is in its log.
func (p *Prep) governs(r *messages.Request, path string) bool {
	return p.ensemble != nil && p.opts.ReconfigEnabled && path == messages.ConfigPath && !own(r)
}
