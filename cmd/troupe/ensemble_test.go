package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server"
)

func allFree(int) bool { return true }

// TestPlanEnsemble: clients find the ports where they expect them, the rest goes to what is free.
func TestPlanEnsemble(t *testing.T) {
	l, err := planEnsemble("/e", 3, 1, 2181, func(port int) bool { return port != 2889 && port != 8080 })
	if err != nil {
		t.Fatal(err)
	}
	want := []ensembleServer{
		{1, false, 2181, 2888, 3888, 8081}, {2, false, 2182, 2890, 3889, 8082}, {3, false, 2183, 2891, 3890, 8083},
		{4, true, 2184, 2892, 3891, 8084},
	}
	if !slices.Equal(l.Servers, want) {
		t.Errorf("planned %+v, want %+v", l.Servers, want)
	}
	if got := l.connectString(); got != "127.0.0.1:2181,127.0.0.1:2182,127.0.0.1:2183,127.0.0.1:2184" {
		t.Errorf("clients connect to %s", got)
	}
	high, err := planEnsemble("/e", 3, 0, 65533, allFree)
	if err != nil || high.Servers[2].ClientPort != 65535 || high.Servers[0].QuorumPort != 10240 {
		t.Errorf("at the end of all ports: %+v, %v", high.Servers, err)
	}
}

func TestPlanEnsembleErrors(t *testing.T) {
	for _, c := range []struct {
		voters, observers, base int
		want                    string
	}{
		{0, 3, 2181, "at least one server must vote"},
		{3, -1, 2181, "at least one server must vote"},
		{8, 2, 2181, "at most 9 fit in all"},
		{3, 0, 65534, "--base-port 65534: allowed are 1 to 65533"},
		{3, 0, 0, "--base-port 0: allowed are 1 to 65533"},
		{3, 0, 3000, "port 3001 is in use by another process"},
	} {
		_, err := planEnsemble("/e", c.voters, c.observers, c.base, func(port int) bool { return port != 3001 })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c, err, c.want)
		}
	}
}

// TestEnsembleFolder: what is written is what the server understands, and a second start finds the same.
func TestEnsembleFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "some", "ensemble")
	l, err := planEnsemble(folder, 2, 1, 2181, allFree)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := readEnsemble(folder); err != nil || len(found.Servers) > 0 {
		t.Fatalf("before the first start there are %+v, %v", found.Servers, err)
	}
	if err := l.write(); err != nil {
		t.Fatal(err)
	}
	found, err := readEnsemble(folder)
	if err != nil || !slices.Equal(found.Servers, l.Servers) {
		t.Fatalf("found %+v, %v; want %+v", found.Servers, err, l.Servers)
	}
	c, warnings, err := server.LoadConfig(l.configFile(3), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		if !strings.Contains(w.Text, "two participants") {
			t.Errorf("warning: %v", w)
		}
	}
	self, ok := c.Ensemble.Self()
	if !ok || self.Role != messages.Observer || !c.Ensemble.Distributed() || c.ClientListen() != "127.0.0.1:2183" {
		t.Errorf("server 3 is %v, listens at %s", self, c.ClientListen())
	}
	if err := l.write(); err == nil || !strings.Contains(err.Error(), "choose another --data-dir") {
		t.Errorf("writing over an ensemble gives %v", err)
	}
	left, err := filepath.Glob(folder + ".new-*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := found.checkPorts(func(port int) bool { return port != l.Servers[1].ElectionPort }); err == nil ||
		!strings.Contains(err.Error(), "the election port 3889 of server 2 is in use") {
		t.Errorf("a port that is taken gives %v", err)
	}
}

// TestEnsembleFolderMoved: paths that lead elsewhere are noticed before a server writes there.
func TestEnsembleFolderMoved(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "ensemble")
	l, err := planEnsemble(folder, 1, 0, 2181, allFree)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.write(); err != nil {
		t.Fatal(err)
	}
	moved := folder + "2"
	if err := os.Rename(folder, moved); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, "1", "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "1", "data", "myid"), []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readEnsemble(moved); err == nil || !strings.Contains(err.Error(), "was the folder moved?") {
		t.Errorf("a moved folder gives %v", err)
	}
}

var testRows = []serverView{
	{ID: 1, State: "follower", Running: true, Zxid: "0x300000007", Conns: 2, Rate: 1234.5, CPU: 0.071, Memory: 35 << 20, PID: 101},
	{ID: 2, State: "leader", Running: true, Zxid: "0x300000007", CPU: 1.5, Memory: 36 << 20, PID: 102, Synced: 1, Learners: 2},
	{ID: 3, State: "killed"},
}

func TestRenderEnsemble(t *testing.T) {
	want := `  server 2 leads in epoch 3; 1 of 2 learners are up to date

    #  state              zxid  clients    req/s    cpu    memory      pid
    1  follower    0x300000007        2     1234     7%     35 MB      101
    2  leader      0x300000007        0        0   150%     36 MB      102
  > 3  killed`
	if got := strings.Join(renderEnsemble(testRows, 3), "\n"); got != want {
		t.Errorf("the view is\n%s\nwant\n%s", got, want)
	}
	rows := []serverView{{ID: 1, State: "looking", Running: true}, {ID: 2, State: "stopped"}}
	if got := leaderLine(rows); got != "nobody leads; 1 of 2 servers run" {
		t.Errorf("without a leader: %s", got)
	}
	if got := redraw([]string{"a", "b"}, 3); got != "\x1b[3A\ra\x1b[K\n\rb\x1b[K\n\x1b[J" {
		t.Errorf("redrawn as %q", got)
	}
}

func TestEnsembleNews(t *testing.T) {
	old := slices.Clone(testRows)
	old[1].State, old[2].State = "looking", "starting"
	got := strings.Join(ensembleNews(old, testRows), "; ")
	if want := "server 2 is leader; server 3: killed"; got != want {
		t.Errorf("news are %q, want %q", got, want)
	}
	if news := ensembleNews(testRows, testRows); len(news) > 0 {
		t.Errorf("nothing has changed, and yet: %q", news)
	}
}

func TestServerSample(t *testing.T) {
	var s serverSample
	s.parseServer("Zookeeper version: 3.9.4-x: y\nLatency min/avg/max: 0/0.0/0\nReceived: 70\nSent: 9\nConnections: 3\n" +
		"Outstanding: 0\nZxid: 0x100000007\nMode: leader\nNode count: 5\n")
	s.parseMonitor("zk_version\t3.9\nzk_learners\t3\nzk_synced_followers\t2\nzk_synced_observers\t1\nzk_avg_latency\t0.5\n")
	if s.mode != "leader" || s.zxid != "0x100000007" || s.conns != 2 || s.received != 70 || s.learners != 3 || s.synced != 3 {
		t.Errorf("read as %+v", s)
	}
	s.pid, s.at, s.cpu = 5, time.UnixMilli(10_500), 300*time.Millisecond
	before := serverSample{pid: 5, at: time.UnixMilli(10_000), received: 20, cpu: 200 * time.Millisecond}
	if v := s.view(before, serverView{}); v.Rate != 100 || v.CPU != 0.2 {
		t.Errorf("in half a second: %+v", v)
	}
	if before.pid = 4; s.view(before, serverView{}).Rate != 0 {
		t.Error("two processes have no rate in common")
	}
	var none serverSample
	none.parseServer("This ZooKeeper instance is not currently serving requests\n")
	if none.mode != "" {
		t.Errorf("a server that looks is read as %+v", none)
	}
}

func TestProcessStat(t *testing.T) {
	cpu, pages := parseProcessStat("17 (a) b (c)) S 1 17 17 0 -1 4194304 9 0 0 0 120 30 0 0 20 0 9 0 5 999 4321 18 1 1")
	if cpu != 1500*time.Millisecond || pages != 4321 {
		t.Errorf("read as %v and %d pages", cpu, pages)
	}
	if cpu, pages := parseProcessStat("17 (a"); cpu != 0 || pages != 0 {
		t.Error("half a line says nothing")
	}
}

func TestEnsembleEnvironment(t *testing.T) {
	got := ensembleEnvironment([]string{"HOME=/h", "TROUPE_CLIENT_PORT=1", "ZOO_MY_ID=2", "JVMFLAGS=-Dx", "GOGC=50"})
	if !slices.Equal(got, []string{"HOME=/h", "GOGC=50"}) {
		t.Errorf("servers are given %q", got)
	}
}
