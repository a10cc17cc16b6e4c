package jute

import "github.com/troupekeeper/troupe/messages"

// Path is the record of the requests that are nothing but a path: getACL, sync, getEphemerals and
// getAllChildrenNumber.
type Path string

// Append appends the record.
func (p Path) Append(dst []byte) []byte { return AppendString(dst, string(p)) }

// AppendNullableString appends a string; nil becomes null.
func AppendNullableString(dst []byte, s *string) []byte {
	if s == nil {
		return AppendInt(dst, -1)
	}
	return AppendString(dst, *s)
}

// CreateReply answers create, which leaves Stat zero, and create2, createContainer and createTTL.
type CreateReply struct {
	Path string
	Stat messages.Stat
}

// DecodeCreateReply reads the record in the form that op has.
func DecodeCreateReply(d *Decoder, op messages.OpCode) CreateReply {
	r := CreateReply{Path: d.String()}
	if op != messages.OpCreate {
		r.Stat = DecodeStat(d)
	}
	return r
}

// DataReply answers getData and reconfig. Data is nil when the node has none.
type DataReply struct {
	Data []byte
	Stat messages.Stat
}

// DecodeDataReply reads the record.
func DecodeDataReply(d *Decoder) DataReply { return DataReply{Data: d.Buffer(), Stat: DecodeStat(d)} }

// ChildrenReply answers getChildren, which leaves Stat zero, and getChildren2.
type ChildrenReply struct {
	Children []string
	Stat     messages.Stat
}

// DecodeChildrenReply reads the record in the form that op has.
func DecodeChildrenReply(d *Decoder, op messages.OpCode) ChildrenReply {
	r := ChildrenReply{Children: d.Strings()}
	if op == messages.OpGetChildren2 {
		r.Stat = DecodeStat(d)
	}
	return r
}

// ACLReply answers getACL.
type ACLReply struct {
	ACL  []messages.ACL
	Stat messages.Stat
}

// DecodeACLReply reads the record.
func DecodeACLReply(d *Decoder) ACLReply { return ACLReply{ACL: DecodeACL(d), Stat: DecodeStat(d)} }

// DecodeWhoAmIReply reads the identities of the connection.
func DecodeWhoAmIReply(d *Decoder) []messages.Identity {
	n, _ := d.Count(8)
	list := make([]messages.Identity, 0, n)
	for range n {
		list = append(list, messages.Identity{Scheme: d.String(), ID: d.String()})
	}
	return list
}
