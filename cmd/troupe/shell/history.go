package shell

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

func historyCommand() *command {
	return &command{
		name: "history", local: true,
		about:   "prints the commands of this session with their numbers",
		example: "history",
		run: func(_ context.Context, s *Shell, _ arguments) error {
			for i, line := range s.log {
				s.printf("%d - %s\n", i, line)
			}
			return nil
		},
	}
}

func redoCommand() *command {
	return &command{
		name: "redo", usage: "cmdno", least: 1, most: 1, local: true,
		about:   "carries out a command of this session again",
		example: "redo 2",
		run:     runRedo,
	}
}

func runRedo(ctx context.Context, s *Shell, a arguments) error {
	n, err := strconv.Atoi(a.rest[0])
	if err != nil {
		return a.cmd.misuse("%q is no number of a command; history shows them", a.rest[0])
	}
	if n < 0 || n >= len(s.log) {
		return fmt.Errorf("Command index out of range: there are 0 to %d", len(s.log)-1)
	}
	words, err := splitLine(s.log[n])
	if err != nil {
		return err
	}
	if words[0] == "redo" {
		return errors.New("Command index is redo: it would never end")
	}
	s.log[len(s.log)-1] = s.log[n]
	return s.Run(ctx, words)
}
