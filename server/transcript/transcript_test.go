package transcript

import (
	"context"
	"testing"

	"github.com/troupekeeper/troupe/server"
)

// standalone are the features of the server that startServer starts.
var standalone = []string{"standalone", "4lw", "admin", "tick500", "ttl", "fastcontainer", "quota", "super"}

// startServer starts a server with the settings under which the conversations were recorded.
func startServer(t *testing.T) *Player {
	t.Helper()
	config, _, err := server.LoadConfig("", nil, map[string]string{
		"clientPort": "0", "clientPortAddress": "127.0.0.1", "admin.serverPort": "0", "admin.serverAddress": "127.0.0.1",
		"dataDir": t.TempDir(), "tickTime": "500", "maxClientCnxns": "0", "4lw.commands.whitelist": "*",
		"extendedTypesEnabled": "true", "reconfigEnabled": "true", "znode.container.checkIntervalMs": "500", "enforceQuota": "true",
		"DigestAuthenticationProvider.superDigest": "super:lK75jTNcA+U9vtVEw5vB51mj/w4=",
	})
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
	return &Player{Servers: []string{s.ClientAddress()}, Admin: s.AdminAddress()}
}

// TestStandalone plays every recording that one server alone can play, several at a time.
func TestStandalone(t *testing.T) {
	scenarios, err := Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	player := startServer(t)
	for i := range scenarios {
		s := &scenarios[i]
		t.Run(s.Topic+"/"+s.Name, func(t *testing.T) {
			if need := s.Lacks(standalone...); need != "" {
				t.Skipf("needs %s", need)
			}
			t.Parallel()
			if err := player.Play(context.Background(), s); err != nil {
				t.Errorf("%s: %v", s.Desc, err)
			}
		})
	}
}
