package transcript

import (
	"context"
	"testing"

	"github.com/troupekeeper/troupe/server"
)

// standalone are the features of the server that startServer starts.
var standalone = []string{"standalone", "4lw", "admin", "tick500", "ttl", "fastcontainer", "quota", "super"}

// profile adds the settings under which the conversations were recorded.
func profile(keys map[string]string) map[string]string {
	for key, value := range map[string]string{
		"tickTime": "500", "maxClientCnxns": "0", "4lw.commands.whitelist": "*",
		"extendedTypesEnabled": "true", "reconfigEnabled": "true", "znode.container.checkIntervalMs": "500", "enforceQuota": "true",
		"DigestAuthenticationProvider.superDigest": "super:lK75jTNcA+U9vtVEw5vB51mj/w4=",
	} {
		keys[key] = value
	}
	return keys
}

// start starts a server, which ends with the test.
func start(t *testing.T, keys map[string]string) *server.Server {
	t.Helper()
	config, _, err := server.LoadConfig("", nil, keys)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Options{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// startServer starts one server alone.
func startServer(t *testing.T) *Player {
	t.Helper()
	s := start(t, profile(map[string]string{
		"clientPort": "0", "clientPortAddress": "127.0.0.1", "admin.serverPort": "0", "admin.serverAddress": "127.0.0.1",
		"dataDir": t.TempDir(),
	}))
	return &Player{Servers: []string{s.ClientAddress()}, Admin: s.AdminAddress()}
}

// TestStandalone plays every recording that one server alone can play, several at a time.
func TestStandalone(t *testing.T) { playAll(t, startServer(t), standalone) }

// playAll plays every recording that needs none but these features, several at a time.
func playAll(t *testing.T, player *Player, features []string) {
	scenarios, err := Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	for i := range scenarios {
		s := &scenarios[i]
		t.Run(s.Topic+"/"+s.Name, func(t *testing.T) {
			if need := s.Lacks(features...); need != "" {
				t.Skipf("needs %s", need)
			}
			t.Parallel()
			if err := player.Play(context.Background(), s); err != nil {
				t.Errorf("%s: %v", s.Desc, err)
			}
		})
	}
}
