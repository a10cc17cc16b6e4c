//go:build unix

package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/bench"
)

// wellFormed reads the page as XML, which it is but for what HTML abbreviates.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
	}
}

// foreign finds what a page would fetch from elsewhere.
var foreign = regexp.MustCompile(`(?i)<(script|link|img|iframe)|url\(|@import|\b(src|href)=`)

// checkPage writes a page and returns its HTML.
func checkPage(t *testing.T, p *Page) string {
	t.Helper()
	htmlFile := filepath.Join(t.TempDir(), "a.html")
	if err := p.Save(htmlFile, ""); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(htmlFile)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, string(text))
	if found := foreign.Find(text); found != nil {
		t.Errorf("the page is not self-contained: %s", found)
	}
	for _, want := range []string{"prefers-color-scheme:dark", "<svg", p.Title} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	return string(text)
}

func exampleResult(scenario, op string) *bench.Result {
	curve := []bench.Quantile{{Percent: 50, US: 120}, {Percent: 99, US: 300}, {Percent: 99.9, US: 900}}
	return &bench.Result{
		Scenario: scenario, Title: "something <b>bold</b>", Servers: []string{"127.0.0.1:2181"},
		Sessions: 8, Window: 32, Keys: 10_000, ValueBytes: 100,
		Seconds: 2, Answers: 2000, PerSecond: 1000, Rate: 1000, Distribution: "zipf", Interrupted: true,
		Latency: []bench.Latency{{Op: op, Count: 2000, P50US: 120, P99US: 300, P999US: 900, MaxUS: 2000, Curve: curve}},
		Series: []bench.Interval{
			{AtSeconds: 1, Seconds: 1, Answers: 900, P50US: 100, P99US: 290}, {AtSeconds: 1.9, Seconds: 0.9, Answers: 1100, P50US: 130, P99US: 310},
			{AtSeconds: 2, Seconds: 0.1, Answers: 0},
		},
		Server: &bench.ServerUsage{CPUUS: 12, RSSAfter: 64 << 20}, Lost: 2, Messages: []bench.Message{{Text: "lost: EOF", Count: 2}},
	}
}

func TestPageOfResults(t *testing.T) {
	text := checkPage(t, OfResults([]*bench.Result{exampleResult("read", "get"), exampleResult("write", "set")}))
	for _, want := range []string{"Throughput over time", "Distribution of the latency", "read: get", "write, 99th percentile", "1k",
		"lost: EOF", "open loop of 1k/s", "zipf", "interrupted", "&lt;b&gt;"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	var picture bytes.Buffer
	if err := OfResults([]*bench.Result{exampleResult("read", "get")}).WritePNG(&picture); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(&picture); err != nil {
		t.Error(err)
	}
}

// A run that measured nothing still has a page that says why.
func TestPageOfNothing(t *testing.T) {
	checkPage(t, OfResults([]*bench.Result{{Scenario: "read", Lost: 1, Messages: []bench.Message{{Text: "lost: EOF", Count: 1}}}}))
}

func TestPictureOfNothing(t *testing.T) {
	if err := (&Page{Title: "empty"}).WritePNG(io.Discard); err == nil {
		t.Error("a picture of nothing was written")
	}
	if err := (&Page{}).Save(filepath.Join(t.TempDir(), "no", "such", "folder.html"), ""); err == nil {
		t.Error("a folder that does not exist was written to")
	}
}

func TestPageOfFailOver(t *testing.T) {
	f := &bench.FailOver{Servers: []string{"a:1", "b:2"}, Clients: 3, Seconds: 10, ThresholdMS: 50,
		StepSeconds: 0.1, Course: []int64{50, 0, 0, 60}}
	if text := checkPage(t, OfFailOver(f)); !strings.Contains(text, "There was none") {
		t.Error("a page without outages does not say so")
	}
	f.Breaks = []bench.Break{{AtSeconds: 1, NobodyMS: 231, AllMS: 260, Clients: 3}, {AtSeconds: 2, AllMS: 90, Clients: 1, Lasting: true}}
	text := checkPage(t, OfFailOver(f))
	for _, want := range []string{"231 ms", "1 of 3", "not until the end"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
}

// exampleComparison has two subjects, a ceiling and the disk.
func exampleComparison(ensemble int) *bench.Comparison {
	c := &bench.Comparison{Subjects: []string{"ZooKeeper", "Troupe"}, Versions: map[string]string{"ZooKeeper": "3.8", "Troupe": "0.1"},
		Rounds: 2, Ensemble: ensemble, Notes: []string{"something was done again"}}
	for round := 1; round <= 2; round++ {
		for i, subject := range []string{"ZooKeeper", "Troupe", bench.EchoSubject, bench.BareSubject} {
			of := func(measure string, value float64) {
				c.Samples = append(c.Samples, bench.Sample{Measure: measure, Subject: subject, Round: round, Value: value,
					Result: exampleResult("read", "get")})
			}
			if subject == bench.EchoSubject {
				of("echo w32 c8", 3e6)
				continue
			}
			if subject == bench.BareSubject {
				of("set w1 c1, median", 120)
				continue
			}
			of("get w32 c8", float64(1000*(1+9*i)*round))
			of("set w1 c1, median", float64(300-100*i))
		}
		c.Samples = append(c.Samples, bench.Sample{Measure: "fdatasync, median", Subject: bench.DiskSubject, Round: round, Value: 100})
	}
	return c
}

func TestPageOfComparisons(t *testing.T) {
	p := OfComparisons(exampleComparison(0), exampleComparison(3))
	text := checkPage(t, p)
	for _, want := range []string{"ZooKeeper and Troupe compared", "One server", "3 servers", "10.00 x", "15,000 (10,000..20,000)",
		"120 (120..120)", "something was done again", "limit of this machine", "server CPU per operation", "distribution of the latency"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if len(p.Picture) != 2 {
		t.Errorf("the picture has %d charts, want one for each comparison", len(p.Picture))
	}
}

func TestPageOfGrowth(t *testing.T) {
	g := &bench.Growth{Subjects: []string{"ZooKeeper", "Troupe"}, Notes: []string{"somebody could not follow"}, NotQuiet: 2}
	for _, size := range []int{1000, 10_000, 100_000} {
		for i, subject := range g.Subjects {
			if i == 0 && size > 10_000 {
				continue // it could not follow
			}
			g.Points = append(g.Points,
				bench.GrowPoint{Curve: "znodes", Subject: subject, Size: size, Metric: "get", Unit: "ops/s", Value: float64(size * (i + 1))},
				bench.GrowPoint{Curve: "znodes", Subject: subject, Size: size, Metric: "memory per znode", Unit: "B", Value: 300})
		}
	}
	text := checkPage(t, OfGrowth(g))
	for _, want := range []string{"somebody could not follow", "memory per znode, B", "by znodes of 100 bytes", "<td>100k</td>",
		"2 of 10 figures"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
}
