//go:build unix

package page

import (
	"fmt"
	"math"
	"strings"

	"github.com/troupekeeper/troupe/bench"
	"github.com/troupekeeper/troupe/bench/chart"
)

// OfResults shows runs that were made one after the other.
func OfResults(results []*bench.Result) *Page {
	p := &Page{Title: "troupe bench"}
	var names []string
	for _, r := range results {
		names = append(names, r.Scenario)
		p.Lead = append(p.Lead, leadOf(r))
	}
	if len(names) > 0 {
		p.Title += ": " + strings.Join(names, ", ")
	}
	p.Sections = append(p.Sections, Section{Title: "Figures", Tables: []Table{tableOf(results)}})
	if notes := notesOf(results); len(notes) > 0 {
		p.Sections = append(p.Sections, Section{Title: "Notes", Text: notes})
	}
	charts := courseOf(results)
	charts = append(charts, distributionOf(results))
	if bars := kindsOf(results); len(bars.Rows) > 0 {
		charts = append(charts, bars)
	}
	p.Sections = append(p.Sections, Section{Title: "Charts", Drawings: charts})
	return p
}

// leadOf says in one line what was run.
func leadOf(r *bench.Result) string {
	how := "closed loop"
	if r.Rate > 0 {
		how = fmt.Sprintf("open loop of %s/s", chart.Short(r.Rate))
	}
	title := r.Title
	if title == "" {
		title = r.Scenario
	}
	text := fmt.Sprintf("%s: %s, connections %d, window %d, %s keys of %d bytes, %s; %.1f s from %s on %s",
		r.Scenario, title, r.Sessions, r.Window, chart.Short(float64(r.Keys)), r.ValueBytes, how, r.Seconds, r.Began,
		strings.Join(r.Servers, ", "))
	if r.Distribution == "zipf" {
		text += ", keys by a zipf distribution"
	}
	if r.Interrupted {
		text += " (interrupted)"
	}
	return text
}

// notesOf tells what a run says beside its figures.
func notesOf(results []*bench.Result) []string {
	var all []string
	for _, r := range results {
		all = append(all, strings.FieldsFunc(r.Notes(), func(c rune) bool { return c == '\n' })...)
	}
	return all
}

// tableOf is the table that the command prints.
func tableOf(results []*bench.Result) Table {
	t := Table{Head: []string{
		"scenario", "request", "per second", "p50", "p90", "p99", "p99.9", "max", "server CPU", "generator CPU", "server memory",
	}}
	for _, r := range results {
		for i, l := range r.Latency {
			server, client, memory := "", "", ""
			if i == 0 {
				client = chart.Duration(r.GeneratorCPUUS)
			}
			if r.Server != nil && i == 0 {
				server = chart.Duration(r.Server.CPUUS)
				if r.Server.RSSAfter > 0 {
					memory = chart.Short(float64(r.Server.RSSAfter)/(1<<20)) + " MiB"
				}
			}
			t.Rows = append(t.Rows, []string{r.Scenario, l.Op, chart.Short(float64(l.Count) / max(r.Seconds, 1e-9)),
				chart.Duration(l.P50US), chart.Duration(l.P90US), chart.Duration(l.P99US), chart.Duration(l.P999US), chart.Duration(l.MaxUS),
				server, client, memory})
		}
	}
	return t
}

// courseOf draws throughput and latency over time.
func courseOf(results []*bench.Result) []chart.Drawing {
	seconds := chart.Axis{Label: "time measured, in seconds"}
	rate := &chart.Lines{Title: "Throughput over time", Note: "checked answers to all connections",
		X: seconds, Y: chart.Axis{Label: "answers per second"}}
	latency := &chart.Lines{Title: "Latency over time", Note: "median and 99th percentile of the slowest kind of request",
		X: seconds, Y: chart.Axis{Label: "latency", Scale: chart.Log, Format: chart.Duration}}
	for i, r := range results {
		ofRate := chart.Series{Name: r.Scenario, Ink: i}
		median := chart.Series{Name: r.Scenario + ", median", Ink: 2 * i}
		tail := chart.Series{Name: r.Scenario + ", 99th percentile", Ink: 2*i + 1}
		for _, step := range wholeSteps(r.Series) {
			ofRate.X, ofRate.Y = append(ofRate.X, step.AtSeconds), append(ofRate.Y, float64(step.Answers)/step.Seconds)
			if step.P50US > 0 {
				median.X, median.Y = append(median.X, step.AtSeconds), append(median.Y, step.P50US)
				tail.X, tail.Y = append(tail.X, step.AtSeconds), append(tail.Y, step.P99US)
			}
		}
		rate.Series = append(rate.Series, ofRate)
		latency.Series = append(latency.Series, median, tail)
	}
	return []chart.Drawing{rate, latency}
}

// wholeSteps leaves out a last interval that is only the rest of one, in which
// a rate would mean little.
func wholeSteps(all []bench.Interval) []bench.Interval {
	if n := len(all); n > 1 && all[n-1].Seconds < all[0].Seconds/2 {
		return all[:n-1]
	}
	return all
}

// distributionOf draws the latencies at rising percentiles.
func distributionOf(results []*bench.Result) chart.Drawing {
	d := &chart.Lines{Title: "Distribution of the latency", Note: "how long at most, for this share of the answers",
		X: chart.Axis{Label: "percentile", Scale: chart.Nines, Format: chart.Percent},
		Y: chart.Axis{Label: "latency", Scale: chart.Log, Format: chart.Duration}}
	for _, r := range results {
		for _, l := range r.Latency {
			s := chart.Series{Name: nameOf(results, r, l), Ink: len(d.Series)}
			for _, q := range l.Curve {
				s.X, s.Y = append(s.X, q.Percent), append(s.Y, max(q.US, 1))
			}
			d.Series = append(d.Series, s)
		}
	}
	return d
}

// nameOf names a kind of request, with its scenario if there are several.
func nameOf(results []*bench.Result, r *bench.Result, l bench.Latency) string {
	if len(results) > 1 && r.Scenario != l.Op {
		return r.Scenario + ": " + l.Op
	}
	return l.Op
}

// kindsOf compares the kinds of request; with one there is nothing to compare.
func kindsOf(results []*bench.Result) *chart.Bars {
	b := &chart.Bars{Title: "Kinds of request compared", Note: "each row to a scale of its own"}
	rows := []struct {
		label, unit string
		of          func(*bench.Result, bench.Latency) float64
		format      func(float64) string
	}{
		{"throughput", "per second, higher is better", func(r *bench.Result, l bench.Latency) float64 {
			return float64(l.Count) / max(r.Seconds, 1e-9)
		}, chart.Short},
		{"median latency", "lower is better", func(_ *bench.Result, l bench.Latency) float64 { return l.P50US }, chart.Duration},
		{"99th percentile", "lower is better", func(_ *bench.Result, l bench.Latency) float64 { return l.P99US }, chart.Duration},
		{"99.9th percentile", "lower is better", func(_ *bench.Result, l bench.Latency) float64 { return l.P999US }, chart.Duration},
	}
	for _, r := range results {
		for _, l := range r.Latency {
			b.Names, b.Inks = append(b.Names, nameOf(results, r, l)), append(b.Inks, len(b.Inks))
		}
	}
	if len(b.Names) < 2 {
		return b
	}
	for _, row := range rows {
		bar := chart.BarRow{Label: row.label, Unit: row.unit}
		for _, r := range results {
			for _, l := range r.Latency {
				v := row.of(r, l)
				if math.IsInf(v, 0) {
					v = math.NaN()
				}
				bar.Values, bar.Texts = append(bar.Values, v), append(bar.Texts, row.format(v))
			}
		}
		b.Rows = append(b.Rows, bar)
	}
	return b
}
