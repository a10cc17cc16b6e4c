package shell

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// quota is the content of the nodes in which servers keep limits and what is used. -1 is no limit.
type quota struct {
	count, bytes         int64
	hardCount, hardBytes int64
}

var unlimited = quota{-1, -1, -1, -1}

// parseQuota reads the text of such a node; what it doesn't name has no limit.
func parseQuota(text string) (quota, error) {
	q := unlimited
	fields := map[string]*int64{
		"count": &q.count, "bytes": &q.bytes, "countHardLimit": &q.hardCount, "byteHardLimit": &q.hardBytes,
	}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' }) {
		key, value, _ := strings.Cut(part, "=")
		value = strings.TrimSuffix(value, "=") // the separator of the hard limits is "=;"
		if field := fields[key]; field != nil && value != "" {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return q, fmt.Errorf("quota %q: %s is not a number", text, key)
			}
			*field = n
		}
	}
	return q, nil
}

// limits is the text as zkCli writes and prints it; old servers understand the part in front of "=;".
func (q quota) limits() string {
	return fmt.Sprintf("count=%d,bytes=%d=;byteHardLimit=%d;countHardLimit=%d", q.count, q.bytes, q.hardBytes, q.hardCount)
}

// used is the text of what is used, which has no hard limits.
func (q quota) used() string { return fmt.Sprintf("count=%d,bytes=%d", q.count, q.bytes) }

func quotaNode(path string) string {
	if path == messages.RootPath {
		return messages.QuotaPath
	}
	return messages.QuotaPath + path
}

func limitsNode(path string) string {
	return messages.JoinPath(quotaNode(path), messages.QuotaLimitNode)
}
func statsNode(path string) string { return messages.JoinPath(quotaNode(path), messages.QuotaStatNode) }

// checkQuotaPath refuses what can have no quota.
func (s *Shell) checkQuotaPath(path string) error {
	switch {
	case s.chroot != "":
		return fmt.Errorf("quotas lie outside of the chroot %s: connect without it", s.chroot)
	case path == messages.RootPath:
		return errors.New("the root can't have a quota: name a node below it")
	case messages.HasPathPrefix(path, messages.QuotaPath):
		return fmt.Errorf("cannot set a quota under the path: %s", messages.QuotaPath)
	}
	return checkPath(path)
}

// readQuota reads one of the two nodes. The error wraps messages.ErrNoNode when there is none.
func (s *Shell) readQuota(ctx context.Context, node string) (quota, error) {
	data, _, err := s.client.Get(ctx, node)
	if err != nil {
		return unlimited, err
	}
	return parseQuota(string(data))
}

// limitsOf reads the limits of a path that should have some.
func (s *Shell) limitsOf(ctx context.Context, path string) (quota, error) {
	q, err := s.readQuota(ctx, limitsNode(path))
	if errors.Is(err, messages.ErrNoNode) {
		return q, fmt.Errorf("Quota does not exist for %s", path)
	}
	return q, err
}

// The options that name a limit, of setquota and delquota.
var quotaOptions = []struct {
	name  string
	field func(*quota) *int64
	about string
}{
	{"n", func(q *quota) *int64 { return &q.count }, "number of nodes, soft: only logged"},
	{"b", func(q *quota) *int64 { return &q.bytes }, "bytes of data, soft: only logged"},
	{"N", func(q *quota) *int64 { return &q.hardCount }, "number of nodes, hard: refused above it, if the server enforces quotas"},
	{"B", func(q *quota) *int64 { return &q.hardBytes }, "bytes of data, hard: refused above it, if the server enforces quotas"},
}

func quotaOptionList(value string) []option {
	list := make([]option, 0, len(quotaOptions))
	for _, o := range quotaOptions {
		list = append(list, option{o.name, value, o.about})
	}
	return list
}
