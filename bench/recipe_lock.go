//go:build unix

package bench

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Lock has all sessions contend for one lock, as the recipe without a herd has
// it: an ephemeral sequential node each, and a watch on the one before. Who
// holds the lock gives it up at once. Timed is each hand-over, from sending the
// delete that gives the lock up until the next holder knows.
func Lock() Scenario {
	return recipe("lock", "hand-over of a lock between all sessions", func(p Part, parent string) Load {
		return &lock{parent: parent, waiters: make(map[*Session]*lockWaiter), line: make(map[string]struct{})}
	})
}

// Steps of a session, as tags of its requests.
const (
	lockCreate = iota
	lockList
	lockWatch
	lockRelease
)

var errTwoHolders = errors.New("a session got the lock while another was before it in line")

type lock struct {
	Quiet
	parent   string
	waiters  map[*Session]*lockWaiter
	line     map[string]struct{} // nodes acknowledged whose delete was not sent yet
	released time.Duration       // when the lock was given up last; 0: never
	moved    time.Duration       // when anybody got on
}

// lockWaiter is the place of a session in the line.
type lockWaiter struct {
	name   string // of its node
	before string // path of the node that it watches
}

// Start queues the session up.
func (k *lock) Start(s *Session) {
	k.waiters[s] = &lockWaiter{}
	s.createPath(lockCreate, k.parent+"/lock-", EphemeralSequential)
}

// Expected accepts that the node before is gone already.
func (*lock) Expected(_ Op, code int32) bool { return code == codeNoNode }

// Answered goes on to the next step.
func (k *lock) Answered(s *Session, op Op, step uint32, code int32) {
	if op != OpRecipe {
		return
	}
	w := k.waiters[s]
	k.moved = s.Now()
	switch {
	case step == lockWatch && code == codeNoNode:
		s.readPath(OpChildren, lockList, k.parent, false)
	case code != codeOK:
		if step == lockRelease {
			s.Fail(errors.New("the node of the lock's holder is gone"))
		}
	case step == lockCreate:
		path, err := s.created(k.parent + "/lock-")
		if err != nil {
			s.Fail(err)
			return
		}
		w.name = strings.TrimPrefix(path, k.parent+"/")
		k.line[w.name] = struct{}{}
		s.readPath(OpChildren, lockList, k.parent, false)
	case step == lockList:
		k.listed(s, w)
	case step == lockRelease:
		s.createPath(lockCreate, k.parent+"/lock-", EphemeralSequential)
	}
}

// listed takes the lock if the session is first in line, and else watches who
// is before it.
func (k *lock) listed(s *Session, w *lockWaiter) {
	names, err := s.names()
	at := slices.Index(names, w.name)
	if err == nil && at < 0 {
		err = errors.New("a session does not see its own node in line for the lock")
	}
	if err != nil {
		s.Fail(err)
		return
	}
	if at > 0 {
		w.before = k.parent + "/" + names[at-1]
		s.readPath(OpExists, lockWatch, w.before, true)
		return
	}
	for other := range k.line {
		if other < w.name {
			s.Fail(errTwoHolders)
		}
	}
	if k.released > 0 {
		s.Record(OpHandOver, s.Now()-k.released)
	}
	delete(k.line, w.name)
	k.released = s.Now()
	s.deletePath(lockRelease, k.parent+"/"+w.name)
}

// PathEvent looks again who is first in line.
func (k *lock) PathEvent(s *Session, kind int32, path string) error {
	w := k.waiters[s]
	if w == nil || path != w.before || kind != eventDeleted {
		return errWatch
	}
	w.before, k.moved = "", s.Now()
	s.readPath(OpChildren, lockList, k.parent, false)
	return nil
}

// Tick notices an event that does not come.
func (k *lock) Tick(now time.Duration, sessions []*Session) { stalled(now, k.moved, sessions) }
