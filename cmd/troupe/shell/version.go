package shell

import "context"

func versionCommand() *command {
	return &command{
		name: "version", local: true,
		about:   "prints the version of this program",
		example: "version",
		run: func(_ context.Context, s *Shell, _ arguments) error {
			s.printf("Troupe CLI version: %s\n", s.opts.Version)
			return nil
		},
	}
}
