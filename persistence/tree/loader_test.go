package tree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/troupekeeper/troupe/messages"
)

type rawRecord struct {
	kind byte
	data []byte
}

func (d *desk) snapshotRecords() (recs []rawRecord) {
	d.Helper()
	s := d.BeginSnapshot()
	defer s.Close()
	for done := false; !done; {
		var err error
		done, err = s.Next(func(kind byte, record []byte) error {
			recs = append(recs, rawRecord{kind, bytes.Clone(record)})
			return nil
		}, 3)
		if err != nil {
			d.Fatal(err)
		}
	}
	return recs
}

func load(recs []rawRecord) (*Tree, error) {
	l := NewLoader()
	for _, r := range recs {
		if err := l.Add(r.kind, r.data); err != nil {
			return nil, err
		}
	}
	return l.Finish()
}

func sampleDesk(t testing.TB) *desk {
	d := newDesk(t)
	d.do(9, &messages.CreateSessionTxn{Timeout: 4000, Password: []byte("0123456789abcdef")})
	d.create("/a", "data")
	d.createOwned("/a/e", messages.SessionOwner(9))
	d.createOwned("/c", messages.ContainerOwner)
	d.set("/a", "more")
	d.do(0, &messages.SetACLTxn{Path: "/a", ACL: messages.WorldACL(messages.PermRead), Version: 1})
	d.create("/zookeeper/quota/a", "")
	d.create("/zookeeper/quota/a/zookeeper_limits", "count=5,bytes=-1")
	d.create("/zookeeper/quota/a/zookeeper_stats", "")
	return d
}

func TestLoadedTree(t *testing.T) {
	d := sampleDesk(t)
	l, err := load(d.snapshotRecords())
	if err != nil {
		t.Fatal(err)
	}
	if l.Digest() != d.Digest() || l.LastZxid() != d.LastZxid() || l.DataSize() != d.DataSize() || l.EphemeralCount() != 1 {
		t.Error("the loaded tree differs")
	}
	if q, ok := l.Quota("/a/e"); !ok || q.Count != 5 || q.UsedCount != 2 {
		t.Errorf("the quota is %+v %v", q, ok)
	}
	if got := l.SweepCandidates(9000, 1, 0); len(got) != 1 || got[0] != "/c" {
		t.Errorf("containers: %q", got)
	}
}

// TestRecordsAreMsgpack reads each record with a general decoder, as a foreign tool would.
func TestRecordsAreMsgpack(t *testing.T) {
	for _, r := range sampleDesk(t).snapshotRecords() {
		var v []any
		if err := msgpack.Unmarshal(r.data, &v); err != nil || len(v) == 0 {
			t.Errorf("kind %d, % x: %v", r.kind, r.data, err)
		}
		rec, err := DecodeRecord(r.kind, r.data)
		if err != nil {
			t.Error(err)
		}
		if n, ok := rec.(*NodeRecord); ok && (string(n.Name) != v[2] || len(v) != nodeFields) {
			t.Errorf("%+v, %v", n, v)
		}
	}
}

func TestDamagedSnapshots(t *testing.T) {
	good := sampleDesk(t).snapshotRecords()
	node := func(change func(*NodeRecord)) func([]rawRecord) []rawRecord {
		return func(recs []rawRecord) []rawRecord {
			for i := range recs {
				var r NodeRecord
				if recs[i].kind == KindNode && r.decode(recs[i].data) == nil && string(r.Name) == "a" {
					change(&r)
					recs[i].data = r.encode(nil)
					break
				}
			}
			return recs
		}
	}
	for name, c := range map[string]struct {
		change func([]rawRecord) []rawRecord
		says   string
	}{
		"no header":       {func(r []rawRecord) []rawRecord { return r[1:] }, "comes first"},
		"no end":          {func(r []rawRecord) []rawRecord { return r[:len(r)-1] }, "last record is missing"},
		"nothing":         {func(r []rawRecord) []rawRecord { return nil }, "last record is missing"},
		"two headers":     {func(r []rawRecord) []rawRecord { return append(r[:1:1], r...) }, "comes after"},
		"wrong order":     {func(r []rawRecord) []rawRecord { return append(r, r[3]) }, "comes after"},
		"unknown kind":    {func(r []rawRecord) []rawRecord { return append(r[:1:1], rawRecord{77, nil}) }, "unknown"},
		"node left out":   {func(r []rawRecord) []rawRecord { return append(r[:len(r)-2:len(r)-2], r[len(r)-1]) }, "announces"},
		"node twice":      {func(r []rawRecord) []rawRecord { return append(r[:len(r)-1:len(r)-1], r[len(r)-2]) }, "twice"},
		"session twice":   {func(r []rawRecord) []rawRecord { return append(r[:4:4], r[3:]...) }, "twice"},
		"ACL twice":       {func(r []rawRecord) []rawRecord { return append(r[:2:2], r[1:]...) }, "twice"},
		"changed data":    {node(func(r *NodeRecord) { r.Data = []byte("evil") }), "digest"},
		"changed time":    {node(func(r *NodeRecord) { r.Ctime++ }), "digest"},
		"missing ACL":     {node(func(r *NodeRecord) { r.ACL = 999 }), "ACL 999"},
		"missing parent":  {node(func(r *NodeRecord) { r.Parent = 4_000_000_000 }), "only known as parents"},
		"own parent":      {node(func(r *NodeRecord) { r.Parent = r.Slot }), "no path from the root"},
		"second root":     {node(func(r *NodeRecord) { r.Slot = 0 }), "root"},
		"slash in a name": {node(func(r *NodeRecord) { r.Name = []byte("x/y") }), "name"},
		"dots as name":    {node(func(r *NodeRecord) { r.Name = []byte("..") }), "name"},
		"sibling's name":  {node(func(r *NodeRecord) { r.Name = []byte("zookeeper") }), "two children"},
		"other version":   {func(r []rawRecord) []rawRecord { r[0].data[1] = 2; return r }, "version 2"},
	} {
		recs := make([]rawRecord, len(good))
		for i, r := range good {
			recs[i] = rawRecord{r.kind, bytes.Clone(r.data)}
		}
		if _, err := load(c.change(recs)); !errors.Is(err, ErrRecord) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i, r := range good { // every record cut short or with a byte too many
		for _, data := range [][]byte{r.data[:len(r.data)-1], append(bytes.Clone(r.data), 0), nil} {
			recs := append(append(append([]rawRecord{}, good[:i]...), rawRecord{r.kind, data}), good[i+1:]...)
			if _, err := load(recs); !errors.Is(err, ErrRecord) {
				t.Errorf("record %d of kind %d with %d instead of %d bytes: %v", i, r.kind, len(data), len(r.data), err)
			}
		}
	}
}

// FuzzLoader feeds the loader with any records: each is a kind, a length of two bytes and that many bytes. What it
// accepts must make the same snapshot again.
func FuzzLoader(f *testing.F) {
	var all []byte
	for _, r := range sampleDesk(f).snapshotRecords() {
		all = append(binary.BigEndian.AppendUint16(append(all, r.kind), uint16(len(r.data))), r.data...)
		f.Add(bytes.Clone(all))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var recs []rawRecord
		for len(data) >= 3 {
			n := min(int(binary.BigEndian.Uint16(data[1:])), len(data)-3)
			recs = append(recs, rawRecord{data[0], data[3 : 3+n]})
			data = data[3+n:]
		}
		tr, err := load(recs)
		if err != nil {
			if !errors.Is(err, ErrRecord) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		again, err := load((&desk{TB: t, Tree: tr}).snapshotRecords())
		if err != nil || again.Digest() != tr.Digest() {
			t.Fatalf("%v, digest %x and %x", err, again.Digest(), tr.Digest())
		}
	})
}
