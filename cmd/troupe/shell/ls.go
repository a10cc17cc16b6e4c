package shell

import (
	"context"
	"slices"

	"github.com/troupekeeper/troupe/messages"
)

func lsCommand() *command {
	return &command{
		name: "ls", usage: "[-s] [-w] [-R] path", least: 1, most: 1,
		about:   "prints the names of a node's children",
		example: "ls -R /services",
		options: []option{
			{"s", "", "print the Stat as well"}, {"w", "", "watch the list: an event tells of its next change"},
			{"R", "", "print the paths of all nodes below, one a line; -w watches each of them"}, {"json", "", "print JSON"},
		},
		run: runLs,
	}
}

func runLs(ctx context.Context, s *Shell, a arguments) error {
	path := a.rest[0]
	if err := checkPath(path); err != nil {
		return err
	}
	asJSON := a.has("json") || s.opts.JSON
	if a.has("R") {
		return s.listBelow(ctx, path, a.has("w"), asJSON)
	}
	read := s.client.Children
	if a.has("w") {
		read = s.client.ChildrenW
	}
	names, stat, err := read(ctx, path)
	if err != nil {
		return err
	}
	slices.Sort(names)
	if asJSON {
		return printJSON(s.screen, newChildrenJSON(path, names, stat, a.has("s")))
	}
	s.printf("%s\n", formatList(names))
	if a.has("s") {
		printStat(s.screen, stat)
	}
	return nil
}

func newChildrenJSON(path string, names []string, stat messages.Stat, withStat bool) childrenJSON {
	r := childrenJSON{Path: path, Children: names}
	if withStat {
		r.Stat = newStatJSON(stat)
	}
	return r
}

func (s *Shell) listBelow(ctx context.Context, path string, watch, asJSON bool) error {
	list := s.client.ChildNames
	if watch {
		list = func(ctx context.Context, path string) ([]string, error) {
			names, _, err := s.client.ChildrenW(ctx, path)
			return names, err
		}
	}
	nodes := []string{}
	err := walk(ctx, list, path, func(p string) error {
		if asJSON {
			nodes = append(nodes, p)
		} else {
			s.printf("%s\n", p)
		}
		return ctx.Err()
	})
	if err != nil || !asJSON {
		return err
	}
	return printJSON(s.screen, nodesJSON{Path: path, Nodes: nodes})
}
