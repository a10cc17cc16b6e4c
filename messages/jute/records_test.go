package jute

import (
	"encoding/hex"

	"github.com/troupekeeper/troupe/messages"
)

// codec reads one record and gives two things: what it says, in the words of the protocol, and how to write it again.
type codec func(d *Decoder) (said view, write func(dst []byte) []byte)

// view holds the fields of a record by their names in the protocol; buffers print as x:hex, null as nil.
type view map[string]any

func textOf(b []byte) any {
	if b == nil {
		return nil
	}
	return "x:" + hex.EncodeToString(b)
}

func emptyIsNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func nullable(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

func viewACL(list []messages.ACL) any {
	if list == nil {
		return nil
	}
	out := []any{}
	for _, a := range list {
		out = append(out, view{"perms": int32(a.Perms), "id": view{"scheme": a.ID.Scheme, "id": a.ID.ID}})
	}
	return out
}

func viewStat(s messages.Stat) view {
	return view{"czxid": int64(s.Czxid), "mzxid": int64(s.Mzxid), "ctime": s.Ctime, "mtime": s.Mtime, "version": s.Version,
		"cversion": s.Cversion, "aversion": s.Aversion, "ephemeralOwner": s.EphemeralOwner, "dataLength": s.DataLength,
		"numChildren": s.NumChildren, "pzxid": int64(s.Pzxid)}
}

func viewCreate(r CreateRequest, op messages.OpCode) view {
	v := view{"path": r.Path, "data": textOf(r.Data), "acl": viewACL(r.ACL), "flags": r.Flags}
	if op == messages.OpCreateTTL {
		v["ttl"] = r.TTL
	}
	return v
}

func createCodec(op messages.OpCode) codec {
	return func(d *Decoder) (view, func([]byte) []byte) {
		r := DecodeCreateRequest(d, op)
		return viewCreate(r, op), func(dst []byte) []byte { return r.Append(dst, op) }
	}
}

func pathVersionCodec(d *Decoder) (view, func([]byte) []byte) {
	r := DecodePathVersion(d)
	return view{"path": r.Path, "version": r.Version}, r.Append
}

func pathWatchCodec(d *Decoder) (view, func([]byte) []byte) {
	r := DecodePathWatch(d)
	return view{"path": string(r.Path), "watch": r.Watch}, r.Append
}

func pathCodec(name string) codec {
	return func(d *Decoder) (view, func([]byte) []byte) {
		path := DecodePath(d)
		return view{name: string(path)}, func(dst []byte) []byte { return AppendBuffer(dst, path) }
	}
}

func prefixCodec(d *Decoder) (view, func([]byte) []byte) {
	prefix := DecodePrefix(d)
	said := view{"prefixPath": nil}
	if prefix != nil {
		said["prefixPath"] = string(prefix)
	}
	return said, func(dst []byte) []byte { return AppendBuffer(dst, prefix) }
}

func pathModeCodec(name string) codec {
	return func(d *Decoder) (view, func([]byte) []byte) {
		r := DecodePathMode(d)
		return view{"path": r.Path, name: r.Mode}, r.Append
	}
}

func setDataCodec(d *Decoder) (view, func([]byte) []byte) {
	r := DecodeSetDataRequest(d)
	return view{"path": r.Path, "data": textOf(r.Data), "version": r.Version}, r.Append
}

func setACLCodec(d *Decoder) (view, func([]byte) []byte) {
	r := DecodeSetACLRequest(d)
	return view{"path": r.Path, "acl": viewACL(r.ACL), "version": r.Version}, r.Append
}

func setWatchesCodec(op messages.OpCode) codec {
	return func(d *Decoder) (view, func([]byte) []byte) {
		r := DecodeSetWatches(d, op)
		v := view{"relativeZxid": int64(r.RelativeZxid), "dataWatches": r.Data, "existWatches": r.Exist, "childWatches": r.Child}
		if op == messages.OpSetWatches2 {
			v["persistentWatches"], v["persistentRecursiveWatches"] = r.Persistent, r.PersistentRecursive
		}
		return v, func(dst []byte) []byte { return r.Append(dst, op) }
	}
}

func authCodec(d *Decoder) (view, func([]byte) []byte) {
	r := DecodeAuthPacket(d)
	return view{"type": r.Type, "scheme": r.Scheme, "auth": textOf(r.Auth)}, r.Append
}

func reconfigCodec(d *Decoder) (view, func([]byte) []byte) {
	r := DecodeReconfigRequest(d)
	return view{"joiningServers": emptyIsNull(r.Joining), "leavingServers": emptyIsNull(r.Leaving),
		"newMembers": nullable(r.NewMembers), "curConfigId": r.ConfigID}, r.Append
}

func tokenCodec(d *Decoder) (view, func([]byte) []byte) {
	token := d.Buffer()
	return view{"token": textOf(token)}, func(dst []byte) []byte { return AppendBuffer(dst, token) }
}

// requestCodecs has all operations whose request has a record, but for the multis.
var requestCodecs = map[messages.OpCode]codec{
	messages.OpCreate:               createCodec(messages.OpCreate),
	messages.OpCreate2:              createCodec(messages.OpCreate2),
	messages.OpCreateContainer:      createCodec(messages.OpCreateContainer),
	messages.OpCreateTTL:            createCodec(messages.OpCreateTTL),
	messages.OpDelete:               pathVersionCodec,
	messages.OpCheck:                pathVersionCodec,
	messages.OpExists:               pathWatchCodec,
	messages.OpGetData:              pathWatchCodec,
	messages.OpGetChildren:          pathWatchCodec,
	messages.OpGetChildren2:         pathWatchCodec,
	messages.OpSetData:              setDataCodec,
	messages.OpGetACL:               pathCodec("path"),
	messages.OpSync:                 pathCodec("path"),
	messages.OpGetAllChildrenNumber: pathCodec("path"),
	messages.OpDeleteContainer:      pathCodec("path"),
	messages.OpGetEphemerals:        prefixCodec,
	messages.OpSetACL:               setACLCodec,
	messages.OpAddWatch:             pathModeCodec("mode"),
	messages.OpCheckWatches:         pathModeCodec("type"),
	messages.OpRemoveWatches:        pathModeCodec("type"),
	messages.OpSetWatches:           setWatchesCodec(messages.OpSetWatches),
	messages.OpSetWatches2:          setWatchesCodec(messages.OpSetWatches2),
	messages.OpAuth:                 authCodec,
	messages.OpSASL:                 tokenCodec,
	messages.OpReconfig:             reconfigCodec,
}

func multiOps(d *Decoder, reads bool) (list []any, write func([]byte) []byte) {
	ops := DecodeMulti(d, reads)
	list = []any{}
	for _, op := range ops {
		item := view{"type": int32(op.Op)}
		switch r := op.Record.(type) {
		case CreateRequest:
			item["request"] = viewCreate(r, op.Op)
		case PathVersion:
			item["request"] = view{"path": r.Path, "version": r.Version}
		case SetDataRequest:
			item["request"] = view{"path": r.Path, "data": textOf(r.Data), "version": r.Version}
		case PathWatch:
			item["request"] = view{"path": string(r.Path), "watch": r.Watch}
		}
		list = append(list, item)
	}
	return list, func(dst []byte) []byte { return AppendMulti(dst, ops) }
}

func multiResults(d *Decoder) (list []any, write func([]byte) []byte) {
	results := DecodeMultiResults(d)
	list = []any{}
	for _, r := range results {
		said := view{}
		switch r.Op {
		case messages.OpCreate:
			said["path"] = r.Path
		case messages.OpCreate2:
			said["path"], said["stat"] = r.Path, viewStat(r.Stat)
		case messages.OpSetData:
			said["stat"] = viewStat(r.Stat)
		case messages.OpGetData:
			said["data"], said["stat"] = textOf(r.Data), viewStat(r.Stat)
		case messages.OpGetChildren:
			said["children"] = r.Children
		case messages.OpError:
			said["err"] = int32(r.Err)
		}
		list = append(list, view{"type": int32(r.Op), "err": int32(r.Err), "result": said})
	}
	return list, func(dst []byte) []byte {
		for i := range results {
			dst = results[i].Append(dst)
		}
		return AppendMultiEnd(dst)
	}
}
