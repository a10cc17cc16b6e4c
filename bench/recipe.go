//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What the recipes have in common: requests on paths of their own, events on
// them, and a parent that is empty at the start.

// Types of the events that recipes wait for.
const (
	eventCreated         = 1
	eventDeleted         = 2
	eventChildrenChanged = 4
)

// PathWatcher is a load that leaves watches on paths of its own with
// [Session.Call]. It is told of all events, and no other load method is.
type PathWatcher interface {
	// PathEvent is called when a watch fires, with the protocol's type of the
	// event. An error says that nobody asked for it, which is a wrong answer.
	PathEvent(s *Session, kind int32, path string) error
}

// Call sends any request: an opcode of the protocol, and the record as the
// protocol encodes it. The answer comes as [OpRecipe] with the tag as its key;
// [Session.Answer] holds its record, which only the load can judge.
func (s *Session) Call(code int32, tag uint32, record []byte) {
	if b, start, ok := s.beginRecipe(code, tag); ok {
		s.out = endFrame(append(b, record...), start)
	}
}

// Answer is the record of the answer to a [Session.Call] that is being handled.
// It is valid until the callback returns.
func (s *Session) Answer() []byte { return s.record }

// beginRecipe starts a request of a recipe. The tag comes back with the answer.
func (s *Session) beginRecipe(code int32, tag uint32) (b []byte, start int, ok bool) {
	b, start, ok = s.begin(OpRecipe, tag)
	if ok {
		be.PutUint32(b[len(b)-4:], uint32(code))
	}
	return b, start, ok
}

// createPath creates a node with a new value of key 0.
func (s *Session) createPath(tag uint32, path string, kind CreateKind) {
	if b, start, ok := s.beginRecipe(opCodes[OpCreate], tag); ok {
		b = append(s.appendNewValue(appendString(b, path), 0), openACL...)
		s.out = endFrame(be.AppendUint32(b, uint32(kind)), start)
	}
}

func (s *Session) deletePath(tag uint32, path string) {
	if b, start, ok := s.beginRecipe(opCodes[OpDelete], tag); ok {
		s.out = endFrame(be.AppendUint32(appendString(b, path), ^uint32(0)), start)
	}
}

// readPath gets data, existence or children of a node.
func (s *Session) readPath(op Op, tag uint32, path string, watch bool) {
	if b, start, ok := s.beginRecipe(opCodes[op], tag); ok {
		flag := byte(0)
		if watch {
			flag = 1
		}
		s.out = endFrame(append(appendString(b, path), flag), start)
	}
}

// Fail counts a wrong answer that only the load could notice.
func (s *Session) Fail(why error) { s.loop.rec.fail(why) }

// names reads the list that answered a request for children.
func (s *Session) names() ([]string, error) { return parseNames(s.record) }

// parseNames reads a list and sorts it. What follows it is not looked at.
func parseNames(record []byte) ([]string, error) {
	if len(record) < 4 {
		return nil, fmt.Errorf("list has %d bytes, want a count", len(record))
	}
	count, rest := int(be.Uint32(record)), record[4:]
	var all []string
	for range count {
		if len(rest) < 4 || len(rest)-4 < int(be.Uint32(rest)) {
			return nil, fmt.Errorf("list of %d names ends after %d", count, len(all))
		}
		n := int(be.Uint32(rest))
		all = append(all, string(rest[4:4+n]))
		rest = rest[4+n:]
	}
	slices.Sort(all)
	return all, nil
}

// created reads the path that answered a create.
func (s *Session) created(prefix string) (path string, err error) {
	if len(s.record) < 4 || len(s.record) != 4+int(be.Uint32(s.record)) || !strings.HasPrefix(string(s.record[4:]), prefix) {
		return "", fmt.Errorf("create of %s was answered with another path", prefix)
	}
	return string(s.record[4:]), nil
}

// recipe makes a scenario of a load that has a node of its own, empty at first.
func recipe(name, title string, load func(Part, string) Load) Scenario {
	parent := func(k Keyspace) string { return k.Root + "/" + name }
	return Scenario{
		Name: name, Title: title,
		Check: func(c Config) error {
			switch {
			case c.Sessions < 2:
				return errors.New("sessions 1: want at least 2, as a recipe is about several clients")
			case c.Threads != 1:
				return errors.New("threads: want 1, which sees all clients")
			case c.Duration == 0 && c.Requests == 0:
				return errors.New("duration 0: want more, or a number of requests")
			}
			return nil
		},
		Prepare: func(_ context.Context, cfg Config) error {
			one := cfg
			one.Keys.Count = 1
			if err := MakeDirs(one); err != nil {
				return err
			}
			err := withPlain(cfg, func(c *plainClient) error {
				if err := c.removeTree(parent(cfg.Keys), cfg.ReplyTimeout); err != nil {
					return err
				}
				return c.mkdir(parent(cfg.Keys), cfg.ReplyTimeout)
			})
			if err != nil {
				return err
			}
			return settle(cfg)
		},
		Load: func(p Part) Load { return load(p, parent(p.Keyspace)) },
	}
}

// stalled gives up the sessions that wait for an event which should have come:
// nothing has moved for as long as an answer may take.
func stalled(now, moved time.Duration, sessions []*Session) {
	if len(sessions) == 0 || now-moved <= sessions[0].loop.options.ReplyTimeout {
		return
	}
	for _, s := range sessions {
		if s.waiting.size == 0 {
			s.GiveUp()
		}
	}
}
