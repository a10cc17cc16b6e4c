//go:build unix

package bench

import (
	"bufio"
	"context"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestFakeMember is no test but a server of an ensemble, started by the test
// below as a process of its own that can be killed. It passes connections on to
// that test's fake server; the running member with the lowest number leads.
func TestFakeMember(t *testing.T) {
	if flag.NArg() != 2 {
		t.Skip("a server for other tests to start")
	}
	text, err := os.ReadFile(flag.Arg(0))
	if err != nil {
		t.Fatal(err)
	}
	id, err := os.ReadFile(filepath.Join(filepath.Dir(flag.Arg(0)), "data", "myid"))
	if err != nil {
		t.Fatal(err)
	}
	// Elections happen by listening at the election port, as a sign of life.
	var client string
	var before []string
	for _, m := range regexp.MustCompile(`server\.(\d)=127\.0\.0\.1:\d+:(\d+);(\S+)`).FindAllStringSubmatch(string(text), -1) {
		election := "127.0.0.1:" + m[2]
		if m[1] != strings.TrimSpace(string(id)) {
			before = append(before, election)
			continue
		}
		client = m[3]
		l, err := net.Listen("tcp", election)
		if err != nil {
			t.Fatal(err)
		}
		go serveClosed(l)
		break
	}
	l, err := net.Listen("tcp", client)
	if err != nil {
		t.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		go serveMember(c, before, flag.Arg(1))
	}
}

func serveClosed(l net.Listener) {
	for {
		if c, err := l.Accept(); err == nil {
			c.Close()
		}
	}
}

func serveMember(c net.Conn, before []string, store string) {
	defer c.Close()
	in := bufio.NewReader(c)
	if word, err := in.Peek(4); err != nil {
		return
	} else if string(word) == "srvr" {
		mode := "leader"
		for _, election := range before {
			if other, err := net.Dial("tcp", election); err == nil {
				other.Close()
				mode = "follower"
			}
		}
		_, _ = io.WriteString(c, "Latency min/avg/max: 0/0/0\nMode: "+mode+"\nNode count: 5\n")
		return
	}
	s, err := net.Dial("tcp", store)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		_, _ = io.Copy(s, in)
		s.Close()
	}()
	_, _ = io.Copy(c, s)
}

// fakeSubject is an ensemble whose members keep everything in f.
func fakeSubject(f *fakeServer) Subject {
	return Subject{Name: "Fake", Version: "1", Command: func(home string, members []Member, at int) ([]string, error) {
		config, err := writeZooConfig(home, members, at)
		return []string{os.Args[0], "-test.run=^TestFakeMember$", "-test.timeout=10m", config, f.listener.Addr().String()}, err
	}}
}

// A whole comparison: servers start, are measured, lose a request, are killed
// and started again, and end up in the table.
func TestCompareAnEnsemble(t *testing.T) {
	f := startFake(t, nil)
	lost := false
	f.spoil = func(_ int, op int32, b []byte) []byte {
		if op == opCodes[OpGet] && !lost {
			lost = true
			return nil
		}
		return b
	}
	cfg := DefaultCompareConfig()
	cfg.Subjects, cfg.Ensemble = []Subject{fakeSubject(f)}, 3
	cfg.Rounds, cfg.Kills, cfg.Watchers, cfg.FillKeys, cfg.IdleSessions = 1, 1, 20, 0, 0
	cfg.Warmup, cfg.MeasureWarmup, cfg.Measure = 0, 0, 150*time.Millisecond
	cfg.Keys.Count = 500
	cfg.Dir, cfg.LogDir = t.TempDir(), t.TempDir()
	c, err := Compare(context.Background(), cfg)
	if err != nil {
		t.Fatal(err, c.Notes)
	}
	for _, m := range ensembleMeasures(cfg.Watchers) {
		if v := c.values(m.name, "Fake", sampleValue); v[1] <= 0 {
			t.Errorf("%s: %v", m.name, v)
		}
	}
	for _, row := range c.Tables()[0].Rows { // all that loads give has a limit
		loaded := c.values(row.Measure, "Fake", sampleMedian)
		if len(loaded) > 0 && row.Limit.Rounds == 0 {
			t.Errorf("no limit of %s", row.Measure)
		}
	}
	for _, m := range []string{measureSetInSyncs, measureOutageAny, measureOutageAll, measureOutageLongest} {
		if v := c.values(m, "Fake", sampleValue); v[1] <= 0 {
			t.Errorf("%s: %v", m, v)
		}
	}
	if len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "get w32 c8 was done again") {
		t.Errorf("notes %q", c.Notes)
	}
	var b strings.Builder
	if err := c.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ensembles of 3", "fdatasync of 1 KiB", "note: round 1, Fake", "median of the latency"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// Servers that end instead of serving are not waited for.
func TestEnsembleThatDoesNotStart(t *testing.T) {
	cfg := DefaultCompareConfig()
	cfg.Subjects = []Subject{{Name: "False", Command: func(string, []Member, int) ([]string, error) { return []string{"false"}, nil }}}
	cfg.Ensemble, cfg.FillKeys, cfg.Measure, cfg.MeasureWarmup = 3, 0, 100*time.Millisecond, 0
	cfg.Dir, cfg.LogDir = t.TempDir(), t.TempDir()
	if _, err := Compare(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "server 1 of 3") {
		t.Errorf("got %v", err)
	}
}

func TestLeader(t *testing.T) {
	for _, c := range []struct {
		modes []string
		want  string // number of the leader, or a part of the error
	}{
		{[]string{"follower", "leader", "follower"}, "1"},
		{[]string{"follower", "follower", "follower"}, "no server leads"},
		{[]string{"leader", "leader", "follower"}, "both server 1 and server 2 lead"},
		{[]string{"leader", "follower", "standalone"}, `server 3 is in mode "standalone"`},
		{[]string{"leader", "follower", ""}, "tells no mode, but \"This instance is not currently serving requests\""},
	} {
		f := &fleet{}
		for i, mode := range c.modes {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go sayMode(l, mode)
			f.members = append(f.members, Member{ID: i + 1, ClientPort: l.Addr().(*net.TCPAddr).Port})
		}
		leader, err := f.leader()
		switch {
		case err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%q: %v, want %q", c.modes, err, c.want)
		case err == nil && c.want != string(rune('0'+leader)):
			t.Errorf("%q: server %d leads, want %s", c.modes, leader, c.want)
		case err == nil:
			if all := f.addresses(leader); len(all) != 3 || all[2] != f.members[leader].address() {
				t.Errorf("the leader is not the last of %q", all)
			}
		}
	}
}

// sayMode answers each connection as srvr does.
func sayMode(l net.Listener, mode string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.ReadFull(c, make([]byte, 4))
		if mode == "" {
			_, _ = io.WriteString(c, "This instance is not currently serving requests\n")
		} else {
			_, _ = io.WriteString(c, "Connections: 1\nMode: "+mode+"\n")
		}
		c.Close()
	}
}

func TestQuietPortsDiffer(t *testing.T) {
	ports, err := quietPorts(27)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[int]bool)
	for _, port := range ports {
		if seen[port] || port >= 30_000 {
			t.Errorf("port %d of %v", port, ports)
		}
		seen[port] = true
	}
	if _, err := quietPorts(30_000); err == nil {
		t.Error("more ports than there are")
	}
}

func TestCompareConfigErrorsNameTheRange(t *testing.T) {
	for want, change := range map[string]func(*CompareConfig){
		"ensemble of 2: want 3 to 9":        func(c *CompareConfig) { c.Ensemble = 2 },
		"ensemble of 10: want 3 to 9":       func(c *CompareConfig) { c.Ensemble = 10 },
		"fill 1000000: want 0 for an":       func(c *CompareConfig) { c.Ensemble = 3 },
		"watchers -1: want 0 to":            func(c *CompareConfig) { c.Watchers = -1 },
		"kills 101: want 0 to 100":          func(c *CompareConfig) { c.Kills = 101 },
		"measured time 1ms: want 100ms":     func(c *CompareConfig) { c.Measure = time.Millisecond },
		"subjects: want at least one":       func(c *CompareConfig) { c.Subjects = nil },
		"idle sessions -1: want 0 to 10000": func(c *CompareConfig) { c.IdleSessions = -1 },
	} {
		cfg := DefaultCompareConfig()
		cfg.Subjects = []Subject{{}}
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
