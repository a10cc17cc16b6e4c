package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/cluster/clustertest"
	"github.com/troupekeeper/troupe/messages"
)

// elector is one server with its election, its electionpeers and its reception. It stands for the peer actor itself.
type elector struct {
	actor.SupervisorStrategy
	w         *linkWorld
	rt        *actors.Runtime
	host      *clustertest.Host
	self      Identity
	members   SetMembers
	vote      messages.Vote
	pid       *actor.PID
	election  *actor.PID
	reception *actor.PID
	settled   *RoleSettled // nil: it looks for a leader
	electedAt time.Duration
	restarts  int // how often the election has said that it knows nothing
	newer     []NewerConfig
	elsewhere []LeaderElsewhere
}

// electors starts servers 1 to n, all of which vote.
func electors(w *linkWorld, n int) (list []*elector) {
	for i := range n {
		list = append(list, w.elector(messages.ServerID(i+1), 1, membersOf(n)))
	}
	return list
}

// membersOf is the membership of servers 1 to n.
func membersOf(n int) SetMembers {
	m := SetMembers{Version: 1, Text: fmt.Sprintf("1 to %d", n)}
	var voters []messages.ServerID
	for i := range n {
		id := messages.ServerID(i + 1)
		voters = append(voters, id)
		m.Others = append(m.Others, ElectionMember{ID: id, Address: fmt.Sprintf("s%d:3888", id)})
	}
	m.Rules = []QuorumRule{NewMajority(voters)}
	return m
}

func (w *linkWorld) elector(id messages.ServerID, incarnation uint64, m SetMembers) *elector {
	m.Others = slices.DeleteFunc(slices.Clone(m.Others), func(o ElectionMember) bool { return o.ID == id })
	self := Identity{ID: id, Incarnation: incarnation}
	e := &elector{w: w, rt: w.runtime(), host: w.net.Host(fmt.Sprintf("s%d", id)), self: self, members: m}
	acceptor, err := e.host.Listen(e.host.Name() + ":3888")
	if err != nil {
		w.t.Fatal(err)
	}
	// The peer actor is above the election and the reception, and restarts both.
	e.SupervisorStrategy = actors.NewSupervisor(e.rt, func(*actor.PID) actors.FailureClass { return actors.Rebuildable },
		func(child *actor.PID, reason any) { w.t.Errorf("%s failed for good: %v", child.Id, reason) })
	e.pid = e.rt.System.Root.Spawn(e.rt.SharedProps("peer", func() actor.Actor { return e }))
	w.steps.Settle()
	e.reception = e.rt.System.Root.Spawn(NewReception(e.rt, acceptor, e.self,
		[]SetTarget{{Purpose: messages.ForElection, Target: e.election}}, DefaultReceptionOptions()))
	return e
}

// Receive implements actor.Actor.
func (e *elector) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		o := DefaultElectionOptions(e.self.ID)
		o.FirstRound = 1000 * e.self.Incarnation
		e.election = ctx.Spawn(NewElectionActor(e.rt, ElectionActorOptions{
			Self: e.self, Peer: ctx.Self(), Core: o,
			Spawn: func(m ElectionMember, election *actor.PID) *actor.Props {
				return NewElectionPeer(e.rt, e.host, e.self, m, election, DefaultElectionPeerOptions())
			},
		}))
	case ElectionRestarted:
		e.restarts++
		ctx.Send(e.election, e.members)
		if e.settled != nil {
			ctx.Send(e.election, *e.settled)
		} else {
			ctx.Send(e.election, StartElection{Vote: e.vote})
		}
	case *messages.Elected:
		if e.settled != nil {
			e.w.t.Errorf("server %d was elected %+v, but is %+v", e.self.ID, *m, *e.settled)
		}
		e.settled = &RoleSettled{State: m.State, Leader: m.Leader}
		e.electedAt = time.Duration(e.rt.Clock.MonoUs()) * time.Microsecond
		ctx.Send(e.election, *e.settled)
	case NewerConfig:
		e.newer = append(e.newer, m)
	case LeaderElsewhere:
		e.elsewhere = append(e.elsewhere, m)
		e.look()
	case func(actor.Context):
		m(ctx)
	}
}

func (e *elector) tell(msg any) { e.rt.System.Root.Send(e.election, msg) }

// look ends the role.
func (e *elector) look() {
	e.settled = nil
	e.tell(StartElection{Vote: e.vote})
}

// crash ends the process.
func (e *elector) crash() {
	e.host.Crash()
	e.rt.System.Root.Stop(e.reception)
	e.rt.System.Root.Stop(e.pid)
	e.w.run(0)
}

func describeElectors(list []*elector) (text string) {
	for _, e := range list {
		if e.settled == nil {
			text += fmt.Sprintf("%d looks. ", e.self.ID)
		} else {
			text += fmt.Sprintf("%d %v %d. ", e.self.ID, e.settled.State, e.settled.Leader)
		}
	}
	return text
}

func wantLeader(t *testing.T, leader messages.ServerID, list ...*elector) {
	t.Helper()
	for _, e := range list {
		if e.settled == nil || e.settled.Leader != leader || (e.settled.State == messages.Leading) != (e.self.ID == leader) {
			t.Fatalf("want leader %d: %s", leader, describeElectors(list))
		}
	}
}

// wantOneLeader wants everybody to have the same leader, whoever that is, and returns it.
func wantOneLeader(t *testing.T, list ...*elector) messages.ServerID {
	t.Helper()
	if list[0].settled == nil {
		t.Fatal(describeElectors(list))
	}
	wantLeader(t, list[0].settled.Leader, list...)
	return list[0].settled.Leader
}

// The whole of it under many interleavings: servers elect, lose their leader, elect again within the time that was aimed
// at, whether its process or its machine has died, and take it in when it comes back.
func TestElectionActorsElect(t *testing.T) {
	for seed := range uint64(15) {
		w := newLinkWorld(t, seed+1)
		list := electors(w, 3)
		w.run(5 * time.Second)
		leader := slices.IndexFunc(list, func(e *elector) bool { return e.settled != nil && e.settled.State == messages.Leading })
		if leader < 0 {
			t.Fatalf("seed %d: %s", seed+1, describeElectors(list))
		}
		old := list[leader]
		wantLeader(t, old.self.ID, list...)

		w.net.Delay = func(string, string) time.Duration { return time.Millisecond }
		vanishes := seed%2 == 1 // then its links look sound for a while
		if vanishes {
			old.host.Vanish()
		} else {
			old.crash()
		}
		rest := slices.Delete(slices.Clone(list), leader, leader+1)
		died := time.Duration(w.clock.MonoUs()) * time.Microsecond
		for _, e := range rest {
			e.vote = messages.Vote{Epoch: 1, Zxid: messages.MakeZxid(1, uint32(e.self.ID))}
			e.look()
		}
		w.run(5 * time.Second)
		wantLeader(t, rest[1].self.ID, rest...)
		for _, e := range rest {
			if took := e.electedAt - died; took > 60*time.Millisecond || vanishes != (took >= 50*time.Millisecond) {
				t.Fatalf("seed %d: server %d was without a leader for %v", seed+1, e.self.ID, took)
			}
		}

		if vanishes {
			old.crash()
			old.host.Boot()
		}
		back := w.elector(old.self.ID, 2, membersOf(3))
		w.run(5 * time.Second)
		wantLeader(t, rest[1].self.ID, append(rest, back)...)
		for _, e := range append(rest, back) {
			if e.restarts != 1 || e.rt.Panics() != 0 || e.rt.Metrics.Unexpected.Load() != 0 {
				t.Fatalf("seed %d: server %d: %d starts, %d panics, %d unexpected messages", seed+1, e.self.ID,
					e.restarts, e.rt.Panics(), e.rt.Metrics.Unexpected.Load())
			}
		}
	}
}

// panicOnce makes the actor of a kind panic on the next message that is bad, once it is armed.
type panicOnce struct {
	kind  string
	bad   func(msg any) bool
	armed bool
}

func (p *panicOnce) wrap(name string, inner actor.Actor) actor.Actor {
	if name != p.kind {
		return inner
	}
	return &onceActor{Actor: inner, p: p}
}

type onceActor struct {
	actor.Actor
	p *panicOnce
}

// Receive implements actor.Actor.
func (a *onceActor) Receive(ctx actor.Context) {
	if a.p.armed && a.p.bad(ctx.Message()) {
		a.p.armed = false
		panic("injected")
	}
	a.Actor.Receive(ctx)
}

func isNotification(msg any) bool { _, ok := msg.(*messages.Notification); return ok }

// An electionpeer that panics costs its link, which is soon made again. The election goes on.
func TestElectionPeerPanicCostsItsLink(t *testing.T) {
	for seed := range uint64(15) {
		p := &panicOnce{kind: "electionpeer", bad: isNotification}
		w := newLinkWorld(t, seed+1)
		w.wrap = p.wrap
		list := electors(w, 3)
		w.run(5 * time.Second)
		for _, e := range list {
			e.vote.Zxid = messages.Zxid(9 - e.self.ID)
			e.look()
		}
		p.armed = true
		w.run(20 * time.Second)
		wantOneLeader(t, list...)
		panics, stops := int64(0), int64(0)
		for _, e := range list {
			panics += e.rt.Panics()
			stops += e.rt.Metrics.PrivateStops.Load()
			if e.restarts != 1 {
				t.Fatalf("seed %d: the election of server %d was restarted", seed+1, e.self.ID)
			}
		}
		if panics != 1 || stops != 1 {
			t.Fatalf("seed %d: %d panics, %d actors stopped", seed+1, panics, stops)
		}
	}
}

// An election that panics is restarted and asks the peer actor for what it knew. The others see its links break and come
// back.
func TestElectionPanicRestartsIt(t *testing.T) {
	for seed := range uint64(15) {
		p := &panicOnce{kind: "election", bad: isNotification}
		w := newLinkWorld(t, seed+1)
		w.wrap = p.wrap
		list := electors(w, 3)
		w.run(5 * time.Second)
		for _, e := range list {
			e.vote.Zxid = messages.Zxid(9 - e.self.ID)
			e.look()
		}
		p.armed = true
		w.run(20 * time.Second)
		// The one that has forgotten its round may have been elected in it. It opens no door then, and the others give up.
		for _, e := range list {
			if e.settled != nil && list[e.settled.Leader-1].settled == nil {
				e.look()
			}
		}
		w.run(5 * time.Second)
		id := wantOneLeader(t, list...)
		again := 0
		for _, e := range list {
			again += e.restarts - 1
		}
		if again != 1 {
			t.Fatalf("seed %d: %d restarts", seed+1, again)
		}

		// The same while it is settled: it is told so, and says it to those who look.
		leader, follower := list[id-1], list[id%3]
		p.bad = func(msg any) bool { _, ok := msg.(DesignateLeader); return ok }
		p.armed = true
		leader.tell(DesignateLeader{ID: 2})
		w.run(5 * time.Second)
		follower.look()
		w.run(5 * time.Second)
		wantLeader(t, id, list...)
		if leader.rt.Metrics.ActorRestarts.Load() == 0 {
			t.Fatalf("seed %d: the election of the leader was not restarted", seed+1)
		}
	}
}

// What was said to an earlier life of the election is not taken for something of this one: the links that it was said on
// are no more.
func TestElectionForgetsLinksOfAnEarlierLife(t *testing.T) {
	p := &panicOnce{kind: "election", bad: func(msg any) bool { _, ok := msg.(DesignateLeader); return ok }}
	w := newLinkWorld(t, 0)
	w.wrap = p.wrap
	e := w.elector(1, 1, membersOf(3))
	w.run(time.Second)
	p.armed = true
	e.tell(DesignateLeader{ID: 1})
	for _, id := range []messages.ServerID{2, 3} { // these are in the mailbox when it fails
		e.tell(PeerUp{ID: id})
		e.tell(&messages.Notification{From: id, Round: 1002, Vote: messages.Vote{Leader: 1}, Config: 1})
	}
	w.run(5 * time.Second)
	if e.restarts != 2 || e.settled != nil {
		t.Fatalf("%d starts, %s", e.restarts, describeElectors([]*elector{e}))
	}
}

// A change of the membership ends links and begins others.
func TestElectionFollowsTheMembership(t *testing.T) {
	for seed := range uint64(5) {
		w := newLinkWorld(t, seed+1)
		list := electors(w, 2)
		w.run(5 * time.Second)
		wantLeader(t, 2, list...)

		// A guest, whom the two don't know, finds their leader, and is told of a newer membership than it has.
		older := membersOf(3)
		older.Version = 0
		guest := w.elector(3, 1, older)
		w.run(5 * time.Second)
		if guest.settled != nil || len(guest.newer) == 0 || guest.newer[0].Members != "1 to 2" {
			t.Fatalf("seed %d: %s; told of %+v", seed+1, describeElectors([]*elector{guest}), guest.newer)
		}
		observer := list[0].members
		observer.Others = append(slices.Clone(observer.Others), ElectionMember{ID: 1, Address: "s1:3888"})
		guest.members = observer
		guest.tell(observer)
		w.run(5 * time.Second)
		if guest.settled == nil || guest.settled.State != messages.Observing || guest.settled.Leader != 2 {
			t.Fatalf("seed %d: %s", seed+1, describeElectors([]*elector{guest}))
		}

		// 1 leaves; 3 takes its place.
		next := SetMembers{Version: 7, Text: "2 and 3", Rules: []QuorumRule{NewMajority([]messages.ServerID{2, 3})}}
		list[1].members, guest.members = next, next
		list[1].members.Others = []ElectionMember{{ID: 3, Address: "s3:3888"}}
		guest.members.Others = []ElectionMember{{ID: 2, Address: "s2:3888"}}
		for _, e := range []*elector{list[1], guest} {
			e.tell(e.members)
			e.look()
		}
		w.run(5 * time.Second)
		wantLeader(t, 3, list[1], guest)
	}
}

// Two servers with the same id don't talk to each other.
func TestElectionRefusesItsOwnID(t *testing.T) {
	w := newLinkWorld(t, 0)
	e := w.elector(2, 1, membersOf(2))
	probe, pid := newLinkProbe(e.rt, "link", nil)
	e.tell(LinkAccepted{Link: pid, Peer: messages.Hello{From: 2, Purpose: messages.ForElection}})
	w.run(0)
	want := CloseLink{Reason: "this is server 2, and you say that you are server 2: each needs an id of its own"}
	if got := probe.take(); len(got) != 1 || got[0] != want {
		t.Fatalf("%+v", got)
	}
}
