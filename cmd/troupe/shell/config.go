package shell

import (
	"context"
	"net"
	"strings"
)

func configCommand() *command {
	return &command{
		name: "config", usage: "[-c] [-w] [-s]",
		about:   "prints the ensemble's configuration; that of a standalone server is empty",
		example: "config -c",
		options: []option{
			{"c", "", "only its version and the addresses for clients, as a connection string"},
			{"w", "", "watch it: an event tells of its next change"}, {"s", "", "print the Stat as well"},
		},
		run: runConfig,
	}
}

func runConfig(ctx context.Context, s *Shell, a arguments) error {
	data, stat, err := s.client.Config(ctx, a.has("w"))
	if err != nil {
		return err
	}
	text := string(data)
	if a.has("c") {
		text = clientConfig(text)
	}
	s.printf("%s\n", text)
	if a.has("s") {
		printStat(s.screen, stat)
	}
	return nil
}

// clientConfig makes "version host:port,host:port" of a configuration. A client port without a host belongs to the
// server's host.
func clientConfig(text string) string {
	version := ""
	var addrs []string
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case ok && key == "version":
			version = value
		case ok && strings.HasPrefix(key, "server."):
			server, addr, ok := strings.Cut(value, ";")
			if !ok {
				continue
			}
			if !strings.Contains(addr, ":") {
				host, _, _ := strings.Cut(server, ":")
				addr = net.JoinHostPort(host, addr)
			}
			addrs = append(addrs, addr)
		}
	}
	return version + " " + strings.Join(addrs, ",")
}
