package shell

import (
	"context"

	"github.com/troupekeeper/troupe/messages"
)

func removeWatchesCommand() *command {
	return &command{
		name: "removewatches", usage: "path [-c|-d|-a] [-l]", least: 1, most: 1,
		about:   "removes this session's watches from a node",
		example: "removewatches /config/limits -d",
		options: []option{
			{"c", "", "those on the list of children"}, {"d", "", "those on the data"}, {"a", "", "all, as without an option"},
			{"l", "", "forget them even if the server can't be reached"},
		},
		run: runRemoveWatches,
	}
}

func runRemoveWatches(ctx context.Context, s *Shell, a arguments) error {
	if err := checkPath(a.rest[0]); err != nil {
		return err
	}
	what := messages.WatcherAny
	switch {
	case a.has("c"):
		what = messages.WatcherChildren
	case a.has("d"):
		what = messages.WatcherData
	}
	return s.client.RemoveWatches(ctx, a.rest[0], what, a.has("l"))
}
