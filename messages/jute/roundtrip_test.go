package jute

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"pgregory.net/rapid"
)

var (
	genText = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "/", "/a/b", "\xff\x00"}))
	genBuf  = rapid.OneOf(rapid.Just([]byte(nil)), rapid.Just([]byte{}), rapid.SliceOfN(rapid.Byte(), 1, 100))
	genList = rapid.OneOf(rapid.Just([]string(nil)), rapid.SliceOfN(genText, 0, 5))
	genInt  = rapid.Int32()
	genLong = rapid.Int64()
	genZxid = rapid.Map(rapid.Uint64(), func(n uint64) messages.Zxid { return messages.Zxid(n) })
	genACL  = rapid.OneOf(rapid.Just([]messages.ACL(nil)), rapid.SliceOfN(rapid.Custom(func(t *rapid.T) messages.ACL {
		a := messages.ACL{Perms: messages.Perm(genInt.Draw(t, "perms"))}
		a.ID.Scheme, a.ID.ID = genText.Draw(t, "scheme"), genText.Draw(t, "id")
		return a
	}), 0, 5))
	genStat = rapid.Custom(func(t *rapid.T) messages.Stat {
		s := messages.Stat{Czxid: genZxid.Draw(t, "czxid"), Mzxid: genZxid.Draw(t, "mzxid"), Pzxid: genZxid.Draw(t, "pzxid")}
		s.Ctime, s.Mtime, s.EphemeralOwner = genLong.Draw(t, "ctime"), genLong.Draw(t, "mtime"), genLong.Draw(t, "owner")
		s.Version, s.Cversion, s.Aversion = genInt.Draw(t, "version"), genInt.Draw(t, "cversion"), genInt.Draw(t, "aversion")
		s.DataLength, s.NumChildren = genInt.Draw(t, "dataLength"), genInt.Draw(t, "numChildren")
		return s
	})
	createOps = []messages.OpCode{messages.OpCreate, messages.OpCreate2, messages.OpCreateContainer, messages.OpCreateTTL}
)

// check asserts that bytes give the record back, with nothing left, and that no proper part of them is a record.
func check(t *rapid.T, want any, data []byte, decode func(*Decoder) any) {
	d := NewDecoder(append(bytes.Clone(data), 0xab))
	if got := decode(&d); d.Err() != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %#v\nwant %#v (%v)", got, want, d.Err())
	}
	if rest := d.Rest(); !bytes.Equal(rest, []byte{0xab}) {
		t.Fatalf("%T: %x left over", want, rest)
	}
	for cut := range data {
		d := NewDecoder(bytes.Clone(data[:cut]))
		if decode(&d); !errors.Is(d.Err(), ErrMalformed) {
			t.Fatalf("%T: %d of %d bytes are enough: %v", want, cut, len(data), d.Err())
		}
	}
}

func genCreate(t *rapid.T, op messages.OpCode) CreateRequest {
	r := CreateRequest{Path: genText.Draw(t, "path"), Data: genBuf.Draw(t, "data"), ACL: genACL.Draw(t, "acl"),
		Flags: genInt.Draw(t, "flags"), TTL: -1}
	if op == messages.OpCreateTTL {
		r.TTL = genLong.Draw(t, "ttl")
	}
	return r
}

func TestNodeRecordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := rapid.SampledFrom(createOps).Draw(t, "op")
		create := genCreate(t, op)
		check(t, create, create.Append(nil, op), func(d *Decoder) any { return DecodeCreateRequest(d, op) })
		path := PathVersion{genText.Draw(t, "path"), genInt.Draw(t, "version")}
		check(t, path, path.Append(nil), func(d *Decoder) any { return DecodePathVersion(d) })
		set := SetDataRequest{genText.Draw(t, "path"), genBuf.Draw(t, "data"), genInt.Draw(t, "version")}
		check(t, set, set.Append(nil), func(d *Decoder) any { return DecodeSetDataRequest(d) })
		acl := SetACLRequest{genText.Draw(t, "path"), genACL.Draw(t, "acl"), genInt.Draw(t, "version")}
		check(t, acl, acl.Append(nil), func(d *Decoder) any { return DecodeSetACLRequest(d) })
		watch := PathWatch{[]byte(genText.Draw(t, "path")), rapid.Bool().Draw(t, "watch")}
		check(t, watch, watch.Append(nil), func(d *Decoder) any { return DecodePathWatch(d) })
		stat := genStat.Draw(t, "stat")
		data := AppendStat(nil, &stat)
		check(t, stat, data, func(d *Decoder) any { return DecodeStat(d) })
		if len(data) != StatSize {
			t.Fatalf("a Stat of %d bytes", len(data))
		}
	})
}

func TestWatchRecordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sets := SetWatches{RelativeZxid: genZxid.Draw(t, "zxid"), Data: genList.Draw(t, "data"),
			Exist: genList.Draw(t, "exist"), Child: genList.Draw(t, "child")}
		check(t, sets, sets.Append(nil, messages.OpSetWatches),
			func(d *Decoder) any { return DecodeSetWatches(d, messages.OpSetWatches) })
		sets.Persistent, sets.PersistentRecursive = genList.Draw(t, "persistent"), genList.Draw(t, "recursive")
		check(t, sets, sets.Append(nil, messages.OpSetWatches2),
			func(d *Decoder) any { return DecodeSetWatches(d, messages.OpSetWatches2) })
		mode := PathMode{genText.Draw(t, "path"), genInt.Draw(t, "mode")}
		check(t, mode, mode.Append(nil), func(d *Decoder) any { return DecodePathMode(d) })
		auth := AuthPacket{genInt.Draw(t, "type"), genText.Draw(t, "scheme"), genBuf.Draw(t, "auth")}
		check(t, auth, auth.Append(nil), func(d *Decoder) any { return DecodeAuthPacket(d) })
		members := rapid.Ptr(genText, true).Draw(t, "new")
		reconfig := ReconfigRequest{genText.Draw(t, "join"), genText.Draw(t, "leave"), members, genLong.Draw(t, "id")}
		check(t, reconfig, reconfig.Append(nil), func(d *Decoder) any { return DecodeReconfigRequest(d) })
		event := WatcherEvent{messages.EventType(genInt.Draw(t, "type")), genInt.Draw(t, "state"), genText.Draw(t, "path")}
		check(t, event, event.Append(nil), func(d *Decoder) any { return DecodeWatcherEvent(d) })
	})
}

func TestHeadersRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		request := RequestHeader{genInt.Draw(t, "xid"), messages.OpCode(genInt.Draw(t, "op"))}
		check(t, request, AppendRequestHeader(nil, request), func(d *Decoder) any { return DecodeRequestHeader(d) })
		reply := ReplyHeader{genInt.Draw(t, "xid"), genZxid.Draw(t, "zxid"), messages.ErrCode(genInt.Draw(t, "err"))}
		check(t, reply, AppendReplyHeader(nil, reply), func(d *Decoder) any { return DecodeReplyHeader(d) })
		multi := MultiHeader{messages.OpCode(genInt.Draw(t, "op")), rapid.Bool().Draw(t, "done"), messages.ErrCode(genInt.Draw(t, "err"))}
		check(t, multi, AppendMultiHeader(nil, multi), func(d *Decoder) any { return DecodeMultiHeader(d) })
	})
}

func TestConnectRecordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		has := rapid.Bool().Draw(t, "hasReadOnly")
		ask := ConnectRequest{genInt.Draw(t, "version"), genZxid.Draw(t, "zxid"), genInt.Draw(t, "timeout"),
			messages.SessionID(genLong.Draw(t, "session")), genBuf.Draw(t, "password"), has && rapid.Bool().Draw(t, "readOnly"), has}
		if got, err := DecodeConnectRequest(ask.Append(nil)); err != nil || !reflect.DeepEqual(got, ask) {
			t.Fatalf("%#v became %#v (%v)", ask, got, err)
		}
		say := ConnectResponse{ask.ProtocolVersion, ask.Timeout, ask.Session, ask.Password, ask.ReadOnly, has}
		if got, err := DecodeConnectResponse(say.Append(nil)); err != nil || !reflect.DeepEqual(got, say) {
			t.Fatalf("%#v became %#v (%v)", say, got, err)
		}
	})
}

func TestMultiRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reads := rapid.Bool().Draw(t, "reads")
		ops := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) MultiOp { return genMultiOp(t, reads) }), 1, 6).Draw(t, "ops")
		check(t, ops, AppendMulti(nil, ops), func(d *Decoder) any { return DecodeMulti(d, reads) })
	})
}

func genMultiOp(t *rapid.T, reads bool) MultiOp {
	path := genText.Draw(t, "path")
	if reads {
		op := rapid.SampledFrom([]messages.OpCode{messages.OpGetData, messages.OpGetChildren}).Draw(t, "op")
		return MultiOp{op, PathWatch{[]byte(path), rapid.Bool().Draw(t, "watch")}}
	}
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		op := rapid.SampledFrom(createOps).Draw(t, "op")
		return MultiOp{op, genCreate(t, op)}
	case 1:
		op := rapid.SampledFrom([]messages.OpCode{messages.OpDelete, messages.OpCheck}).Draw(t, "op")
		return MultiOp{op, PathVersion{path, genInt.Draw(t, "version")}}
	}
	return MultiOp{messages.OpSetData, SetDataRequest{path, genBuf.Draw(t, "data"), genInt.Draw(t, "version")}}
}

func TestMultiResultsRoundTrip(t *testing.T) {
	gen := rapid.Custom(func(t *rapid.T) MultiResult {
		r := MultiResult{Op: rapid.SampledFrom([]messages.OpCode{messages.OpCreate, messages.OpCreate2, messages.OpSetData,
			messages.OpGetData, messages.OpGetChildren, messages.OpError, messages.OpDelete, messages.OpCheck}).Draw(t, "op")}
		switch r.Op {
		case messages.OpError:
			r.Err = messages.ErrCode(genInt.Draw(t, "err"))
		case messages.OpCreate:
			r.Path = genText.Draw(t, "path")
		case messages.OpCreate2:
			r.Path, r.Stat = genText.Draw(t, "path"), genStat.Draw(t, "stat")
		case messages.OpSetData:
			r.Stat = genStat.Draw(t, "stat")
		case messages.OpGetData:
			r.Data, r.Stat = genBuf.Draw(t, "data"), genStat.Draw(t, "stat")
		case messages.OpGetChildren:
			r.Children = genList.Draw(t, "children")
		}
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		results := rapid.SliceOfN(gen, 1, 6).Draw(t, "results")
		var data []byte
		for i := range results {
			data = results[i].Append(data)
		}
		check(t, results, AppendMultiEnd(data), func(d *Decoder) any { return DecodeMultiResults(d) })
	})
}

// TestNullIsNotEmpty pins what null means where: a value of its own for buffers and vectors, an error for paths.
func TestNullIsNotEmpty(t *testing.T) {
	null := AppendInt(nil, -1)
	d := NewDecoder(append(null, AppendBuffer(nil, []byte{})...))
	if a, b := d.Buffer(), d.Buffer(); a != nil || b == nil || d.Err() != nil {
		t.Errorf("null gives %#v, empty %#v: %v", a, b, d.Err())
	}
	d = NewDecoder(append(null, AppendStrings(nil, []string{})...))
	if a, b := d.Strings(), d.Strings(); a != nil || b == nil || d.Err() != nil {
		t.Errorf("null gives %#v, empty %#v: %v", a, b, d.Err())
	}
	acl := AppendString(AppendInt(AppendInt(AppendInt(nil, 1), 31), -1), "x") // one entry with a null scheme
	d = NewDecoder(acl)
	if list := DecodeACL(&d); d.Err() != nil || len(list) != 1 || list[0].ID.Scheme != "" || list[0].ID.ID != "x" {
		t.Errorf("a null scheme gives %+v: %v", list, d.Err())
	}
	d = NewDecoder(null)
	if DecodePath(&d); !errors.Is(d.Err(), ErrMalformed) {
		t.Errorf("a null path gives %v", d.Err())
	}
	d = NewDecoder(null)
	if p := DecodePrefix(&d); p != nil || d.Err() != nil {
		t.Errorf("a null prefix gives %q, %v", p, d.Err())
	}
}

// TestHugeLengthsAllocateNothing feeds each decoder with lengths of 2 GB in every place that may be one.
func TestHugeLengthsAllocateNothing(t *testing.T) {
	huge := bytes.Repeat([]byte{0x7f, 0xff, 0xff, 0xff}, 32)
	for op, c := range requestCodecs {
		for skip := range 24 {
			data := append(make([]byte, skip), huge...)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			d := NewDecoder(data)
			c(&d)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
				t.Errorf("%v with %d bytes in front allocates %d bytes", op, skip, got)
			}
		}
	}
}
