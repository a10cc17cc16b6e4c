//go:build unix

package bench

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	if _, ok := spreadOf(nil); ok {
		t.Error("a spread of nothing")
	}
	if s, _ := spreadOf([]float64{5, 1, 3}); s != (spread{3, 1, 5}) {
		t.Errorf("odd: %+v", s)
	}
	if s, _ := spreadOf([]float64{4, 1, 3, 2}); s != (spread{2.5, 1, 4}) {
		t.Errorf("even: %+v", s)
	}
}

// Ratios pair figures of the same round, and above 1 always means better.
func TestRatios(t *testing.T) {
	first := map[int]float64{1: 10, 2: 20, 3: 0}
	second := map[int]float64{1: 50, 3: 7, 4: 1}
	if got := ratios(first, second, false); len(got) != 1 || got[1] != 5 {
		t.Errorf("higher is better: %v", got)
	}
	if got := ratios(first, second, true); len(got) != 1 || got[1] != 0.2 {
		t.Errorf("lower is better: %v", got)
	}
}

func TestComparisonTable(t *testing.T) {
	c := &Comparison{Subjects: []string{"A", "B"}, Versions: map[string]string{"A": "1", "B": "2"}, Rounds: 2}
	for round, v := range map[int]float64{1: 1000, 2: 2000} {
		c.Samples = append(c.Samples,
			Sample{Measure: "get w32 c8", Subject: "A", Round: round, Value: v, Result: &Result{Server: &ServerUsage{CPUUS: 20}}},
			Sample{Measure: "get w32 c8", Subject: "B", Round: round, Value: v * 4, Result: &Result{Server: &ServerUsage{CPUUS: 2}}},
			Sample{Measure: "echo w32 c8", Subject: EchoSubject, Round: round, Value: 1e6},
		)
	}
	c.Samples = append(c.Samples,
		Sample{Measure: measureStart, Subject: "A", Round: 1, Value: 9}, Sample{Measure: measureStart, Subject: "B", Round: 1, Value: 0.5})
	var b bytes.Buffer
	if err := c.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1,500 (1,000..2,000)", "6,000 (4,000..8,000)", "4.00 x", "1,000,000 (1,000,000..1,000,000)", "18.00 x", "10.00 x", "us/op",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "set w32") {
		t.Errorf("a row without figures is shown:\n%s", b.String())
	}
}

// Every measure that is taken must have a row, or it would vanish.
func TestEveryMeasureHasARow(t *testing.T) {
	rows, echoes := make(map[string]reportRow), make(map[string]bool)
	for _, row := range reportRows() {
		rows[row.measure], echoes[row.echo] = row, true
	}
	for _, m := range slices.Concat(standaloneMeasures(1000), ensembleMeasures(1000), []loadMeasure{halfMeasure(1)}, bareMeasures(1000)) {
		if rows[m.name].measure == "" || m.inSyncs != "" && rows[m.inSyncs].measure == "" {
			t.Errorf("no row for %s or %s", m.name, m.inSyncs)
		}
	}
	for _, m := range echoMeasures() {
		if !echoes[m.name] {
			t.Errorf("no row shows the limit %s", m.name)
		}
	}
}

// The limit is the better one of what the echo server and the bare one reached,
// whichever way is better. A sync of the disk is added to an echo for a lone set.
func TestLimitsAreTheBetterOnes(t *testing.T) {
	c := &Comparison{Subjects: []string{"A"}, Rounds: 1}
	for subject, figures := range map[string]map[string]float64{
		"A":         {"get w32 c8": 10, "get w1 c1, median": 90, "set w1 c64": 5, "set w1 c1 at the leader, median": 300, measureMemory: 7},
		DiskSubject: {measureSync: 60},
		EchoSubject: {"echo w32 c8": 300, "echo w1 c1, median": 30},
		BareSubject: {"get w32 c8": 200, "get w1 c1, median": 20, "set w1 c64": 50, "set w1 c1, median": 100},
	} {
		for measure, v := range figures {
			c.Samples = append(c.Samples, Sample{Measure: measure, Subject: subject, Round: 1, Value: v})
		}
	}
	want := map[string]float64{
		"get w32 c8": 300, "get w1 c1, median": 20, "set w1 c64": 50, "set w1 c1 at the leader, median": 90, measureMemory: 0,
	}
	rows := c.Tables()[0].Rows
	if len(rows) != len(want) {
		t.Errorf("%d rows, want %d", len(rows), len(want))
	}
	for _, row := range rows {
		if row.Limit.Median != want[row.Measure] || (row.Limit.Rounds > 0) != (want[row.Measure] > 0) {
			t.Errorf("limit of %s: %v, want %v", row.Measure, row.Limit, want[row.Measure])
		}
	}
}

func TestZooConfig(t *testing.T) {
	home := t.TempDir()
	text := zooConfig(t, home, []Member{{ID: 1, ClientPort: 1234}}, 0)
	for _, want := range []string{"clientPort=1234", "dataDir=" + filepath.Join(home, "data"), "maxClientCnxns=0", "forceSync=yes"} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestZooConfigOfAnEnsemble(t *testing.T) {
	home := t.TempDir()
	text := zooConfig(t, home, []Member{{1, 101, 102, 103, false}, {2, 201, 202, 203, false}, {3, 301, 302, 303, true}}, 1)
	for _, want := range []string{
		"tickTime=2000", "initLimit=10", "syncLimit=5", "server.1=127.0.0.1:102:103;127.0.0.1:101",
		"server.3=127.0.0.1:302:303:observer;127.0.0.1:301",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "clientPort") {
		t.Errorf("a second place for the client port:\n%s", text)
	}
	if id, err := os.ReadFile(filepath.Join(home, "data", "myid")); err != nil || string(id) != "2\n" {
		t.Errorf("myid: %q, %v", id, err)
	}
}

func zooConfig(t *testing.T, home string, members []Member, at int) string {
	t.Helper()
	path, err := writeZooConfig(home, members, at)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestProcessStops(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p, err := StartProcess([]string{"cat", "/dev/zero"}, "", os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	p, err = StartProcess([]string{"sh", "-c", "echo gone; exit 3"}, "", log)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), log) {
		t.Errorf("a server that ended by itself: %v", err)
	}
	if _, err := StartProcess([]string{"/does/not/exist"}, "", log); err == nil {
		t.Error("a program that does not exist was started")
	}
}

// A server that dies while it is waited for must not be waited for any longer.
func TestTimeStartNoticesADeadServer(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Servers = []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	_, _, err = TimeStart(context.Background(), cfg, 0, time.Hour, []string{"false"}, "", os.DevNull)
	if err == nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
