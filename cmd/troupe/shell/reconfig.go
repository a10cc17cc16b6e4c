package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/troupekeeper/troupe/server/client"
)

func reconfigCommand() *command {
	return &command{
		name: "reconfig",
		usage: "[-s] [-v version] [[-file path] | [-members serverID=host:port1:port2;port3[,...]*]] | " +
			"[-add serverId=host:port1:port2;port3[,...]]* [-remove serverId[,...]*]",
		about:   "changes the members of the ensemble",
		example: "reconfig -add server.4=10.0.0.4:2888:3888:participant;2181 -remove 2",
		options: []option{
			{"s", "", "print the Stat"}, {"v", "version", "only if the configuration has this version (hexadecimal)"},
			{"file", "path", "a file with the server lines of the new configuration"},
			{"members", "list", "the server lines of the new configuration, with commas between them"},
			{"add", "list", "servers that join or change"}, {"remove", "list", "ids of servers that leave"},
		},
		run: runReconfig,
	}
}

func runReconfig(ctx context.Context, s *Shell, a arguments) error {
	whole, change := a.has("file") || a.has("members"), a.has("add") || a.has("remove")
	switch {
	case whole && change:
		return errors.New("Can't use -file or -members together with -add or -remove " +
			"(mixing incremental and non-incremental modes is not allowed)")
	case a.has("file") && a.has("members"):
		return errors.New("Can't use -file and -members together (conflicting non-incremental modes)")
	case !whole && !change:
		return &usageError{a.cmd, ""}
	}
	r := client.Reconfig{
		Joining: strings.ToLower(strings.Join(a.set["add"], ",")),
		Leaving: strings.ToLower(strings.Join(a.set["remove"], ",")),
		Members: strings.ToLower(strings.Join(a.set["members"], ",")), Version: -1,
	}
	if a.has("v") {
		v, err := strconv.ParseInt(strings.TrimPrefix(a.value("v"), "0x"), 16, 64)
		if err != nil {
			return a.cmd.misuse("-v %q is not a version: expected the hexadecimal number that config prints", a.value("v"))
		}
		r.Version = v
	}
	if a.has("file") {
		members, err := readMembers(a.value("file"))
		if err != nil {
			return err
		}
		r.Members = members
	}
	config, stat, err := s.client.Reconfig(ctx, r)
	if err != nil {
		return err
	}
	s.printf("Committed new configuration:\n%s\n", config)
	if a.has("s") {
		printStat(s.screen, stat)
	}
	return nil
}

// readMembers takes the lines that tell of servers from a configuration file.
func readMembers(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("Error processing %s: %w", file, err)
	}
	var members []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "server.") {
			members = append(members, line)
		}
	}
	if len(members) == 0 {
		return "", fmt.Errorf("Error processing %s: no line starts with server.", file)
	}
	return strings.Join(members, ","), nil
}
