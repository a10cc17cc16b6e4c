package shell

import (
	"context"
	"errors"

	"github.com/troupekeeper/troupe/messages"
)

func delQuotaCommand() *command {
	return &command{
		name: "delquota", usage: "[-n|-b|-N|-B] path", least: 1, most: 1,
		about:   "removes the named limits of a node, or all of them",
		example: "delquota -N /services",
		options: quotaOptionList(""),
		run:     runDelQuota,
	}
}

func runDelQuota(ctx context.Context, s *Shell, a arguments) error {
	path := a.rest[0]
	if err := s.checkQuotaPath(path); err != nil {
		return err
	}
	limits, err := s.limitsOf(ctx, path)
	if err != nil {
		return err
	}
	named := false
	for _, o := range quotaOptions {
		if a.has(o.name) {
			*o.field(&limits) = -1
			named = true
		}
	}
	if named {
		_, err := s.client.Set(ctx, limitsNode(path), []byte(limits.limits()), -1)
		return err
	}
	for _, node := range []string{limitsNode(path), statsNode(path)} {
		if err := s.client.Delete(ctx, node, -1); err != nil && !errors.Is(err, messages.ErrNoNode) {
			return err
		}
	}
	return s.trimQuota(ctx, quotaNode(path))
}

// trimQuota deletes the nodes that only led to the removed quota.
func (s *Shell) trimQuota(ctx context.Context, node string) error {
	for ; node != messages.QuotaPath; node = messages.ParentPath(node) {
		err := s.client.Delete(ctx, node, -1)
		switch {
		case errors.Is(err, messages.ErrNotEmpty):
			return nil // it leads to another quota
		case err != nil && !errors.Is(err, messages.ErrNoNode):
			return err
		}
	}
	return nil
}
