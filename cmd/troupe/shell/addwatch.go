package shell

import (
	"context"

	"github.com/troupekeeper/troupe/messages"
)

func addWatchCommand() *command {
	return &command{
		name: "addWatch",
		usage: "[-m mode] path # optional mode is one of [PERSISTENT, PERSISTENT_RECURSIVE] - " +
			"default is PERSISTENT_RECURSIVE", least: 1, most: 1,
		about:   "sets a watch that stays: events tell of every change until removewatches",
		example: "addWatch -m PERSISTENT /config/limits",
		options: []option{{"m", "mode", "PERSISTENT: the node and its list of children; PERSISTENT_RECURSIVE: all below it too"}},
		run:     runAddWatch,
	}
}

func runAddWatch(ctx context.Context, s *Shell, a arguments) error {
	mode := messages.WatchPersistentRecursive
	switch a.value("m") {
	case "", "PERSISTENT_RECURSIVE":
	case "PERSISTENT":
		mode = messages.WatchPersistent
	default:
		return a.cmd.misuse("-m %s is no mode", a.value("m"))
	}
	if err := checkPath(a.rest[0]); err != nil {
		return err
	}
	return s.client.AddWatch(ctx, a.rest[0], mode)
}
