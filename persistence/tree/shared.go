package tree

import (
	"sync"
	"sync/atomic"

	"github.com/troupekeeper/troupe/messages"
)

// Shared lets other goroutines read a tree that one writer changes. The writer is the actor final; prep, the
// snapshotter and the commands read.
type Shared struct {
	mu   sync.RWMutex
	tree *Tree
	zxid atomic.Uint64
}

// NewShared takes the tree over: from now on nobody may use it but through the result.
func NewShared(t *Tree) *Shared {
	s := &Shared{tree: t}
	s.zxid.Store(uint64(t.LastZxid()))
	return s
}

// Read calls f while no write runs. f must not keep a Node, nor the bytes that Data returns or that EachChild yields: a
// later write changes them. What ACL returns may be kept. f must be short, the writer waits for it.
func (s *Shared) Read(f func(*Tree)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f(s.tree)
}

// Write calls f alone with the tree. Only the one writer may call it.
func (s *Shared) Write(f func(*Tree)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.zxid.Store(uint64(s.tree.LastZxid())) }()
	f(s.tree)
}

// Own is the tree for the one writer's own reads: nobody else changes it, so the writer needs no lock to look.
func (s *Shared) Own() *Tree { return s.tree }

// LastZxid is the last transaction that a finished Write has applied. It takes no lock.
func (s *Shared) LastZxid() messages.Zxid { return messages.Zxid(s.zxid.Load()) }
