package cluster

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// ElectionActorOptions say who takes part and how.
type ElectionActorOptions struct {
	Self Identity
	Peer *actor.PID // the peer actor: it says what is to be done, and hears the outcome
	Core ElectionOptions
	// Spawn makes the props of the electionpeer of a member. It gets the election actor's PID.
	Spawn func(m ElectionMember, election *actor.PID) *actor.Props
}

// respawnPause is how long a member goes without an electionpeer when that has failed: one that fails at once each
// time mustn't keep the server busy.
const respawnPause = 100 * time.Millisecond

type (
	electionWake struct{}
	// electionBegins separates what was sent to an earlier life of the actor from what is sent to this one.
	electionBegins struct{}
	// electionPeerEnded stands behind everything that the child has said. The library's own word overtakes it.
	electionPeerEnded struct{ pid *actor.PID }
	electionRespawn   struct{ id messages.ServerID }
)

// electionActor is the shell of the Election and the parent of the electionpeers. It is rebuildable: what it needs to
// know comes from the peer actor and, over links that are made anew, from the other servers.
type electionActor struct {
	actors.PrivateChildren
	rt      *actors.Runtime
	o       ElectionActorOptions
	log     zerolog.Logger
	kept    *electionKept
	core    *Election
	begun   bool
	members map[messages.ServerID]ElectionMember // whom a link is to be kept to
	links   map[messages.ServerID]electionLink
	pauses  map[messages.ServerID]actors.Timer // until a failed one is spawned again
	timer   actors.Timer
}

// electionKept outlives a failure of the actor: no round is entered twice, and no name is used twice.
type electionKept struct {
	round  uint64
	serial uint64
}

// electionLink is a member's electionpeer.
type electionLink struct {
	pid    *actor.PID
	member ElectionMember
	ending bool // it has been told to stop
}

// NewElectionActor makes the props of the election. Its class is Rebuildable.
func NewElectionActor(rt *actors.Runtime, o ElectionActorOptions) *actor.Props {
	kept := &electionKept{round: o.Core.FirstRound}
	return rt.SharedProps("election", func() actor.Actor {
		core := o.Core
		core.FirstRound = kept.round
		return &electionActor{
			PrivateChildren: actors.PrivateChildren{Runtime: rt}, rt: rt, o: o, kept: kept, core: NewElection(core),
			log:     rt.Log.With().Str("component", "election").Logger(),
			members: map[messages.ServerID]ElectionMember{}, links: map[messages.ServerID]electionLink{},
			pauses: map[messages.ServerID]actors.Timer{},
		}
	})
}

// Receive implements actor.Actor.
func (a *electionActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Notification, PeerUp, PeerDown, PeerDisputed:
		if a.begun { // else it is of a link that no longer exists
			a.heard(ctx, m)
		}
	case StartElection:
		a.core.Over(m.Over, m.Vote.Epoch)
		a.do(ctx, a.core.Start(m.Vote, a.now()))
	case RoleSettled:
		a.do(ctx, a.core.Settled(m.State, m.Leader, m.Epoch, m.Zxid))
	case DesignateLeader:
		a.core.Designate(m.ID)
	case SetMembers:
		a.setMembers(ctx, m)
	case electionWake:
		a.do(ctx, a.core.Tick(a.now()))
	case LinkAccepted:
		a.accepted(ctx, m)
	case electionPeerEnded:
		a.ended(ctx, m.pid)
	case electionRespawn:
		a.spawn(ctx, m.id)
	case *actor.Terminated:
		ctx.Send(ctx.Self(), electionPeerEnded{m.Who})
	case *actor.Started:
		ctx.Send(ctx.Self(), electionBegins{})
		ctx.Send(a.o.Peer, ElectionRestarted{})
	case electionBegins:
		a.begun = true
	case *actor.Stopping, *actor.Restarting:
		a.stopTimers()
	default:
		a.rt.Unexpected(ctx, &a.log)
	}
}

func (a *electionActor) now() int64 { return a.rt.Clock.MonoUs() / 1000 }

// heard takes what an electionpeer says.
func (a *electionActor) heard(ctx actor.Context, msg any) {
	switch m := msg.(type) {
	case *messages.Notification:
		a.do(ctx, a.core.Notified(m, a.now()))
	case PeerUp:
		a.do(ctx, a.core.LinkUp(m.ID, a.now()))
	case PeerDisputed:
		a.do(ctx, a.core.Dispute(m.ID, m.Disputed, a.now()))
	case PeerDown:
		a.do(ctx, a.core.LinkDown(m.ID, a.now()))
		if l, found := a.links[m.ID]; found && l.member.Address == "" {
			a.end(ctx, m.ID) // a guest that has left
		}
	}
}

// do carries out what the core has decided.
func (a *electionActor) do(ctx actor.Context, out ElectionOutput) {
	a.kept.round = a.core.Round()
	for _, s := range out.Sends {
		if l, found := a.links[s.To]; found {
			ctx.Send(l.pid, s.Notification)
		}
	}
	if out.Newer != nil {
		ctx.Send(a.o.Peer, *out.Newer)
	}
	if out.Proposed != nil {
		ctx.Send(a.o.Peer, *out.Proposed)
	}
	if out.Elected != nil {
		ctx.Send(a.o.Peer, out.Elected)
	}
	if out.Elsewhere != nil {
		ctx.Send(a.o.Peer, *out.Elsewhere)
	}
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
	if out.WakeAt != 0 {
		self, root := ctx.Self(), a.rt.System.Root
		wait := time.Duration(max(0, out.WakeAt-a.now())) * time.Millisecond
		a.timer = a.rt.Clock.After(wait, func() { root.Send(self, electionWake{}) })
	}
}

// setMembers sees that each member has an electionpeer for its address, and nobody else has one.
func (a *electionActor) setMembers(ctx actor.Context, m SetMembers) {
	clear(a.members)
	for _, member := range m.Others {
		a.members[member.ID] = member
	}
	for _, id := range slices.Sorted(maps.Keys(a.links)) {
		if !a.members[id].same(a.links[id].member) {
			a.end(ctx, id) // what it has said is forgotten, and another one spawned, when it has ended
		}
	}
	for _, id := range slices.Sorted(maps.Keys(a.members)) {
		a.spawn(ctx, id)
	}
	a.core.Look(m.Beyond)
	a.do(ctx, a.core.SetRules(m.Rules, m.Version, m.Text, a.now()))
}

// spawn gives a member its electionpeer, unless it has one.
func (a *electionActor) spawn(ctx actor.Context, id messages.ServerID) {
	if member, found := a.members[id]; found {
		a.spawnFor(ctx, member)
	}
}

func (a *electionActor) spawnFor(ctx actor.Context, member ElectionMember) {
	if pause := a.pauses[member.ID]; pause != nil {
		pause.Stop()
		delete(a.pauses, member.ID)
	}
	if _, found := a.links[member.ID]; found {
		return
	}
	a.kept.serial++
	pid, err := ctx.SpawnNamed(a.o.Spawn(member, ctx.Self()), fmt.Sprintf("electionpeer-%d-%d", member.ID, a.kept.serial))
	if err != nil {
		a.log.Error().Err(err).Uint8("server", uint8(member.ID)).Msg("can't start the actor of the election link; trying again soon")
		a.spawnLater(ctx, member.ID)
		return
	}
	a.links[member.ID] = electionLink{pid: pid, member: member}
}

func (a *electionActor) spawnLater(ctx actor.Context, id messages.ServerID) {
	self, root := ctx.Self(), a.rt.System.Root
	a.pauses[id] = a.rt.Clock.After(respawnPause, func() { root.Send(self, electionRespawn{id}) })
}

// end stops an electionpeer.
func (a *electionActor) end(ctx actor.Context, id messages.ServerID) {
	if l := a.links[id]; !l.ending {
		l.ending = true
		a.links[id] = l
		ctx.Stop(l.pid)
	}
}

// ended forgets an electionpeer that has stopped, and spawns another one if its member still needs one: at once if it
// was to stop, after a pause if it has failed.
func (a *electionActor) ended(ctx actor.Context, pid *actor.PID) {
	for id, l := range a.links { // one of them at most: the order makes no difference
		if !l.pid.Equal(pid) {
			continue
		}
		delete(a.links, id)
		a.do(ctx, a.core.LinkDown(id, a.now()))
		if _, wanted := a.members[id]; wanted && l.ending {
			a.spawn(ctx, id)
		} else if wanted {
			a.log.Warn().Uint8("server", uint8(id)).Msg("the actor of the election link has failed; another one follows")
			a.spawnLater(ctx, id)
		}
		return
	}
}

// accepted hands a link that another server has dialled to the electionpeer that it is for. A server that isn't in the
// membership may ask as well: it may be about to join, and has to find the leader for that.
func (a *electionActor) accepted(ctx actor.Context, m LinkAccepted) {
	id := m.Peer.From
	if id == a.o.Self.ID || id == 0 {
		ctx.Send(m.Link, CloseLink{Reason: fmt.Sprintf("this is server %d, and you say that you are server %d: each needs an id of its own",
			a.o.Self.ID, id)})
		return
	}
	if member, found := a.members[id]; found {
		a.spawnFor(ctx, member)
	} else {
		a.spawnFor(ctx, ElectionMember{ID: id})
	}
	l, found := a.links[id]
	if !found || l.ending {
		ctx.Send(m.Link, CloseLink{Reason: fmt.Sprintf("server %d is renewing its election link to server %d; try again", a.o.Self.ID, id)})
		return
	}
	ctx.Send(l.pid, m)
}

func (a *electionActor) stopTimers() {
	if a.timer != nil {
		a.timer.Stop()
	}
	for _, pause := range a.pauses { // the order makes no difference
		pause.Stop()
	}
}
