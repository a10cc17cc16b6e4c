package shell

import (
	"context"
	"fmt"
	"slices"
)

// command is one verb.
type command struct {
	name    string
	usage   string // the arguments, as zkCli prints them
	about   string // what it does, a sentence
	example string
	options []option
	least   int // positional arguments needed
	most    int // positional arguments taken
	local   bool
	run     func(ctx context.Context, s *Shell, a arguments) error
}

// newCommands makes all verbs.
func newCommands() []*command {
	return []*command{
		addAuthCommand(), addWatchCommand(), closeCommand(), configCommand(), connectCommand(), createCommand(),
		deleteCommand(), deleteAllCommand(), delQuotaCommand(), getCommand(), getACLCommand(), countCommand(),
		ephemeralsCommand(), helpCommand(), historyCommand(), leaderCommand(), listQuotaCommand(), lsCommand(),
		moveLeaderCommand(), printWatchesCommand(), quitCommand(), reconfigCommand(), redoCommand(), removeWatchesCommand(),
		setCommand(), setACLCommand(), setQuotaCommand(), statCommand(), syncCommand(), versionCommand(), whoAmICommand(),
	}
}

// line is the usage with the name in front.
func (c *command) line() string {
	if c.usage == "" {
		return c.name
	}
	return c.name + " " + c.usage
}

// names lists the verbs in zkCli's order: capital letters count like small ones.
func (s *Shell) names() []string {
	names := make([]string, 0, len(s.commands))
	for name := range s.commands {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// usageError tells how a command is to be written.
type usageError struct {
	cmd    *command
	reason string // what is wrong, or "" when something is missing
}

func (e *usageError) Error() string {
	if e.reason == "" {
		return e.cmd.line()
	}
	return e.reason + "\nusage: " + e.cmd.line()
}

func (c *command) misuse(format string, args ...any) error {
	return &usageError{c, fmt.Sprintf(format, args...)}
}
