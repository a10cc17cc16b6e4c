package shell

import "context"

func countCommand() *command {
	return &command{
		name: "getAllChildrenNumber", usage: "path", least: 1, most: 1,
		about:   "prints how many nodes lie below a node, at any depth",
		example: "getAllChildrenNumber /",
		run: func(ctx context.Context, s *Shell, a arguments) error {
			if err := checkPath(a.rest[0]); err != nil {
				return err
			}
			n, err := s.client.DescendantCount(ctx, a.rest[0])
			if err != nil {
				return err
			}
			s.printf("%d\n", n)
			return nil
		},
	}
}
