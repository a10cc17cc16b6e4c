package transcript

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupekeeper/troupe/actors"
)

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
	ports := freePorts(t, 6)
	for id := 1; id <= 3; id++ {
		keys[fmt.Sprintf("server.%d", id)] = fmt.Sprintf("127.0.0.1:%d:%d", ports[2*id-2], ports[2*id-1])
	}
	s := start(t, keys)
	await(t, s, func(role actors.Role) bool { return role == actors.RoleReadOnly })
	return &Player{Servers: []string{s.ClientAddress()}}
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
