package server_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// outcome is what a panic is to cost.
type outcome uint8

const (
	piece    outcome = iota // the actor alone, nobody leaves its role
	aLearner                // the actor, and the learner that it was for has to come back
	itself                  // the actor, without which this very learner has to come back
	anew                    // the actor is restarted, nobody leaves its role
	leaves                  // the server leaves its role, all others go on
	reign                   // the leader leaves, so all look for a new one
)

var outcomeWords = map[outcome]string{
	piece:    "it ended; nobody left a role",
	aLearner: "it ended; one learner came back",
	itself:   "it ended; this learner came back",
	anew:     "it was restarted; nobody left a role",
	leaves:   "this server left its role, recovered from disk and came back",
	reign:    "this leader left, recovered from disk and came back; all elected",
}

// sabotage is one panic under load.
type sabotage struct {
	actor, message string
	on             string // leader, follower, observer
	costs          outcome
	by             func(a *arena, victim int) // brings the message about, where load alone doesn't
}

func observerComesBack(a *arena, _ int) { a.newcomer(false) }

func observerComesNew(a *arena, _ int) {
	a.fill()
	a.newcomer(true)
}

// TestPanicsInAnEnsemble makes actors of every kind panic, one after the other, while clients write on all members. Each
// failure costs what its class says and no more: counters tell who has left a role. Everything acknowledged is on every
// member afterwards, and no session has ended.
func TestPanicsInAnEnsemble(t *testing.T) {
	t.Parallel()
	report := &panicReport{}
	var all sync.WaitGroup // most of the time is waiting, so the ensembles needn't wait for each other
	t.Cleanup(func() {
		if testing.Verbose() {
			fmt.Println(report)
		}
	})
	for name, cases := range map[string][]sabotage{
		"pieces and leaders": {
			{"learnerhandler", "Requests", "leader", aLearner, nil},
			{"learnerhandler", "Ack", "leader", aLearner, nil},
			{"feeder", "Started", "leader", aLearner, observerComesBack},
			{"electionpeer", "Notification", "leader", piece, observerComesBack},
			{"electionpeer", "LinkAccepted", "follower", piece, observerComesBack},
			{"link", "linkTick", "leader", piece, nil},
			{"link", "linkTick", "follower", piece, nil},
			{"link", "Packed", "leader", aLearner, nil},
			{"link", "Pong", "follower", itself, nil},
			{"link", "Pong", "observer", itself, nil},
			{"connection", "chunkRead", "leader", piece, nil},
			{"connection", "chunkRead", "follower", piece, nil},
			{"connection", "Output", "observer", piece, nil},
			{"request", "Requests", "leader", reign, nil},
			{"prep", "Requests", "leader", reign, nil},
			{"proposal", "Proposals", "leader", reign, nil},
			{"sync", "Drained", "leader", reign, nil},
			{"ack", "Durable", "leader", reign, nil},
			{"feeder", "SnapCredit", "leader", aLearner, observerComesNew},
		},
		"rebuildable and leaders": {
			{"election", "Notification", "leader", anew, observerComesBack},
			{"reception@electiondoor", "linkConnected", "follower", anew, observerComesBack},
			{"reception@quorumdoor", "linkGreeted", "leader", anew, observerComesBack},
			{"sessions", "Touch", "leader", anew, nil},
			{"sessions", "wheelTick", "leader", anew, nil},
			{"sessions", "TakeTouches", "follower", anew, nil},
			{"sessions", "Touch", "observer", anew, nil},
			{"bucket", "BucketJoin", "leader", anew, nil},
			{"snapshotter", "Applied", "leader", anew, nil},
			{"snapshotter", "nextPortion", "follower", anew, nil},
			{"snapshotter", "snapshotBegun", "observer", anew, nil},
			{"sweeper", "", "leader", anew, nil},
			{"commit", "Committed", "leader", reign, nil},
			{"tobeapplied", "Deliveries", "leader", reign, nil},
			{"final", "Deliveries", "leader", reign, nil},
			{"leader", "Ack", "leader", reign, nil},
			{"leader", "leaderLook", "leader", reign, nil},
		},
		"learners": {
			{"request", "Requests", "follower", leaves, nil},
			{"sync", "Proposals", "follower", leaves, nil},
			{"sendack", "Durable", "follower", leaves, nil},
			{"commit", "Requests", "follower", leaves, nil},
			{"final", "Drained", "follower", leaves, nil},
			{"commit", "Committed", "observer", leaves, nil},
			{"tobeapplied", "Deliveries", "observer", leaves, nil},
			{"final", "Deliveries", "observer", leaves, nil},
			{"learner", "Inform", "observer", leaves, nil},
		},
	} {
		all.Go(func() {
			t.Run(name, func(t *testing.T) {
				a := newArena(t, report)
				a.progress("first writes", 5)
				a.nothing()
				for _, c := range cases {
					a.sabotage(c)
				}
				a.verify()
			})
		})
	}
	all.Wait()
}

// nothing measures how long clients wait when all is well.
func (a *arena) nothing() {
	a.t.Helper()
	victim := a.place("leader")
	a.forget()
	a.progress("writes while nothing happens", 10)
	others := time.Duration(0)
	for i := range a.servers {
		if i != victim {
			others = max(others, a.waited(i))
		}
	}
	a.report.add("(nothing)", "leader", "nothing", a.waited(victim), others)
}

// sabotage makes an actor panic once and waits until everything is as before.
func (a *arena) sabotage(c sabotage) {
	a.t.Helper()
	what := fmt.Sprintf("%s on %s", c.actor, c.message)
	victim := a.place(c.on)
	before := a.allCounters()
	a.forget()
	s := a.saboteurs[victim]
	s.arm(c.actor, c.message, 1)
	if c.by != nil {
		c.by(a, victim)
	}
	receive(a.t, "the panic of "+what, s.hit)
	eventually(a.t, "supervision of "+what, func() bool { return c.dealtWith(a.counters(victim).since(before[victim])) })
	a.progress("writes after the panic of "+what, 5)
	a.awaitServing()

	var left []string // servers that have left their roles, but for the one that was started anew
	others, wanted := time.Duration(0), false
	for i := range a.servers {
		if c.by != nil && i == arenaObserver { // it was stopped, and has waited for that
			wanted = wanted || c.costs == aLearner
			continue
		}
		if i != victim {
			others = max(others, a.waited(i))
		}
		d := a.counters(i).since(before[i])
		if d.looking > 0 {
			left = append(left, fmt.Sprint(i+1))
			wanted = wanted || i == victim || c.costs == aLearner
		}
		a.judge(c, what, i == victim, d)
	}
	if most, least := c.costs.leaving(len(a.servers)); len(left) > most || !wanted && least > 0 {
		a.t.Errorf("%s on the %s: servers %v have left their roles", what, c.on, left)
	}
	a.report.add(what, c.on, outcomeWords[c.costs], a.waited(victim), others)
}

// leaving is how many servers leave their roles at most, and at least.
func (o outcome) leaving(all int) (most, least int) {
	switch o {
	case itself, aLearner, leaves:
		return 1, 1
	case reign:
		return all, 1
	}
	return 0, 0
}

// dealtWith tells by the victim's counters that supervision has done its part.
func (c sabotage) dealtWith(d counters) bool {
	switch c.costs {
	case anew:
		return d.restarts > 0
	case leaves, reign:
		return d.rebuilds > 0 && d.looking > 0
	}
	return d.stops > 0
}

// judge compares what a panic has cost a server with what it may cost.
func (a *arena) judge(c sabotage, what string, victim bool, d counters) {
	a.t.Helper()
	if victim && d.panics != 1 {
		a.t.Errorf("%s on the %s: %d panics", what, c.on, d.panics)
	}
	if !victim && d.panics+d.stops+d.restarts+d.rebuilds > 0 {
		a.t.Errorf("%s on the %s: it has cost another server more than a link: %+v", what, c.on, d)
	}
	may := map[outcome]bool{leaves: victim, itself: victim, aLearner: !victim, reign: true}[c.costs]
	if d.looking > 0 && !may {
		a.t.Errorf("%s on the %s: a server has left its role that should not (the one itself: %v): %+v", what, c.on, victim, d)
	}
	if victim && c.costs != leaves && c.costs != reign && d.rebuilds > 0 {
		a.t.Errorf("%s on the %s: the pipeline was built anew", what, c.on)
	}
}

// TestThePeerPanics: nobody is above the peer, so the process ends. The others go on, and a new process comes back.
func TestThePeerPanics(t *testing.T) {
	t.Parallel()
	a := newArena(t, &panicReport{})
	for _, on := range []string{"follower", "leader"} {
		victim := a.place(on)
		before := a.allCounters()
		a.saboteurs[victim].arm("peer", "MoveLeader", 1)
		ctx, cancel := context.WithCancel(serveContext(t))
		go func() { _ = a.servers[victim].MoveLeader(ctx, 0) }()
		err := receive(t, "the end of a server", a.servers[victim].Failed())
		cancel()
		if !strings.Contains(err.Error(), "nobody is above it") {
			t.Errorf("the server ended with %v", err)
		}
		a.stop(victim) // a process ends by itself
		a.start(victim)
		a.awaitServing()
		a.progress("writes after the end of a "+on, 5)
		for i := range a.servers {
			if d := a.counters(i).since(before[i]); i != victim && on != "leader" && d.looking > 0 {
				t.Errorf("server %d has left its role when a follower ended", i+1)
			}
		}
	}
	a.verify()
}

// TestReceptionPanicsAtOnce: a server whose doors fail when they are opened is not deaf.
func TestReceptionPanicsAtOnce(t *testing.T) {
	t.Parallel()
	a := newArena(t, &panicReport{})
	const victim = 0 // all others dial it
	a.stop(victim)
	a.saboteurs[victim].arm("reception", "Started", 2)
	a.start(victim)
	for range 2 {
		receive(t, "the panic", a.saboteurs[victim].hit)
	}
	a.awaitServing()
	ctx := serveContext(t)
	eventually(t, "it leads, and others come through its doors", func() bool {
		leader := a.leader()
		return leader == victim || leader >= 0 && a.servers[leader].MoveLeader(ctx, victim+1) == nil
	})
	a.awaitServing()
	a.progress("writes after a reception failed at its start", 5)
	a.verify()
}

// TestHandOverWithAHandlerThatFails: the leader doesn't wait for the last words of a handler that is no more.
func TestHandOverWithAHandlerThatFails(t *testing.T) {
	t.Parallel()
	a := newArena(t, &panicReport{})
	from := a.place("leader")
	s := a.saboteurs[from]
	s.arm("learnerhandler@/learner4-", anyMessage, 10_000)
	receive(t, "the panic of a handler", s.hit)
	if err := a.servers[from].MoveLeader(serveContext(t), messages.ServerID((from+1)%arenaObserver+1)); err != nil {
		t.Error(err)
	}
	s.arm("nobody", "", 0)
	a.awaitServing()
	a.progress("writes after the handover", 5)
	if a.book.has("not taken up in time") {
		t.Error("the handover has waited for a handler that had failed")
	}
	a.verify()
}

// TestElectionPanicsForEver: a server that can't find the others any more must not stay as if it could.
func TestElectionPanicsForEver(t *testing.T) {
	t.Parallel()
	a := newArena(t, &panicReport{})
	for _, door := range []string{"election", "reception@electiondoor"} {
		victim := a.place("follower")
		a.saboteurs[victim].arm(door, anyMessage, 1000)
		for stopped := false; !stopped; {
			a.newcomer(false)
			select {
			case err := <-a.servers[victim].Failed():
				stopped = true
				if !strings.Contains(err.Error(), "again and again") {
					t.Errorf("the server ended with %v", err)
				}
			case <-time.After(100 * time.Millisecond):
			}
		}
		a.saboteurs[victim].arm("nobody", "", 0)
		a.stop(victim)
		a.start(victim)
		a.awaitServing()
	}
	a.verify()
}
