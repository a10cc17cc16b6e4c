package shell

import "context"

func helpCommand() *command {
	return &command{
		name: "help", usage: "[command]", most: 1, local: true,
		about:   "prints all commands, or how one is used",
		example: "help create",
		run: func(_ context.Context, s *Shell, a arguments) error {
			if name := a.word(0); name != "" {
				cmd := s.commands[name]
				if cmd == nil {
					return s.notFound(name)
				}
				s.describe(cmd)
				return nil
			}
			for _, name := range s.names() {
				s.printf("\t%s\n", s.commands[name].line())
			}
			s.printf("help <command> tells more about one.\n")
			return nil
		},
	}
}

func (s *Shell) describe(c *command) {
	s.printf("%s\n\n%s: %s.\n", c.line(), c.name, c.about)
	if len(c.options) > 0 {
		s.printf("\n")
	}
	for _, o := range c.options {
		s.printf("  %-18s %s\n", "-"+o.name+suffix(o.value), o.about)
	}
	s.printf("\nexample: %s\n", c.example)
}

func suffix(value string) string {
	if value == "" {
		return ""
	}
	return " " + value
}
