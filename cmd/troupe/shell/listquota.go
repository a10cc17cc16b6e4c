package shell

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

func listQuotaCommand() *command {
	return &command{
		name: "listquota", usage: "path", least: 1, most: 1,
		about:   "prints the limits of a node and what is used of them; -1 is no limit",
		example: "listquota /services",
		run:     runListQuota,
	}
}

func runListQuota(ctx context.Context, s *Shell, a arguments) error {
	path := a.rest[0]
	if err := s.checkQuotaPath(path); err != nil {
		return err
	}
	s.printf("absolute path is %s\n", limitsNode(path))
	limits, err := s.readQuota(ctx, limitsNode(path))
	if errors.Is(err, messages.ErrNoNode) {
		return fmt.Errorf("quota for %s does not exist.", path)
	}
	if err != nil {
		return err
	}
	s.printf("Output quota for %s %s\n", path, limits.limits())
	used, err := s.readQuota(ctx, statsNode(path))
	if err != nil {
		return err
	}
	s.printf("Output stat for %s %s\n", path, used.used())
	return nil
}
