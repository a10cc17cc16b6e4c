package shell

import "context"

func whoAmICommand() *command {
	return &command{
		name:    "whoami",
		about:   "prints who this session has proved to be",
		example: "whoami",
		run: func(ctx context.Context, s *Shell, _ arguments) error {
			list, err := s.client.WhoAmI(ctx)
			if err != nil {
				return err
			}
			s.printf("Auth scheme: User\n")
			for _, id := range list {
				s.printf("%s: %s\n", id.Scheme, id.ID)
			}
			return nil
		},
	}
}
