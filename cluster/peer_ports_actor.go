package cluster

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// This server's ports for the other servers. They follow its own line among the members: while a change is proposed
// that moves them, both the old and the new ones are open, because some servers may know the one and others the other.

// doorway is where the other servers come in for one purpose.
type doorway struct {
	name    string
	target  SetTarget
	port    func(messages.MemberAddress) int
	open    []door
	closing []string // the receptions of ports that are being closed
	opened  int      // so far; no name is used twice
	talk    talk     // what was said about why one can't be opened
}

// door is one port.
type door struct {
	address string
	port    int
	pid     *actor.PID // its reception
}

func (w *doorway) has(child string) bool {
	return slices.Contains(w.closing, child) || slices.ContainsFunc(w.open, func(d door) bool { return d.pid.Id == child })
}

// doorOf is where a line of this server has its port.
func (a *peerActor) doorOf(w *doorway, own messages.Member) door {
	d := door{address: hostPort(own, w.port), port: w.port(own.Addresses[0])}
	if a.m.ListenOnAllIPs {
		d.address = net.JoinHostPort("", strconv.Itoa(d.port))
	}
	return d
}

func (a *peerActor) openDoor(ctx actor.Context, w *doorway, d door, acceptor actors.Acceptor) (err error) {
	props := NewReception(a.m.rt, acceptor, a.m.Self, []SetTarget{w.target}, DefaultReceptionOptions())
	w.opened++
	if d.pid, err = ctx.SpawnNamed(props, fmt.Sprintf("%s-%d", w.name, w.opened)); err == nil {
		w.open = append(w.open, d)
	}
	return err
}

// admitLearners tells the receptions who takes learners' links; nil: nobody.
func (a *peerActor) admitLearners(ctx actor.Context, leader *actor.PID) {
	for _, w := range a.doors {
		if w.target.Purpose != messages.ForLearning {
			continue
		}
		w.target.Target = leader
		for _, d := range w.open {
			ctx.Send(d.pid, w.target)
		}
	}
}

// doorPause is the time between two attempts to open a port that is in use.
const doorPause = time.Second

// moveDoors opens the ports that this server's own lines name, and closes those that it named before. A leader's learners
// come through them, so they stay until it has left. A server without a line keeps what it has.
func (a *peerActor) moveDoors(ctx actor.Context) {
	if a.stopping {
		return
	}
	for _, w := range a.doors {
		var wanted []door
		for _, line := range a.members.Lines(a.m.Self.ID) {
			wanted = append(wanted, a.doorOf(w, line))
		}
		if len(wanted) == 0 {
			continue
		}
		if a.state != messages.Leading {
			a.closeDoors(ctx, w, wanted)
		}
		for i, d := range wanted {
			a.wantDoor(ctx, w, d, i == 0)
		}
	}
}

func (a *peerActor) closeDoors(ctx actor.Context, w *doorway, wanted []door) {
	w.open = slices.DeleteFunc(w.open, func(d door) bool {
		if slices.ContainsFunc(wanted, func(o door) bool { return o.address == d.address }) {
			return false
		}
		w.closing = append(w.closing, d.pid.Id)
		ctx.Stop(d.pid)
		return true
	})
}

// wantDoor opens a port, unless it is open. One that is only proposed may be the same port by another name of the host: then
// what there is will do until the change is in effect.
func (a *peerActor) wantDoor(ctx actor.Context, w *doorway, d door, inEffect bool) {
	there := func(o door) bool { return o.address == d.address || !inEffect && o.port == d.port }
	if len(w.closing) > 0 || slices.ContainsFunc(w.open, there) {
		return // it may be the one that is being closed
	}
	acceptor, err := a.m.Network.Listen(d.address)
	if err == nil {
		a.log.Info().Str("address", d.address).Msg("listening for other servers")
		err = a.openDoor(ctx, w, d, acceptor)
	}
	if err == nil {
		return
	}
	if w.talk.worth(err.Error(), a.m.rt.Clock.MonoUs()) {
		a.log.Error().Err(err).Msg("this server's own address among the members can't be opened; trying again")
	}
	a.tryDoors(ctx)
}

// tryDoors opens later what can't be opened now.
func (a *peerActor) tryDoors(ctx actor.Context) {
	if !a.tryingDoors {
		a.tryingDoors = true
		self, root := ctx.Self(), a.m.rt.System.Root
		a.m.rt.Clock.After(doorPause, func() { root.Send(self, openDoors{}) })
	}
}

// doorClosed goes on when a port has closed.
func (a *peerActor) doorClosed(ctx actor.Context, child string) {
	for _, w := range a.doors {
		if i := slices.Index(w.closing, child); i >= 0 {
			w.closing = slices.Delete(w.closing, i, i+1)
			a.moveDoors(ctx)
		}
	}
}
