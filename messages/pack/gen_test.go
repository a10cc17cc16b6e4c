package pack

import (
	"reflect"

	"github.com/troupekeeper/troupe/messages"
	"pgregory.net/rapid"
)

// genMessage draws a message of the given type, any field of it: extreme numbers, nil and empty kept apart.
func genMessage(t *rapid.T, typ reflect.Type) any {
	if reflect.PointerTo(typ).Implements(txnBody) {
		return genTxn(t, typ)
	}
	v := reflect.New(typ).Elem()
	genValue(t, v)
	return v.Interface()
}

func genValue(t *rapid.T, v reflect.Value) {
	if p, ok := v.Addr().Interface().(*messages.Proposal); ok {
		genProposal(t, p)
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(t, "int32")))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int64"))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Uint8().Draw(t, "uint8")))
	case reflect.Uint32:
		v.SetUint(uint64(rapid.Uint32().Draw(t, "uint32")))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint64"))
	case reflect.String:
		v.SetString(genText.Draw(t, "string"))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "pointer") {
			v.Set(reflect.New(v.Type().Elem()))
			genValue(t, v.Elem())
		}
	case reflect.Slice:
		if rapid.IntRange(0, 4).Draw(t, "nil") == 0 {
			return
		}
		n := rapid.IntRange(0, 3).Draw(t, "length")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes"))
			return
		}
		for i := range n {
			genValue(t, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				genValue(t, v.Field(i))
			}
		}
	default:
		t.Fatalf("nothing to draw for %v", v.Type())
	}
}

var genText = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "/a/b", "\xff"}))

func genProposal(t *rapid.T, p *messages.Proposal) {
	h := messages.TxnHeader{
		Zxid: messages.Zxid(rapid.Uint64().Draw(t, "zxid")), Time: rapid.Int64().Draw(t, "time"),
		Session: messages.SessionID(rapid.Int64().Draw(t, "session")), Xid: rapid.Int32().Draw(t, "xid"),
		Op: messages.OpCode(rapid.Int32().Draw(t, "op")),
	}
	typ := rapid.SampledFrom(txnTypes).Draw(t, "kind")
	p.Header, p.Body, p.Ticket = h, genTxn(t, typ), messages.Ticket(rapid.Uint64().Draw(t, "ticket"))
	p.Origin = messages.ServerID(rapid.Uint8().Draw(t, "origin"))
	data, err := messages.EncodeTxn(&h, p.Body)
	if err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	p.Encoded = data
}

var txnTypes = []reflect.Type{
	reflect.TypeFor[messages.CreateTxn](), reflect.TypeFor[messages.DeleteTxn](), reflect.TypeFor[messages.SetDataTxn](),
	reflect.TypeFor[messages.SetACLTxn](), reflect.TypeFor[messages.CreateSessionTxn](),
	reflect.TypeFor[messages.CloseSessionTxn](), reflect.TypeFor[messages.MultiTxn](),
}

// genTxn draws a transaction body, whose lists are never nil: nil and empty ones have one encoding.
func genTxn(t *rapid.T, typ reflect.Type) messages.TxnBody {
	if typ == reflect.TypeFor[messages.MultiTxn]() {
		m := &messages.MultiTxn{Ops: []messages.MultiOp{}}
		for range rapid.IntRange(0, 3).Draw(t, "ops") {
			op := messages.MultiOp{Op: messages.OpCode(rapid.Int32().Draw(t, "op"))}
			if rapid.Bool().Draw(t, "body") {
				op.Body = genTxn(t, rapid.SampledFrom(txnTypes[:len(txnTypes)-1]).Draw(t, "kind"))
			}
			m.Ops = append(m.Ops, op)
		}
		return m
	}
	v := reflect.New(typ)
	genValue(t, v.Elem())
	body := v.Interface().(messages.TxnBody)
	switch b := body.(type) {
	case *messages.CreateTxn:
		b.ACL = append([]messages.ACL{}, b.ACL...)
	case *messages.SetACLTxn:
		b.ACL = append([]messages.ACL{}, b.ACL...)
	case *messages.CloseSessionTxn:
		b.Paths = append([]string{}, b.Paths...)
	}
	return body
}
