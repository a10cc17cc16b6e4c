package actors

import (
	"sort"

	"github.com/troupekeeper/troupe/messages"
)

// Wheel decides when sessions expire. Deadlines are multiples of the tick, so all sessions of one tick lie in one
// bucket, and a tick's work depends on what expires in it, not on how many sessions live. A sign of life moves a
// session to a later bucket; most fall into the same tick as the one before and move nothing.
//
// All times are monotonic milliseconds. A bucket's number is its deadline divided by the tick.
type Wheel struct {
	tick     int64
	sessions map[messages.SessionID]*wheelSession
	buckets  map[int64]int // how many sessions are in each
	due      int64         // buckets up to this one have been called
	lastTick int64
}

type wheelSession struct {
	timeout int32
	bucket  int64
}

// Move is a change of buckets: From or To is 0 where there is none.
type Move struct {
	Session  messages.SessionID
	From, To int64
}

// NewWheel makes an empty wheel that begins at now.
func NewWheel(tickMs, now int64) *Wheel {
	return &Wheel{
		tick: tickMs, sessions: map[messages.SessionID]*wheelSession{}, buckets: map[int64]int{},
		due: now / tickMs, lastTick: now,
	}
}

// bucketFor is the next tick strictly after the session's timeout.
func (w *Wheel) bucketFor(now int64, timeout int32) int64 { return (now+int64(timeout))/w.tick + 1 }

// Open enters a session with a full timeout, or gives one that is there a new timeout.
func (w *Wheel) Open(id messages.SessionID, timeout int32, now int64) (Move, bool) {
	s := w.sessions[id]
	if s == nil {
		s = &wheelSession{}
		w.sessions[id] = s
	}
	s.timeout = timeout
	return w.place(id, s, max(w.bucketFor(now, timeout), w.due+1))
}

// Touch moves a session on. One that has expired, or isn't known, stays as it is: a late sign of life can't revive
// it. Touches never move a session back.
func (w *Wheel) Touch(id messages.SessionID, now int64) (Move, bool) {
	s := w.sessions[id]
	if s == nil || w.expired(s) {
		return Move{}, false
	}
	if to := w.bucketFor(now, s.timeout); to > s.bucket {
		return w.place(id, s, to)
	}
	return Move{}, false
}

func (w *Wheel) place(id messages.SessionID, s *wheelSession, to int64) (Move, bool) {
	if s.bucket == to {
		return Move{}, false
	}
	m := Move{Session: id, From: s.bucket, To: to}
	w.leave(s)
	s.bucket = to
	w.buckets[to]++
	return m, true
}

func (w *Wheel) leave(s *wheelSession) {
	if s.bucket == 0 {
		return
	}
	if w.buckets[s.bucket]--; w.buckets[s.bucket] <= 0 {
		delete(w.buckets, s.bucket)
	}
}

// expired tells whether the session's bucket has been called: its end is under way.
func (w *Wheel) expired(s *wheelSession) bool { return s.bucket <= w.due }

// Alive tells whether a session is known and not expired.
func (w *Wheel) Alive(id messages.SessionID) bool {
	s := w.sessions[id]
	return s != nil && !w.expired(s)
}

// Close forgets a session that has ended.
func (w *Wheel) Close(id messages.SessionID) (Move, bool) {
	s := w.sessions[id]
	if s == nil {
		return Move{}, false
	}
	w.leave(s)
	delete(w.sessions, id)
	return Move{Session: id, From: s.bucket}, true
}

// Tick calls the buckets whose deadline has passed, oldest first. When the tick itself comes late by more than a
// tick, the whole process was held up, and the signs of life of that time still wait in sockets and mailboxes:
// nothing expires then, and everybody has one tick more.
func (w *Wheel) Tick(now int64) (due []int64) {
	late := now-w.lastTick > 3*w.tick
	w.lastTick = now
	if late {
		return nil
	}
	upTo := now / w.tick
	for b := range w.buckets {
		if b <= upTo && b > w.due {
			due = append(due, b)
		}
	}
	sort.Slice(due, func(i, j int) bool { return due[i] < due[j] })
	w.due = max(w.due, upTo)
	return due
}

// NextTick is how many milliseconds are left to the next multiple of the tick.
func (w *Wheel) NextTick(now int64) int64 { return w.tick - now%w.tick }

// Members lists a bucket's sessions by id.
func (w *Wheel) Members(bucket int64) []messages.SessionID {
	var ids []messages.SessionID
	for id, s := range w.sessions {
		if s.bucket == bucket {
			ids = append(ids, id)
		}
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	return ids
}

// Called tells whether the bucket's deadline has passed.
func (w *Wheel) Called(bucket int64) bool { return bucket <= w.due }

// Len is the number of sessions, those that are ending included.
func (w *Wheel) Len() int { return len(w.sessions) }

// Report lists the buckets by deadline, for operators.
func (w *Wheel) Report() messages.SessionReport {
	var r messages.SessionReport
	for b := range w.buckets {
		r.Buckets = append(r.Buckets, messages.BucketReport{Deadline: b * w.tick})
	}
	sort.Slice(r.Buckets, func(i, j int) bool { return r.Buckets[i].Deadline < r.Buckets[j].Deadline })
	for i := range r.Buckets {
		r.Buckets[i].Sessions = w.Members(r.Buckets[i].Deadline / w.tick)
	}
	return r
}
