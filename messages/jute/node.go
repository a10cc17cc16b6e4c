package jute

import "github.com/troupekeeper/troupe/messages"

// StatSize is the size of a Stat in bytes.
const StatSize = 68

// AppendStat appends the record.
func AppendStat(dst []byte, s *messages.Stat) []byte {
	dst = AppendLong(dst, int64(s.Czxid))
	dst = AppendLong(dst, int64(s.Mzxid))
	dst = AppendLong(dst, s.Ctime)
	dst = AppendLong(dst, s.Mtime)
	dst = AppendInt(dst, s.Version)
	dst = AppendInt(dst, s.Cversion)
	dst = AppendInt(dst, s.Aversion)
	dst = AppendLong(dst, s.EphemeralOwner)
	dst = AppendInt(dst, s.DataLength)
	dst = AppendInt(dst, s.NumChildren)
	return AppendLong(dst, int64(s.Pzxid))
}

// DecodeStat reads the record.
func DecodeStat(d *Decoder) messages.Stat {
	return messages.Stat{
		Czxid:          messages.Zxid(d.Long()),
		Mzxid:          messages.Zxid(d.Long()),
		Ctime:          d.Long(),
		Mtime:          d.Long(),
		Version:        d.Int(),
		Cversion:       d.Int(),
		Aversion:       d.Int(),
		EphemeralOwner: d.Long(),
		DataLength:     d.Int(),
		NumChildren:    d.Int(),
		Pzxid:          messages.Zxid(d.Long()),
	}
}

// AppendACL appends a vector of entries; nil becomes null.
func AppendACL(dst []byte, list []messages.ACL) []byte {
	if list == nil {
		return AppendInt(dst, -1)
	}
	dst = AppendInt(dst, int32(len(list)))
	for i := range list {
		dst = AppendInt(dst, int32(list[i].Perms))
		dst = AppendString(dst, list[i].ID.Scheme)
		dst = AppendString(dst, list[i].ID.ID)
	}
	return dst
}

// DecodeACL reads a vector of entries; the null vector gives nil. A null scheme reads as "", which no provider
// has; a null id is malformed where the scheme needs one and reads as "" elsewhere.
func DecodeACL(d *Decoder) []messages.ACL {
	n, null := d.Count(12)
	if null {
		return nil
	}
	list := make([]messages.ACL, 0, n)
	for range n {
		a := messages.ACL{Perms: messages.Perm(d.Int())}
		a.ID.Scheme, _ = d.NullableString()
		var ok bool
		if a.ID.ID, ok = d.NullableString(); !ok && needsID(a.ID.Scheme) {
			d.fail("an ACL entry of scheme %q without an id", a.ID.Scheme)
		}
		list = append(list, a)
	}
	return list
}

// needsID tells whether ZooKeeper looks at the id of an entry of that scheme. It doesn't for "auth", which Kazoo sends
// with a null id, nor for schemes that it refuses anyway.
func needsID(scheme string) bool {
	switch scheme {
	case messages.SchemeWorld, messages.SchemeDigest, messages.SchemeIP, "x509", "sasl":
		return true
	}
	return false
}

// CreateRequest serves create, create2, createContainer and, with a TTL, createTTL.
type CreateRequest struct {
	Path  string
	Data  []byte
	ACL   []messages.ACL
	Flags int32
	TTL   int64 // milliseconds; only createTTL carries it
}

// Append appends the record in the form that op has.
func (r *CreateRequest) Append(dst []byte, op messages.OpCode) []byte {
	dst = AppendString(dst, r.Path)
	dst = AppendBuffer(dst, r.Data)
	dst = AppendACL(dst, r.ACL)
	dst = AppendInt(dst, r.Flags)
	if op == messages.OpCreateTTL {
		dst = AppendLong(dst, r.TTL)
	}
	return dst
}

// DecodeCreateRequest reads the record in the form that op has.
func DecodeCreateRequest(d *Decoder, op messages.OpCode) CreateRequest {
	r := CreateRequest{Path: d.String(), Data: d.Buffer(), ACL: DecodeACL(d), Flags: d.Int(), TTL: -1}
	if op == messages.OpCreateTTL {
		r.TTL = d.Long()
	}
	return r
}

// PathVersion serves delete and check.
type PathVersion struct {
	Path    string
	Version int32
}

// Append appends the record.
func (r *PathVersion) Append(dst []byte) []byte {
	return AppendInt(AppendString(dst, r.Path), r.Version)
}

// DecodeCheckRequest reads the record of a check, whose path may be null.
func DecodeCheckRequest(d *Decoder) PathVersion {
	return PathVersion{Path: nullablePath(d), Version: d.Int()}
}

// DecodePathVersion reads the record.
func DecodePathVersion(d *Decoder) PathVersion {
	return PathVersion{Path: d.String(), Version: d.Int()}
}

// SetDataRequest is the record of setData.
type SetDataRequest struct {
	Path    string
	Data    []byte
	Version int32
}

// Append appends the record.
func (r *SetDataRequest) Append(dst []byte) []byte {
	return AppendInt(AppendBuffer(AppendString(dst, r.Path), r.Data), r.Version)
}

// DecodeSetDataRequest reads the record.
func DecodeSetDataRequest(d *Decoder) SetDataRequest {
	return SetDataRequest{Path: nullablePath(d), Data: d.Buffer(), Version: d.Int()}
}

// SetACLRequest is the record of setACL.
type SetACLRequest struct {
	Path    string
	ACL     []messages.ACL
	Version int32
}

// Append appends the record.
func (r *SetACLRequest) Append(dst []byte) []byte {
	return AppendInt(AppendACL(AppendString(dst, r.Path), r.ACL), r.Version)
}

// DecodeSetACLRequest reads the record.
func DecodeSetACLRequest(d *Decoder) SetACLRequest {
	return SetACLRequest{Path: nullablePath(d), ACL: DecodeACL(d), Version: d.Int()}
}

// nullablePath reads a path of an operation that validates it: null becomes "", which is as invalid.
func nullablePath(d *Decoder) string {
	path, _ := d.NullableString()
	return path
}

// PathWatch serves exists, getData, getChildren and getChildren2. Path shares the decoder's bytes.
type PathWatch struct {
	Path  []byte
	Watch bool
}

// Append appends the record.
func (r *PathWatch) Append(dst []byte) []byte { return AppendBool(AppendBuffer(dst, r.Path), r.Watch) }

// DecodePathWatch reads the record; a null path is malformed.
func DecodePathWatch(d *Decoder) PathWatch {
	return PathWatch{Path: decodePathView(d), Watch: d.Bool()}
}

// DecodePath reads a record that is one path (getACL, sync, getAllChildrenNumber, deleteContainer); a null path is
// malformed. The result shares the decoder's bytes.
func DecodePath(d *Decoder) []byte { return decodePathView(d) }

// DecodePrefix reads the record of getEphemerals. ZooKeeper takes a null prefix, which gives nil, as it takes an
// empty one: all of the session's ephemerals are meant. The result shares the decoder's bytes.
func DecodePrefix(d *Decoder) []byte {
	b, _ := d.View()
	return b
}

func decodePathView(d *Decoder) []byte {
	b, ok := d.View()
	if !ok && d.err == nil {
		d.fail("null where a path belongs")
	}
	return b
}
