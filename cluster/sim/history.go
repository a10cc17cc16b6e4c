package sim

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

// history is all that has ever been applied by any server: the truth that servers and clients are judged by. It grows at
// its end and nowhere else.
type history struct {
	w        *World
	entries  []entry
	index    map[messages.Zxid]int
	digests  map[messages.Zxid]digest
	paths    map[string][]nodeState // by zxid, the last one of a zxid counts
	kids     map[string][]messages.Zxid
	names    map[string][]string // of all children that a node ever had, rising
	xids     map[messages.SessionID]map[int32]messages.Zxid
	lastXid  map[messages.SessionID]int32
	refused  map[messages.SessionID]map[int32]messages.ErrCode
	sessions map[messages.SessionID]*sessionState
}

type entry struct {
	header  messages.TxnHeader
	encoded []byte
	by      string // who applied it first
}

type digest struct {
	sum uint64
	by  string
}

// sessionState is a session by its transactions.
type sessionState struct {
	opened, closed messages.Zxid
	owns           map[string]bool
}

// nodeState is a node from a transaction on.
type nodeState struct {
	zxid         messages.Zxid // of this change
	czxid, mzxid messages.Zxid
	exists       bool
	data         string
	version      int32
	owner        messages.SessionID
	was          messages.EventType // what a data watch hears
}

func newHistory(w *World) *history {
	h := &history{
		w: w, index: map[messages.Zxid]int{}, digests: map[messages.Zxid]digest{},
		paths: map[string][]nodeState{}, kids: map[string][]messages.Zxid{}, names: map[string][]string{},
		xids: map[messages.SessionID]map[int32]messages.Zxid{}, lastXid: map[messages.SessionID]int32{},
		refused:  map[messages.SessionID]map[int32]messages.ErrCode{},
		sessions: map[messages.SessionID]*sessionState{},
	}
	for _, path := range []string{messages.RootPath, messages.SystemPath, messages.QuotaPath, messages.ConfigPath} {
		h.paths[path] = []nodeState{{exists: true}}
	}
	return h
}

// last is the end of the history.
func (h *history) last() messages.Zxid {
	if len(h.entries) == 0 {
		return 0
	}
	return h.entries[len(h.entries)-1].header.Zxid
}

// lastBefore is the last transaction of an epoch before the given one.
func (h *history) lastBefore(epoch uint32) messages.Zxid {
	n, _ := slices.BinarySearchFunc(h.entries, messages.MakeZxid(epoch, 0), func(e entry, z messages.Zxid) int {
		return compareZxid(e.header.Zxid, z)
	})
	if n == 0 {
		return 0
	}
	return h.entries[n-1].header.Zxid
}

func compareZxid(a, b messages.Zxid) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// before is what stands in front of a transaction of the history.
func (h *history) before(z messages.Zxid) messages.Zxid {
	if i := h.index[z]; i > 0 {
		return h.entries[i-1].header.Zxid
	}
	return 0
}

// append takes a transaction that a server has as the one behind prev. It is one of the history, or the next one.
func (h *history) append(by string, prev messages.Zxid, encoded []byte) {
	header, body, err := messages.DecodeTxn(encoded)
	if err != nil {
		h.w.fail("history", "%s has a transaction behind %v that can't be decoded: %v", by, prev, err)
		return
	}
	z := header.Zxid
	i, known := h.index[z]
	switch {
	case known && !bytes.Equal(encoded, h.entries[i].encoded):
		h.w.fail("agreement", "%s has %v as %+v %+v, and %s had %+v before", by, z, header, body, h.entries[i].by, h.entries[i].header)
	case known && h.before(z) != prev:
		h.w.fail("prefix", "%s has %v behind %v; in the history it stands behind %v", by, z, prev, h.before(z))
	case known:
	case z < h.last():
		h.w.fail("total order", "%s has %v, which is not in the history; that goes on to %v already", by, z, h.last())
	case prev != h.last():
		h.w.fail("prefix", "%s has %v behind %v, and the history goes on to %v", by, z, prev, h.last())
	case !z.Follows(prev):
		h.w.fail("continuity", "%s has %v behind %v", by, z, prev)
	default:
		h.index[z] = len(h.entries)
		h.entries = append(h.entries, entry{header: header, encoded: append([]byte(nil), encoded...), by: by})
		h.w.trace.mix(uint64(z))
		h.add(&header, body)
	}
}

// digestAt compares the trees of servers at the same zxid.
func (h *history) digestAt(by string, z messages.Zxid, sum uint64) {
	d, ok := h.digests[z]
	if !ok {
		h.digests[z] = digest{sum, by}
		return
	}
	if d.sum != sum {
		h.w.fail("state", "at %v the digest of %s is %#x, and that of %s was %#x", z, by, sum, d.by, d.sum)
	}
}

func (h *history) add(header *messages.TxnHeader, body messages.TxnBody) {
	s, z := header.Session, header.Zxid
	if header.Op != messages.OpCreateSession && header.Xid != 0 {
		if h.xids[s] == nil {
			h.xids[s] = map[int32]messages.Zxid{}
		}
		if header.Xid <= h.lastXid[s] {
			h.w.fail("client order", "request %d of session %v happened as %v, behind request %d", header.Xid, s, z, h.lastXid[s])
		}
		if code, ok := h.refused[s][header.Xid]; ok {
			h.w.fail("refusal", "request %d of session %v was refused (%v), and happened as %v", header.Xid, s, code, z)
		}
		h.xids[s][header.Xid] = z
		h.lastXid[s] = header.Xid
	}
	switch b := body.(type) {
	case *messages.CreateSessionTxn:
		if h.sessions[s] != nil {
			h.w.fail("sessions", "%v opens session %v, which was opened at %v", z, s, h.sessions[s].opened)
			return
		}
		h.sessions[s] = &sessionState{opened: z, owns: map[string]bool{}}
	case *messages.CloseSessionTxn:
		h.closeSession(header, b)
	default:
		h.apply(z, body)
	}
}

func (h *history) closeSession(header *messages.TxnHeader, b *messages.CloseSessionTxn) {
	s, z := header.Session, header.Zxid
	state := h.sessions[s]
	if state == nil || state.closed != 0 {
		h.w.fail("sessions", "%v closes session %v, which isn't open", z, s)
		return
	}
	if len(b.Paths) != len(state.owns) {
		h.w.fail("ephemerals", "%v closes session %v and deletes %v; it owns %v", z, s, b.Paths, state.owns)
	}
	for _, path := range b.Paths {
		if !state.owns[path] {
			h.w.fail("ephemerals", "%v closes session %v and deletes %s, which it doesn't own", z, s, path)
		}
		h.delete(path, z)
	}
	state.closed = z
	if header.Xid == 0 {
		h.w.expired(header)
	}
}

func (h *history) apply(z messages.Zxid, body messages.TxnBody) {
	switch b := body.(type) {
	case *messages.CreateTxn:
		h.create(z, b)
	case *messages.DeleteTxn:
		h.delete(b.Path, z)
	case *messages.SetDataTxn:
		old := h.at(b.Path, z)
		if b.Path != messages.ConfigPath && (!old.exists || b.Version != old.version+1) {
			h.w.fail("model", "%v gives %s version %d, it was %+v", z, b.Path, b.Version, old)
		}
		old.zxid, old.mzxid, old.data, old.version, old.was = z, z, string(b.Data), b.Version, messages.EventNodeDataChanged
		h.set(b.Path, old)
	case *messages.MultiTxn:
		for _, op := range b.Ops {
			h.apply(z, op.Body)
		}
	}
}

func (h *history) create(z messages.Zxid, b *messages.CreateTxn) {
	parent := messages.ParentPath(b.Path)
	if h.at(b.Path, z).exists || !h.at(parent, z).exists {
		h.w.fail("model", "%v creates %s, which exists or whose parent doesn't", z, b.Path)
	}
	s := nodeState{zxid: z, czxid: z, mzxid: z, exists: true, data: string(b.Data), owner: b.Owner.Session(), was: messages.EventNodeCreated}
	if s.owner != 0 {
		state := h.sessions[s.owner]
		if state == nil || state.closed != 0 {
			h.w.fail("ephemerals", "%v creates %s for session %v, which isn't open", z, b.Path, s.owner)
			return
		}
		state.owns[b.Path] = true
	}
	h.set(b.Path, s)
}

func (h *history) delete(path string, z messages.Zxid) {
	old := h.at(path, z)
	if !old.exists || len(h.children(path, z)) > 0 {
		h.w.fail("model", "%v deletes %s, which doesn't exist or has children", z, path)
	}
	if old.owner != 0 {
		delete(h.sessions[old.owner].owns, path)
	}
	h.set(path, nodeState{zxid: z, was: messages.EventNodeDeleted})
}

func (h *history) set(path string, s nodeState) {
	parent := messages.ParentPath(path)
	if h.paths[path] == nil {
		name := messages.BaseName(path)
		i, _ := slices.BinarySearch(h.names[parent], name)
		h.names[parent] = slices.Insert(h.names[parent], i, name)
	}
	h.paths[path] = append(h.paths[path], s)
	if s.was != messages.EventNodeDataChanged {
		h.kids[parent] = append(h.kids[parent], s.zxid)
	}
}

// at is a node's state after a transaction.
func (h *history) at(path string, z messages.Zxid) (s nodeState) {
	states := h.paths[path]
	for i := len(states) - 1; i >= 0; i-- {
		if states[i].zxid <= z {
			return states[i]
		}
	}
	return nodeState{}
}

// children are the names below a path after a transaction, rising.
func (h *history) children(path string, z messages.Zxid) (names []string) {
	prefix := path + "/"
	if path == messages.RootPath {
		prefix = path
	}
	for _, name := range h.names[path] {
		if h.at(prefix+name, z).exists {
			names = append(names, name)
		}
	}
	return names
}

const never = messages.Zxid(math.MaxUint64)

// nextData is the first transaction behind another one that a data watch on path hears of.
func (h *history) nextData(path string, after messages.Zxid) messages.Zxid {
	states := h.paths[path]
	first := never
	for i := len(states) - 1; i >= 0 && states[i].zxid > after; i-- {
		first = states[i].zxid
	}
	return first
}

// nextChild is the first one that a child watch hears of.
func (h *history) nextChild(path string, after messages.Zxid) messages.Zxid {
	first := never
	kids := h.kids[path]
	for i := len(kids) - 1; i >= 0 && kids[i] > after; i-- {
		first = kids[i]
	}
	states := h.paths[path]
	for i := len(states) - 1; i >= 0 && states[i].zxid > after; i-- {
		if states[i].was == messages.EventNodeDeleted {
			first = min(first, states[i].zxid)
		}
	}
	return first
}

// lastChild is the last change of a node's children up to a zxid.
func (h *history) lastChild(path string, z messages.Zxid) messages.Zxid {
	kids := h.kids[path]
	for i := len(kids) - 1; i >= 0; i-- {
		if kids[i] <= z {
			return kids[i]
		}
	}
	return 0
}

// open are the sessions that have not been closed, and the ephemerals that they own.
func (h *history) open() (sessions, ephemerals int) {
	for _, s := range h.sessions {
		if s.closed == 0 {
			sessions++
			ephemerals += len(s.owns)
		}
	}
	return sessions, ephemerals
}

func (e *entry) String() string { return fmt.Sprintf("%v by %s", e.header.Zxid, e.by) }
