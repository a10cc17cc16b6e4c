package tree

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

func (t *Tree) openSession(h *messages.TxnHeader, b *messages.CreateSessionTxn, out *Result) error {
	if h.Session == 0 {
		return errors.New("a session without id")
	}
	if _, ok := t.sessions.byID[h.Session]; ok {
		return fmt.Errorf("session %v is open already", h.Session)
	}
	t.addSession(sessionRecord{id: h.Session, timeout: b.Timeout, password: bytes.Clone(b.Password)})
	out.Session = messages.SessionInfo{Session: h.Session, Timeout: b.Timeout}
	return nil
}

func (t *Tree) addSession(r sessionRecord) {
	t.sessions.add(r)
	t.digest += sessionDigest(r.id, r.timeout, r.password)
}

// closeSession ends the session and deletes the listed nodes, those that exist and belong to it. A session that is not
// open (any more) changes nothing: the close of an expired session may be on its way already when its client asks for
// the same.
func (t *Tree) closeSession(h *messages.TxnHeader, b *messages.CloseSessionTxn, out *Result) error {
	owner := messages.SessionOwner(h.Session)
	if i, ok := t.sessions.byID[h.Session]; ok {
		r := &t.sessions.records[i]
		t.digest -= sessionDigest(r.id, r.timeout, r.password)
		t.sessions.remove(h.Session)
	}
	for _, p := range b.Paths {
		slot := t.find(p)
		if slot == none || slot == rootSlot || t.ownerOf(t.nodes.at(slot)) != owner || !owner.IsEphemeral() {
			continue
		}
		if t.dirOf(t.nodes.at(slot)).count > 0 {
			continue // prep never lets an ephemeral have children
		}
		t.deleteSlot(h, p, slot, out)
	}
	out.Closed = h.Session
	return nil
}
