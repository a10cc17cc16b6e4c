package transcript

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors"
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

// readOnly are the features of the server that startReadOnly starts.
var readOnly = []string{"readonly", "4lw", "tick500"}

// startReadOnly starts one server of three, and waits until it serves reads for want of the others.
func startReadOnly(t *testing.T) *Player {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "myid"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{
		"clientPort": "0", "clientPortAddress": "127.0.0.1", "admin.enableServer": "false", "dataDir": dir, "tickTime": "500",
		"initLimit": "10", "syncLimit": "5", "maxClientCnxns": "0", "4lw.commands.whitelist": "*",
		"readonlymode.enabled": "true", "localSessionsEnabled": "true",
	}
	for id := 1; id <= 3; id++ {
		keys[fmt.Sprintf("server.%d", id)] = fmt.Sprintf("127.0.0.1:%d:%d", freePort(t), freePort(t))
	}
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
	poll, deadline := time.NewTicker(10*time.Millisecond), time.NewTimer(20*time.Second)
	defer poll.Stop()
	defer deadline.Stop()
	for {
		if role, ok := s.Serving(); ok && role == actors.RoleReadOnly {
			return &Player{Servers: []string{s.ClientAddress()}}
		}
		select {
		case <-poll.C:
		case <-deadline.C:
			t.Fatal("the server doesn't begin to serve reads")
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// TestReadOnly plays what was recorded at a server that had lost its ensemble.
func TestReadOnly(t *testing.T) {
	scenarios, err := Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	player, played := startReadOnly(t), 0
	for i := range scenarios {
		s := &scenarios[i]
		if s.Topic != "readonly" {
			continue
		}
		played++
		t.Run(s.Name, func(t *testing.T) {
			if need := s.Lacks(readOnly...); need != "" {
				t.Fatalf("needs %s", need)
			}
			if err := player.Play(context.Background(), s); err != nil {
				t.Errorf("%s: %v", s.Desc, err)
			}
		})
	}
	if played == 0 {
		t.Error("there is no recording of such a server")
	}
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
