package tree

import (
	"errors"
	"fmt"
	"math"

	"github.com/troupekeeper/troupe/messages"
)

// The kinds of records of a snapshot, in the order in which they come. The numbers are part of the format.
const (
	KindHeader  byte = 1
	KindACL     byte = 2
	KindSession byte = 3
	KindNode    byte = 4
	KindEnd     byte = 5
)

// ErrRecord is what the errors about a snapshot's records wrap.
var ErrRecord = errors.New("damaged snapshot record")

// recordVersion leads the header. A reader refuses versions that it doesn't know.
const recordVersion = 1

// HeaderRecord comes first. The counts allow to make room at once; they are checked at the end.
type HeaderRecord struct {
	Zxid                  messages.Zxid
	Nodes, Sessions, ACLs uint64
}

// ACLRecord is one list that nodes refer to by its id.
type ACLRecord struct {
	ID   uint32
	List []messages.ACL
}

// SessionRecord is one open session. Timeout is in milliseconds.
type SessionRecord struct {
	ID       messages.SessionID
	Timeout  int32
	Password []byte
}

// NodeRecord is one node. Slot names it within the snapshot, Parent is its parent's slot; the root is slot 0 and its
// own parent. Parents may come after their children. ACL is the id of an ACLRecord.
type NodeRecord struct {
	Slot, Parent        uint32
	Name, Data          []byte // Data nil is not the same as empty
	Czxid, Mzxid, Pzxid messages.Zxid
	Ctime, Mtime        int64
	Version, Creates    int32
	Owner               messages.Owner
	ACL                 uint32
	Aversion            int32
}

// EndRecord comes last.
type EndRecord struct {
	Nodes  uint64
	Digest uint64
}

// DecodeRecord turns a record into a *HeaderRecord, *ACLRecord, *SessionRecord, *NodeRecord or *EndRecord, for tools
// that print snapshots. What it returns shares the record's bytes. Errors wrap ErrRecord.
func DecodeRecord(kind byte, record []byte) (any, error) {
	switch kind {
	case KindHeader:
		r := &HeaderRecord{}
		return r, r.decode(record)
	case KindACL:
		r := &ACLRecord{}
		return r, r.decode(record)
	case KindSession:
		r := &SessionRecord{}
		return r, r.decode(record)
	case KindNode:
		r := &NodeRecord{}
		return r, r.decode(record)
	case KindEnd:
		r := &EndRecord{}
		return r, r.decode(record)
	}
	return nil, fmt.Errorf("%w: kind %d is unknown", ErrRecord, kind)
}

func recordError(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ErrRecord, what, err)
}

func (r *HeaderRecord) encode(b []byte) []byte {
	b = packUint(packArray(b, 5), recordVersion)
	b = packUint(packUint(b, uint64(r.Zxid)), r.Nodes)
	return packUint(packUint(b, r.Sessions), r.ACLs)
}

func (r *HeaderRecord) decode(record []byte) error {
	u := unpacker{b: record}
	if u.array() == 0 {
		u.fail(errShort)
	}
	if v := u.uint(math.MaxUint64); v != recordVersion && u.err == nil {
		u.fail(fmt.Errorf("version %d, this server knows %d", v, recordVersion))
	}
	r.Zxid, r.Nodes = messages.Zxid(u.uint(math.MaxUint64)), u.uint(math.MaxUint32)
	r.Sessions, r.ACLs = u.uint(math.MaxUint32), u.uint(math.MaxUint32)
	return recordError("header", u.end())
}

func (r *ACLRecord) encode(b []byte) []byte {
	b = packUint(packArray(b, 2), uint64(r.ID))
	b = packArray(b, len(r.List))
	for i := range r.List {
		a := &r.List[i]
		b = packInt(packArray(b, 3), int64(a.Perms))
		b = packString(packString(b, a.ID.Scheme), a.ID.ID)
	}
	return b
}

func (r *ACLRecord) decode(record []byte) error {
	u := unpacker{b: record}
	u.arrayOf(2)
	r.ID = u.uint32()
	n := u.array()
	r.List = make([]messages.ACL, 0, min(n, 64))
	for range n {
		u.arrayOf(3)
		a := messages.ACL{Perms: messages.Perm(u.int32())}
		a.ID.Scheme, a.ID.ID = string(u.bytes()), string(u.bytes())
		if u.err != nil {
			break
		}
		r.List = append(r.List, a)
	}
	return recordError("ACL", u.end())
}

func (r *SessionRecord) encode(b []byte) []byte {
	b = packInt(packArray(b, 3), int64(r.ID))
	return packBytes(packInt(b, int64(r.Timeout)), r.Password)
}

func (r *SessionRecord) decode(record []byte) error {
	u := unpacker{b: record}
	u.arrayOf(3)
	r.ID, r.Timeout, r.Password = messages.SessionID(u.int()), u.int32(), u.bytes()
	return recordError("session", u.end())
}

// nodeFields is the length of a node's array.
const nodeFields = 14

// encode writes nil for a mzxid or pzxid that equals the czxid, and for an mtime that equals the ctime: most nodes are
// never changed.
func (r *NodeRecord) encode(b []byte) []byte {
	b = packUint(packUint(packArray(b, nodeFields), uint64(r.Slot)), uint64(r.Parent))
	b = packBytes(packString(b, r.Name), r.Data)
	b = packUint(b, uint64(r.Czxid))
	b = packUintUnless(b, uint64(r.Mzxid), uint64(r.Czxid))
	b = packUintUnless(b, uint64(r.Pzxid), uint64(r.Czxid))
	b = packInt(b, r.Ctime)
	if r.Mtime == r.Ctime {
		b = packNil(b)
	} else {
		b = packInt(b, r.Mtime)
	}
	b = packInt(packInt(b, int64(r.Version)), int64(r.Creates))
	b = packUint(packUint(b, uint64(r.Owner)), uint64(r.ACL))
	return packInt(b, int64(r.Aversion))
}

func packUintUnless(b []byte, v, usual uint64) []byte {
	if v == usual {
		return packNil(b)
	}
	return packUint(b, v)
}

func (r *NodeRecord) decode(record []byte) error {
	u := unpacker{b: record}
	u.arrayOf(nodeFields)
	r.Slot, r.Parent = u.uint32(), u.uint32()
	r.Name, r.Data = u.bytes(), u.bytes()
	r.Czxid = messages.Zxid(u.uint(math.MaxUint64))
	r.Mzxid, r.Pzxid = u.zxidOr(r.Czxid), u.zxidOr(r.Czxid)
	r.Ctime = u.int()
	r.Mtime = r.Ctime
	if !u.isNil() {
		r.Mtime = u.int()
	}
	r.Version, r.Creates = u.int32(), u.int32()
	r.Owner, r.ACL, r.Aversion = messages.Owner(u.uint(math.MaxUint64)), u.uint32(), u.int32()
	return recordError("node", u.end())
}

func (u *unpacker) zxidOr(usual messages.Zxid) messages.Zxid {
	if u.isNil() {
		return usual
	}
	return messages.Zxid(u.uint(math.MaxUint64))
}

func (r *EndRecord) encode(b []byte) []byte {
	return packUint(packUint(packArray(b, 2), r.Nodes), r.Digest)
}

func (r *EndRecord) decode(record []byte) error {
	u := unpacker{b: record}
	u.arrayOf(2)
	r.Nodes, r.Digest = u.uint(math.MaxUint32), u.uint(math.MaxUint64)
	return recordError("end", u.end())
}
