//go:build unix

package bench

import (
	"errors"
	"fmt"
	"time"
)

// Watches: a get that leaves one, the event that it fires, and what a load that
// waits for events needs besides.

// Codes of a watch event.
const (
	eventDataChanged    = 3
	eventStateConnected = 3
)

var errNoEvent = errors.New("no watch event in time")

// Watch asks for the data of a key and leaves a watch on it. When the key is
// set, the load's Event is called once.
func (s *Session) Watch(key uint32) {
	b, start, ok := s.begin(OpWatch, key)
	if !ok {
		return
	}
	b = s.appendKey(b, key)
	s.out = endFrame(append(b, 1), start)
}

// Now is the time since the run began, as of the last read call.
func (s *Session) Now() time.Duration { return s.loop.now }

// Record counts something that the load itself has timed, as if it were the
// answer to a request of that kind.
func (s *Session) Record(op Op, took time.Duration) { s.loop.rec.done(op, took) }

// GiveUp ends a session from which an event is missing, and counts it as lost.
// It may be called from the load's Tick only.
func (s *Session) GiveUp() {
	if s.state == stateOpen {
		s.loop.drop(s, fmt.Errorf("session with %v: %w", s.addr, errNoEvent))
	}
}

// arm notes a watch, which servers keep once for each key and session.
func (s *Session) arm(key uint32) {
	if s.armed == nil {
		s.armed = make(map[uint32]struct{})
	}
	s.armed[key] = struct{}{}
}

// event handles the record of a watch event. One that no watch asked for, or
// that tells of something else than was done, is wrong.
func (l *loop) event(s *Session, record []byte) error {
	kind, state, path, err := parseEvent(record)
	if err != nil {
		return err
	}
	if recipe, ok := l.load.(PathWatcher); ok {
		return recipe.PathEvent(s, kind, string(path))
	}
	key, ok := l.keys.keyOf(path)
	if ok {
		_, ok = s.armed[key]
	}
	if !ok {
		return fmt.Errorf("%w: %s", errWatch, path)
	}
	if kind != eventDataChanged || state != eventStateConnected {
		return fmt.Errorf("watch event on %s has type %d and state %d, want %d and %d",
			path, kind, state, eventDataChanged, eventStateConnected)
	}
	delete(s.armed, key)
	l.load.Event(s, key)
	return nil
}

// parseEvent splits the record of a watch event.
func parseEvent(record []byte) (kind, state int32, path []byte, err error) {
	const fixed = 4 + 4 + 4
	if len(record) < fixed || len(record) != fixed+int(be.Uint32(record[8:])) {
		return 0, 0, nil, fmt.Errorf("watch event has %d bytes that hold no path", len(record))
	}
	return int32(be.Uint32(record)), int32(be.Uint32(record[4:])), record[fixed:], nil
}
