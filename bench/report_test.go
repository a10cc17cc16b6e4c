//go:build unix

package bench

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestLatencySummary(t *testing.T) {
	r := newRecorder()
	r.done(OpGet, time.Millisecond) // before the measured time
	r.begin(0)
	for i := 1; i <= 1000; i++ {
		r.done(OpGet, time.Duration(i)*time.Microsecond)
	}
	r.done(OpGet, 10*latencyMax)
	r.end(time.Second)
	r.done(OpGet, time.Millisecond) // after it
	l := summarise("get", r.total[OpGet])
	if l.Count != 1001 || r.answered != 1003 {
		t.Errorf("count %d, answered %d", l.Count, r.answered)
	}
	within := func(name string, got, want float64) {
		if got < want*0.995 || got > want*1.005 {
			t.Errorf("%s: got %v us, want %v", name, got, want)
		}
	}
	within("p50", l.P50US, 500)
	within("p99", l.P99US, 990)
	within("max", l.MaxUS, float64(latencyMax.Microseconds()))
}

func TestMessagesAreBounded(t *testing.T) {
	r := newRecorder()
	for i := range 3 * messagesMax {
		r.note(strings.Repeat("x", i+1))
	}
	if len(r.messages) != messagesMax {
		t.Errorf("%d different messages kept, want %d", len(r.messages), messagesMax)
	}
}

func TestWriteText(t *testing.T) {
	results := []*Result{{
		Scenario: "read", Sessions: 8, Window: 32, Seconds: 2, Answers: 2_469_134, PerSecond: 1_234_567,
		Latency:        []Latency{{Op: "get", Count: 2_469_134, P50US: 120, P99US: 300.4, P999US: 900, MaxUS: 2000}},
		GeneratorCPUUS: 0.4, Server: &ServerUsage{CPUUS: 1.25, RSSAfter: 64 << 20}, ForeignCores: 0.05,
		Lost: 2, Messages: []Message{{Text: "lost: EOF", Count: 2}}, Interrupted: true,
	}}
	var b bytes.Buffer
	if err := WriteText(&b, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1,234,567", "120", "300", "1.2", "0.40", "64", "0.05", "interrupted after 2.0 s", "2 lost", "2 times: lost: EOF",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	lines := strings.Split(b.String(), "\n")
	if len(lines[0]) != len(lines[1]) {
		t.Errorf("columns do not line up:\n%s", b.String())
	}
}

func TestResultJSONNamesUnits(t *testing.T) {
	b, err := json.Marshal(Result{Latency: []Latency{{}}, Server: &ServerUsage{}, Messages: []Message{{}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"per_second"`, `"p99_us"`, `"generator_cpu_us"`, `"rss_after_bytes"`, `"value_bytes"`, `"foreign_cores"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}

func TestFormatCount(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.4: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := formatCount(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}

func TestProgressLine(t *testing.T) {
	var b bytes.Buffer
	show, clear := ProgressLine(&b)
	show(Progress{Scenario: "read", Phase: "measuring", Elapsed: 1500 * time.Millisecond, Limit: 10 * time.Second,
		Answers: 15_000, PerSecond: 10_000, Failed: 1})
	clear()
	if want := "\rread: measuring 1.5/10 s, 10,000 ops/s, 15000 answers, 1 failed\x1b[K\r\x1b[K"; b.String() != want {
		t.Errorf("got %q\nwant %q", b.String(), want)
	}
}
