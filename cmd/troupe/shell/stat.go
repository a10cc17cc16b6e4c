package shell

import (
	"context"

	"github.com/troupekeeper/troupe/messages"
)

func statCommand() *command {
	return &command{
		name: "stat", usage: "[-w] path", least: 1, most: 1,
		about:   "prints a node's versions, times and sizes",
		example: "stat /config/limits",
		options: []option{{"w", "", "watch the node, also one that is missing"}, {"json", "", "print JSON"}},
		run:     runStat,
	}
}

func runStat(ctx context.Context, s *Shell, a arguments) error {
	path := a.rest[0]
	if err := checkPath(path); err != nil {
		return err
	}
	read := s.client.Exists
	if a.has("w") {
		read = s.client.ExistsW
	}
	stat, err := read(ctx, path)
	if err != nil {
		return err
	}
	if a.has("json") || s.opts.JSON {
		return printJSON(s.screen, struct {
			Path string    `json:"path"`
			Stat *statJSON `json:"stat"`
		}{path, newStatJSON(stat)})
	}
	s.stat(stat)
	return nil
}

func (s *Shell) stat(stat messages.Stat) { printStat(s.screen, stat) }
