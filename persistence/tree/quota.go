package tree

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// A client limits the subtree of /a/b by creating /zookeeper/quota/a/b/zookeeper_limits, which registers the path, and
// zookeeper_stats beside it, whose data the tree keeps up to date: how many nodes and bytes the subtree has.

// Quota is a limit that holds for a path, and what is used of it. A limit of -1 (any negative one) is none. Count and
// Bytes only cause a warning, CountHard and BytesHard are enforced if the server is told to.
type Quota struct {
	Root                 string // the path that has the limit
	Count, Bytes         int64
	CountHard, BytesHard int64
	UsedCount, UsedBytes int64
}

// quotaTable holds the paths that have a limits node.
type quotaTable struct {
	roots map[string]struct{}
}

// matter tells cheaply whether a write to path can concern quotas.
func (q *quotaTable) matter(path string) bool {
	return len(q.roots) > 0 || isUnder(path, messages.QuotaPath)
}

// deepest finds the longest registered path that is path or an ancestor of it. A limit on the root is never found:
// ZooKeeper keeps no quota for the whole tree.
func (q *quotaTable) deepest(path string) (string, bool) {
	if len(q.roots) == 0 {
		return "", false
	}
	for ; len(path) > 1; path = messages.ParentPath(path) {
		if _, ok := q.roots[path]; ok {
			return path, true
		}
	}
	return "", false
}

// Quota finds the limits that hold for path: those of the deepest ancestor, or of path itself, that has some. There are
// none either if the limits node has no statistics node beside it to compare with.
func (t *Tree) Quota(path string) (Quota, bool) {
	root, ok := t.quotas.deepest(path)
	if !ok {
		return Quota{}, false
	}
	limits, ok := t.LookupString(messages.QuotaPath + root + "/" + messages.QuotaLimitNode)
	if !ok {
		return Quota{}, false
	}
	stats, ok := t.LookupString(messages.QuotaPath + root + "/" + messages.QuotaStatNode)
	if !ok {
		return Quota{}, false
	}
	limit, used := parseQuota(limits.Data()), parseQuota(stats.Data())
	return Quota{
		Root:  strings.Clone(root),
		Count: limit.get(quotaCount), Bytes: limit.get(quotaBytes),
		CountHard: limit.get(quotaCountHard), BytesHard: limit.get(quotaBytesHard),
		UsedCount: used.get(quotaCount), UsedBytes: used.get(quotaBytes),
	}, true
}

func (t *Tree) quotaCreated(path, parentPath, name string, bytes int64) {
	if messages.HasPathPrefix(parentPath, messages.QuotaPath) {
		switch root := parentPath[len(messages.QuotaPath):]; name {
		case messages.QuotaLimitNode:
			t.quotaRegister(root)
		case messages.QuotaStatNode:
			count, sum := t.subtree(root)
			t.setQuietly(path, quotaFields{{quotaCount, count}, {quotaBytes, sum}}.encode())
		}
	}
	t.quotaAdjust(path, bytes, 1)
}

func (t *Tree) quotaRegister(root string) {
	if t.quotas.roots == nil {
		t.quotas.roots = map[string]struct{}{}
	}
	t.quotas.roots[strings.Clone(root)] = struct{}{}
}

func (t *Tree) quotaDeleted(path, parentPath, name string, bytes int64) {
	if name == messages.QuotaLimitNode && messages.HasPathPrefix(parentPath, messages.QuotaPath) {
		delete(t.quotas.roots, parentPath[len(messages.QuotaPath):])
	}
	t.quotaAdjust(path, -bytes, -1)
}

// subtree counts the nodes and their bytes at and below path; a missing path has none of both.
func (t *Tree) subtree(path string) (count, bytes int64) {
	slot := t.find(path)
	if slot == none {
		return 0, 0
	}
	t.walk(slot, func(s uint32) {
		count++
		bytes += int64(Node{t, s}.DataLength())
	})
	return count, bytes
}

// quotaAdjust adds to the statistics of the deepest quota that path is under.
func (t *Tree) quotaAdjust(path string, bytes, count int64) {
	root, ok := t.quotas.deepest(path)
	if !ok || bytes == 0 && count == 0 {
		return
	}
	statPath := messages.QuotaPath + root + "/" + messages.QuotaStatNode
	n, ok := t.LookupString(statPath)
	if !ok {
		return
	}
	f := parseQuota(n.Data())
	f.set(quotaCount, f.get(quotaCount)+count)
	f.set(quotaBytes, f.get(quotaBytes)+bytes)
	t.setQuietly(statPath, f.encode())
}

// setQuietly replaces a node's data and nothing else: no zxid, time, version or watch tells of it.
func (t *Tree) setQuietly(path string, data []byte) {
	slot := t.find(path)
	t.beforeChange(slot)
	hash := hashPath(path)
	old := t.arena.get(t.nodes.at(slot).ref).data
	t.digest += dataDigest(hash, data) - dataDigest(hash, old)
	t.size += int64(len(data) - len(old))
	t.setEntry(slot, data)
}

// reloadQuotas finds the limits nodes of a tree that was loaded.
func (t *Tree) reloadQuotas() {
	top := t.find(messages.QuotaPath)
	if top == none {
		return
	}
	t.walk(top, func(s uint32) {
		if s != top && string(t.arena.name(t.nodes.at(s).ref)) == messages.QuotaLimitNode {
			t.quotaRegister(strings.TrimPrefix(messages.ParentPath(t.path(s)), messages.QuotaPath))
		}
	})
}

// The keys of limits and statistics.
const (
	quotaCount     = "count"
	quotaBytes     = "bytes"
	quotaCountHard = "countHardLimit"
	quotaBytesHard = "byteHardLimit"
)

type quotaField struct {
	key   string
	value int64
}

// quotaFields is the decoded data of a limits or statistics node.
type quotaFields []quotaField

func (f quotaFields) get(key string) int64 {
	for i := range f {
		if f[i].key == key {
			return f[i].value
		}
	}
	return -1
}

func (f *quotaFields) set(key string, value int64) {
	for i := range *f {
		if (*f)[i].key == key {
			(*f)[i].value = value
			return
		}
	}
	*f = append(*f, quotaField{key, value})
}

// parseQuota reads key=value pairs that commas or semicolons separate. A value that is missing or no number is -1; what
// is no pair is passed over.
func parseQuota(data []byte) quotaFields {
	var f quotaFields
	for pair := range strings.FieldsFuncSeq(string(data), func(r rune) bool { return r == ',' || r == ';' }) {
		key, rest, ok := strings.Cut(pair, "=")
		value, _, _ := strings.Cut(rest, "=") // the hard limits are set apart by "=;"
		v, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			v = -1
		}
		if ok && key != "" {
			f.set(key, v)
		}
	}
	return f
}

// encode writes count and bytes first, then the other keys in their order, in the form that ZooKeeper's tools read.
func (f quotaFields) encode() []byte {
	b := append([]byte(nil), quotaCount...)
	b = strconv.AppendInt(append(b, '='), f.get(quotaCount), 10)
	b = append(append(b, ','), quotaBytes...)
	b = strconv.AppendInt(append(b, '='), f.get(quotaBytes), 10)
	var others quotaFields
	for _, x := range f {
		if x.key != quotaCount && x.key != quotaBytes {
			others = append(others, x)
		}
	}
	slices.SortFunc(others, func(a, b quotaField) int { return cmp.Compare(a.key, b.key) })
	for i, x := range others {
		if i == 0 {
			b = append(b, '=')
		}
		b = append(append(b, ';'), x.key...)
		b = strconv.AppendInt(append(b, '='), x.value, 10)
	}
	return b
}
