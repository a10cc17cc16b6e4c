package server

import (
	"slices"
	"strings"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// quotaFields are the keys that mntr has for namespaces with a quota. A namespace is the first name of a path; quotas
// of several subtrees in it add up, as their subtrees never overlap.
func quotaFields(t *tree.Tree) (f fields) {
	sums := map[string]*namespaceQuota{}
	eachQuota(t, messages.QuotaPath, func(q tree.Quota) {
		name, _, _ := strings.Cut(strings.TrimPrefix(q.Root, "/"), "/")
		if sums[name] == nil {
			sums[name] = &namespaceQuota{}
		}
		sums[name].add(q)
	})
	names := make([]string, 0, len(sums))
	for n := range sums {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		s := sums[n]
		f = append(f,
			field{n + "_quota_count_limit_per_namespace", s.count.limit()},
			field{n + "_quota_bytes_limit_per_namespace", s.bytes.limit()},
			field{n + "_quota_count_usage_per_namespace", s.count.used},
			field{n + "_quota_bytes_usage_per_namespace", s.bytes.used})
	}
	return f
}

type namespaceQuota struct{ count, bytes quotaSum }

func (n *namespaceQuota) add(q tree.Quota) {
	n.count.add(q.Count, q.CountHard, q.UsedCount)
	n.bytes.add(q.Bytes, q.BytesHard, q.UsedBytes)
}

// quotaSum adds up limits of one kind. A hard limit hides the soft one beside it.
type quotaSum struct {
	sum, used int64
	limited   bool
}

func (s *quotaSum) add(soft, hard, used int64) {
	s.used += used
	if hard < 0 {
		hard = soft
	}
	if hard >= 0 {
		s.sum += hard
		s.limited = true
	}
}

func (s *quotaSum) limit() int64 {
	if !s.limited {
		return -1
	}
	return s.sum
}

// eachQuota finds the limits at and below a path in /zookeeper/quota.
func eachQuota(t *tree.Tree, path string, yield func(tree.Quota)) {
	n, ok := t.LookupString(path)
	if !ok {
		return
	}
	for _, child := range n.AppendChildren(nil) {
		if child != messages.QuotaLimitNode {
			eachQuota(t, path+"/"+child, yield)
			continue
		}
		root := strings.TrimPrefix(path, messages.QuotaPath)
		if q, ok := t.Quota(root); ok && q.Root == root {
			yield(q)
		}
	}
}
