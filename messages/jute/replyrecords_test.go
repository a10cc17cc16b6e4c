package jute

import "github.com/troupekeeper/troupe/messages"

func createReplyCodec(op messages.OpCode) codec {
	return func(d *Decoder) (view, func([]byte) []byte) {
		r := DecodeCreateReply(d, op)
		v := view{"path": r.Path}
		if op != messages.OpCreate {
			v["stat"] = viewStat(r.Stat)
		}
		return v, func(dst []byte) []byte {
			dst = AppendString(dst, r.Path)
			if op != messages.OpCreate {
				dst = AppendStat(dst, &r.Stat)
			}
			return dst
		}
	}
}

func statCodec(d *Decoder) (view, func([]byte) []byte) {
	s := DecodeStat(d)
	return view{"stat": viewStat(s)}, func(dst []byte) []byte { return AppendStat(dst, &s) }
}

func dataReplyCodec(d *Decoder) (view, func([]byte) []byte) {
	r := DecodeDataReply(d)
	return view{"data": textOf(r.Data), "stat": viewStat(r.Stat)},
		func(dst []byte) []byte { return AppendStat(AppendBuffer(dst, r.Data), &r.Stat) }
}

func aclReplyCodec(d *Decoder) (view, func([]byte) []byte) {
	r := DecodeACLReply(d)
	return view{"acl": viewACL(r.ACL), "stat": viewStat(r.Stat)},
		func(dst []byte) []byte { return AppendStat(AppendACL(dst, r.ACL), &r.Stat) }
}

func childrenReplyCodec(op messages.OpCode) codec {
	return func(d *Decoder) (view, func([]byte) []byte) {
		r := DecodeChildrenReply(d, op)
		v := view{"children": r.Children}
		if op == messages.OpGetChildren2 {
			v["stat"] = viewStat(r.Stat)
		}
		return v, func(dst []byte) []byte {
			dst = AppendStrings(dst, r.Children)
			if op == messages.OpGetChildren2 {
				dst = AppendStat(dst, &r.Stat)
			}
			return dst
		}
	}
}

func ephemeralsCodec(d *Decoder) (view, func([]byte) []byte) {
	list := d.Strings()
	return view{"ephemerals": list}, func(dst []byte) []byte { return AppendStrings(dst, list) }
}

func intCodec(name string) codec {
	return func(d *Decoder) (view, func([]byte) []byte) {
		n := d.Int()
		return view{name: n}, func(dst []byte) []byte { return AppendInt(dst, n) }
	}
}

func whoAmICodec(d *Decoder) (view, func([]byte) []byte) {
	list := DecodeWhoAmIReply(d)
	said := []any{}
	for _, id := range list {
		said = append(said, view{"authScheme": id.Scheme, "user": id.ID})
	}
	return view{"clientInfo": said}, func(dst []byte) []byte {
		dst = AppendInt(dst, int32(len(list)))
		for _, id := range list {
			dst = AppendString(AppendString(dst, id.Scheme), id.ID)
		}
		return dst
	}
}

// replyCodecs has all operations whose successful reply has a record, but for the multis.
var replyCodecs = map[messages.OpCode]codec{
	messages.OpCreate:               createReplyCodec(messages.OpCreate),
	messages.OpCreate2:              createReplyCodec(messages.OpCreate2),
	messages.OpCreateContainer:      createReplyCodec(messages.OpCreateContainer),
	messages.OpCreateTTL:            createReplyCodec(messages.OpCreateTTL),
	messages.OpExists:               statCodec,
	messages.OpSetData:              statCodec,
	messages.OpSetACL:               statCodec,
	messages.OpGetData:              dataReplyCodec,
	messages.OpReconfig:             dataReplyCodec,
	messages.OpGetACL:               aclReplyCodec,
	messages.OpGetChildren:          childrenReplyCodec(messages.OpGetChildren),
	messages.OpGetChildren2:         childrenReplyCodec(messages.OpGetChildren2),
	messages.OpSync:                 pathCodec("path"),
	messages.OpGetEphemerals:        ephemeralsCodec,
	messages.OpGetAllChildrenNumber: intCodec("totalNumber"),
	messages.OpAddWatch:             intCodec("err"),
	messages.OpWhoAmI:               whoAmICodec,
	messages.OpSASL:                 tokenCodec,
}
