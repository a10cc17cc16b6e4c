package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server"
)

// ensembleServer is one server of an ensemble on this machine. Every address is on loopback.
type ensembleServer struct {
	ID                                              int
	Observer                                        bool
	ClientPort, QuorumPort, ElectionPort, AdminPort int
}

// client is where clients connect to.
func (s ensembleServer) client() string { return loopback(s.ClientPort) }

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// ports are all that the server listens on, by what they are for.
func (s ensembleServer) ports() []ensemblePort {
	return []ensemblePort{{"client", s.ClientPort}, {"quorum", s.QuorumPort}, {"election", s.ElectionPort}, {"admin", s.AdminPort}}
}

type ensemblePort struct {
	purpose string
	number  int
}

// member is the server's line.
func (s ensembleServer) member() messages.Member {
	m := messages.Member{
		ID:        messages.ServerID(s.ID),
		Addresses: []messages.MemberAddress{{Host: "127.0.0.1", QuorumPort: s.QuorumPort, ElectionPort: s.ElectionPort}},
		Role:      messages.Participant, ClientAddress: "127.0.0.1", ClientPort: s.ClientPort,
	}
	if s.Observer {
		m.Role = messages.Observer
	}
	return m
}

// ensembleLayout is a folder with a subfolder for each server, named by its id: zoo.cfg, the log, and data with myid.
type ensembleLayout struct {
	Folder  string // absolute
	Servers []ensembleServer
}

func (l ensembleLayout) dir(id int) string        { return filepath.Join(l.Folder, strconv.Itoa(id)) }
func (l ensembleLayout) configFile(id int) string { return filepath.Join(l.dir(id), "zoo.cfg") }
func (l ensembleLayout) logFile(id int) string    { return filepath.Join(l.dir(id), "troupe.log") }

// connectString is what clients take: every server that accepts them.
func (l ensembleLayout) connectString() string {
	list := make([]string, len(l.Servers))
	for i, s := range l.Servers {
		list[i] = s.client()
	}
	return strings.Join(list, ",")
}

// ensembleMost is how many servers one machine is asked to run; a digit names each of them.
const ensembleMost = 9

// planEnsemble chooses the ports of a new ensemble. Client ports are basePort and those behind it, so that people can know
// them; the others are the first free ones from ZooKeeper's customary ports on, moved along with basePort.
func planEnsemble(folder string, voters, observers, basePort int, free func(int) bool) (ensembleLayout, error) {
	l := ensembleLayout{Folder: folder}
	total := voters + observers
	switch {
	case voters < 1 || observers < 0 || total > ensembleMost:
		return l, usageError{fmt.Errorf("%d servers and %d observers: at least one server must vote, and at most %d fit in all",
			voters, observers, ensembleMost)}
	case basePort < 1 || basePort+total-1 > 65535:
		return l, usageError{fmt.Errorf("--base-port %d: allowed are 1 to %d for %d servers", basePort, 65536-total, total)}
	}
	taken := map[int]bool{}
	for i := range total {
		taken[basePort+i] = true
		if !free(basePort + i) {
			return l, fmt.Errorf("port %d is in use by another process: stop that one, or choose another --base-port", basePort+i)
		}
	}
	next := func(start int) int {
		for port := start; ; port++ {
			if port > 65535 {
				port = 10240
			}
			if !taken[port] && free(port) {
				taken[port] = true
				return port
			}
		}
	}
	const quorum, election, admin = 2888 - 2181, 3888 - 2181, 8080 - 2181
	for i := range total {
		l.Servers = append(l.Servers, ensembleServer{
			ID: i + 1, Observer: i >= voters, ClientPort: basePort + i, QuorumPort: next(basePort + quorum),
			ElectionPort: next(basePort + election), AdminPort: next(basePort + admin),
		})
	}
	return l, nil
}

// portFree tells whether this process can listen on a port of loopback.
func portFree(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// config is the text of a server's zoo.cfg.
func (l ensembleLayout) config(s ensembleServer) string {
	var m messages.Membership
	for _, o := range l.Servers {
		m.Members = append(m.Members, o.member())
	}
	data := strings.ReplaceAll(filepath.Join(l.dir(s.ID), "data"), `\`, `\\`)
	return "# Written by troupe ensemble and yours to change: the next start takes it as it is.\n" +
		"tickTime=1000\ninitLimit=10\nsyncLimit=5\n" +
		"dataDir=" + data + "\n" +
		"admin.serverPort=" + strconv.Itoa(s.AdminPort) + "\n" +
		"4lw.commands.whitelist=*\n" +
		"standaloneEnabled=false\nreconfigEnabled=true\n" + m.Lines()
}

// write makes the folder. It appears whole or not at all: an interrupted start leaves nothing that a second one would take
// for an ensemble.
func (l ensembleLayout) write() error {
	parent := filepath.Dir(l.Folder)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(parent, filepath.Base(l.Folder)+".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp) // after the rename there is nothing of this name
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	for _, s := range l.Servers {
		id := strconv.Itoa(s.ID)
		if err := os.MkdirAll(filepath.Join(temp, id, "data"), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(temp, id, "data", "myid"), []byte(id+"\n"), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(temp, id, "zoo.cfg"), []byte(l.config(s)), 0o644); err != nil {
			return err
		}
	}
	if err := os.Remove(l.Folder); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty one may be in the place
		return fmt.Errorf("%s holds something else than an ensemble: choose another --data-dir: %w", l.Folder, err)
	}
	return os.Rename(temp, l.Folder)
}

// readEnsemble finds the ensemble that an earlier start has left, as its servers' own files describe it. Without one it
// has no servers.
func readEnsemble(folder string) (ensembleLayout, error) {
	l := ensembleLayout{Folder: folder}
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return l, err
	}
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil || id < 0 || id > messages.MaxServerID || strconv.Itoa(id) != e.Name() {
			continue
		}
		if _, err := os.Stat(l.configFile(id)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		s, err := l.readServer(id)
		if err != nil {
			return l, err
		}
		l.Servers = append(l.Servers, s)
	}
	slices.SortFunc(l.Servers, func(a, b ensembleServer) int { return a.ID - b.ID })
	if len(l.Servers) > ensembleMost {
		return l, fmt.Errorf("%s holds %d servers; at most %d are run", folder, len(l.Servers), ensembleMost)
	}
	return l, nil
}

func (l ensembleLayout) readServer(id int) (ensembleServer, error) {
	s := ensembleServer{ID: id}
	c, _, err := server.LoadConfig(l.configFile(id), nil, nil)
	if err != nil {
		return s, err
	}
	if c.Ensemble.MyID != id {
		return s, fmt.Errorf("%s: the folder of server %d holds server %d", l.configFile(id), id, c.Ensemble.MyID)
	}
	if !strings.HasPrefix(c.Data.Dir, l.dir(id)+string(filepath.Separator)) {
		return s, fmt.Errorf("%s: dataDir=%s lies outside of the server's folder; was the folder moved? Move it back or correct the file",
			l.configFile(id), c.Data.Dir)
	}
	s.ClientPort, s.AdminPort, s.Observer = c.Client.Port, c.Admin.Port, c.Ensemble.Observer
	if self, ok := c.Ensemble.Self(); ok {
		s.QuorumPort, s.ElectionPort = self.Addresses[0].QuorumPort, self.Addresses[0].ElectionPort
	}
	return s, nil
}

// checkPorts finds out before any server starts whether one of them couldn't.
func (l ensembleLayout) checkPorts(free func(int) bool) error {
	for _, s := range l.Servers {
		for _, p := range s.ports() {
			if p.number != 0 && !free(p.number) {
				return fmt.Errorf("the %s port %d of server %d is in use by another process: stop that one, perhaps a server "+
					"of an earlier start, or change the port in %s", p.purpose, p.number, s.ID, l.configFile(s.ID))
			}
		}
	}
	return nil
}
