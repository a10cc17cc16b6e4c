package shell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

func setQuotaCommand() *command {
	return &command{
		name: "setquota", usage: "-n|-b|-N|-B val path", least: 1, most: 1,
		about:   "limits how many nodes or bytes there may be at a node and below it",
		example: "setquota -N 10000 /services",
		options: quotaOptionList("val"),
		run:     runSetQuota,
	}
}

func runSetQuota(ctx context.Context, s *Shell, a arguments) error {
	path := a.rest[0]
	if err := s.checkQuotaPath(path); err != nil {
		return err
	}
	given, err := givenLimits(a)
	if err != nil {
		return err
	}
	if _, err := s.client.Exists(ctx, path); err != nil {
		if errors.Is(err, messages.ErrNoNode) {
			return fmt.Errorf("%s does not exist.", path)
		}
		return err
	}
	if err := s.findNestedQuota(ctx, path); err != nil {
		return err
	}
	limits, err := s.readQuota(ctx, limitsNode(path))
	exists := err == nil
	if err != nil && !errors.Is(err, messages.ErrNoNode) {
		return err
	}
	given(&limits)
	if exists {
		if _, err := s.client.Set(ctx, limitsNode(path), []byte(limits.limits()), -1); err != nil {
			return err
		}
	} else if err := s.createQuota(ctx, path, limits); err != nil {
		return err
	}
	s.warnQuota(ctx, path, limits)
	return nil
}

// givenLimits gives a function that puts the limits of the command line into a quota.
func givenLimits(a arguments) (func(*quota), error) {
	values := map[int]int64{}
	for i, o := range quotaOptions {
		if !a.has(o.name) {
			continue
		}
		n, err := strconv.ParseInt(a.value(o.name), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("-%s %q is not a whole number", o.name, a.value(o.name))
		}
		if n <= 0 {
			return nil, fmt.Errorf("-%s %d: the quota must be greater than zero; delquota -%s removes the limit", o.name, n, o.name)
		}
		values[i] = n
	}
	if len(values) == 0 {
		return nil, a.cmd.misuse("Missing required option: one of -n, -b, -N, -B")
	}
	return func(q *quota) {
		for i, n := range values {
			*quotaOptions[i].field(q) = n
		}
	}, nil
}

// findNestedQuota refuses a quota above or below another one: only the deepest would count.
func (s *Shell) findNestedQuota(ctx context.Context, path string) error {
	for parent := messages.ParentPath(path); parent != messages.RootPath; parent = messages.ParentPath(parent) {
		if _, err := s.client.Exists(ctx, limitsNode(parent)); err == nil {
			return fmt.Errorf("%s has a parent %s which has a quota", path, parent)
		} else if !errors.Is(err, messages.ErrNoNode) {
			return err
		}
	}
	err := walk(ctx, s.client.ChildNames, quotaNode(path), func(node string) error {
		owner := strings.TrimPrefix(messages.ParentPath(node), messages.QuotaPath)
		if messages.BaseName(node) == messages.QuotaLimitNode && owner != "" && owner != path {
			return fmt.Errorf("%s has a child %s which has a quota", path, owner)
		}
		return nil
	})
	if errors.Is(err, messages.ErrNoNode) {
		return nil
	}
	return err
}

// createQuota makes the nodes that hold the limits, and the one in which the server counts.
func (s *Shell) createQuota(ctx context.Context, path string, limits quota) error {
	var nodes []string
	for p := path; p != messages.RootPath; p = messages.ParentPath(p) {
		nodes = append(nodes, quotaNode(p))
	}
	slices.Reverse(nodes)
	for _, node := range nodes {
		if _, err := s.client.Create(ctx, node, nil, client.Persistent); err != nil && !errors.Is(err, messages.ErrNodeExists) {
			return err
		}
	}
	if _, err := s.client.Create(ctx, limitsNode(path), []byte(limits.limits()), client.Persistent); err != nil {
		return err
	}
	_, err := s.client.Create(ctx, statsNode(path), []byte(quota{}.used()), client.Persistent)
	return err
}

// warnQuota tells when a limit is already passed.
func (s *Shell) warnQuota(ctx context.Context, path string, limits quota) {
	used, err := s.readQuota(ctx, statsNode(path))
	if err != nil {
		return // the limits stand; there is only nothing to compare them with
	}
	passed := func(used int64, limits ...int64) bool {
		return slices.ContainsFunc(limits, func(l int64) bool { return l >= 0 && l < used })
	}
	if passed(used.count, limits.count, limits.hardCount) {
		s.printf("[Warning]: the count quota you create is less than the existing count:%d\n", used.count)
	}
	if passed(used.bytes, limits.bytes, limits.hardBytes) {
		s.printf("[Warning]: the bytes quota you create is less than the existing bytes:%d\n", used.bytes)
	}
}
