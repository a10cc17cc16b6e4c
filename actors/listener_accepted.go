package actors

import (
	"slices"
	"sync"
)

// Accepted is the connections that an acceptor has handed out and no actor has taken yet. It stands between the
// acceptor's goroutine and the actor: what is on its way to an actor that stops meanwhile would otherwise never be closed, and
// its client would wait for an answer.
type Accepted struct {
	mu      sync.Mutex
	waiting []Transport
	closed  bool
}

// Put keeps a connection until Take or Close, and closes it at once if Close came before. ok tells whether to tell the actor.
func (a *Accepted) Put(t Transport) (ok bool) {
	a.mu.Lock()
	ok = !a.closed
	if ok {
		a.waiting = append(a.waiting, t)
	}
	a.mu.Unlock()
	if !ok {
		t.Close()
	}
	return ok
}

// Take is for the actor that has been told: the connection is its own from now on. ok is false when it was closed meanwhile.
// The actor is told in order, so older ones are those on which it has failed: they are closed.
func (a *Accepted) Take(t Transport) (ok bool) {
	a.mu.Lock()
	i := slices.Index(a.waiting, t)
	lost := slices.Clone(a.waiting[:max(i, 0)])
	a.waiting = slices.Delete(a.waiting, 0, i+1)
	a.mu.Unlock()
	for _, t := range lost {
		t.Close()
	}
	return i >= 0
}

// Newest is the connection that has come last; nil: all have been taken.
func (a *Accepted) Newest() (t Transport) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.waiting); n > 0 {
		t = a.waiting[n-1]
	}
	return t
}

// Close closes all that nobody has taken, and all that come later.
func (a *Accepted) Close() {
	a.mu.Lock()
	left := a.waiting
	a.waiting, a.closed = nil, true
	a.mu.Unlock()
	for _, t := range left {
		t.Close()
	}
}
