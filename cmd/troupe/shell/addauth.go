package shell

import "context"

func addAuthCommand() *command {
	return &command{
		name: "addauth", usage: "scheme auth", least: 2, most: 2,
		about:   "presents a credential, for the rest of the session",
		example: "addauth digest user:password",
		run: func(ctx context.Context, s *Shell, a arguments) error {
			return s.client.AddAuth(ctx, a.rest[0], []byte(a.rest[1]))
		},
	}
}
