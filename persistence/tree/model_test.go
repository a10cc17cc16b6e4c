package tree

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/troupekeeper/troupe/messages"
)

// model is the tree as one would write it without a thought for speed: a map from path to node. The rules are the
// same ones, stated a second time.
type model struct {
	zxid     messages.Zxid
	nodes    map[string]*modelNode
	sessions map[messages.SessionID]Session
}

type modelNode struct {
	data    []byte
	acl     []messages.ACL
	owner   messages.Owner
	stat    messages.Stat // Cversion, DataLength, NumChildren and EphemeralOwner are computed
	creates int32
}

func newModel() *model {
	m := &model{nodes: map[string]*modelNode{}, sessions: map[messages.SessionID]Session{}}
	for _, p := range []string{"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"} {
		m.nodes[p] = &modelNode{data: []byte{}, acl: messages.WorldACL(messages.PermAll)}
	}
	m.nodes["/zookeeper/config"].acl = messages.WorldACL(messages.PermRead)
	m.nodes["/zookeeper/config"].stat.Aversion = -1
	return m
}

func (m *model) clone() *model {
	c := &model{zxid: m.zxid, nodes: map[string]*modelNode{}, sessions: maps.Clone(m.sessions)}
	for p, n := range m.nodes {
		copied := *n
		c.nodes[p] = &copied
	}
	return c
}

func (m *model) children(path string) []string {
	var names []string
	for p := range m.nodes {
		if p != "/" && messages.ParentPath(p) == path {
			names = append(names, messages.BaseName(p))
		}
	}
	slices.Sort(names)
	return names
}

func (m *model) stat(path string) messages.Stat {
	n := m.nodes[path]
	st := n.stat
	st.NumChildren = int32(len(m.children(path)))
	st.Cversion = 2*n.creates - st.NumChildren
	st.DataLength = int32(len(n.data))
	st.EphemeralOwner = int64(n.owner.Session())
	return st
}

func (m *model) ephemerals(id messages.SessionID) []string {
	var out []string
	for p, n := range m.nodes {
		if n.owner.IsEphemeral() && n.owner.Session() == id {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// quotaRoot is the deepest path with a limits node that path is under.
func (m *model) quotaRoot(path string) string {
	for ; path != "/"; path = messages.ParentPath(path) {
		if m.nodes["/zookeeper/quota"+path+"/zookeeper_limits"] != nil {
			return path
		}
	}
	return ""
}

func (m *model) used(root string) (count, size int) {
	for p, n := range m.nodes {
		if root == "" || messages.HasPathPrefix(p, root) {
			count, size = count+1, size+len(n.data)
		}
	}
	return count, size
}

// adjust does with strings what the tree does with its fields; only plain statistics occur in the test.
func (m *model) adjust(path string, count, size int) {
	root := m.quotaRoot(path)
	n := m.nodes["/zookeeper/quota"+root+"/zookeeper_stats"]
	if root == "" || n == nil || count == 0 && size == 0 {
		return
	}
	var c, b int
	if k, _ := fmt.Sscanf(string(n.data), "count=%d,bytes=%d", &c, &b); k == 2 {
		n.data = fmt.Appendf(nil, "count=%d,bytes=%d", c+count, b+size)
	} else {
		n.data = fmt.Appendf(nil, "count=%d,bytes=%d", -1+count, -1+size)
	}
}

func (m *model) apply(h *messages.TxnHeader, body messages.TxnBody) {
	switch b := body.(type) {
	case *messages.CreateTxn:
		m.nodes[b.Path] = &modelNode{data: b.Data, acl: b.ACL, owner: b.Owner, stat: messages.Stat{
			Czxid: h.Zxid, Mzxid: h.Zxid, Pzxid: h.Zxid, Ctime: h.Time, Mtime: h.Time}}
		parent := m.nodes[messages.ParentPath(b.Path)]
		parent.creates, parent.stat.Pzxid = max(parent.creates, b.ParentCreates), h.Zxid
		if root, ok := strings.CutSuffix(b.Path, "/zookeeper_stats"); ok && strings.HasPrefix(root, "/zookeeper/quota") {
			count, size := 0, 0
			if root = strings.TrimPrefix(root, "/zookeeper/quota"); root == "" || m.nodes[root] != nil {
				count, size = m.used(root)
			}
			m.nodes[b.Path].data = fmt.Appendf(nil, "count=%d,bytes=%d", count, size)
		}
		m.adjust(b.Path, 1, len(b.Data))
	case *messages.DeleteTxn:
		size := len(m.nodes[b.Path].data)
		delete(m.nodes, b.Path)
		m.nodes[messages.ParentPath(b.Path)].stat.Pzxid = h.Zxid
		m.adjust(b.Path, -1, -size)
	case *messages.SetDataTxn:
		n := m.nodes[b.Path]
		diff := len(b.Data) - len(n.data)
		n.data, n.stat.Mzxid, n.stat.Mtime, n.stat.Version = b.Data, h.Zxid, h.Time, b.Version
		m.adjust(b.Path, 0, diff)
	case *messages.SetACLTxn:
		m.nodes[b.Path].acl, m.nodes[b.Path].stat.Aversion = b.ACL, b.Version
	case *messages.CreateSessionTxn:
		m.sessions[h.Session] = Session{Timeout: b.Timeout, Password: b.Password}
	case *messages.CloseSessionTxn:
		delete(m.sessions, h.Session)
		for _, p := range b.Paths {
			if n := m.nodes[p]; n != nil && n.owner == messages.SessionOwner(h.Session) {
				m.apply(h, &messages.DeleteTxn{Path: p})
			}
		}
	case *messages.MultiTxn:
		for _, op := range b.Ops {
			if op.Body != nil {
				m.apply(h, op.Body)
			}
		}
	}
	m.zxid = h.Zxid
}

// compare checks everything that a caller can see.
func (m *model) compare(t *rapid.T, got *Tree) {
	if got.LastZxid() != m.zxid || got.NodeCount() != len(m.nodes)+1 {
		t.Fatalf("zxid %v, %d nodes, want %v, %d", got.LastZxid(), got.NodeCount(), m.zxid, len(m.nodes)+1)
	}
	size, ephemerals := int64(0), 0
	for p, want := range m.nodes {
		n, ok := got.LookupString(p)
		if !ok {
			t.Fatalf("%s is missing", p)
		}
		if n.Stat() != m.stat(p) {
			t.Fatalf("%s: stat\n%+v, want\n%+v", p, n.Stat(), m.stat(p))
		}
		if !bytes.Equal(n.Data(), want.data) || (n.Data() == nil) != (want.data == nil) {
			t.Fatalf("%s: data %q, want %q", p, n.Data(), want.data)
		}
		if !slices.Equal(n.ACL(), want.acl) || n.Owner() != want.owner || n.Creates() != want.creates || n.Path() != p {
			t.Fatalf("%s: %v %x %d %s", p, n.ACL(), n.Owner(), n.Creates(), n.Path())
		}
		names := n.AppendChildren(nil)
		slices.Sort(names)
		if !slices.Equal(names, m.children(p)) {
			t.Fatalf("%s: children %q, want %q", p, names, m.children(p))
		}
		size += int64(len(p) + len(want.data))
		if want.owner.IsEphemeral() {
			ephemerals++
		}
	}
	if got.DataSize() != size || got.EphemeralCount() != ephemerals || got.SessionCount() != len(m.sessions) {
		t.Fatalf("size %d, want %d; %d ephemerals, want %d; %d sessions, want %d",
			got.DataSize(), size, got.EphemeralCount(), ephemerals, got.SessionCount(), len(m.sessions))
	}
	for id, want := range m.sessions {
		if s, ok := got.Session(id); !ok || s.Timeout != want.Timeout || !bytes.Equal(s.Password, want.Password) {
			t.Fatalf("session %v: %+v, want %+v", id, s, want)
		}
	}
	for _, id := range got.EphemeralOwners() {
		if !slices.Equal(got.Ephemerals(id), m.ephemerals(id)) {
			t.Fatalf("session %v owns %q, want %q", id, got.Ephemerals(id), m.ephemerals(id))
		}
	}
	if d := recomputeDigest(got); d != got.Digest() {
		t.Fatalf("the digest is %x, from scratch it is %x", got.Digest(), d)
	}
}

// recomputeDigest sums the digest up from nothing.
func recomputeDigest(t *Tree) uint64 {
	sum := uint64(0)
	t.walk(rootSlot, func(s uint32) { sum += t.nodeDigest(hashPath(t.path(s)), s) })
	for _, r := range t.sessions.records {
		if r.id != 0 {
			sum += sessionDigest(r.id, r.timeout, r.password)
		}
	}
	return sum
}

// world draws transactions that fit the model's state.
type world struct {
	m    *model
	time int64
}

var someACLs = [][]messages.ACL{
	messages.WorldACL(messages.PermAll), messages.WorldACL(messages.PermRead), {},
	{{Perms: 3, ID: messages.Identity{Scheme: "digest", ID: "u:x"}}, {Perms: 31, ID: messages.Identity{Scheme: "ip", ID: "10.0.0.1"}}},
}

var someNames = []string{"a", "b", "c", strings.Repeat("long", 40), "zookeeper_limits", "zookeeper_stats", "x0"}

func drawData(t *rapid.T) []byte {
	switch n := rapid.IntRange(0, 20).Draw(t, "data"); {
	case n == 0:
		return nil
	case n == 1:
		return bytes.Repeat([]byte{'L'}, rapid.IntRange(arenaOwnBlock-100, 2*arenaBlockSize).Draw(t, "large"))
	case n < 5:
		return bytes.Repeat([]byte{'m'}, rapid.IntRange(100, 5000).Draw(t, "medium"))
	default:
		return []byte(strings.Repeat("s", n-5))
	}
}

// draw returns the session and body of the next transaction; on shows the state that it will meet.
func (w *world) draw(t *rapid.T, on *model, multi bool) (messages.SessionID, messages.TxnBody) {
	paths := slices.Sorted(maps.Keys(on.nodes))
	switch op := rapid.IntRange(0, 19).Draw(t, "op"); {
	case op < 8:
		return 0, w.drawCreate(t, on, paths)
	case op < 11:
		leaves := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return messages.IsBuiltIn(p) || len(on.children(p)) > 0 })
		if len(leaves) > 0 {
			return 0, &messages.DeleteTxn{Path: rapid.SampledFrom(leaves).Draw(t, "leaf")}
		}
	case op < 14:
		p := rapid.SampledFrom(paths).Draw(t, "path")
		return 0, &messages.SetDataTxn{Path: p, Data: drawData(t), Version: on.nodes[p].stat.Version + 1}
	case op < 15:
		p := rapid.SampledFrom(paths).Draw(t, "path")
		acl := rapid.SampledFrom(someACLs).Draw(t, "acl")
		return 0, &messages.SetACLTxn{Path: p, ACL: acl, Version: on.nodes[p].stat.Aversion + 1}
	case multi:
	case op < 17:
		return w.drawSession(t, on, paths)
	default:
		return 0, w.drawMulti(t, on)
	}
	return 0, w.drawCreate(t, on, paths)
}

func (w *world) drawCreate(t *rapid.T, on *model, paths []string) messages.TxnBody {
	parents := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return len(p) > 400 || on.nodes[p].owner.IsEphemeral() })
	for {
		parent := rapid.SampledFrom(parents).Draw(t, "parent")
		path := messages.JoinPath(parent, rapid.SampledFrom(someNames).Draw(t, "name"))
		if on.nodes[path] != nil {
			path = messages.JoinPath(parent, fmt.Sprintf("s%010d", on.nodes[parent].creates))
		}
		if on.nodes[path] != nil {
			continue
		}
		owner := messages.Owner(0)
		switch rapid.IntRange(0, 9).Draw(t, "owner") {
		case 0, 1:
			owner = messages.SessionOwner(messages.SessionID(rapid.IntRange(1, 3).Draw(t, "session")))
		case 2:
			owner = messages.ContainerOwner
		case 3:
			owner = messages.TTLOwner(5)
		}
		return &messages.CreateTxn{
			Path: path, Data: drawData(t), ACL: rapid.SampledFrom(someACLs).Draw(t, "acl"), Owner: owner,
			ParentCreates: on.nodes[parent].creates + rapid.SampledFrom([]int32{1, 1, 1, -1}).Draw(t, "creates"),
		}
	}
}

func (w *world) drawSession(t *rapid.T, on *model, paths []string) (messages.SessionID, messages.TxnBody) {
	id := messages.SessionID(rapid.IntRange(1, 3).Draw(t, "session"))
	if _, ok := on.sessions[id]; !ok {
		return id, &messages.CreateSessionTxn{Timeout: int32(1000 * id), Password: []byte{byte(id), 2, 3}}
	}
	// Some that are not its own, one that is missing, all of its own but the first.
	list := append([]string{"/missing", "/"}, rapid.SliceOfN(rapid.SampledFrom(paths), 0, 2).Draw(t, "foreign")...)
	list = slices.DeleteFunc(list, func(p string) bool { return on.nodes[p] != nil && on.nodes[p].owner.Session() == id })
	own := on.ephemerals(id)
	return id, &messages.CloseSessionTxn{Paths: append(list, own[min(len(own), rapid.IntRange(0, 1).Draw(t, "skip")):]...)}
}

func (w *world) drawMulti(t *rapid.T, on *model) messages.TxnBody {
	m, ahead := &messages.MultiTxn{}, on.clone()
	h := messages.TxnHeader{Zxid: on.zxid + 1}
	for range rapid.IntRange(0, 5).Draw(t, "ops") {
		if rapid.IntRange(0, 4).Draw(t, "check") == 0 {
			m.Ops = append(m.Ops, messages.MultiOp{Op: messages.OpCheck})
			continue
		}
		_, body := w.draw(t, ahead, true)
		ahead.apply(&h, body)
		m.Ops = append(m.Ops, messages.MultiOp{Op: messages.OpCreate, Body: body})
	}
	return m
}

// next draws a transaction and applies it to model and tree.
func (w *world) next(t *rapid.T, tr *Tree, out *Result) {
	w.time += int64(rapid.IntRange(0, 3).Draw(t, "time"))
	session, body := w.draw(t, w.m, false)
	h := &messages.TxnHeader{Zxid: w.m.zxid + 1, Time: w.time, Session: session}
	if err := tr.Apply(h, body, out); err != nil {
		t.Fatal(err)
	}
	w.m.apply(h, body)
	w.checkResult(t, body, out)
}

func (w *world) checkResult(t *rapid.T, body messages.TxnBody, out *Result) {
	switch b := body.(type) {
	case *messages.CreateTxn:
		if out.Path != b.Path || len(out.Changes) != 1 || out.Changes[0].Event != messages.EventNodeCreated ||
			!slices.Equal(out.Changes[0].ParentACL, w.m.nodes[messages.ParentPath(b.Path)].acl) {
			t.Fatalf("create %s: %+v", b.Path, out)
		}
	case *messages.SetDataTxn:
		if out.Stat.Mzxid != w.m.zxid || len(out.Changes) != 1 || out.Changes[0].Event != messages.EventNodeDataChanged {
			t.Fatalf("setData %s: %+v", b.Path, out)
		}
	case *messages.SetACLTxn:
		if out.Stat != w.m.stat(b.Path) || len(out.Changes) != 0 {
			t.Fatalf("setACL %s: %+v", b.Path, out)
		}
	case *messages.MultiTxn:
		if len(out.Ops) != len(b.Ops) {
			t.Fatalf("%d results of %d operations", len(out.Ops), len(b.Ops))
		}
	}
}

func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, tr, out := &world{m: newModel()}, New(), &Result{}
		w.m.compare(t, tr)
		for range rapid.IntRange(1, 60).Draw(t, "transactions") {
			w.next(t, tr, out)
		}
		w.m.compare(t, tr)
	})
}

// TestSnapshotWhileWriting takes a snapshot in portions between random transactions; what is loaded from it must be
// the tree as it was when the snapshot began.
func TestSnapshotWhileWriting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, tr, out := &world{m: newModel()}, New(), &Result{}
		for range rapid.IntRange(0, 40).Draw(t, "before") {
			w.next(t, tr, out)
		}
		then, digest := w.m.clone(), tr.Digest()
		s, l := tr.BeginSnapshot(), NewLoader()
		for done := false; !done; {
			for range rapid.IntRange(0, 5).Draw(t, "between") {
				w.next(t, tr, out)
			}
			var err error
			if done, err = s.Next(l.Add, rapid.IntRange(1, 10).Draw(t, "portion")); err != nil {
				t.Fatal(err)
			}
		}
		if s.Zxid() != then.zxid || s.Total() != len(then.nodes) || s.Done() != s.Total() {
			t.Fatalf("zxid %v, %d of %d; want %v, %d", s.Zxid(), s.Done(), s.Total(), then.zxid, len(then.nodes))
		}
		s.Close()
		loaded, err := l.Finish()
		if err != nil {
			t.Fatal(err)
		}
		then.compare(t, loaded)
		if loaded.Digest() != digest {
			t.Fatalf("digest %x, was %x", loaded.Digest(), digest)
		}
		w.m.compare(t, tr)
		// The loaded tree must also go on like the other one.
		w.m = then
		for range rapid.IntRange(0, 20).Draw(t, "after") {
			w.next(t, loaded, out)
		}
		w.m.compare(t, loaded)
	})
}
