package cluster

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// voter is one server with its election peers. The probe stands for the election actor: it hands links on to the peer
// that they are for, and checks what it hears.
type voter struct {
	*linkHost
	w        *linkWorld
	peers    map[messages.ServerID]*actor.PID
	up       map[messages.ServerID]bool
	disputed map[messages.ServerID]bool
	heard    map[messages.ServerID]uint64 // the round of the latest notification
	ups      int
}

// voters starts servers 1 to n; each knows the addresses of all others but those that are guests to it.
func voters(w *linkWorld, n int, guests ...messages.ServerID) (list []*voter) {
	for i := range n {
		list = append(list, w.voter(messages.ServerID(i+1), n, 1, guests...))
	}
	return list
}

func (w *linkWorld) voter(id messages.ServerID, n int, incarnation uint64, guests ...messages.ServerID) *voter {
	v := &voter{
		w: w, peers: map[messages.ServerID]*actor.PID{}, up: map[messages.ServerID]bool{},
		disputed: map[messages.ServerID]bool{}, heard: map[messages.ServerID]uint64{},
	}
	v.linkHost = w.start(id, incarnation, DefaultReceptionOptions(), v.hear)
	v.tell(v.pid, func(ctx actor.Context) {
		for i := range n {
			other := ElectionMember{ID: messages.ServerID(i + 1), Address: fmt.Sprintf("s%d:3888", i+1)}
			if other.ID == id {
				continue
			}
			if slices.Contains(guests, other.ID) {
				other.Address = ""
			}
			props := NewElectionPeer(v.rt, v.host, v.self, other, ctx.Self(), DefaultElectionPeerOptions())
			v.peers[other.ID] = ctx.Spawn(props)
		}
	})
	return v
}

func (v *voter) hear(ctx actor.Context, msg any) {
	switch m := msg.(type) {
	case LinkAccepted:
		ctx.Send(v.peers[m.Peer.From], m)
	case PeerUp:
		if v.up[m.ID] {
			v.w.t.Fatalf("server %d: PeerUp of %d twice", v.self.ID, m.ID)
		}
		v.ups++
		v.up[m.ID], v.heard[m.ID] = true, 0
	case PeerDisputed:
		if !v.up[m.ID] || v.disputed[m.ID] == m.Disputed {
			v.w.t.Fatalf("server %d: %+v, up %t", v.self.ID, m, v.up[m.ID])
		}
		v.disputed[m.ID] = m.Disputed
	case PeerDown:
		v.disputed[m.ID] = false
		if !v.up[m.ID] {
			v.w.t.Fatalf("server %d: PeerDown of %d, which isn't up", v.self.ID, m.ID)
		}
		v.up[m.ID] = false
	case *messages.Notification:
		if !v.up[m.From] || m.Round <= v.heard[m.From] {
			v.w.t.Fatalf("server %d: round %d of server %d after %d, up %t", v.self.ID, m.Round, m.From, v.heard[m.From], v.up[m.From])
		}
		v.heard[m.From] = m.Round
	}
}

func (v *voter) notify(round uint64) {
	for _, pid := range v.peersInOrder() {
		v.tell(pid, &messages.Notification{From: v.self.ID, Round: round})
	}
}

func (v *voter) peersInOrder() (list []*actor.PID) {
	for id := range messages.ServerID(20) {
		if pid := v.peers[id]; pid != nil {
			list = append(list, pid)
		}
	}
	return list
}

// allLinked checks that each pair has exactly one link, and that a notification gets through. The larger id has dialled it,
// unless that could not be done for a while.
func allLinked(w *linkWorld, list []*voter, round uint64) {
	w.t.Helper()
	pairs := map[[2]string]int{}
	for _, c := range w.net.Conns() {
		pairs[[2]string{c.From, c.To}]++
	}
	for _, v := range list {
		v.notify(round)
	}
	w.steps.Settle()
	for _, v := range list {
		for _, other := range list {
			if v == other {
				continue
			}
			if !v.up[other.self.ID] || v.heard[other.self.ID] != round {
				w.t.Fatalf("server %d has %d up %t, heard round %d of %d\n%s", v.self.ID, other.self.ID, v.up[other.self.ID],
					v.heard[other.self.ID], round, w.logs.String())
			}
			there, back := [2]string{v.host.Name(), other.host.Name()}, [2]string{other.host.Name(), v.host.Name()}
			if v.self.ID > other.self.ID && pairs[there]+pairs[back] != 1 {
				w.t.Fatalf("%v have %d links and %d in the other direction", there, pairs[there], pairs[back])
			}
		}
	}
}

func TestElectionPeersFindEachOther(t *testing.T) {
	for seed := range uint64(linkSeeds) {
		w := newLinkWorld(t, seed)
		list := voters(w, 3)
		w.run(50 * time.Millisecond) // the larger ones dial at once
		allLinked(w, list, 1)
		w.run(time.Minute)
		for _, v := range list {
			if v.ups != 2 {
				t.Fatalf("seed %d: server %d heard %d times that a peer is up", seed, v.self.ID, v.ups)
			}
		}
	}
}

func TestElectionPeerKeepsTheNewestNotification(t *testing.T) {
	w := newLinkWorld(t, 1)
	one := w.voter(1, 2, 1)
	w.steps.Settle()
	for round := range uint64(5) {
		one.notify(round + 1)
	}
	w.run(time.Minute) // nobody is there
	two := w.voter(2, 2, 1)
	w.run(100 * time.Millisecond)
	if got := two.take(); two.heard[1] != 5 || len(got) != 2 {
		t.Fatalf("server 2 heard %v", got)
	}
}

// A server whose machine comes back knows of no link. The other side, which has the larger id, still thinks that it has
// one; it is knocked at and dials.
func TestElectionPeerIsKnockedAt(t *testing.T) {
	for seed := range uint64(linkSeeds) {
		w := newLinkWorld(t, seed)
		list := voters(w, 2)
		w.run(time.Second)
		allLinked(w, list, 1)
		list[0].host.Vanish()
		w.run(100 * time.Millisecond)
		list[0].host.Boot()
		list[0] = w.voter(1, 2, 2)
		if !list[1].up[1] {
			t.Fatal("2 should not have noticed yet")
		}
		w.run(300 * time.Millisecond)
		allLinked(w, list, 2)
		if list[1].ups != 2 {
			t.Fatalf("seed %d: %d ups", seed, list[1].ups)
		}
	}
}

// A server with the larger id believes the other one to be where it isn't any more, and dials back in vain. The other one's own
// link is taken then, so that it can tell where it is.
func TestElectionPeerThatHasMovedIsHeard(t *testing.T) {
	for seed := range uint64(linkSeeds) {
		w := newLinkWorld(t, seed)
		w.net.Refuse("s2", "s1", true)
		list := voters(w, 2)
		w.run(time.Second)
		allLinked(w, list, 1)
		before := w.net.Conns()
		w.run(10 * time.Second)
		if !slices.Equal(before, w.net.Conns()) {
			t.Fatalf("seed %d: it doesn't last", seed)
		}
	}
}

// While a change of members is proposed a server may be at its old address or at the new one: both are tried.
func TestElectionPeerTriesBothAddresses(t *testing.T) {
	w := newLinkWorld(t, 1)
	one, two := w.voter(1, 0, 1), w.voter(2, 0, 1)
	for v, other := range map[*voter]ElectionMember{
		one: {ID: 2, Address: "s2:3999", Also: []string{"s2:3888"}}, two: {ID: 1, Address: "s1:3999", Also: []string{"s1:3888"}},
	} {
		v.tell(v.pid, func(ctx actor.Context) {
			v.peers[other.ID] = ctx.Spawn(NewElectionPeer(v.rt, v.host, v.self, other, ctx.Self(), DefaultElectionPeerOptions()))
		})
	}
	w.run(time.Second)
	allLinked(w, []*voter{one, two}, 1)
}

func TestElectionPeersAfterAPartition(t *testing.T) {
	for seed := range uint64(linkSeeds) {
		w := newLinkWorld(t, seed)
		list := voters(w, 3)
		w.run(time.Second)
		w.net.Partition([]string{"s1"}, []string{"s2", "s3"})
		w.run(3 * time.Second)
		if list[0].up[2] || list[0].up[3] || list[1].up[1] || list[2].up[1] {
			t.Fatalf("seed %d: a partition wasn't noticed", seed)
		}
		if !list[1].up[3] || !list[2].up[2] {
			t.Fatalf("seed %d: the majority has lost its link", seed)
		}
		w.run(20*time.Second + time.Duration(seed)*37*time.Millisecond)
		w.net.HealAll()
		w.run(700 * time.Millisecond)
		allLinked(w, list, 7)
	}
}

// A guest's address isn't known, so the link that it has knocked with stays.
func TestElectionPeerKeepsAGuestsLink(t *testing.T) {
	for _, guest := range []messages.ServerID{1, 2} {
		for seed := range uint64(10) {
			w := newLinkWorld(t, seed)
			list := voters(w, 2, guest)
			w.run(time.Second)
			list[0].notify(3)
			list[1].notify(3)
			w.steps.Settle()
			if list[0].heard[2] != 3 || list[1].heard[1] != 3 || len(w.net.Conns()) != 1 {
				t.Fatalf("guest %d, seed %d: %v, %v, %d connections\n%s", guest, seed, list[0].heard, list[1].heard, len(w.net.Conns()), &w.logs)
			}
		}
	}
}

func TestElectionPeerTurnsAwayWhatHasNoPlace(t *testing.T) {
	w := newLinkWorld(t, 1)
	list := voters(w, 2)
	w.run(100 * time.Millisecond)
	for _, h := range []messages.Hello{
		{Purpose: messages.ForElection, To: 2},              // 1 dials without a knock
		{Purpose: messages.ForElection, To: 2, Knock: true}, // it knocks although 2 has just linked up with it
	} {
		list[0].dial(list[0].host, h, list[1].address, ElectionLinks())
		w.steps.Settle()
	}
	// An earlier run of 2, which has waited in the queue of the socket.
	list[1].tell(list[1].pid, func(ctx actor.Context) {
		h := messages.Hello{Purpose: messages.ForElection, From: 2, To: 1, Incarnation: 0}
		ctx.Spawn(NewLink(list[1].rt, 1, Dial{
			Network: list[1].host, Address: list[0].address, Timeout: time.Second, Hello: h, Owner: ctx.Self(), Options: ElectionLinks(),
		}))
	})
	w.steps.Settle()
	for i, downs := range []int{2, 1} {
		got := list[i].take()
		if n := len(slices.DeleteFunc(got, func(m any) bool { _, ok := m.(LinkDown); return !ok })); n != downs || list[i].ups != 1 {
			t.Fatalf("server %d: %v", i+1, got)
		}
	}
	allLinked(w, list, 9)
}

// Two processes say that they are server 2. The one that is connected stays so, and the other is told, once it is certain
// that the first one lives. When that has gone, the other one takes its place.
func TestElectionPeerTellsARivalThatItsIDIsTaken(t *testing.T) {
	for seed := range uint64(linkSeeds) {
		w := newLinkWorld(t, seed)
		list := voters(w, 2)
		w.run(time.Second)
		attempt := func() (reason string) {
			list[1].take()
			list[1].tell(list[1].pid, func(ctx actor.Context) {
				h := messages.Hello{Purpose: messages.ForElection, From: 2, To: 1, Incarnation: 9}
				ctx.Spawn(NewLink(list[1].rt, 1, Dial{
					Network: w.net.Host("s9"), Address: list[0].address, Timeout: time.Second, Hello: h, Owner: ctx.Self(), Options: ElectionLinks(),
				}))
			})
			w.run(100 * time.Millisecond)
			for _, m := range list[1].take() {
				if down, ok := m.(LinkDown); ok {
					return down.Reason
				}
			}
			return ""
		}
		if got := attempt(); !strings.Contains(got, "server 2 is still connected to server 1 from s2:") {
			t.Fatalf("seed %d: %q", seed, got)
		}
		w.run(4 * time.Second)
		if got := attempt(); !strings.Contains(got, "server id 2 is taken: a server with that id is connected to server 1 from s2:") {
			t.Fatalf("seed %d: %q", seed, got)
		}
		if !strings.Contains(w.logs.String(), "another server is turned away: server id 2 is taken") {
			t.Fatal(w.logs.String())
		}
		if list[0].ups != 1 || !list[0].up[2] || !list[0].disputed[2] {
			t.Fatalf("seed %d: up %v %d times, disputed %v", seed, list[0].up, list[0].ups, list[0].disputed)
		}
		w.run(3 * time.Second)
		if list[0].disputed[2] {
			t.Fatalf("seed %d: the other one has gone, and the member is still disputed", seed)
		}
		list[1].host.Vanish()
		w.run(4 * time.Second)
		if got := attempt(); got != "" || list[0].ups != 2 {
			t.Fatalf("seed %d: %q, %d ups", seed, got, list[0].ups)
		}
	}
}

// A link that was offered may be gone for long when its turn to be adopted comes, for instance behind a pause of the
// whole process. Nothing is heard of it any more, and the member must be found all the same.
func TestElectionPeerIsOfferedALinkThatIsGone(t *testing.T) {
	for seed := range uint64(linkSeeds) {
		w := newLinkWorld(t, seed)
		list := voters(w, 2)
		w.run(100 * time.Millisecond)
		gone := list[0].rt.System.NewLocalPID("gone")
		hello := messages.Hello{Purpose: messages.ForElection, From: 2, To: 1, Incarnation: list[1].self.Incarnation}
		list[0].tell(list[0].peers[2], LinkAccepted{Link: gone, Peer: hello})
		w.run(time.Second)
		allLinked(w, list, 9)
	}
}

func TestElectionPeerOnlySpeaksForItself(t *testing.T) {
	w := newLinkWorld(t, 1)
	one := w.voter(1, 2, 1)
	w.steps.Settle()
	other := w.start(2, 1, DefaultReceptionOptions(), nil)
	other.dial(other.host, messages.Hello{Purpose: messages.ForElection, To: 1}, one.address, ElectionLinks())
	w.steps.Settle()
	link := other.take()[0].(LinkUp).Link
	other.tell(link, messages.Notification{From: 3, Round: 1})
	w.steps.Settle()
	other.down(t, "closed")
	if one.up[2] || one.heard[3] != 0 {
		t.Fatal("it was believed")
	}
}

// TestElectionPeersInAStorm cuts, stalls, crashes and vanishes at random. When it is over each pair finds its one link
// again, and what must hold on the way is checked by the voters.
func TestElectionPeersInAStorm(t *testing.T) {
	seeds := 40
	if testing.Short() {
		seeds = 10
	}
	for seed := range uint64(seeds) {
		w := newLinkWorld(t, seed+1)
		r := rand.New(rand.NewPCG(seed, 5))
		w.net.Delay = func(string, string) time.Duration { return time.Duration(r.IntN(20_000)) * time.Microsecond }
		list := voters(w, 3)
		round := uint64(0)
		for range 60 {
			storm(w, r, list)
			for _, v := range list {
				if r.IntN(3) == 0 {
					round++
					v.notify(round)
				}
			}
			w.run(time.Duration(r.IntN(700)) * time.Millisecond)
		}
		w.net.HealAll()
		for _, v := range list {
			v.host.Boot()
		}
		w.run(5 * time.Second)
		w.net.Delay = nil
		w.run(time.Second)
		allLinked(w, list, round+1)
		before := w.net.Conns()
		w.run(time.Minute)
		if !slices.Equal(before, w.net.Conns()) {
			t.Fatalf("seed %d: links change although nothing happens", seed)
		}
	}
}

func storm(w *linkWorld, r *rand.Rand, list []*voter) {
	i, j := r.IntN(len(list)), r.IntN(len(list))
	a, b := list[i].host.Name(), list[j].host.Name()
	switch r.IntN(8) {
	case 0:
		if conns := w.net.Conns(); len(conns) > 0 {
			conns[r.IntN(len(conns))].Cut()
		}
	case 1:
		if conns := w.net.Conns(); len(conns) > 0 {
			c := conns[r.IntN(len(conns))]
			c.CutAfter(c.From, r.IntN(100))
		}
	case 2:
		w.net.Stall(a, b)
	case 3, 4:
		w.net.Heal(a, b)
	case 5:
		w.net.Refuse(a, b, r.IntN(2) == 0)
	case 6:
		vanish := r.IntN(2) == 0
		if vanish {
			list[i].host.Vanish()
		} else {
			list[i].host.Crash()
		}
		list[i].stop()
		w.run(time.Duration(r.IntN(3000)) * time.Millisecond)
		list[i].host.Boot()
		list[i] = w.voter(list[i].self.ID, len(list), list[i].self.Incarnation+1)
	}
}

// stop ends a server's actors, whose host has died: nothing of it is heard outside.
func (v *voter) stop() {
	v.rt.System.Root.Stop(v.pid)
	v.rt.System.Root.Stop(v.reception)
	v.w.steps.Settle()
}
