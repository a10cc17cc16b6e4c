package actors

import "github.com/troupekeeper/troupe/messages"

func (p *Prep) createSession(r *messages.Request, timeout int32, password []byte) (messages.TxnBody, messages.ErrCode) {
	p.pending.setSession(r.Session, sessionState{zxid: p.zxid})
	return &messages.CreateSessionTxn{Timeout: timeout, Password: password}, messages.ErrOK
}

// closeSession lists what goes with the session, the proposed ephemerals among them. From here on the session is
// closing: no later write of it is accepted, so no ephemeral can slip in behind the list.
func (p *Prep) closeSession(r *messages.Request) (messages.TxnBody, messages.ErrCode) {
	if code := p.pending.checkSession(r.Session); code != messages.ErrOK {
		return nil, code
	}
	paths := p.pending.ephemerals(r.Session)
	for _, path := range paths {
		p.enterDelete(path, p.pending.must(path).data)
	}
	p.pending.setSession(r.Session, sessionState{zxid: p.zxid, closing: true})
	p.homes.forget(r.Session)
	return &messages.CloseSessionTxn{Paths: paths}, messages.ErrOK
}
