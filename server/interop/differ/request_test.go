package differ

import (
	"fmt"
	"strings"
)

const (
	opCreate          = 1
	opDelete          = 2
	opExists          = 3
	opGetData         = 4
	opSetData         = 5
	opGetACL          = 6
	opSetACL          = 7
	opGetChildren     = 8
	opSync            = 9
	opPing            = 11
	opGetChildren2    = 12
	opCheck           = 13
	opMulti           = 14
	opCreate2         = 15
	opCheckWatches    = 17
	opRemoveWatches   = 18
	opCreateContainer = 19
	opCreateTTL       = 21
	opMultiRead       = 22
	opAuth            = 100
	opSetWatches      = 101
	opGetEphemerals   = 103
	opGetAllChildren  = 104
	opSetWatches2     = 105
	opAddWatch        = 106
	opWhoAmI          = 107
	opClose           = -11

	codeUnimplemented = -6
	codeAuthFailed    = -115
)

// entry is one entry of an ACL.
type entry struct {
	perms      int32
	scheme, id *str
}

// request is one request with all that any kind of it may hold.
type request struct {
	op      int32
	xid     int32
	path    *str
	data    *str
	acl     []entry
	nullACL bool
	flags   int32
	ttl     int64
	version int32
	watch   bool
	mode    int32
	lists   [5][]*str // setWatches: data, exist, child, persistent, recursive
	mark    int       // setWatches: the step after which the client saw nothing more; -1: it saw nothing
	parts   []*request
	cut     int // bytes cut off the end of the record
}

func (q *request) writes() bool {
	switch q.op {
	case opCreate, opCreate2, opCreateContainer, opCreateTTL, opDelete, opSetData, opSetACL, opMulti, opClose:
		return true
	}
	return false
}

// String tells what the request asks for.
func (q *request) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "op %d path %v", q.op, q.path)
	switch q.op {
	case opCreate, opCreate2, opCreateContainer, opCreateTTL:
		fmt.Fprintf(&b, " data %v flags %d ttl %d acl %s", q.data, q.flags, q.ttl, q.aclText())
	case opSetACL:
		fmt.Fprintf(&b, " version %d acl %s", q.version, q.aclText())
	case opSetData, opDelete, opCheck:
		fmt.Fprintf(&b, " data %v version %d", q.data, q.version)
	case opMulti, opMultiRead:
		for _, part := range q.parts {
			fmt.Fprintf(&b, "\n      %v", part)
		}
	case opSetWatches, opSetWatches2:
		fmt.Fprintf(&b, " mark %d lists %v", q.mark, q.lists)
	case opAuth:
		fmt.Fprintf(&b, " auth %v", q.data)
	default:
		fmt.Fprintf(&b, " watch %v mode %d", q.watch, q.mode)
	}
	if q.cut > 0 {
		fmt.Fprintf(&b, " (cut by %d bytes)", q.cut)
	}
	return b.String()
}

func (q *request) aclText() string {
	if q.nullACL {
		return "null"
	}
	var list []string
	for _, e := range q.acl {
		list = append(list, fmt.Sprintf("%d %v:%v", e.perms, e.scheme, e.id))
	}
	return "[" + strings.Join(list, " ") + "]"
}

// encode makes the frame's body. It depends on the side where a zxid is told to the server.
func (q *request) encode(s *side) []byte {
	var w writer
	w.int(q.xid)
	w.int(q.op)
	start := len(w.bytes)
	q.record(&w, s)
	return w.bytes[:max(start, len(w.bytes)-q.cut)]
}

func (q *request) record(w *writer, s *side) {
	switch q.op {
	case opCreate, opCreate2, opCreateContainer, opCreateTTL:
		w.string(q.path)
		w.string(q.data)
		q.writeACL(w)
		w.int(q.flags)
		if q.op == opCreateTTL {
			w.long(q.ttl)
		}
	case opDelete, opCheck:
		w.string(q.path)
		w.int(q.version)
	case opExists, opGetData, opGetChildren, opGetChildren2:
		w.string(q.path)
		w.bool(q.watch)
	case opSetData:
		w.string(q.path)
		w.string(q.data)
		w.int(q.version)
	case opGetACL, opSync, opGetEphemerals, opGetAllChildren:
		w.string(q.path)
	case opSetACL:
		w.string(q.path)
		q.writeACL(w)
		w.int(q.version)
	case opCheckWatches, opRemoveWatches, opAddWatch:
		w.string(q.path)
		w.int(q.mode)
	case opAuth:
		w.int(0)
		w.string(q.path)
		w.string(q.data)
	case opSetWatches, opSetWatches2:
		q.writeWatches(w, s)
	case opMulti, opMultiRead:
		for _, part := range q.parts {
			w.int(part.op)
			w.bool(false)
			w.int(-1)
			part.record(w, s)
		}
		w.int(-1)
		w.bool(true)
		w.int(-1)
	}
}

func (q *request) writeACL(w *writer) {
	if q.nullACL {
		w.int(-1)
		return
	}
	w.int(int32(len(q.acl)))
	for _, e := range q.acl {
		w.int(e.perms)
		w.string(e.scheme)
		w.string(e.id)
	}
}

func (q *request) writeWatches(w *writer, s *side) {
	if q.mark < 0 || q.mark >= len(s.marks) {
		w.long(0)
	} else {
		w.long(s.marks[q.mark])
	}
	lists := q.lists[:3]
	if q.op == opSetWatches2 {
		lists = q.lists[:]
	}
	for _, list := range lists {
		w.int(int32(len(list)))
		for _, path := range list {
			w.string(path)
		}
	}
}

// describe puts the record of an answer into words, with names for what differs between servers.
func (q *request) describe(s *side, r *reader) string {
	switch q.op {
	case opCreate, opSync:
		return r.buffer().String()
	case opCreate2, opCreateContainer, opCreateTTL:
		return r.buffer().String() + " " + s.stat(r)
	case opExists, opSetData, opSetACL:
		return s.stat(r)
	case opGetData:
		return r.buffer().String() + " " + s.stat(r)
	case opGetACL:
		return acls(r) + " " + s.stat(r)
	case opGetChildren, opGetEphemerals:
		return set(r.strings())
	case opGetChildren2:
		return set(r.strings()) + " " + s.stat(r)
	case opGetAllChildren:
		return fmt.Sprint(r.int())
	case opAddWatch:
		return fmt.Sprint("err ", r.int())
	case opWhoAmI:
		var list []string
		for n := r.int(); n > 0 && r.err == nil; n-- {
			list = append(list, fmt.Sprintf("%v:%v", r.buffer(), r.buffer()))
		}
		return set(list)
	case opMulti, opMultiRead:
		return s.results(r)
	}
	return fmt.Sprintf("%x", r.take(len(r.bytes)))
}

// results describes the answer to a transaction.
func (s *side) results(r *reader) string {
	var list []string
	for r.err == nil {
		kind, done, code := r.int(), r.bool(), r.int()
		if done {
			return strings.Join(list, "; ") + fmt.Sprintf("; end %d %d", kind, code)
		}
		one := &request{op: kind}
		switch kind {
		case -1:
			list = append(list, fmt.Sprintf("error %d %d", code, r.int()))
		case opCheck, opDelete:
			list = append(list, fmt.Sprintf("op %d code %d", kind, code))
		default:
			list = append(list, fmt.Sprintf("op %d code %d %s", kind, code, one.describe(s, r)))
		}
	}
	return strings.Join(list, "; ")
}
