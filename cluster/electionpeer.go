package cluster

import (
	"strings"

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
	taken            // turn it away: another process that says that it is the peer is connected
)

// present is the link that is there when the peer dials.
type present struct {
	up, dialling bool
	unreachable  bool   // it has knocked before, and could not be dialled back
	incarnation  uint64 // of the other side, when it is up
	young        bool   // it has come up only just now
}

// judge decides about a link that the peer has dialled.
func (p pairing) judge(h messages.Hello, now present) welcome {
	switch {
	case h.From != p.peer:
		return turnAway
	case now.up && h.Incarnation != now.incarnation:
		// Of a run of the peer that has ended the link is lost at once as a rule, and by its silence in any case.
		return taken
	case p.guest:
		return take // nobody else can dial
	case !p.knocks() && !h.Knock, p.knocks() && h.Knock:
		return turnAway // a pair that disagrees about who is to dial
	case !h.Knock:
		return take
	case now.unreachable:
		return take // it isn't any more where this server believes it to be, and must tell where it is
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
	return "the link has no place: it is not this server's turn to dial"
}

// rival is another process that says that it is the peer.
type rival struct {
	incarnation uint64
	since, last int64 // when it came, and when it was here last: monotonic microseconds
	tries       int
	talk        talk
}

// certain notes that it has dialled and tells whether there are two servers with one id for certain: the link to the one is
// still there after the time in which a dead one is noticed.
func (r *rival) certain(incarnation uint64, now, silence int64) bool {
	if r.incarnation != incarnation {
		r.incarnation, r.since, r.tries = incarnation, now, 0
	}
	r.tries++
	return now-r.since >= silence+silence/2
}

// patientKnocks is how many knocks in a row may be answered by nothing but the promise to dial back: two seconds of them.
const patientKnocks = 20

// isKnock tells of the reason of a link's end whether it is the end of a knock: the member dials back.
func isKnock(reason string) bool {
	return strings.Contains(reason, dialBack.String()) || strings.Contains(reason, ignore.String())
}
