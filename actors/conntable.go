package actors

import (
	"sort"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupekeeper/troupe/messages"
)

// ConnStats is what a connection publishes about itself, for the listings of operators. The connection writes,
// anybody reads.
type ConnStats struct {
	Remote      string // ip:port
	Established int64  // wall clock, milliseconds since 1970

	Session     atomic.Int64
	Timeout     atomic.Int32
	Received    atomic.Int64
	Sent        atomic.Int64
	Outstanding atomic.Int64
	LastOp      atomic.Int32
	LastXid     atomic.Int32
	LastZxid    atomic.Uint64
	LastReply   atomic.Int64 // wall clock, milliseconds; 0 before the first
	LastLatency atomic.Int64 // microseconds, as the following three
	MinLatency  atomic.Int64
	MaxLatency  atomic.Int64
	SumLatency  atomic.Int64
	Replies     atomic.Int64
	Paused      atomic.Bool // it doesn't read, because too much is outstanding
}

// Reset is what the word crst does to each connection.
func (s *ConnStats) Reset() {
	s.Received.Store(0)
	s.Sent.Store(0)
	s.LastLatency.Store(0)
	s.MinLatency.Store(0)
	s.MaxLatency.Store(0)
	s.SumLatency.Store(0)
	s.Replies.Store(0)
}

// ConnEntry is one live connection.
type ConnEntry struct {
	ID    messages.ConnID
	PID   *actor.PID
	Stats *ConnStats
}

// ConnTable finds connections by number. Messages carry numbers, not addresses, so they can leave the process.
type ConnTable struct {
	mu    sync.RWMutex
	conns map[messages.ConnID]ConnEntry
	last  messages.ConnID
}

func newConnTable() *ConnTable { return &ConnTable{conns: map[messages.ConnID]ConnEntry{}} }

// NextID gives out a number that was never used in this process.
func (t *ConnTable) NextID() messages.ConnID {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	return t.last
}

// Add enters a connection.
func (t *ConnTable) Add(e ConnEntry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conns[e.ID] = e
}

// Remove takes it out.
func (t *ConnTable) Remove(id messages.ConnID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, id)
}

// PID is the connection's address, nil when it has ended.
func (t *ConnTable) PID(id messages.ConnID) *actor.PID {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.conns[id].PID
}

// Len is the number of live connections.
func (t *ConnTable) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.conns)
}

// All lists the live connections by their numbers, which is the order in which they came.
func (t *ConnTable) All() []ConnEntry {
	t.mu.RLock()
	list := make([]ConnEntry, 0, len(t.conns))
	for _, e := range t.conns {
		list = append(list, e)
	}
	t.mu.RUnlock()
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// Remote is where a connection comes from (ip:port), "" when it has ended.
func (t *ConnTable) Remote(id messages.ConnID) string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if e, ok := t.conns[id]; ok {
		return e.Stats.Remote
	}
	return ""
}

// Session is the session that a connection serves, 0 when it has none or has ended.
func (t *ConnTable) Session(id messages.ConnID) messages.SessionID {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if e, ok := t.conns[id]; ok {
		return messages.SessionID(e.Stats.Session.Load())
	}
	return 0
}
