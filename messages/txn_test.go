package messages

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	genInt32  = rapid.Int32()
	genString = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "/", "/a/b", "world", "anyone", "\xff\x00 bad"}))
	genPath   = genString
	// genData keeps nil apart from empty, which a SliceOf alone would not.
	genData = rapid.OneOf(rapid.Just([]byte(nil)), rapid.Just([]byte{}), rapid.SliceOfN(rapid.Byte(), 1, 400))
	genACL  = rapid.Custom(func(t *rapid.T) ACL {
		return ACL{Perms: Perm(genInt32.Draw(t, "perms")), ID: Identity{genNone, genString.Draw(t, "scheme"), genString.Draw(t, "id")}}
	})
	genNone struct{}
)

func genACLs(t *rapid.T) []ACL {
	if rapid.IntRange(0, 19).Draw(t, "bigList") == 0 {
		return rapid.SliceOfN(genACL, 300, 400).Draw(t, "acl") // more than a msgpack array of 16 and than any first capacity
	}
	return rapid.SliceOfN(genACL, 0, 4).Draw(t, "acl")
}

func genHeader(t *rapid.T) TxnHeader {
	return TxnHeader{
		Zxid:    Zxid(rapid.Uint64().Draw(t, "zxid")),
		Time:    rapid.Int64().Draw(t, "time"),
		Session: SessionID(rapid.Int64().Draw(t, "session")),
		Xid:     genInt32.Draw(t, "xid"),
		Op:      OpCode(genInt32.Draw(t, "op")),
	}
}

// genBody draws a body of a kind that may be in a multi or, with alone, of any kind.
func genBody(t *rapid.T, alone bool) TxnBody {
	last := TxnCloseSession
	if alone {
		last = TxnMulti
	}
	switch TxnKind(rapid.Uint8Range(1, uint8(last)).Draw(t, "kind")) {
	case TxnCreate:
		return &CreateTxn{Path: genPath.Draw(t, "path"), Data: genData.Draw(t, "data"), ACL: genACLs(t),
			Owner: Owner(rapid.Uint64().Draw(t, "owner")), ParentCreates: genInt32.Draw(t, "creates")}
	case TxnDelete:
		return &DeleteTxn{Path: genPath.Draw(t, "path")}
	case TxnSetData:
		return &SetDataTxn{Path: genPath.Draw(t, "path"), Data: genData.Draw(t, "data"), Version: genInt32.Draw(t, "version")}
	case TxnSetACL:
		return &SetACLTxn{Path: genPath.Draw(t, "path"), ACL: genACLs(t), Version: genInt32.Draw(t, "version")}
	case TxnCreateSession:
		return &CreateSessionTxn{Timeout: genInt32.Draw(t, "timeout"), Password: genData.Draw(t, "password")}
	case TxnCloseSession:
		return &CloseSessionTxn{Paths: rapid.SliceOfN(genPath, 0, 40).Draw(t, "paths")}
	default:
		m := &MultiTxn{Ops: []MultiOp{}}
		for range rapid.IntRange(0, 8).Draw(t, "ops") {
			op := MultiOp{Op: OpCode(genInt32.Draw(t, "op"))}
			if rapid.Bool().Draw(t, "body") { // otherwise a check
				op.Body = genBody(t, false)
			}
			m.Ops = append(m.Ops, op)
		}
		return m
	}
}

func TestTxnRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, body := genHeader(t), genBody(t, true)
		data, err := EncodeTxn(&h, body)
		if err != nil {
			t.Fatal(err)
		}
		for cut := range data {
			if _, _, err := DecodeTxn(data[:cut]); !errors.Is(err, ErrTxnFormat) {
				t.Fatalf("%d of %d bytes decode: %v", cut, len(data), err)
			}
		}
		if _, _, err := DecodeTxn(append(data[:len(data):len(data)], 0)); !errors.Is(err, ErrTxnFormat) {
			t.Fatalf("a byte too much: %v", err)
		}
		gotHeader, gotBody, err := DecodeTxn(data)
		if err != nil {
			t.Fatal(err)
		}
		if viewHeader, view, err := ViewTxn(data); err != nil || viewHeader != h || !reflect.DeepEqual(view, body) {
			t.Fatalf("a view has %+v %#v, %v\nwant %+v %#v", viewHeader, view, err, h, body)
		}
		clear(data) // what came out must not share the bytes
		if gotHeader != h || !reflect.DeepEqual(gotBody, body) {
			t.Fatalf("got %+v %#v\nwant %+v %#v", gotHeader, gotBody, h, body)
		}
	})
}

func TestTxnEncodingIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, body := genHeader(t), genBody(t, true)
		a, _ := EncodeTxn(&h, body)
		h2, body2, err := DecodeTxn(a)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := EncodeTxn(&h2, body2); string(a) != string(b) {
			t.Fatalf("%x became %x", a, b)
		}
	})
}

func TestEncodeTxnRefusesWhatCouldNotBeRead(t *testing.T) {
	nested := &MultiTxn{Ops: []MultiOp{{Op: OpMulti, Body: &MultiTxn{}}}}
	for name, body := range map[string]TxnBody{"no body": nil, "nested multi": nested, "foreign": foreignBody{}} {
		if data, err := EncodeTxn(&TxnHeader{Zxid: 0x17}, body); err == nil || !strings.Contains(err.Error(), "0x17") {
			t.Errorf("%s: %x, %v", name, data, err)
		}
	}
}

type foreignBody struct{}

func (foreignBody) Kind() TxnKind { return 99 }

func TestDecodeTxnRefuses(t *testing.T) {
	good, err := EncodeTxn(&TxnHeader{}, &DeleteTxn{Path: "/a"})
	if err != nil {
		t.Fatal(err)
	}
	// array of 8 | version | zxid | time | session | xid | op | kind | array of 1 | "/a"
	change := func(at int, b ...byte) []byte {
		return append(append(append([]byte{}, good[:at]...), b...), good[at+1:]...)
	}
	for name, data := range map[string][]byte{
		"empty":                {},
		"seven fields":         change(0, 0x97),
		"version 2":            change(1, 2),
		"xid beyond 32 bits":   change(5, 0xd3, 0, 0, 0, 1, 0, 0, 0, 0),
		"op beyond 32 bits":    change(6, 0xd3, 0, 0, 0, 1, 0, 0, 0, 0),
		"kind 0":               change(7, 0),
		"kind 8":               change(7, 8),
		"kind 258":             change(7, 0xcd, 1, 2), // 2 in its low byte
		"body of two fields":   change(8, 0x92),
		"path of 4 GB":         append(append([]byte{}, good[:9]...), 0xdb, 0xff, 0xff, 0xff, 0xff, 'a'),
		"4 G paths":            append(append([]byte{}, good[:7]...), 6, 0x91, 0xdd, 0xff, 0xff, 0xff, 0xff, 0xa0),
		"4 G ops":              append(append([]byte{}, good[:7]...), 7, 0x91, 0xdd, 0xff, 0xff, 0xff, 0xff, 0xa0),
		"multi within a multi": append(append([]byte{}, good[:7]...), 7, 0x91, 0x91, 0x93, 14, 7, 0x91, 0x90),
		"check with a body":    append(append([]byte{}, good[:7]...), 7, 0x91, 0x91, 0x93, 13, 0, 0x91, 0xa0),
	} {
		if h, body, err := DecodeTxn(data); !errors.Is(err, ErrTxnFormat) || body != nil {
			t.Errorf("%s: %+v %#v, %v", name, h, body, err)
		}
	}
	if _, _, err := DecodeTxn(good[:5]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a cut record says %v", err)
	}
}

func FuzzDecodeTxn(f *testing.F) {
	for _, c := range benchTxns {
		data, err := EncodeTxn(&benchHeader, c.body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, body := range []TxnBody{
		&SetACLTxn{Path: "/a", ACL: WorldACL(PermRead), Version: 1},
		&CreateSessionTxn{Timeout: 6000, Password: make([]byte, PasswordLength)},
		&CloseSessionTxn{Paths: []string{"/a", "/b"}},
		&MultiTxn{Ops: []MultiOp{{Op: OpCheck}, {Op: OpDelete, Body: &DeleteTxn{Path: "/a"}}}},
	} {
		data, err := EncodeTxn(&TxnHeader{Xid: -1, Session: -5}, body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, body, err := DecodeTxn(data)
		if err != nil {
			if !errors.Is(err, ErrTxnFormat) {
				t.Fatalf("not the sentinel: %v", err)
			}
			return
		}
		again, err := EncodeTxn(&h, body)
		if err != nil {
			t.Fatalf("what was decoded can't be encoded: %v", err)
		}
		h2, body2, err := DecodeTxn(again)
		if err != nil || h2 != h || !reflect.DeepEqual(body, body2) {
			t.Fatalf("%+v %#v became %+v %#v: %v", h, body, h2, body2, err)
		}
	})
}
