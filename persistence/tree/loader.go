package tree

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

// Loader builds a tree from the records of a snapshot. Records that contradict each other give an error that wraps
// ErrRecord, never a panic; the memory that it takes is bounded by the size of what it was given.
type Loader struct {
	t      *Tree
	err    error
	kind   byte // of the record before
	header HeaderRecord
	end    EndRecord
	acls   map[uint32]uint32 // id in the snapshot → in the table
	slots  slotMap
	parent struct{ from, to uint32 } // the parent that was asked for last
	acl    struct{ from, to uint32 }
	node   NodeRecord
	known  int // nodes whose record has come; others have only been named as a parent
	// places are the index's entries by segment. They go in at the end, a segment at a time: it fits into the
	// processor's cache, the whole index doesn't, and to insert each node as it comes would be a cache miss a node.
	places [indexSegments][]place
}

// NewLoader returns a loader that waits for the header.
func NewLoader() *Loader {
	l := &Loader{t: newEmpty(), acls: map[uint32]uint32{}}
	l.parent.from, l.acl.from = none, none
	return l
}

// Add takes the next record. It keeps nothing of the record's bytes. After an error every further call fails.
func (l *Loader) Add(kind byte, record []byte) error {
	if l.err == nil {
		l.err = l.add(kind, record)
	}
	return l.err
}

func (l *Loader) add(kind byte, record []byte) error {
	switch {
	case l.kind == 0 && kind != KindHeader:
		return fmt.Errorf("%w: kind %d comes first, %d belongs there", ErrRecord, kind, KindHeader)
	case kind < l.kind, kind == l.kind && (kind == KindHeader || kind == KindEnd):
		return fmt.Errorf("%w: kind %d comes after kind %d", ErrRecord, kind, l.kind)
	}
	l.kind = kind
	switch kind {
	case KindNode:
		return l.addNode(record)
	case KindHeader:
		return l.addHeader(record)
	case KindACL:
		return l.addACL(record)
	case KindSession:
		return l.addSession(record)
	case KindEnd:
		return l.end.decode(record)
	}
	return fmt.Errorf("%w: kind %d is unknown", ErrRecord, kind)
}

func (l *Loader) addHeader(record []byte) error {
	if err := l.header.decode(record); err != nil {
		return err
	}
	l.t.zxid = l.header.Zxid
	if slot := l.slot(rootSlot); slot != rootSlot {
		panic("tree: the first slot of a new tree is not the root's")
	}
	return nil
}

func (l *Loader) addACL(record []byte) error {
	var r ACLRecord
	if err := r.decode(record); err != nil {
		return err
	}
	if _, ok := l.acls[r.ID]; ok {
		return fmt.Errorf("%w: ACL %d comes twice", ErrRecord, r.ID)
	}
	l.acls[r.ID] = l.t.acls.intern(r.List) // a use that Finish takes back
	return nil
}

func (l *Loader) addSession(record []byte) error {
	var r SessionRecord
	if err := r.decode(record); err != nil {
		return err
	}
	if _, ok := l.t.sessions.byID[r.ID]; ok || r.ID == 0 {
		return fmt.Errorf("%w: session %v comes twice or has no id", ErrRecord, r.ID)
	}
	l.t.addSession(sessionRecord{id: r.ID, timeout: r.Timeout, password: bytes.Clone(r.Password)})
	return nil
}

// slot maps a slot of the snapshot to one of the tree, taking a new one at the first mention.
func (l *Loader) slot(from uint32) uint32 {
	p := l.slots.at(from)
	if *p == 0 {
		slot := l.t.nodes.alloc()
		nd := l.t.nodes.at(slot)
		nd.ref, nd.next, nd.prev, nd.dir = noRef, none, none, none
		*p = slot + 1
	}
	return *p - 1
}

func (l *Loader) addNode(record []byte) error {
	r := &l.node
	if err := r.decode(record); err != nil {
		return err
	}
	if err := l.checkNode(r); err != nil {
		return err
	}
	acl, err := l.aclID(r)
	if err != nil {
		return err
	}
	slot := l.slot(r.Slot)
	if r.Parent != l.parent.from {
		l.parent.from, l.parent.to = r.Parent, l.slot(r.Parent)
	}
	t, parent := l.t, l.parent.to
	nd := t.nodes.at(slot)
	if nd.ref != noRef {
		return fmt.Errorf("%w: node %d comes twice", ErrRecord, r.Slot)
	}
	name := text(r.Name)
	nd.czxid, nd.mzxid, nd.ctime, nd.mtime = r.Czxid, r.Mzxid, r.Ctime, r.Mtime
	nd.version, nd.meta = r.Version, acl
	nd.ref = t.arena.add(parent, name, r.Data)
	t.acls.entries[acl].refs++
	l.known++
	if nd.dir == none && (r.Creates != 0 || r.Pzxid != r.Czxid) {
		nd.dir = t.dirs.alloc()
		*t.dirs.at(nd.dir) = dir{first: none, last: none}
	}
	if nd.dir != none { // perhaps because of a child that came before
		d := t.dirs.at(nd.dir)
		d.pzxid, d.creates = r.Pzxid, r.Creates
	}
	if r.Owner != 0 || r.Aversion != 0 {
		x := t.extraFor(slot)
		x.owner, x.aversion = r.Owner, r.Aversion
		t.own(nd.meta &^ hasExtra)
	}
	if slot != rootSlot {
		hash := t.hash(parent, name)
		segment := &l.places[indexSegmentOf(hash)]
		*segment = append(*segment, newPlace(hash, slot, nd.ref))
		t.linkChild(parent, slot)
	}
	return nil
}

func (l *Loader) checkNode(r *NodeRecord) error {
	switch {
	case r.Slot == none || r.Parent == none:
		return fmt.Errorf("%w: node %d with parent %d", ErrRecord, r.Slot, r.Parent)
	case r.Slot == rootSlot:
		if r.Parent != rootSlot || len(r.Name) > 0 {
			return fmt.Errorf("%w: the root has parent %d and name %q", ErrRecord, r.Parent, r.Name)
		}
	case !validName(r.Name):
		return fmt.Errorf("%w: node %d has the name %q", ErrRecord, r.Slot, r.Name)
	}
	return nil
}

func validName(name []byte) bool {
	if len(name) == 0 || bytes.IndexByte(name, '/') >= 0 {
		return false
	}
	for _, c := range name {
		if c < 0x20 || c >= 0x7f || c == '.' { // look closer
			return messages.ValidPath("/" + string(name))
		}
	}
	return true
}

func (l *Loader) aclID(r *NodeRecord) (uint32, error) {
	if r.ACL != l.acl.from {
		to, ok := l.acls[r.ACL]
		if !ok {
			return 0, fmt.Errorf("%w: node %d has ACL %d, which is missing", ErrRecord, r.Slot, r.ACL)
		}
		l.acl.from, l.acl.to = r.ACL, to
	}
	return l.acl.to, nil
}

// Finish checks that the records were complete and consistent, and returns the tree. The loader is of no use then.
func (l *Loader) Finish() (*Tree, error) {
	t := l.t
	switch {
	case l.err != nil:
		return nil, l.err
	case l.kind != KindEnd:
		return nil, fmt.Errorf("%w: the last record is missing", ErrRecord)
	case l.known != t.nodes.live:
		return nil, fmt.Errorf("%w: %d nodes are only known as parents", ErrRecord, t.nodes.live-l.known)
	case uint64(l.known) != l.header.Nodes || l.end.Nodes != l.header.Nodes:
		return nil, fmt.Errorf("%w: %d nodes, the header announces %d", ErrRecord, l.known, l.header.Nodes)
	case uint64(len(t.sessions.byID)) != l.header.Sessions:
		return nil, fmt.Errorf("%w: %d sessions, the header announces %d", ErrRecord, t.SessionCount(), l.header.Sessions)
	case uint64(len(l.acls)) != l.header.ACLs:
		return nil, fmt.Errorf("%w: %d ACLs, the header announces %d", ErrRecord, len(l.acls), l.header.ACLs)
	}
	for _, id := range l.acls {
		t.acls.release(id)
	}
	if r := t.fillIndex(&l.places); r != noRef {
		return nil, fmt.Errorf("%w: two children of one node are named %q", ErrRecord, t.arena.name(r))
	}
	if reached := t.sumUp(); reached != t.nodes.live {
		return nil, fmt.Errorf("%w: %d nodes hang on no path from the root", ErrRecord, t.nodes.live-reached)
	}
	if t.digest != l.end.Digest {
		return nil, fmt.Errorf("%w: the digest is %x, %x was written", ErrRecord, t.digest, l.end.Digest)
	}
	for _, p := range []string{messages.SystemPath, messages.QuotaPath, messages.ConfigPath} {
		if t.find(p) == none {
			return nil, errors.Join(ErrRecord, fmt.Errorf("the node %s is missing", p))
		}
	}
	t.reloadQuotas()
	return t, nil
}

// sumUp adds all nodes to size and digest. It returns how many it found.
func (t *Tree) sumUp() int {
	count := 0
	path := make([]byte, 0, 256)
	ends := make([]int, 0, 32) // where the path of each level ends
	for s := uint32(rootSlot); ; {
		nd := t.nodes.at(s)
		e := t.arena.get(nd.ref)
		from := 0
		if n := len(ends); n > 0 {
			from = ends[n-1]
		}
		path = path[:from]
		if s != rootSlot {
			path = append(append(path, '/'), e.name...)
		}
		full := path
		if s == rootSlot {
			full = []byte(messages.RootPath)
		}
		hash := hashPath(text(full))
		t.digest += dataDigest(hash, e.data) + t.statDigest(hash, nd)
		t.size += int64(len(full) + len(e.data))
		count++
		if first := t.dirOf(nd).first; first != none {
			ends = append(ends, len(path))
			s = first
			continue
		}
		for s != rootSlot && t.nodes.at(s).next == none {
			s = t.parent(s)
			ends = ends[:len(ends)-1]
		}
		if s == rootSlot {
			return count
		}
		s = t.nodes.at(s).next
	}
}

// slotMap maps slots of a snapshot to what is stored for them. Deleting leaves gaps in the numbers, so it is kept in
// pages, and the last page is remembered because records come in the order of their slots.
type slotMap struct {
	pages map[uint32]*[slotPage]uint32
	last  *[slotPage]uint32
	index uint32
}

const slotPage = 256

func (m *slotMap) at(i uint32) *uint32 {
	if p := i / slotPage; m.last == nil || m.index != p {
		if m.pages == nil {
			m.pages = map[uint32]*[slotPage]uint32{}
		}
		if m.pages[p] == nil {
			m.pages[p] = new([slotPage]uint32)
		}
		m.last, m.index = m.pages[p], p
	}
	return &m.last[i%slotPage]
}
