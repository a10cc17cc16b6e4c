package shell

import "context"

func syncCommand() *command {
	return &command{
		name: "sync", usage: "path", least: 1, most: 1,
		about:   "waits until this server has caught up with all that was written before",
		example: "sync /",
		run: func(ctx context.Context, s *Shell, a arguments) error {
			if err := checkPath(a.rest[0]); err != nil {
				return err
			}
			if err := s.client.Sync(ctx, a.rest[0]); err != nil {
				return err
			}
			s.printf("Sync is OK\n")
			return nil
		},
	}
}
