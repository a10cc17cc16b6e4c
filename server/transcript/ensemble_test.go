package transcript

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/server"
)

// ensemble are the features of the servers that startEnsemble starts.
var ensemble = []string{"ensemble", "4lw", "tick500", "ttl", "fastcontainer", "quota", "super"}

// startEnsemble starts three members, and waits until all of them serve.
func startEnsemble(t *testing.T) *Player {
	t.Helper()
	const members = 3
	lines, ports := map[string]string{}, freePorts(t, 3*members)
	for id := 1; id <= members; id++ {
		lines[fmt.Sprintf("server.%d", id)] = fmt.Sprintf("127.0.0.1:%d:%d;127.0.0.1:%d", ports[3*id-3], ports[3*id-2], ports[3*id-1])
	}
	var servers []*server.Server
	for id := 1; id <= members; id++ {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "myid"), []byte(fmt.Sprint(id)), 0o600); err != nil {
			t.Fatal(err)
		}
		keys := map[string]string{
			"admin.enableServer": "false", "dataDir": dir, "standaloneEnabled": "false", "initLimit": "20", "syncLimit": "10",
		}
		for key, line := range lines {
			keys[key] = line
		}
		servers = append(servers, start(t, profile(keys)))
	}
	player := &Player{}
	for _, s := range servers {
		await(t, s, func(role actors.Role) bool { return role != actors.RoleReadOnly })
		player.Servers = append(player.Servers, s.ClientAddress())
	}
	return player
}

// await waits until a server serves in a role that fits.
func await(t *testing.T, s *server.Server, fits func(actors.Role) bool) {
	t.Helper()
	poll, deadline := time.NewTicker(10*time.Millisecond), time.NewTimer(20*time.Second)
	defer poll.Stop()
	defer deadline.Stop()
	for {
		if role, ok := s.Serving(); ok && fits(role) {
			return
		}
		select {
		case <-poll.C:
		case <-deadline.C:
			t.Fatal("a server doesn't begin to serve")
		}
	}
}

// freePorts finds ports of loopback that nobody listens on. They lie below those that connections get on most systems, so
// that no connection of another test takes one before its server does.
func freePorts(t *testing.T, count int) (ports []int) {
	t.Helper()
	for tries := 0; len(ports) < count; tries++ {
		port := 15000 + rand.IntN(15000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil && tries < 1000 {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // held until all are found
		ports = append(ports, port)
	}
	return ports
}

// TestEnsemble plays every recording that several servers can play. What was recorded at a server alone goes to the first
// member, whichever part it has.
func TestEnsemble(t *testing.T) { playAll(t, startEnsemble(t), ensemble) }
