//go:build unix

package bench

import "fmt"

// Loads of several kinds of request.

// MultiMax is the largest number of sets in one transaction.
const MultiMax = 1000

// Multi sets several random keys in each transaction; sets is 1 to MultiMax.
func Multi(sets int) (Scenario, error) {
	if sets < 1 || sets > MultiMax {
		return Scenario{}, fmt.Errorf("sets %d in a transaction: want 1 to %d", sets, MultiMax)
	}
	title := fmt.Sprintf("transactions that set %d random keys", sets)
	return Scenario{Name: "multi", Title: title, Prepare: Prepare, Load: func(p Part) Load {
		keys := make([]uint32, sets)
		return NewWindow(p.Window, func(s *Session) {
			for i := range keys {
				keys[i] = p.Key()
			}
			s.Multi(keys...)
		})
	}}, nil
}

// List lists the children of random directories, of up to a thousand keys each.
func List() Scenario {
	return Scenario{Name: "list", Title: "children of random nodes", Prepare: Prepare, Load: func(p Part) Load {
		dirs := p.Keyspace.Dirs()
		return NewWindow(p.Window, func(s *Session) { s.Children(p.Random.Below(dirs)) })
	}}
}

// Shares of the requests of ProdMix, in thousandths; the rest are sets.
const (
	prodGets     = 650
	prodWatches  = 50
	prodExists   = 100
	prodLists    = 50
	prodCreates  = 30 // and as many deletes
	prodMultis   = 20
	prodSetsEach = 4 // in a transaction
)

// ProdMix is what many programs do with one coordination service: mostly reads,
// some of which leave a watch, lists, sets that fire the watches, sessions'
// ephemeral nodes, and a few transactions.
func ProdMix() Scenario {
	return Scenario{
		Name:    "prod-mix",
		Title:   "65 % get, 5 % with a watch, 10 % exists, 5 % list, 7 % set, 3 % create and 3 % delete of ephemerals, 2 % multi",
		Prepare: Prepare,
		Load: func(p Part) Load {
			m := &prodMix{part: p, dirs: p.Keyspace.Dirs(), keys: make([]uint32, prodSetsEach)}
			m.Window = NewWindow(p.Window, m.send)
			return m
		},
	}
}

type prodMix struct {
	*Window
	part Part
	dirs int
	keys []uint32
	made []made
}

// send draws the next request.
func (m *prodMix) send(s *Session) {
	draw := int(m.part.Random.Below(1000))
	below := func(share int) bool {
		draw -= share
		return draw < 0
	}
	switch {
	case below(prodGets):
		s.Get(m.part.Key())
	case below(prodWatches):
		s.Watch(m.part.Key())
	case below(prodExists):
		s.Exists(m.part.Key())
	case below(prodLists):
		s.Children(m.part.Random.Below(m.dirs))
	case below(2 * prodCreates):
		m.comeOrGo(s)
	case below(prodMultis):
		for i := range m.keys {
			m.keys[i] = m.part.Key()
		}
		s.Multi(m.keys...)
	default:
		s.Set(m.part.Key())
	}
}

// comeOrGo deletes an ephemeral node that exists, or creates one.
func (m *prodMix) comeOrGo(s *Session) {
	if n := len(m.made); n > 0 {
		last := m.made[n-1]
		m.made = m.made[:n-1]
		s.DeleteNumbered(last.key, last.number)
		return
	}
	s.CreateAs(m.part.Key(), EphemeralSequential)
}

// Answered remembers what was created.
func (m *prodMix) Answered(s *Session, op Op, key uint32, code int32) {
	if op == OpCreateSequential && code == codeOK {
		m.made = append(m.made, made{key: key, number: s.Number()})
	}
	m.Window.Answered(s, op, key, code)
}
