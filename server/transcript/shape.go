package transcript

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// shapes lists the fields of each record in wire order, as name:kind. A kind is int, long, bool, string, buffer, the name
// of another shape, or [] with one of them.
var shapes = map[string]string{
	"connect":    "protocolVersion:int timeOut:int sessionId:long passwd:buffer readOnly:bool",
	"connectOld": "protocolVersion:int timeOut:int sessionId:long passwd:buffer",
	"header":     "xid:int zxid:long err:int",
	"event":      "type:int state:int path:string",
	"Stat": "czxid:long mzxid:long ctime:long mtime:long version:int cversion:int aversion:int ephemeralOwner:long " +
		"dataLength:int numChildren:int pzxid:long",
	"ACL":        "perms:int id:Id",
	"Id":         "scheme:string id:string",
	"ClientInfo": "authScheme:string user:string",

	"reply:create":               "path:string",
	"reply:create2":              "path:string stat:Stat",
	"reply:createContainer":      "path:string stat:Stat",
	"reply:createTTL":            "path:string stat:Stat",
	"reply:exists":               "stat:Stat",
	"reply:getData":              "data:buffer stat:Stat",
	"reply:setData":              "stat:Stat",
	"reply:getACL":               "acl:[]ACL stat:Stat",
	"reply:setACL":               "stat:Stat",
	"reply:getChildren":          "children:[]string",
	"reply:getChildren2":         "children:[]string stat:Stat",
	"reply:getAllChildrenNumber": "totalNumber:int",
	"reply:getEphemerals":        "ephemerals:[]string",
	"reply:sync":                 "path:string",
	"reply:reconfig":             "data:buffer stat:Stat",
	"reply:addWatch":             "err:int",
	"reply:whoAmI":               "clientInfo:[]ClientInfo",
	"reply:sasl":                 "token:buffer",

	// The parts of a multi, by their type.
	"result:-1": "err:int",
	"result:1":  "path:string",
	"result:2":  "",
	"result:4":  "data:buffer stat:Stat",
	"result:5":  "stat:Stat",
	"result:8":  "children:[]string",
	"result:13": "",
	"result:15": "path:string stat:Stat",
	"result:19": "path:string stat:Stat",
	"result:21": "path:string stat:Stat",
}

// object is a decoded record. Values are int64, bool, string, []any, object, or nil for a null string or buffer; a buffer
// is "x:" with its bytes in hex.
type object = map[string]any

// reader decodes; after an error it gives zeros.
type reader struct {
	rest []byte
	err  error
}

// decode reads a whole frame, its length included.
func decode(as string, frame []byte) (object, error) {
	r := &reader{rest: frame}
	if n := r.number(4); r.err == nil && int(n) != len(r.rest) {
		return nil, fmt.Errorf("the frame says %d bytes and has %d", n, len(r.rest))
	}
	var o object
	switch {
	case as == "connect", as == "connectOld":
		o = object{"connect": r.record(as)}
	case as == "event":
		o = object{"header": r.record("header"), "event": r.record("event")}
	default:
		o = r.reply(as)
	}
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%d bytes are left over", len(r.rest))
	}
	if r.err != nil {
		return o, fmt.Errorf("as %s: %w", as, r.err)
	}
	return o, nil
}

func (r *reader) reply(as string) object {
	header := r.record("header")
	o := object{"header": header}
	switch {
	case header["err"] != int64(0):
	case as == "reply:multi", as == "reply:multiRead":
		o["results"] = r.results()
	case shapes[as] != "":
		o["reply"] = r.record(as)
	}
	return o
}

// results reads the parts of a multi up to the header that ends them.
func (r *reader) results() []any {
	list := []any{}
	for r.err == nil {
		kind, done, code := r.signed(4), r.value("bool"), r.signed(4)
		if done == true {
			if kind != -1 || code != -1 {
				r.err = fmt.Errorf("the last header has type %d and err %d instead of -1", kind, code)
			}
			break
		}
		shape := fmt.Sprintf("result:%d", kind)
		if _, known := shapes[shape]; !known && r.err == nil {
			r.err = fmt.Errorf("a result of unknown type %d", kind)
		}
		list = append(list, object{"type": kind, "err": code, "result": r.record(shape)})
	}
	return list
}

func (r *reader) record(shape string) object {
	o := object{}
	for _, field := range strings.Fields(shapes[shape]) {
		name, kind, _ := strings.Cut(field, ":")
		o[name] = r.value(kind)
	}
	return o
}

func (r *reader) value(kind string) any {
	if of, isList := strings.CutPrefix(kind, "[]"); isList {
		return r.list(of)
	}
	switch kind {
	case "int":
		return r.signed(4)
	case "long":
		return r.signed(8)
	case "bool":
		return r.number(1) != 0
	case "string", "buffer":
		n := r.signed(4)
		if n == -1 {
			return nil
		}
		b := r.take(n)
		if kind == "buffer" {
			return "x:" + hex.EncodeToString(b)
		}
		return string(b)
	}
	return r.record(kind)
}

func (r *reader) list(of string) any {
	n := r.signed(4)
	if n == -1 {
		return nil
	}
	list := []any{}
	for i := int64(0); i < n && r.err == nil; i++ {
		list = append(list, r.value(of))
	}
	return list
}

func (r *reader) signed(size int64) int64 {
	if size == 4 {
		return int64(int32(r.number(4)))
	}
	return int64(r.number(size))
}

func (r *reader) number(size int64) uint64 {
	var wide [8]byte
	copy(wide[8-size:], r.take(size))
	return binary.BigEndian.Uint64(wide[:])
}

func (r *reader) take(n int64) []byte {
	if r.err == nil && (n < 0 || n > int64(len(r.rest))) {
		r.err = fmt.Errorf("%d bytes are missing %d before the end", n, len(r.rest))
	}
	if r.err != nil {
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}
