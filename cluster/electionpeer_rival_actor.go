package cluster

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Two processes that say that they are one server.

// doubtOver is the time to look whether the other process is still there.
type doubtOver struct{}

// doubt tells the election. A single attempt of an earlier process may have waited in the socket's queue.
func (a *electionPeerActor) doubt(ctx actor.Context, incarnation uint64) {
	a.rival.last = a.rt.Clock.MonoUs()
	if a.doubted || !a.up || (incarnation < a.peer.Incarnation && a.rival.tries < 2) {
		return
	}
	a.doubted = true
	ctx.Send(a.election, PeerDisputed{ID: a.member.ID, Disputed: true})
	a.doubtLater(ctx, a.opts.Link.SilenceLimit)
}

func (a *electionPeerActor) doubtLater(ctx actor.Context, d time.Duration) {
	self, root := ctx.Self(), a.rt.System.Root
	a.rt.Clock.After(d, func() { root.Send(self, doubtOver{}) })
}

// doubtOver believes the member again when the other process has been silent for as long as a link may be.
func (a *electionPeerActor) doubtOver(ctx actor.Context) {
	if !a.doubted {
		return
	}
	silent := time.Duration(a.rt.Clock.MonoUs()-a.rival.last) * time.Microsecond
	if rest := a.opts.Link.SilenceLimit - silent; rest > 0 {
		a.doubtLater(ctx, rest)
		return
	}
	a.doubted = false
	if a.up {
		ctx.Send(a.election, PeerDisputed{ID: a.member.ID})
	}
}

// turnAway says why a link that the member has dialled is not taken.
func (a *electionPeerActor) turnAway(w welcome, m LinkAccepted) string {
	switch w {
	case dialBack:
		return w.String() + " at " + a.member.Address
	case taken:
	default:
		return w.String()
	}
	now := a.rt.Clock.MonoUs()
	if !a.rival.certain(m.Peer.Incarnation, now, a.opts.Link.SilenceLimit.Microseconds()) {
		return fmt.Sprintf("server %d is still connected to server %d from %s; if that process has ended, this is noticed soon",
			a.member.ID, a.self.ID, a.remote)
	}
	reason := fmt.Sprintf("server id %d is taken: a server with that id is connected to server %d from %s; each server needs an id of "+
		"its own, compare the files myid", a.member.ID, a.self.ID, a.remote)
	if a.rival.talk.worth(reason, now) {
		a.log.Warn().Str("remote", m.Remote).Msg("another server is turned away: " + reason)
	}
	return reason
}

// knocked tells whether a link has ended as a knock does. When that goes on and nobody dials back, it is worth a word.
func (a *electionPeerActor) knocked(reason string) bool {
	if !a.knocking || !isKnock(reason) {
		return false
	}
	a.turned++
	return a.turned < patientKnocks
}
