//go:build unix

package bench

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Barrier has all sessions enter and leave a double barrier, over and over, as
// ZooKeeper's paper of 2010 measures it: who makes the barrier full creates the
// node that all wait for; who leaves deletes its own node and waits until those
// of all others are gone. Timed is each round, from the first to enter to the
// last to leave.
func Barrier() Scenario {
	return recipe("barrier", "double barriers that all sessions enter and leave", func(p Part, parent string) Load {
		return &barrier{parent: parent, clients: make(map[*Session]*barrierClient), rounds: make(map[int]*barrierRound)}
	})
}

// Steps of a session, as tags of its requests.
const (
	barrierWatch  = iota // for the node that says the barrier is full
	barrierEnter         // the session's own node
	barrierCount         // who is there
	barrierReady         // the node that says so
	barrierLeave         // the session's own node
	barrierRemain        // who has not left
	barrierOther         // one of those, watched
	barrierTidy          // the node of a round that is over
)

type barrier struct {
	Quiet
	parent  string
	clients map[*Session]*barrierClient
	rounds  map[int]*barrierRound
	moved   time.Duration
}

type barrierClient struct {
	round   int
	inside  bool
	waitFor string // path of the node whose event it waits for
}

// barrierRound counts who did what, as the generator knows it.
type barrierRound struct {
	began                 time.Duration
	entering, leaving, at int
}

func (b *barrier) ready(round int) string { return fmt.Sprintf("%s/ready-%d", b.parent, round) }

func (b *barrier) own(s *Session, round int) string {
	return fmt.Sprintf("%s/p-%d-%d", b.parent, round, s.Index())
}

// Start joins the session to the first round. All are there before it begins.
func (b *barrier) Start(s *Session) {
	c := &barrierClient{}
	b.clients[s] = c
	b.begin(s, c)
}

// begin enters a round: watch first, so that nothing is missed.
func (b *barrier) begin(s *Session, c *barrierClient) {
	c.inside, c.waitFor = false, b.ready(c.round)
	if b.rounds[c.round] == nil {
		b.rounds[c.round] = &barrierRound{began: s.Now()}
	}
	s.readPath(OpExists, barrierWatch, c.waitFor, true)
}

// Expected accepts what two sessions at the same step run into.
func (*barrier) Expected(_ Op, code int32) bool { return code == codeNoNode || code == codeNodeExists }

// Answered goes on to the next step.
func (b *barrier) Answered(s *Session, op Op, step uint32, code int32) {
	if op != OpRecipe {
		return
	}
	c := b.clients[s]
	round := b.rounds[c.round]
	b.moved = s.Now()
	switch step {
	case barrierWatch:
		round.entering++
		s.createPath(barrierEnter, b.own(s, c.round), Ephemeral)
	case barrierEnter:
		if code != codeOK {
			s.Fail(fmt.Errorf("a session cannot enter the barrier: %s", codeName(code)))
		}
		s.readPath(OpChildren, barrierCount, b.parent, false)
	case barrierCount:
		if !c.inside && len(b.here(s, c.round)) >= len(b.clients) {
			s.createPath(barrierReady, b.ready(c.round), Persistent)
		}
	case barrierLeave:
		s.readPath(OpChildren, barrierRemain, b.parent, false)
	case barrierRemain:
		b.remaining(s, c)
	case barrierOther:
		if code == codeNoNode {
			c.waitFor = ""
			s.readPath(OpChildren, barrierRemain, b.parent, false)
		}
	}
}

// here lists the session nodes of a round.
func (b *barrier) here(s *Session, round int) []string {
	names, err := s.names()
	if err != nil {
		s.Fail(err)
	}
	prefix := fmt.Sprintf("p-%d-", round)
	var all []string
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			all = append(all, name)
		}
	}
	return all
}

var (
	errEarly = errors.New("a session got through the barrier before all had come")
	errLeft  = errors.New("a session left the barrier before all had")
)

// entered goes straight on to leave: there is nothing to compute.
func (b *barrier) entered(s *Session, c *barrierClient) {
	round := b.rounds[c.round]
	if round.entering < len(b.clients) {
		s.Fail(errEarly)
	}
	c.inside, c.waitFor = true, ""
	round.leaving++
	s.deletePath(barrierLeave, b.own(s, c.round))
}

// remaining leaves if all others have, and else waits for one of them.
func (b *barrier) remaining(s *Session, c *barrierClient) {
	left := b.here(s, c.round)
	if len(left) > 0 {
		// Each starts at another, so that not all watch the same one.
		c.waitFor = b.parent + "/" + left[s.Index()%len(left)]
		s.readPath(OpExists, barrierOther, c.waitFor, true)
		return
	}
	round := b.rounds[c.round]
	if round.leaving < len(b.clients) {
		s.Fail(errLeft)
	}
	if round.at++; round.at == len(b.clients) {
		s.Record(OpBarrier, s.Now()-round.began)
		delete(b.rounds, c.round)
	}
	if s.Index() == 0 {
		s.deletePath(barrierTidy, b.ready(c.round))
	}
	c.round++
	b.begin(s, c)
}

// PathEvent goes on when what the session waits for has happened.
func (b *barrier) PathEvent(s *Session, kind int32, path string) error {
	c := b.clients[s]
	if c == nil || path != c.waitFor {
		return errWatch
	}
	b.moved = s.Now()
	switch {
	case !c.inside && kind == eventCreated:
		b.entered(s, c)
	case c.inside && kind == eventDeleted:
		c.waitFor = ""
		s.readPath(OpChildren, barrierRemain, b.parent, false)
	default:
		return errWatch
	}
	return nil
}

// Tick notices an event that does not come.
func (b *barrier) Tick(now time.Duration, sessions []*Session) { stalled(now, b.moved, sessions) }
