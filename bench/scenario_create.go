//go:build unix

package bench

import (
	"context"
	"fmt"
)

// Nodes that come and go, of every kind.

// CreateKind is what sort of node a create makes. It is the protocol's number.
type CreateKind uint32

// The kinds of node. A sequential one gets a number from the server, an
// ephemeral one goes with its session.
const (
	Persistent          CreateKind = 0
	Ephemeral           CreateKind = 1
	Sequential          CreateKind = 2
	EphemeralSequential CreateKind = 3
)

// createKinds names the kinds for the command line.
var createKinds = map[string]CreateKind{
	"plain": Persistent, "ephemeral": Ephemeral, "sequential": Sequential, "ephemeral-sequential": EphemeralSequential,
}

// ParseCreateKind understands plain, ephemeral, sequential and
// ephemeral-sequential.
func ParseCreateKind(name string) (CreateKind, error) {
	kind, ok := createKinds[name]
	if !ok {
		return 0, fmt.Errorf("kind %q: want plain, sequential, ephemeral or ephemeral-sequential", name)
	}
	return kind, nil
}

// numbered says that the server adds a number to the name.
func (k CreateKind) numbered() bool { return k&Sequential != 0 }

// CreateDelete creates keys and deletes each when its creation was answered.
func CreateDelete() Scenario { return CreateDeleteOf(Persistent) }

// CreateDeleteOf does so with nodes of a kind. The number that a sequential one
// got must be higher than the session's last one below the same parent.
func CreateDeleteOf(kind CreateKind) Scenario {
	return Scenario{
		Name: "create", Title: "create of new keys, each deleted after it",
		Check: func(c Config) error {
			if c.Keys.Count < 2*c.Sessions*c.Window {
				return fmt.Errorf("keys %d: want at least twice sessions times window, %d", c.Keys.Count, 2*c.Sessions*c.Window)
			}
			return nil
		},
		Prepare: func(ctx context.Context, cfg Config) error {
			if err := MakeDirs(cfg); err != nil {
				return err
			}
			return RemoveKeys(ctx, cfg)
		},
		Load: func(p Part) Load {
			c := &createDelete{kind: kind}
			c.Window = NewWindow(p.Window, c.send)
			for key := p.Loop; key < p.Keys; key += p.Loops {
				c.free = append(c.free, uint32(key))
			}
			return c
		},
	}
}

// createDelete deletes what was created before it creates more. A key is not
// used again until its deletion was answered, however slow the server of its
// session is.
type createDelete struct {
	*Window
	kind CreateKind
	free []uint32 // a ring; the keys from head on are free, all but the used ones
	head int
	used int
	made []made
}

// made is a node that exists; number is that of a sequential one.
type made struct {
	key    uint32
	number int32
}

// send deletes a node, or creates one if there is none to delete.
func (c *createDelete) send(s *Session) {
	if n := len(c.made); n > 0 {
		m := c.made[n-1]
		c.made = c.made[:n-1]
		if c.kind.numbered() {
			s.DeleteNumbered(m.key, m.number)
		} else {
			s.Delete(m.key)
		}
		return
	}
	if c.used == len(c.free) {
		return // sessions that broke have kept their keys
	}
	s.CreateAs(c.free[c.head], c.kind)
	c.head = (c.head + 1) % len(c.free)
	c.used++
}

// Answered keeps account of the keys and goes on.
func (c *createDelete) Answered(s *Session, op Op, key uint32, code int32) {
	if op != OpDelete && code == codeOK {
		c.made = append(c.made, made{key: key, number: s.Number()})
	} else {
		c.free[(c.head+len(c.free)-c.used)%len(c.free)] = key
		c.used--
	}
	c.Window.Answered(s, op, key, code)
}
