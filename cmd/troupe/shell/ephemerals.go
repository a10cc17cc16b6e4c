package shell

import (
	"context"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

func ephemeralsCommand() *command {
	return &command{
		name: "getEphemerals", usage: "[path]", most: 1,
		about:   "prints the ephemeral nodes of this session, those whose path starts with the given one",
		example: "getEphemerals /services",
		run:     runEphemerals,
	}
}

func runEphemerals(ctx context.Context, s *Shell, a arguments) error {
	prefix := messages.RootPath
	if len(a.rest) > 0 {
		prefix = a.rest[0]
	}
	if err := checkPath(prefix); err != nil {
		return err
	}
	list, err := s.client.Ephemerals(ctx, prefix)
	if err != nil {
		return err
	}
	slices.Sort(list)
	s.printf("%s\n", formatList(list))
	return nil
}
