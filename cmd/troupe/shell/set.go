package shell

import (
	"context"
	"encoding/base64"
	"fmt"
)

func setCommand() *command {
	return &command{
		name: "set", usage: "[-s] [-v version] [-b] path data", least: 2, most: 2,
		about:   "changes a node's data",
		example: `set -v 3 /config/limits '{"rps": 200}'`,
		options: []option{
			{"s", "", "print the Stat"}, {"v", "version", "only if the data has this version (dataVersion of stat)"},
			{"b", "", "the data is base64"},
		},
		run: runSet,
	}
}

func runSet(ctx context.Context, s *Shell, a arguments) error {
	path, data := a.rest[0], []byte(a.rest[1])
	if err := checkPath(path); err != nil {
		return err
	}
	version, err := a.version()
	if err != nil {
		return err
	}
	if a.has("b") {
		if data, err = base64.StdEncoding.DecodeString(a.rest[1]); err != nil {
			return fmt.Errorf("set -b %s: the data is not base64: %w", path, err)
		}
	}
	stat, err := s.client.Set(ctx, path, data, version)
	if err != nil {
		return blameSize(err, data)
	}
	if a.has("s") {
		printStat(s.screen, stat)
	}
	return nil
}
