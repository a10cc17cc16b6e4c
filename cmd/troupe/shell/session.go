package shell

import "context"

func connectCommand() *command {
	return &command{
		name: "connect", usage: "host:port", most: 1, local: true,
		about:   "opens a new session, with the given servers or the same as before; the old one is closed",
		example: "connect 127.0.0.1:2181,127.0.0.1:2182/chroot",
		run: func(ctx context.Context, s *Shell, a arguments) error {
			return s.Connect(ctx, a.word(0))
		},
	}
}

func closeCommand() *command {
	return &command{
		name: "close", local: true,
		about:   "closes the session: its ephemeral nodes go",
		example: "close",
		run: func(_ context.Context, s *Shell, _ arguments) error {
			if s.client == nil {
				return errNotConnected
			}
			s.Close()
			return nil
		},
	}
}

func quitCommand() *command {
	return &command{
		name: "quit", local: true, most: 1,
		about:   "closes the session and ends",
		example: "quit",
		run: func(_ context.Context, s *Shell, _ arguments) error {
			s.ended = true
			return errQuit
		},
	}
}
