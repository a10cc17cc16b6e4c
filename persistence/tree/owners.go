package tree

import (
	"maps"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// ownerList is a list of extras: the ephemerals of one session, or all containers and TTL nodes.
type ownerList struct {
	first, last uint32
	count       int
}

func newOwnerList() ownerList { return ownerList{first: none, last: none} }

func (t *Tree) ownerList(owner messages.Owner) *ownerList {
	if !owner.IsEphemeral() {
		return &t.sweepable
	}
	l := t.ephemerals[owner.Session()]
	if l == nil {
		l = &ownerList{first: none, last: none}
		t.ephemerals[owner.Session()] = l
	}
	return l
}

// own puts a node's extra into the list of its owner.
func (t *Tree) own(i uint32) {
	x := t.extras.at(i)
	if x.owner == 0 {
		return
	}
	l := t.ownerList(x.owner)
	x.prev = l.last
	if l.last == none {
		l.first = i
	} else {
		t.extras.at(l.last).next = i
	}
	l.last = i
	l.count++
	if x.owner.IsEphemeral() {
		t.ephCount++
	}
}

// disown takes it out again.
func (t *Tree) disown(i uint32) {
	x := t.extras.at(i)
	if x.owner == 0 {
		return
	}
	l := t.ownerList(x.owner)
	if x.prev == none {
		l.first = x.next
	} else {
		t.extras.at(x.prev).next = x.next
	}
	if x.next == none {
		l.last = x.prev
	} else {
		t.extras.at(x.next).prev = x.prev
	}
	l.count--
	if x.owner.IsEphemeral() {
		t.ephCount--
		if l.count == 0 {
			delete(t.ephemerals, x.owner.Session())
		}
	}
}

// Ephemerals lists the paths of a session's ephemerals, sorted.
func (t *Tree) Ephemerals(id messages.SessionID) []string {
	l := t.ephemerals[id]
	if l == nil {
		return nil
	}
	paths := make([]string, 0, l.count)
	for i := l.first; i != none; i = t.extras.at(i).next {
		paths = append(paths, t.path(t.extras.at(i).slot))
	}
	slices.Sort(paths)
	return paths
}

// EphemeralOwners lists the sessions that own an ephemeral, sorted.
func (t *Tree) EphemeralOwners() []messages.SessionID {
	return slices.Sorted(maps.Keys(t.ephemerals))
}

// EphemeralCount is the number of ephemerals of all sessions.
func (t *Tree) EphemeralCount() int { return t.ephCount }

// SweepCandidates lists, sorted, at most limit containers and TTL nodes that may be deleted at nowMs (milliseconds
// since 1970; a limit of 0 or less means all): a container that has no children but had one, or never had one and is
// older than neverUsedMs, if that is above 0; a TTL node that has no children and whose data is older than its TTL.
// The cost depends on how many containers and TTL nodes there are.
func (t *Tree) SweepCandidates(nowMs, neverUsedMs int64, limit int) []string {
	var paths []string
	for i := t.sweepable.first; i != none && (limit <= 0 || len(paths) < limit); i = t.extras.at(i).next {
		x := t.extras.at(i)
		if nd := t.nodes.at(x.slot); t.mayGo(nd, x.owner, nowMs, neverUsedMs) {
			paths = append(paths, t.path(x.slot))
		}
	}
	slices.Sort(paths)
	return paths
}

func (t *Tree) mayGo(nd *node, owner messages.Owner, nowMs, neverUsedMs int64) bool {
	d := t.dirOf(nd)
	if d.count > 0 {
		return false
	}
	if !owner.IsContainer() {
		return nowMs-nd.mtime > owner.TTL()
	}
	return d.creates > 0 || neverUsedMs > 0 && nowMs-nd.mtime > neverUsedMs
}
