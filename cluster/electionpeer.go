package cluster

import (
	"github.com/troupekeeper/troupe/messages"
)

// pairing is how two servers agree on one link for elections between them: the one that the server with the larger id
// has dialled. The other one knocks, so that it is dialled at once.
type pairing struct {
	self, peer messages.ServerID
	guest      bool // the peer's address isn't known
}

// mayDial tells whether this server dials at all, and knocks whether it only asks to be dialled by that.
func (p pairing) mayDial() bool { return !p.guest }

func (p pairing) knocks() bool { return p.self < p.peer }

// welcome is what to do with a link that the peer has dialled.
type welcome uint8

const (
	turnAway welcome = iota
	take             // it replaces the one that is there
	dialBack         // turn it away and dial
	ignore           // turn it away: what is there will do
)

// present is the link that is there when the peer dials.
type present struct {
	up, dialling bool
	incarnation  uint64 // of the other side, when it is up
	young        bool   // it has come up only just now
}

// judge decides about a link that the peer has dialled.
func (p pairing) judge(h messages.Hello, now present) welcome {
	switch {
	case h.From != p.peer:
		return turnAway
	case now.up && h.Incarnation < now.incarnation:
		return turnAway // an earlier run of the peer, which has waited in the socket's queue
	case p.guest:
		return take // nobody else can dial
	case !p.knocks() && !h.Knock, p.knocks() && h.Knock:
		return turnAway // a pair that disagrees about who is to dial
	case !h.Knock:
		return take
	case now.dialling:
		return ignore
	case now.up && now.young && h.Incarnation == now.incarnation:
		// It has most likely knocked before this link reached it. If not, it knocks again.
		return ignore
	}
	return dialBack
}

// String says the reason that a link is turned away with.
func (w welcome) String() string {
	switch w {
	case dialBack:
		return "it is dialled back"
	case ignore:
		return "there is a link, or one is being made"
	}
	return "the link has no place: it is of an earlier run, or of a server whose turn it is not to dial"
}
