package tree

import (
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// Snapshot is the image of a tree at one zxid, handed out in small portions while the tree goes on. Whoever changes a
// node that Next hasn't reached yet leaves its former self here first. So the memory that it costs grows with what
// changes meanwhile, not with the tree.
//
// Next only reads the tree: it may run on another goroutine as long as no Apply runs at the same moment. BeginSnapshot
// and Close change the tree, as Apply does.
type Snapshot struct {
	t        *Tree
	header   HeaderRecord
	end      EndRecord
	acls     []aclEntry // the table as it was: its ids may mean something else by now
	sessions []sessionRecord

	phase  snapshotPhase
	at     int    // position in acls, sessions or images
	cursor uint32 // slots below it are done with
	limit  uint32 // slots from it on came later
	saved  map[uint32]int
	images []NodeRecord // in the order in which they were saved; Slot is none once it is emitted, or was free
	copies []byte       // the chunk that takes the names and data of images
	done   int
	buf    []byte
}

type snapshotPhase uint8

const (
	phaseHeader snapshotPhase = iota
	phaseACLs
	phaseSessions
	phaseNodes
	phaseImages
	phaseEnd
	phaseDone
)

// BeginSnapshot starts an image of the tree as it is now. There is one at a time: the former one must be closed.
func (t *Tree) BeginSnapshot() *Snapshot {
	if t.snapshot != nil {
		panic("tree: a snapshot is being taken already")
	}
	s := &Snapshot{
		t:        t,
		acls:     slices.Clone(t.acls.entries),
		sessions: slices.Clone(t.sessions.records),
		limit:    t.nodes.size(),
		saved:    map[uint32]int{},
	}
	s.header = HeaderRecord{
		Zxid: t.zxid, Nodes: uint64(t.nodes.live), Sessions: uint64(t.SessionCount()),
		ACLs: uint64(len(t.acls.entries) - len(t.acls.vacant)),
	}
	s.end = EndRecord{Nodes: uint64(t.nodes.live), Digest: t.digest}
	t.snapshot = s
	return s
}

// Zxid is the transaction up to which the image has everything.
func (s *Snapshot) Zxid() messages.Zxid { return s.header.Zxid }

// Total is the number of nodes of the image.
func (s *Snapshot) Total() int { return int(s.header.Nodes) }

// Done is how many of them have been emitted.
func (s *Snapshot) Done() int { return s.done }

// Close ends the snapshot, finished or not. From then on the tree saves nothing for it.
func (s *Snapshot) Close() {
	if s.t != nil {
		s.t.snapshot = nil
	}
	*s = Snapshot{header: s.header, done: s.done, phase: phaseDone}
}

// CloseSnapshot ends the snapshot that is being taken, if there is one: whoever takes a tree over from others doesn't know
// whether they had time to end theirs.
func (t *Tree) CloseSnapshot() {
	if t.snapshot != nil {
		t.snapshot.Close()
	}
}

// Next emits the next records, with up to maxNodes nodes (or sessions, or ACLs) among them, and tells whether that was
// all. A record's bytes are only valid during the call of emit. After an error of emit the snapshot is of no use.
func (s *Snapshot) Next(emit func(kind byte, record []byte) error, maxNodes int) (done bool, err error) {
	for left := max(maxNodes, 1); left > 0 && s.phase != phaseDone; left-- {
		if err := s.step(emit); err != nil {
			return false, err
		}
	}
	return s.phase == phaseDone, nil
}

// step emits one record, or none at the end of a phase.
func (s *Snapshot) step(emit func(kind byte, record []byte) error) error {
	switch s.phase {
	case phaseHeader:
		s.nextPhase()
		return emit(KindHeader, s.header.encode(nil))
	case phaseACLs:
		return s.stepACL(emit)
	case phaseSessions:
		return s.stepSession(emit)
	case phaseNodes:
		return s.stepNode(emit)
	case phaseImages:
		return s.stepImage(emit)
	case phaseEnd:
		s.nextPhase()
		return emit(KindEnd, s.end.encode(nil))
	}
	return nil
}

func (s *Snapshot) nextPhase() { s.phase, s.at = s.phase+1, 0 }

func (s *Snapshot) stepACL(emit func(kind byte, record []byte) error) error {
	for ; s.at < len(s.acls); s.at++ {
		if e := &s.acls[s.at]; e.refs > 0 {
			r := ACLRecord{ID: uint32(s.at), List: e.list}
			s.at++
			s.buf = r.encode(s.buf[:0])
			return emit(KindACL, s.buf)
		}
	}
	s.nextPhase()
	return nil
}

func (s *Snapshot) stepSession(emit func(kind byte, record []byte) error) error {
	for ; s.at < len(s.sessions); s.at++ {
		if r := &s.sessions[s.at]; r.id != 0 {
			rec := SessionRecord{ID: r.id, Timeout: r.timeout, Password: r.password}
			s.at++
			s.buf = rec.encode(s.buf[:0])
			return emit(KindSession, s.buf)
		}
	}
	s.nextPhase()
	return nil
}

func (s *Snapshot) stepNode(emit func(kind byte, record []byte) error) error {
	for {
		slot := s.t.nodes.next(s.cursor)
		if slot >= s.limit { // none is the largest number
			s.cursor = s.limit
			s.nextPhase()
			return nil
		}
		s.cursor = slot + 1
		i, ok := s.saved[slot]
		if !ok {
			r := s.t.record(slot)
			return s.emitNode(emit, &r)
		}
		if s.images[i].Slot != none {
			return s.emitImage(emit, i)
		}
		// The slot was free when the snapshot began.
	}
}

// stepImage emits what was saved and whose slot is free now, so that stepNode passed it over.
func (s *Snapshot) stepImage(emit func(kind byte, record []byte) error) error {
	for ; s.at < len(s.images); s.at++ {
		if s.images[s.at].Slot != none {
			s.at++
			return s.emitImage(emit, s.at-1)
		}
	}
	s.saved, s.images = nil, nil
	s.nextPhase()
	return nil
}

func (s *Snapshot) emitImage(emit func(kind byte, record []byte) error, i int) error {
	r := s.images[i]
	s.images[i] = NodeRecord{Slot: none}
	return s.emitNode(emit, &r)
}

func (s *Snapshot) emitNode(emit func(kind byte, record []byte) error, r *NodeRecord) error {
	s.done++
	s.buf = r.encode(s.buf[:0])
	return emit(KindNode, s.buf)
}

// beforeChange saves a node that is about to change or go, unless that has happened or Next has passed it.
func (s *Snapshot) beforeChange(slot uint32) {
	if slot < s.cursor || slot >= s.limit {
		return
	}
	if _, ok := s.saved[slot]; !ok {
		s.saved[slot] = len(s.images)
		r := s.t.record(slot)
		r.Name, r.Data = s.copy(r.Name), s.copy(r.Data)
		s.images = append(s.images, r)
	}
}

// imageChunk is how many bytes of images share an allocation.
const imageChunk = 16 << 10

// copy keeps bytes of the tree that are about to be written over. A chunk is free again when all of its images are
// emitted.
func (s *Snapshot) copy(b []byte) []byte {
	if len(b) == 0 {
		return b // nil is not the same as empty
	}
	if cap(s.copies)-len(s.copies) < len(b) {
		s.copies = make([]byte, 0, max(imageChunk, len(b)))
	}
	from := len(s.copies)
	s.copies = append(s.copies, b...)
	return s.copies[from:len(s.copies):len(s.copies)]
}

// beforeCreate notes that a slot had no node, or another one that beforeChange has saved.
func (s *Snapshot) beforeCreate(slot uint32) {
	if slot < s.cursor || slot >= s.limit {
		return
	}
	if _, ok := s.saved[slot]; !ok {
		s.saved[slot] = len(s.images)
		s.images = append(s.images, NodeRecord{Slot: none})
	}
}

// record is a node as a snapshot has it. Name and Data are the arena's, good until the next change.
func (t *Tree) record(slot uint32) NodeRecord {
	nd := t.nodes.at(slot)
	e := t.arena.get(nd.ref)
	return NodeRecord{
		Slot: slot, Parent: e.parent, Name: e.name, Data: e.data,
		Czxid: nd.czxid, Mzxid: nd.mzxid, Pzxid: t.pzxidOf(nd), Ctime: nd.ctime, Mtime: nd.mtime,
		Version: nd.version, Creates: t.dirOf(nd).creates,
		Owner: t.ownerOf(nd), ACL: t.aclOf(nd), Aversion: t.aversionOf(nd),
	}
}
