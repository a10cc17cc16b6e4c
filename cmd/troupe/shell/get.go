package shell

import (
	"context"
	"encoding/base64"
)

func getCommand() *command {
	return &command{
		name: "get", usage: "[-s] [-w] [-b] [-x] path", least: 1, most: 1,
		about:   "prints a node's data; null when it has none",
		example: "get -s /config/limits",
		options: []option{
			{"s", "", "print the Stat as well"}, {"w", "", "watch the node: an event tells of its next change"},
			{"b", "", "print the data as base64"}, {"x", "", "print the data as a table of hexadecimal bytes"},
			{"json", "", "print path, data and Stat as JSON"},
		},
		run: runGet,
	}
}

func runGet(ctx context.Context, s *Shell, a arguments) error {
	path := a.rest[0]
	if err := checkPath(path); err != nil {
		return err
	}
	read := s.client.Get
	if a.has("w") {
		read = s.client.GetW
	}
	data, stat, err := read(ctx, path)
	if err != nil {
		return err
	}
	switch {
	case a.has("json") || s.opts.JSON:
		return printJSON(s.screen, newDataJSON(path, data, stat))
	case a.has("b") && data != nil:
		s.printf("%s\n", base64.StdEncoding.EncodeToString(data))
	case a.has("x") && data != nil:
		s.printf("%s", formatHex(data))
	default:
		s.printf("%s\n", formatData(data))
	}
	if a.has("s") {
		printStat(s.screen, stat)
	}
	return nil
}
