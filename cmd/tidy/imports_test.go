package main

// imports returns a Go file that imports the given paths, one a line from line 4 on.
func imports(name string, targets ...string) string {
	lines := []string{"package " + name, "", "import ("}
	for _, target := range targets {
		lines = append(lines, "\t_ \""+target+"\"")
	}
	return src(append(lines, ")")...)
}

var importCases = []ruleCase{
	{"import-direction", "upwards", map[string]string{
		"messages/a.go":             imports("messages", "fmt", "example.com/m/persistence"),
		"persistence/tree/a.go":     imports("tree", "example.com/m/messages", "example.com/m/actors"),
		"actors/a_test.go":          imports("actors", "example.com/m/server/client"),
		"cluster/a.go":              imports("cluster", "example.com/m/server"),
		"server/a.go":               imports("server", "example.com/m/cmd/troupe", "example.com/m/bench"),
		"server/client/a.go":        imports("client", "example.com/m/actors"),
		"bench/a.go":                imports("bench", "example.com/m/messages/jute", "example.com/m/server/client", "example.com/m/server"),
		"persistence/persistent.go": imports("persistence", "example.com/m/messagesx"),
	}, []string{"actors/a_test.go:4", "bench/a.go:6", "cluster/a.go:4", "messages/a.go:5", "persistence/persistent.go:4",
		"persistence/tree/a.go:5", "server/a.go:4", "server/a.go:5", "server/client/a.go:4"}},
	{"import-direction", "downwards, within, and a test that starts its server", map[string]string{
		"actors/a.go":             imports("actors", "example.com/m/persistence/tree", "example.com/m/actors/auth", "example.com/other/cmd"),
		"cmd/troupe/main.go":      imports("main", "example.com/m/server", "example.com/m/bench"),
		"server/client/a_test.go": imports("client_test", "example.com/m/server"),
		"bench/a_test.go":         imports("bench_test", "example.com/m/server"),
	}, nil},

	{"protoactor", "core, lower folders, other packages of the library, shell without mailbox", map[string]string{
		"actors/prep.go":         imports("actors", protoactorPath),
		"actors/auth/digest.go":  imports("auth", protoactorPath),
		"messages/a.go":          imports("messages", protoactorPath),
		"persistence/a_test.go":  imports("persistence", protoactorPath),
		"server/a.go":            imports("server", protoactorModule+"/remote"),
		"cluster/peer_actor.go":  imports("cluster", "fmt"),
		"cluster/vote.go":        imports("cluster", "fmt", protoactorPath),
		"actors/clockwork.go":    imports("actors", protoactorPath),
		"actors/auth/a_actor.go": imports("auth", protoactorPath),
	}, []string{"actors/auth/a_actor.go:4", "actors/auth/digest.go:4", "actors/clockwork.go:4", "actors/prep.go:4",
		"cluster/peer_actor.go:1", "cluster/vote.go:5", "messages/a.go:4", "persistence/a_test.go:4", "server/a.go:4"}},
	{"protoactor", "shells, plumbing, kits, tests, server", map[string]string{
		"actors/prep_actor.go":        imports("actors", protoactorPath),
		"actors/mailbox.go":           imports("actors", protoactorPath),
		"actors/dispatch_loop.go":     imports("actors", protoactorPath),
		"actors/prep_test.go":         imports("actors", protoactorPath),
		"actors/actortest/probe.go":   imports("actortest", protoactorPath),
		"cluster/peer_actor.go":       imports("cluster", protoactorPath),
		"server/lifecycle.go":         imports("server", protoactorPath),
		"cmd/examples/audit/audit.go": imports("audit", protoactorPath),
	}, nil},

	{"core-purity", "I/O in cores", map[string]string{
		"actors/prep.go":           imports("actors", "os", "fmt"),
		"actors/auth/digest.go":    imports("auth", "crypto/rand"),
		"messages/a.go":            imports("messages", "net"),
		"persistence/tree/node.go": imports("tree", "log/slog"),
	}, []string{"actors/auth/digest.go:4", "actors/prep.go:4", "messages/a.go:4", "persistence/tree/node.go:4"}},
	{"core-purity", "shells, plumbing, kits, tests and the disk's folder", map[string]string{
		"actors/conn_actor.go":      imports("actors", "net"),
		"actors/runtime.go":         imports("actors", "os"),
		"actors/tcp.go":             imports("actors", "net"),
		"actors/stagetest/a.go":     imports("stagetest", "os"),
		"messages/a_test.go":        imports("messages", "os"),
		"persistence/osfs.go":       imports("persistence", "os"),
		"persistence/tree/apply.go": imports("tree", "strings", "net/netip"),
	}, nil},
}
