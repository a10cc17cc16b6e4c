package shell

import (
	"context"
	"errors"

	"github.com/troupekeeper/troupe/messages"
)

func setACLCommand() *command {
	return &command{
		name: "setAcl", usage: "[-s] [-v version] [-R] path acl", least: 2, most: 2,
		about:   "changes who may do what with a node",
		example: "setAcl -R /config world:anyone:r,digest:ops:Pm+4hqFsGnbqZC0lBmOFJCBwl9Q=:cdrwa",
		options: []option{
			{"s", "", "print the Stat"}, {"v", "version", "only if the ACL has this version (aclVersion of stat)"},
			{"R", "", "the node and all below it"},
		},
		run: runSetACL,
	}
}

func runSetACL(ctx context.Context, s *Shell, a arguments) error {
	path := a.rest[0]
	if err := checkPath(path); err != nil {
		return err
	}
	acl, err := parseACL(a.rest[1])
	if err != nil {
		return err
	}
	version, err := a.version()
	if err != nil {
		return err
	}
	if a.has("R") {
		return s.setACLBelow(ctx, path, acl, version, a.has("s"))
	}
	stat, err := s.client.SetACL(ctx, path, acl, version)
	if err == nil && a.has("s") {
		printStat(s.screen, stat)
	}
	return err
}

// setACLBelow lists all nodes before it changes the first: the new ACL may forbid to list what is below.
func (s *Shell) setACLBelow(ctx context.Context, root string, acl []messages.ACL, version int32, withStat bool) error {
	p := s.newProgress()
	defer p.Done()
	var paths []string
	err := walk(ctx, s.client.ChildNames, root, func(path string) error {
		paths = append(paths, path)
		p.Show("%d nodes found", len(paths))
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	stats := make([]messages.Stat, len(paths))
	for done := 0; done < len(paths); done += inFlight {
		p.Show("%d of %d nodes changed", done, len(paths))
		chunk := paths[done:min(done+inFlight, len(paths))]
		err := each(ctx, chunk, func(i int, path string) error {
			stat, err := s.client.SetACL(ctx, path, acl, version)
			if stats[done+i] = stat; errors.Is(err, messages.ErrNoNode) && path != root {
				return nil // it vanished meanwhile
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if withStat {
		for _, stat := range stats {
			printStat(s.screen, stat)
		}
	}
	return nil
}
