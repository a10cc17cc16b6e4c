package actors_test

import (
	"errors"
	"io"
	"math"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// history is what the log on disk says has happened: the truth that clients' observations are checked against.
type history struct {
	txns  []messages.TxnHeader
	paths map[string][]nodeState // by zxid, the last one of a zxid counts
	kids  map[string][]messages.Zxid
	xids  map[messages.SessionID]map[int32]messages.Zxid
}

// nodeState is a node from a transaction on.
type nodeState struct {
	zxid    messages.Zxid
	exists  bool
	data    string
	version int32
	was     messages.EventType // what a data watch hears
}

func readHistory(t testing.TB, disk *persistence.MemFS) *history {
	t.Helper()
	h := &history{
		paths: map[string][]nodeState{}, kids: map[string][]messages.Zxid{},
		xids: map[messages.SessionID]map[int32]messages.Zxid{},
	}
	r, err := persistence.OpenReader(persistence.ReaderOptions{FS: disk, Dir: "data/troupe/log", AnyStart: true})
	if err != nil {
		t.Fatal(err)
	}
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return h
		}
		if err != nil {
			t.Fatal(err)
		}
		header, body, err := messages.DecodeTxn(record.Body)
		if err != nil {
			t.Fatal(err)
		}
		h.add(t, &header, body)
	}
}

func (h *history) add(t testing.TB, header *messages.TxnHeader, body messages.TxnBody) {
	t.Helper()
	h.txns = append(h.txns, *header)
	if header.Op != messages.OpCreateSession && header.Xid != 0 {
		if h.xids[header.Session] == nil {
			h.xids[header.Session] = map[int32]messages.Zxid{}
		}
		if before, ok := h.xids[header.Session][header.Xid]; ok {
			t.Errorf("request %d of session %v happened twice: %v and %v", header.Xid, header.Session, before, header.Zxid)
		}
		for xid := range h.xids[header.Session] {
			if xid > header.Xid {
				t.Errorf("request %d of session %v happened behind request %d", header.Xid, header.Session, xid)
			}
		}
		h.xids[header.Session][header.Xid] = header.Zxid
	}
	h.apply(t, header.Zxid, body)
}

func (h *history) apply(t testing.TB, zxid messages.Zxid, body messages.TxnBody) {
	t.Helper()
	switch b := body.(type) {
	case *messages.CreateTxn:
		if h.at(b.Path, zxid).exists {
			t.Errorf("%v creates %s, which exists", zxid, b.Path)
		}
		h.set(b.Path, nodeState{zxid: zxid, exists: true, data: string(b.Data), was: messages.EventNodeCreated})
	case *messages.DeleteTxn:
		h.delete(t, b.Path, zxid)
	case *messages.SetDataTxn:
		old := h.at(b.Path, zxid)
		if !old.exists || b.Version != old.version+1 {
			t.Errorf("%v gives %s version %d, it was %+v", zxid, b.Path, b.Version, old)
		}
		h.set(b.Path, nodeState{zxid: zxid, exists: true, data: string(b.Data), version: b.Version,
			was: messages.EventNodeDataChanged})
	case *messages.CloseSessionTxn:
		for _, path := range b.Paths {
			h.delete(t, path, zxid)
		}
	case *messages.MultiTxn:
		for _, op := range b.Ops {
			h.apply(t, zxid, op.Body)
		}
	}
}

func (h *history) delete(t testing.TB, path string, zxid messages.Zxid) {
	t.Helper()
	if !h.at(path, zxid).exists {
		t.Errorf("%v deletes %s, which doesn't exist", zxid, path)
	}
	h.set(path, nodeState{zxid: zxid, was: messages.EventNodeDeleted})
}

func (h *history) set(path string, s nodeState) {
	h.paths[path] = append(h.paths[path], s)
	if s.was != messages.EventNodeDataChanged {
		parent := messages.ParentPath(path)
		h.kids[parent] = append(h.kids[parent], s.zxid)
	}
}

// at is a node's state after a transaction.
func (h *history) at(path string, zxid messages.Zxid) (s nodeState) {
	for _, next := range h.paths[path] {
		if next.zxid > zxid {
			break
		}
		s = next
	}
	return s
}

// children are the names below a path after a transaction.
func (h *history) children(path string, zxid messages.Zxid) map[string]bool {
	names := map[string]bool{}
	for p := range h.paths {
		if p != messages.RootPath && messages.ParentPath(p) == path && h.at(p, zxid).exists {
			names[messages.BaseName(p)] = true
		}
	}
	return names
}

const never = messages.Zxid(math.MaxUint64)

// nextData is the first transaction after `after` that a data watch on path hears of.
func (h *history) nextData(path string, after messages.Zxid) messages.Zxid {
	for _, s := range h.paths[path] {
		if s.zxid > after {
			return s.zxid
		}
	}
	return never
}

// nextChild is the first one that a child watch hears of.
func (h *history) nextChild(path string, after messages.Zxid) messages.Zxid {
	first := never
	for _, z := range h.kids[path] {
		if z > after {
			first = z
			break
		}
	}
	for _, s := range h.paths[path] {
		if s.zxid > after && s.was == messages.EventNodeDeleted {
			return min(first, s.zxid)
		}
	}
	return first
}
