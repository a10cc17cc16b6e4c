package jute

import "github.com/troupekeeper/troupe/messages"

// MultiHeader leads each operation of a multi and, with Done, ends it.
type MultiHeader struct {
	Op   messages.OpCode
	Done bool
	Err  messages.ErrCode
}

// AppendMultiHeader appends the header.
func AppendMultiHeader(dst []byte, h MultiHeader) []byte {
	return AppendInt(AppendBool(AppendInt(dst, int32(h.Op)), h.Done), int32(h.Err))
}

// AppendMultiEnd appends the header that ends a multi.
func AppendMultiEnd(dst []byte) []byte {
	return AppendMultiHeader(dst, MultiHeader{Op: -1, Done: true, Err: -1})
}

// DecodeMultiHeader reads the header.
func DecodeMultiHeader(d *Decoder) MultiHeader {
	return MultiHeader{Op: messages.OpCode(d.Int()), Done: d.Bool(), Err: messages.ErrCode(d.Int())}
}

// MultiOp is one operation of a multi or multiRead request. Record is a CreateRequest, PathVersion,
// SetDataRequest or PathWatch.
type MultiOp struct {
	Op     messages.OpCode
	Record any
}

// multiOpSize is the least that one operation takes: its header and an empty path.
const multiOpSize = 9 + 4

// DecodeMulti reads the operations of a multi (reads false) or multiRead (reads true) up to the end header. An
// operation that doesn't belong there is malformed.
func DecodeMulti(d *Decoder, reads bool) []MultiOp {
	var ops []MultiOp
	for d.Err() == nil {
		h := DecodeMultiHeader(d)
		if h.Done || d.Err() != nil {
			return ops
		}
		if ops == nil {
			ops = make([]MultiOp, 0, min(len(d.Rest())/multiOpSize+1, 128))
		}
		ops = append(ops, MultiOp{Op: h.Op, Record: decodeMultiRecord(d, h.Op, reads)})
	}
	return ops
}

func decodeMultiRecord(d *Decoder, op messages.OpCode, reads bool) any {
	switch {
	case reads && (op == messages.OpGetData || op == messages.OpGetChildren):
		return DecodePathWatch(d)
	case reads:
	case op == messages.OpCreate, op == messages.OpCreate2, op == messages.OpCreateContainer, op == messages.OpCreateTTL:
		return DecodeCreateRequest(d, op)
	case op == messages.OpDelete:
		return DecodePathVersion(d)
	case op == messages.OpCheck:
		return DecodeCheckRequest(d)
	case op == messages.OpSetData:
		return DecodeSetDataRequest(d)
	}
	d.fail("operation %v in a multi (reads: %v)", op, reads)
	return nil
}

// AppendMulti appends the record of a multi or multiRead request.
func AppendMulti(dst []byte, ops []MultiOp) []byte {
	for _, op := range ops {
		dst = AppendMultiHeader(dst, MultiHeader{Op: op.Op, Err: -1})
		switch r := op.Record.(type) {
		case CreateRequest:
			dst = r.Append(dst, op.Op)
		case PathVersion:
			dst = r.Append(dst)
		case SetDataRequest:
			dst = r.Append(dst)
		case PathWatch:
			dst = r.Append(dst)
		}
	}
	return AppendMultiEnd(dst)
}

// MultiResult is one result of a multi or multiRead. Which fields count depends on Op; a failed one has OpError
// and Err.
type MultiResult struct {
	Op       messages.OpCode
	Err      messages.ErrCode
	Path     string
	Stat     messages.Stat
	Data     []byte
	Children []string
}

// Append appends the result with its header.
func (r *MultiResult) Append(dst []byte) []byte {
	dst = AppendMultiHeader(dst, MultiHeader{Op: r.Op, Err: r.Err})
	switch r.Op {
	case messages.OpCreate:
		return AppendString(dst, r.Path)
	case messages.OpCreate2:
		return AppendStat(AppendString(dst, r.Path), &r.Stat)
	case messages.OpSetData:
		return AppendStat(dst, &r.Stat)
	case messages.OpGetData:
		return AppendStat(AppendBuffer(dst, r.Data), &r.Stat)
	case messages.OpGetChildren:
		return AppendStrings(dst, r.Children)
	case messages.OpError:
		return AppendInt(dst, int32(r.Err))
	}
	return dst
}

// DecodeMultiResults reads the results of a multi or multiRead.
func DecodeMultiResults(d *Decoder) []MultiResult {
	var list []MultiResult
	for d.Err() == nil {
		h := DecodeMultiHeader(d)
		if h.Done || d.Err() != nil {
			return list
		}
		r := MultiResult{Op: h.Op, Err: h.Err}
		switch h.Op {
		case messages.OpCreate:
			r.Path = d.String()
		case messages.OpCreate2:
			r.Path = d.String()
			r.Stat = DecodeStat(d)
		case messages.OpSetData:
			r.Stat = DecodeStat(d)
		case messages.OpGetData:
			r.Data = d.Buffer()
			r.Stat = DecodeStat(d)
		case messages.OpGetChildren:
			r.Children = d.Strings()
		case messages.OpError:
			r.Err = messages.ErrCode(d.Int())
		case messages.OpDelete, messages.OpCheck:
		default:
			d.fail("result of type %d", h.Op)
		}
		list = append(list, r)
	}
	return list
}
