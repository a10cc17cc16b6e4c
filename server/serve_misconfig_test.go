package server_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// telling is an ensemble each of whose members writes what a user sees of its log by default into a book.
type telling struct {
	*troupe
	books []*logBook
}

func newTelling(t *testing.T, voters int, keys ...string) *telling {
	e := &telling{troupe: newTroupe(t, voters, 0, append(keys, patience)...)}
	for range e.configs {
		e.books = append(e.books, &logBook{})
	}
	e.options = func(i int, o *server.Options) { o.Log = zerolog.New(e.books[i]).Level(zerolog.InfoLevel) }
	return e
}

func (e *telling) logs(i int, words string) {
	e.t.Helper()
	eventually(e.t, fmt.Sprintf("server in place %d logs %q", i+1, words), func() bool { return e.books[i].has(words) })
}

// reload reads a member's configuration anew, with other lines in it.
func (e *telling) reload(i int, change func(line string) string) {
	e.t.Helper()
	text, err := os.ReadFile(e.configs[i].File)
	if err != nil {
		e.t.Fatal(err)
	}
	var lines []string
	for _, line := range strings.Split(string(text), "\n") {
		lines = append(lines, change(line))
	}
	writeFile(e.t, e.configs[i].File, strings.Join(lines, "\n"))
	if e.configs[i], _, err = server.LoadConfig(e.configs[i].File, nil, nil); err != nil {
		e.t.Fatal(err)
	}
}

// doublet adds a server that says that it is server 2, at ports of its own.
func (e *telling) doublet() int {
	e.t.Helper()
	dir := e.t.TempDir()
	text, err := os.ReadFile(e.configs[1].File)
	if err != nil {
		e.t.Fatal(err)
	}
	writeFile(e.t, filepath.Join(dir, "zoo.cfg"), strings.ReplaceAll(string(text), "dataDir="+e.configs[1].Data.Dir, "dataDir="+dir))
	writeFile(e.t, filepath.Join(dir, "myid"), "2")
	config, _, err := server.LoadConfig(filepath.Join(dir, "zoo.cfg"), nil, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	e.configs = append(e.configs, config)
	e.disks = append(e.disks, persistence.NewMemFS())
	e.servers = append(e.servers, nil)
	e.books = append(e.books, &logBook{})
	i, ports := len(e.configs)-1, freePorts(e.t, 3)
	e.reload(i, func(line string) string {
		if strings.HasPrefix(line, "server.2=") {
			return fmt.Sprintf("server.2=127.0.0.1:%d:%d:participant;127.0.0.1:%d", ports[0], ports[1], ports[2])
		}
		return line
	})
	return i
}

func (e *telling) serving(i int) bool {
	_, ok := e.servers[i].Serving()
	return ok
}

// Somebody starts a second server 2. It is told by all that its id is taken, the others log it, and nobody else notices.
func TestTwoServersWithOneID(t *testing.T) {
	t.Parallel()
	e := newTelling(t, 3)
	e.startAll()
	ctx := serveContext(t)
	c := e.connect(ctx, 1)
	var looking []int64
	for i := range 3 {
		looking = append(looking, e.servers[i].Status().Looking)
	}
	second := e.doublet()
	e.start(second)
	e.logs(second, "no election link yet: the other side refused the link: server id 2 is taken: "+
		"a server with that id is connected to server 1")
	e.logs(second, "server id 2 is taken: a server with that id is connected to server 3")
	e.logs(0, "another server is turned away: server id 2 is taken")
	e.logs(2, "another server is turned away: server id 2 is taken")
	for i := range 3 {
		if now := e.servers[i].Status().Looking; now != looking[i] {
			t.Errorf("server %d has looked for a leader %d times more", i+1, now-looking[i])
		}
	}
	if e.serving(second) {
		t.Error("the second server 2 serves")
	}
	if _, err := c.Create(ctx, "/a", nil, client.Persistent); err != nil {
		t.Error(err)
	}
}

// Both servers 2 are there from the start. One of them takes part, and only that one; there is one leader, and it stays.
func TestTwoServersWithOneIDFromTheStart(t *testing.T) {
	t.Parallel()
	e := newTelling(t, 3)
	second := e.doublet()
	for _, i := range []int{second, 0, 1, 2} {
		e.start(i)
	}
	eventually(t, "servers 1 and 3 and one server 2 serve", func() bool {
		return e.serving(0) && e.serving(2) && e.serving(1) != e.serving(second)
	})
	looking := []int64{e.servers[0].Status().Looking, e.servers[2].Status().Looking}
	loser := second
	if e.serving(second) {
		loser = 1
	}
	e.logs(loser, "no election link yet: the other side refused the link: server 2 is still connected to server ")
	ctx := serveContext(t)
	c := e.connect(ctx, 0)
	if _, err := c.Create(ctx, "/a", nil, client.Persistent); err != nil {
		t.Error(err)
	}
	if e.serving(loser) || !e.serving(1+second-loser) {
		t.Error("the two servers 2 have changed places")
	}
	for i, before := range looking {
		if now := e.servers[2*i].Status().Looking; now != before {
			t.Errorf("server %d has looked for a leader %d times more", 2*i+1, now-before)
		}
	}
}

// What keeps a member from starting at all is one line.
func TestMemberThatCantStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(e *telling) (free func())
		want   func(e *telling) string
	}{
		"quorum port in use": {
			func(e *telling) func() { return occupyPort(e.t, e.member().QuorumPort) },
			func(e *telling) string {
				return fmt.Sprintf("port %d is in use by another process: stop that one, or choose another port in the line server.1",
					e.member().QuorumPort)
			},
		},
		"election port in use": {
			func(e *telling) func() { return occupyPort(e.t, e.member().ElectionPort) },
			func(e *telling) string {
				return fmt.Sprintf("port %d is in use by another process: stop that one, or choose another port in the line server.1",
					e.member().ElectionPort)
			},
		},
		"the address of another machine": {
			func(e *telling) func() {
				e.reload(0, func(line string) string { return strings.Replace(line, "server.1=127.0.0.1", "server.1=192.0.2.7", 1) })
				return func() {}
			},
			func(e *telling) string {
				return fmt.Sprintf("server.1: this machine has no address 192.0.2.7:%d: if it is that server, correct the line or set "+
					"quorumListenOnAllIPs=true; if not, correct the file myid", e.member().QuorumPort)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newTelling(t, 3)
			free := c.change(e)
			defer free()
			s, err := server.New(server.Options{Config: e.configs[0], FS: e.disks[0]})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Start(); err == nil || err.Error() != c.want(e) {
				t.Errorf("%v, want %s", err, c.want(e))
			}
		})
	}
}

func (e *telling) member() (a struct{ QuorumPort, ElectionPort int }) {
	self, _ := e.configs[0].Ensemble.Self()
	a.QuorumPort, a.ElectionPort = self.Addresses[0].QuorumPort, self.Addresses[0].ElectionPort
	return a
}

func occupyPort(t *testing.T, port int) (free func()) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = l.Close() }
}

// names resolves the hosts of a test, on a port of its own, and can change its mind.
type names struct {
	mu    sync.Mutex
	hosts map[string]net.IP // by name with the last point; a name that is missing doesn't exist
	conn  net.PacketConn
}

func newNames(t *testing.T) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{hosts: map[string]net.IP{}, conn: conn}
	t.Cleanup(func() { _ = conn.Close() })
	go n.serve()
	return n
}

func (n *names) set(name string, ip net.IP) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts[name+"."] = ip; ip == nil {
		delete(n.hosts, name+".")
	}
}

// resolver asks these names.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

// serve answers questions for addresses as RFC 1035 has it: the question is repeated, behind it comes the answer, if any.
func (n *names) serve() {
	buf := make([]byte, 512)
	for {
		size, from, err := n.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		name, end := "", 12
		for end < size && buf[end] != 0 {
			name += string(buf[end+1:end+1+int(buf[end])]) + "."
			end += 1 + int(buf[end])
		}
		end += 5
		kind := binary.BigEndian.Uint16(buf[end-4:])
		n.mu.Lock()
		ip, known := n.hosts[name]
		n.mu.Unlock()
		answer := append([]byte(nil), buf[:end]...)
		answer[2], answer[3] = 0x84, 0x80
		copy(answer[4:12], []byte{0, 1, 0, 0, 0, 0, 0, 0})
		switch {
		case !known:
			answer[3] |= 3 // no such name
		case kind == 1:
			answer[7] = 1
			answer = append(answer, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
			answer = append(answer, ip.To4()...)
		}
		_, _ = n.conn.WriteTo(answer, from)
	}
}

// Hosts are known by names. One that can't be resolved yet ends nobody, not even the server itself whose it is: it is tried
// again, and the log says so. A server that comes back elsewhere is found under its name.
func TestHostNamesOfMembers(t *testing.T) {
	t.Parallel()
	n := newNames(t)
	e := newTelling(t, 3)
	told := e.options
	e.options = func(i int, o *server.Options) {
		told(i, o)
		o.Network = cluster.NewTCP(cluster.TCPOptions{Resolver: n.resolver()})
	}
	for i := range e.configs {
		e.reload(i, func(line string) string {
			for id := range 3 {
				line = strings.Replace(line, fmt.Sprintf("server.%d=127.0.0.1:", id+1), fmt.Sprintf("server.%d=s%d.test:", id+1, id+1), 1)
			}
			return line
		})
	}
	n.set("s1.test", net.IPv4(127, 0, 0, 1))
	n.set("s3.test", net.IPv4(127, 0, 0, 1))
	for i := range 3 {
		e.start(i) // server 2 has no name yet
	}
	e.logs(1, "server.2: this server's own host can't be resolved")
	e.logs(2, "no election link yet: connect to s2.test:")
	e.logs(2, "no such host")
	eventually(t, "servers 1 and 3 serve", func() bool { return e.serving(0) && e.serving(2) })
	n.set("s2.test", net.IPv4(127, 0, 0, 2))
	e.awaitServing()
	e.logs(1, "listening for other servers")
	ctx := serveContext(t)
	if _, err := e.connect(ctx, 1).Create(ctx, "/a", nil, client.Persistent); err != nil {
		t.Error(err)
	}

	e.stop(2)
	n.set("s3.test", net.IPv4(127, 0, 0, 3))
	e.start(2)
	e.awaitServing()
	eventually(t, "leadership is given to the one that has moved", func() bool {
		leader := e.leader()
		return leader == 2 || leader >= 0 && e.servers[leader].MoveLeader(ctx, 3) == nil
	})
	e.awaitServing() // the others have found it at its new address: it listens nowhere else
	if _, err := e.connect(ctx, 0).Create(ctx, "/b", nil, client.Persistent); err != nil {
		t.Error(err)
	}
}
