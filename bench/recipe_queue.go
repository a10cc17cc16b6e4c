//go:build unix

package bench

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Queue has half of the sessions put items into a queue, as sequential nodes,
// and the others take them: list, then read and delete each in turn. Timed is
// the life of an item, from when putting it was acknowledged until taking it was.
func Queue() Scenario {
	return recipe("queue", "items put into a queue and taken in order", func(p Part, parent string) Load {
		return &queueLoad{part: p, parent: parent, put: make(map[uint32]time.Duration), early: make(map[uint32]time.Duration),
			lists: make(map[*Session][]string)}
	})
}

const (
	// queueLimit is how many items may wait before nobody puts more.
	queueLimit = 100
	// queueDelete marks the tag of a delete, queueList is the tag of a list and
	// queuePut that of a put; others are reads and carry the number of an item.
	queueDelete = 1 << 31
	queueList   = queueDelete - 1
	queuePut    = queueDelete - 2
)

type queueLoad struct {
	Quiet
	part   Part
	parent string
	put    map[uint32]time.Duration // items that wait, with when they were acknowledged
	early  map[uint32]time.Duration // items taken before putting them was acknowledged
	flying int                      // puts without an answer
	paused []*Session               // producers that wait for room
	lists  map[*Session][]string    // what each consumer takes next
	moved  time.Duration
}

func (q *queueLoad) prefix() string { return q.parent + "/item-" }

// Start lets every second session put, the others take.
func (q *queueLoad) Start(s *Session) {
	if s.Index()%2 == 1 {
		s.readPath(OpChildren, queueList, q.parent, true)
		return
	}
	for range q.part.Window {
		q.more(s)
	}
}

// more puts one item, or pauses the producer.
func (q *queueLoad) more(s *Session) {
	if len(q.put)+q.flying >= queueLimit {
		q.paused = append(q.paused, s)
		return
	}
	before := s.waiting.size
	s.createPath(queuePut, q.prefix(), Sequential)
	q.flying += s.waiting.size - before
}

// Expected accepts that another consumer was faster.
func (*queueLoad) Expected(_ Op, code int32) bool { return code == codeNoNode }

// Answered keeps account of the items and goes on.
func (q *queueLoad) Answered(s *Session, op Op, tag uint32, code int32) {
	if op != OpRecipe {
		return
	}
	q.moved = s.Now()
	switch {
	case tag == queuePut:
		q.flying--
		if code == codeOK {
			q.acknowledged(s)
		}
		q.more(s)
	case tag == queueList:
		names, err := s.names()
		if err != nil {
			s.Fail(err)
			return
		}
		if len(names) == 0 {
			return // the watch tells when there is one
		}
		q.lists[s] = names
		for range max(1, q.part.Window/2) {
			q.take(s)
		}
	case tag&queueDelete != 0:
		if code == codeOK {
			q.taken(s, tag&^queueDelete)
		}
		if len(q.lists[s]) > 0 || s.waiting.size == 0 {
			q.take(s)
		}
	case code == codeOK:
		if err := checkData(s.record, 0, q.part.Keyspace.ValueBytes); err != nil {
			s.Fail(fmt.Errorf("item %d of the queue: %w", tag, err))
		}
	}
}

// take reads and deletes the next item on the consumer's list, or lists again.
func (q *queueLoad) take(s *Session) {
	list := q.lists[s]
	if len(list) == 0 {
		if s.waiting.size == 0 {
			s.readPath(OpChildren, queueList, q.parent, true)
		}
		return
	}
	q.lists[s] = list[1:]
	number, err := strconv.ParseUint(strings.TrimPrefix(list[0], "item-"), 10, 31)
	if err != nil {
		s.Fail(fmt.Errorf("the queue holds %q: %w", list[0], err))
		return
	}
	path := q.parent + "/" + list[0]
	s.readPath(OpGet, uint32(number), path, false)
	s.deletePath(uint32(number)|queueDelete, path)
}

// acknowledged notes an item that was put.
func (q *queueLoad) acknowledged(s *Session) {
	path, err := s.created(q.prefix())
	if err == nil {
		var number uint64
		number, err = strconv.ParseUint(path[len(q.prefix()):], 10, 31)
		if _, gone := q.early[uint32(number)]; gone {
			delete(q.early, uint32(number))
			s.Record(OpTake, 0)
		} else if err == nil {
			q.put[uint32(number)] = s.Now()
		}
	}
	if err != nil {
		s.Fail(err)
	}
}

var errTakenTwice = errors.New("an item of the queue was taken that nobody had put, or twice")

// taken notes an item that this session took for itself.
func (q *queueLoad) taken(s *Session, number uint32) {
	if at, waits := q.put[number]; waits {
		delete(q.put, number)
		s.Record(OpTake, s.Now()-at)
		return
	}
	if _, twice := q.early[number]; twice {
		s.Fail(errTakenTwice)
	}
	q.early[number] = s.Now()
}

// PathEvent is for consumers; they list again by themselves unless they wait.
func (q *queueLoad) PathEvent(s *Session, kind int32, path string) error {
	if kind != eventChildrenChanged || path != q.parent || s.Index()%2 == 0 {
		return errWatch
	}
	q.moved = s.Now()
	if s.waiting.size == 0 {
		s.readPath(OpChildren, queueList, q.parent, true)
	}
	return nil
}

// Tick lets producers go on when there is room, and notices what does not come.
func (q *queueLoad) Tick(now time.Duration, sessions []*Session) {
	paused := q.paused
	q.paused = nil
	for _, s := range paused {
		q.more(s)
	}
	limit := sessions[0].loop.options.ReplyTimeout
	for number, at := range q.early {
		if now-at > limit {
			sessions[0].Fail(errTakenTwice)
			delete(q.early, number)
		}
	}
	stalled(now, q.moved, sessions)
}
