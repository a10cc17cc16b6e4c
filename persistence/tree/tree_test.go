package tree

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// desk is a tree with short words for transactions. Each is at time 1000 + its zxid's counter.
type desk struct {
	testing.TB
	*Tree
	out Result
}

func newDesk(t testing.TB) *desk { return &desk{TB: t, Tree: New()} }

func (d *desk) try(session messages.SessionID, body messages.TxnBody) error {
	z := d.LastZxid() + 1
	return d.Apply(&messages.TxnHeader{Zxid: z, Time: 1000 + int64(z), Session: session}, body, &d.out)
}

func (d *desk) do(session messages.SessionID, body messages.TxnBody) {
	d.Helper()
	if err := d.try(session, body); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) createTxn(path, data string) *messages.CreateTxn {
	n, _ := d.LookupString(messages.ParentPath(path))
	creates := int32(1)
	if n.t != nil {
		creates += n.Creates()
	}
	return &messages.CreateTxn{Path: path, Data: []byte(data), ACL: messages.WorldACL(messages.PermAll), ParentCreates: creates}
}

func (d *desk) create(path, data string) { d.Helper(); d.do(0, d.createTxn(path, data)) }

func (d *desk) createOwned(path string, owner messages.Owner) {
	d.Helper()
	b := d.createTxn(path, "")
	b.Owner = owner
	d.do(0, b)
}

func (d *desk) remove(path string) { d.Helper(); d.do(0, &messages.DeleteTxn{Path: path}) }

func (d *desk) set(path, data string) {
	d.Helper()
	n := d.node(path)
	d.do(0, &messages.SetDataTxn{Path: path, Data: []byte(data), Version: n.Version() + 1})
}

func (d *desk) node(path string) Node {
	d.Helper()
	n, ok := d.LookupString(path)
	if !ok {
		d.Fatalf("%s is missing", path)
	}
	return n
}

func TestInitialTree(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		path               string
		cversion, aversion int32
		children           int
		perms              messages.Perm
	}{
		{"/", -1, 0, 1, messages.PermAll},
		{"/zookeeper", -2, 0, 2, messages.PermAll},
		{"/zookeeper/quota", 0, 0, 0, messages.PermAll},
		{"/zookeeper/config", 0, -1, 0, messages.PermRead},
	} {
		n := d.node(c.path)
		want := messages.Stat{Cversion: c.cversion, Aversion: c.aversion, NumChildren: int32(c.children)}
		if n.Stat() != want || n.Data() == nil || len(n.Data()) != 0 || !slices.Equal(n.ACL(), messages.WorldACL(c.perms)) {
			t.Errorf("%s: %+v, data %v, %v", c.path, n.Stat(), n.Data(), n.ACL())
		}
	}
	if n, _ := d.Descendants([]byte("/")); n != 3 || d.NodeCount() != 5 || d.DataSize() != 44 || d.LastZxid() != 0 {
		t.Errorf("%d below the root, %d nodes, %d bytes, zxid %v", n, d.NodeCount(), d.DataSize(), d.LastZxid())
	}
	if New().Digest() != d.Digest() {
		t.Error("two new trees have different digests")
	}
}

func TestLookupOfMalformedPaths(t *testing.T) {
	d := newDesk(t)
	d.create("/a", "")
	d.create("/a/b", "x")
	for path, found := range map[string]bool{
		"": true, "/": true, "/a": true, "/a/b": true,
		"a": false, "/a/": false, "//": false, "//a": false, "/a//b": false, "/a/b/": false, "/a/./b": false, "/a/../a": false,
		"/a\x00": false, "/A": false, "/a/b/c": false, "x": false, "/\xff": false,
	} {
		if n, ok := d.Lookup([]byte(path)); ok != found {
			t.Errorf("%q: found %v", path, ok)
		} else if ok && path != "" && n.Path() != path {
			t.Errorf("%q has the path %q", path, n.Path())
		}
	}
	if allocs := testing.AllocsPerRun(100, func() { d.Lookup([]byte("/a/b")) }); allocs != 0 {
		t.Errorf("a lookup allocates %v times", allocs)
	}
}

// TestBrokenTransactions checks that each is refused and leaves no trace, not even of a multi's first operations.
func TestBrokenTransactions(t *testing.T) {
	d := newDesk(t)
	d.do(7, &messages.CreateSessionTxn{Timeout: 1000})
	d.create("/a", "1")
	d.create("/a/b", "2")
	multi := func(ops ...messages.TxnBody) *messages.MultiTxn {
		m := &messages.MultiTxn{}
		for _, b := range ops {
			m.Ops = append(m.Ops, messages.MultiOp{Body: b})
		}
		return m
	}
	missing, full, exists := &messages.DeleteTxn{Path: "/x"}, &messages.DeleteTxn{Path: "/a"}, d.createTxn("/a/b", "")
	for name, c := range map[string]struct {
		body messages.TxnBody
		says string
	}{
		"create of an existing node":  {exists, "exists"},
		"create of the root":          {d.createTxn("/", ""), "not a path"},
		"create without parent":       {d.createTxn("/x/y", ""), "parent is missing"},
		"create with a bad path":      {d.createTxn("/a/", ""), "not a path"},
		"delete of nothing":           {missing, "missing"},
		"delete of a full node":       {full, "1 children"},
		"delete of a built-in node":   {&messages.DeleteTxn{Path: "/zookeeper/quota"}, "every tree has"},
		"delete of the root":          {&messages.DeleteTxn{Path: ""}, "every tree has"},
		"setData of nothing":          {&messages.SetDataTxn{Path: "/x"}, "missing"},
		"setACL of nothing":           {&messages.SetACLTxn{Path: "/x"}, "missing"},
		"a session that is open":      {&messages.CreateSessionTxn{Timeout: 5}, "open already"},
		"no body":                     {nil, "body of type"},
		"multi: last one missing":     {multi(d.createTxn("/n", ""), missing), "operation 1 of 2"},
		"multi: full by itself":       {multi(d.createTxn("/n", ""), d.createTxn("/n/c", ""), &messages.DeleteTxn{Path: "/n"}), "1 children"},
		"multi: create twice":         {multi(d.createTxn("/n", ""), d.createTxn("/n", "")), "exists"},
		"multi: delete twice":         {multi(&messages.DeleteTxn{Path: "/a/b"}, &messages.DeleteTxn{Path: "/a/b"}), "missing"},
		"multi: set what is gone":     {multi(&messages.DeleteTxn{Path: "/a/b"}, &messages.SetDataTxn{Path: "/a/b"}), "missing"},
		"multi: below what is gone":   {multi(&messages.DeleteTxn{Path: "/a/b"}, d.createTxn("/a/b/c", "")), "parent is missing"},
		"multi: built-in":             {multi(&messages.DeleteTxn{Path: "/zookeeper/config"}), "every tree has"},
		"multi: bad path":             {multi(d.createTxn("//", "")), "not a path"},
		"multi: another multi within": {multi(multi()), "body of type"},
	} {
		digest, count := d.Digest(), d.NodeCount()
		err := d.try(7, c.body)
		if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if d.Digest() != digest || d.NodeCount() != count || d.LastZxid() != 3 || len(d.out.Changes)+len(d.out.Ops) > 0 {
			t.Errorf("%s left a trace", name)
		}
	}
	for _, z := range []messages.Zxid{0, 3, 5, messages.MakeZxid(1, 0), messages.MakeZxid(1, 2)} {
		if err := d.Apply(&messages.TxnHeader{Zxid: z}, d.createTxn("/z", ""), &d.out); !errors.Is(err, ErrBroken) {
			t.Errorf("zxid %v after 3: %v", z, err)
		}
	}
	if err := d.Apply(&messages.TxnHeader{Zxid: messages.MakeZxid(2, 1)}, d.createTxn("/z", ""), &d.out); err != nil {
		t.Error(err)
	}
}

func TestMultiTellsEachStep(t *testing.T) {
	d := newDesk(t)
	d.create("/a", "")
	create := d.createTxn("/a/n", "12")
	d.do(0, &messages.MultiTxn{Ops: []messages.MultiOp{
		{Op: messages.OpCreate2, Body: create},
		{Op: messages.OpCheck},
		{Op: messages.OpSetData, Body: &messages.SetDataTxn{Path: "/a/n", Data: []byte("123"), Version: 1}},
		{Op: messages.OpDelete, Body: &messages.DeleteTxn{Path: "/a/n"}},
	}})
	ops := d.out.Ops
	if len(ops) != 4 || ops[0].Stat.DataLength != 2 || ops[0].Stat.Version != 0 || ops[2].Stat.DataLength != 3 ||
		ops[2].Stat.Version != 1 || ops[1] != (OpResult{Op: messages.OpCheck}) || ops[3] != (OpResult{Op: messages.OpDelete, Path: "/a/n"}) {
		t.Errorf("%+v", ops)
	}
	var events []messages.EventType
	for _, c := range d.out.Changes {
		events = append(events, c.Event)
	}
	if !slices.Equal(events, []messages.EventType{messages.EventNodeCreated, messages.EventNodeDataChanged, messages.EventNodeDeleted}) {
		t.Errorf("events %v", events)
	}
	if st := d.node("/a").Stat(); st.Cversion != 2 || st.NumChildren != 0 || st.Pzxid != 2 || d.LastZxid() != 2 {
		t.Errorf("the parent: %+v", st)
	}
	d.do(0, &messages.MultiTxn{})
	if len(d.out.Ops) != 0 {
		t.Error("results of an empty multi")
	}
}

func TestCloseSessionDeletesWhatIsListedAndItsOwn(t *testing.T) {
	d := newDesk(t)
	for _, s := range []messages.SessionID{5, 6} {
		d.do(s, &messages.CreateSessionTxn{Timeout: int32(s) * 1000, Password: []byte("secret")})
		if d.out.Session != (messages.SessionInfo{Session: s, Timeout: int32(s) * 1000}) {
			t.Fatalf("%+v", d.out.Session)
		}
	}
	d.create("/a", "")
	d.createOwned("/a/e1", messages.SessionOwner(5))
	d.createOwned("/a/e2", messages.SessionOwner(5))
	d.createOwned("/a/e3", messages.SessionOwner(5))
	d.createOwned("/a/f", messages.SessionOwner(6))
	if st := d.node("/a/e1").Stat(); st.EphemeralOwner != 5 {
		t.Errorf("the owner is %d", st.EphemeralOwner)
	}
	if !slices.Equal(d.Ephemerals(5), []string{"/a/e1", "/a/e2", "/a/e3"}) || d.EphemeralCount() != 4 ||
		!slices.Equal(d.EphemeralOwners(), []messages.SessionID{5, 6}) {
		t.Errorf("%q %v", d.Ephemerals(5), d.EphemeralOwners())
	}
	d.do(5, &messages.CloseSessionTxn{Paths: []string{"/a/e3", "/a/f", "/a/gone", "/a", "/", "/a/e1"}})
	if d.out.Closed != 5 || len(d.out.Changes) != 2 || d.out.Changes[0].Path != "/a/e3" || d.out.Changes[1].Path != "/a/e1" {
		t.Errorf("%+v", d.out)
	}
	if names := d.node("/a").AppendChildren(nil); !slices.Equal(names, []string{"e2", "f"}) {
		t.Errorf("left: %q", names)
	}
	if st := d.node("/a").Stat(); st.Pzxid != d.LastZxid() || st.Cversion != 6 {
		t.Errorf("%+v", st)
	}
	if _, ok := d.Session(5); ok || !slices.Equal(d.Sessions(), []messages.SessionInfo{{Session: 6, Timeout: 6000}}) {
		t.Errorf("open: %v", d.Sessions())
	}
	d.do(5, &messages.CloseSessionTxn{}) // again: nothing
	if s, _ := d.Session(6); string(s.Password) != "secret" {
		t.Error("the password is lost")
	}
}

func TestSweepCandidates(t *testing.T) {
	d := newDesk(t)
	d.createOwned("/used", messages.ContainerOwner) // made at 1001, in milliseconds
	d.create("/used/c", "")
	d.createOwned("/never", messages.ContainerOwner) // 1003
	d.createOwned("/ttl", messages.TTLOwner(50))     // 1004
	d.create("/ttl/c", "")
	d.createOwned("/ttl2", messages.TTLOwner(10)) // 1006
	want := func(now, neverUsed int64, limit int, paths ...string) {
		t.Helper()
		if got := d.SweepCandidates(now, neverUsed, limit); !slices.Equal(got, paths) {
			t.Errorf("at %d: %q, want %q", now, got, paths)
		}
	}
	want(1016, 0, 0)
	want(1017, 0, 0, "/ttl2")
	want(1017, 14, 0, "/ttl2")
	want(1018, 14, 0, "/never", "/ttl2")
	d.remove("/used/c")
	d.remove("/ttl/c")
	want(1054, 0, 0, "/ttl2", "/used")
	want(1055, 0, 0, "/ttl", "/ttl2", "/used")
	want(1055, 0, 1, "/used")
	d.set("/ttl2", "") // the clock starts again
	want(1012, 0, 0, "/used")
	d.remove("/used")
	want(1012, 0, 0)
	if st := d.node("/ttl").Stat(); st.EphemeralOwner != 0 {
		t.Error("a client must not see the marker")
	}
}

// TestArenaGivesBack has a few nodes that stay among many changes; blocks must not be kept because of them.
func TestArenaGivesBack(t *testing.T) {
	d := newDesk(t)
	d.create("/hot", "")
	big := strings.Repeat("x", 3000)
	for i := range 2000 {
		if i%100 == 0 {
			d.create("/stay"+string(rune('a'+i/100)), "y")
		}
		d.set("/hot", big)
	}
	blocks, live := 0, 0
	for _, b := range d.arena.blocks {
		if b.buf != nil {
			blocks, live = blocks+1, live+b.live
		}
	}
	want := 0
	d.walk(rootSlot, func(s uint32) { want += d.arena.get(d.nodes.at(s).ref).size })
	if blocks > 3 || live != want {
		t.Errorf("%d blocks, %d bytes live, want %d", blocks, live, want)
	}
	for i := range 20 {
		d.remove("/stay" + string(rune('a'+i)))
	}
}

// TestDeletedNodesGiveBack grows and empties a directory; slots, index and ACLs must be free again.
func TestDeletedNodesGiveBack(t *testing.T) {
	d := newDesk(t)
	d.create("/d", "")
	for round := range 3 {
		for i := range 20000 {
			b := d.createTxn("/d/"+string(rune(0x4e00+i)), "some data")
			b.ACL = []messages.ACL{{Perms: messages.Perm(i%100 + round), ID: messages.Identity{Scheme: "digest", ID: "u"}}}
			d.do(0, b)
		}
		if n, _ := d.Descendants([]byte("/d")); n != 20000 {
			t.Fatalf("%d descendants", n)
		}
		d.node("/d").EachChild(func(name []byte) {})
		for _, name := range d.node("/d").AppendChildren(nil) {
			d.remove("/d/" + name)
		}
	}
	chunks, places := 0, 0
	for _, c := range d.nodes.items {
		if c != nil {
			chunks++
		}
	}
	for i := range d.index.segments {
		places += len(d.index.segments[i].places)
	}
	acls := len(d.acls.entries) - len(d.acls.vacant)
	if chunks > 1+maxSpareChunks || len(d.nodes.items) > 25 || places > 20000 || acls != 2 || len(d.acls.byHash) != 2 {
		t.Errorf("%d of %d chunks, %d index places, %d ACLs", chunks, len(d.nodes.items), places, acls)
	}
	if d.node("/d").Creates() != 60000 {
		t.Error("the count of creates is lost")
	}
}

// TestSnapshotBesideWriter takes a snapshot on one goroutine while another writes; the race detector watches.
func TestSnapshotBesideWriter(t *testing.T) {
	s := NewShared(New())
	var d *desk
	var image *Snapshot
	s.Write(func(tr *Tree) {
		d = &desk{TB: t, Tree: tr}
		for i := range 2000 {
			d.create("/n"+string(rune(0x4e00+i)), "first")
		}
		image = tr.BeginSnapshot()
	})
	want := image.end.Digest
	finished := make(chan *Tree)
	go func() {
		l := NewLoader()
		for done := false; !done; {
			s.Read(func(*Tree) {
				var err error
				if done, err = image.Next(l.Add, 50); err != nil {
					t.Error(err)
				}
			})
		}
		loaded, err := l.Finish()
		if err != nil {
			t.Error(err)
		}
		finished <- loaded
	}()
	for i := 0; ; i++ {
		select {
		case loaded := <-finished:
			s.Write(func(*Tree) { image.Close() })
			if loaded == nil || loaded.Digest() != want || loaded.LastZxid() != 2000 {
				t.Error("the snapshot is not the tree as it was")
			}
			return
		default:
		}
		s.Write(func(*Tree) {
			path := "/n" + string(rune(0x4e00+i%2000))
			switch _, ok := d.LookupString(path); {
			case !ok:
				d.create(path, "again")
			case i%3 == 0:
				d.remove(path)
			default:
				d.set(path, "second")
			}
		})
	}
}

func TestShared(t *testing.T) {
	s := NewShared(New())
	s.Write(func(tr *Tree) {
		d := &desk{TB: t, Tree: tr}
		d.create("/a", "x")
	})
	s.Read(func(tr *Tree) {
		if _, ok := tr.LookupString("/a"); !ok || tr != s.Own() {
			t.Error("a reader doesn't see the write")
		}
	})
	if s.LastZxid() != 1 {
		t.Errorf("zxid %v", s.LastZxid())
	}
}
