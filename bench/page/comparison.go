//go:build unix

package page

import (
	"fmt"
	"math"

	"github.com/troupekeeper/troupe/bench"
	"github.com/troupekeeper/troupe/bench/chart"
)

// OfComparisons shows comparisons of the same subjects, such as of servers that
// are alone and of ensembles.
func OfComparisons(all ...*bench.Comparison) *Page {
	p := &Page{Title: "Servers compared"}
	for _, c := range all {
		if len(c.Subjects) == 2 {
			p.Title = c.Subjects[0] + " and " + c.Subjects[1] + " compared"
		}
		name := "One server"
		if c.Ensemble > 0 {
			name = fmt.Sprintf("%d servers", c.Ensemble)
		}
		tables := c.Tables()
		bars := barsOf(c, name, tables[0])
		p.Picture = append(p.Picture, bars)
		p.Sections = append(p.Sections,
			Section{Title: name, Text: c.Lead(), Tables: []Table{comparedTable(c, tables[0])}, Drawings: []chart.Drawing{bars}},
			Section{Title: name + ": over time, and how latencies are distributed", Drawings: runsOf(c)})
		more := Section{Title: name + ": costs and percentiles"}
		for _, t := range tables[1:] {
			if len(t.Rows) > 0 {
				more.Tables = append(more.Tables, comparedTable(c, t))
			}
		}
		p.Sections = append(p.Sections, more)
	}
	p.Lead = []string{"Each figure is the median of the rounds, with the lowest and the highest. A ratio pairs the figures of one round; " +
		"above 1 the second subject is better. The limit is what a server that does the least reached with the same load in the same " +
		"run: it answers, and makes what has arrived of sets durable with one sync, without a tree, sessions or a log to read again."}
	return p
}

func comparedTable(c *bench.Comparison, t bench.ComparedTable) Table {
	out := Table{Caption: t.Title, Head: append([]string{"measure", "unit"}, c.Subjects...)}
	if t.Judged {
		out.Head = append(out.Head, "better by")
	}
	out.Head = append(out.Head, "limit")
	for _, row := range t.Rows {
		cells := []string{row.Measure, row.Unit}
		for _, f := range row.Subjects {
			cells = append(cells, f.String())
		}
		if t.Judged {
			cells = append(cells, row.Ratio.Times())
		}
		out.Rows = append(out.Rows, append(cells, row.Limit.String()))
	}
	return out
}

// Colours of what is compared; more subjects take those that follow.
const limitInk = 2

func subjectInk(i int) int {
	if i >= limitInk {
		return i + 1
	}
	return i
}

// barsOf draws the main table.
func barsOf(c *bench.Comparison, name string, t bench.ComparedTable) *chart.Bars {
	b := &chart.Bars{Title: name, Note: "medians, each row to a scale of its own"}
	for i, s := range c.Subjects {
		b.Names, b.Inks = append(b.Names, s), append(b.Inks, subjectInk(i))
	}
	b.Names, b.Inks = append(b.Names, "limit of this machine"), append(b.Inks, limitInk)
	for _, row := range t.Rows {
		better := "higher is better"
		if row.Lower {
			better = "lower is better"
		}
		bar := chart.BarRow{Label: row.Measure, Unit: row.Unit + ", " + better}
		for _, f := range append(row.Subjects, row.Limit) {
			v := math.NaN()
			if f.Rounds > 0 {
				v = f.Median
			}
			bar.Values, bar.Texts = append(bar.Values, v), append(bar.Texts, chart.Short(f.Median))
		}
		b.Rows = append(b.Rows, bar)
	}
	return b
}

// runsOf draws throughput and latencies of each measure's last round.
func runsOf(c *bench.Comparison) []chart.Drawing {
	var rates, curves []chart.Drawing
	for _, measure := range measuresOf(c) {
		rate := &chart.Lines{Title: measure, Note: "throughput over time, last round",
			X: chart.Axis{Label: "time measured, in seconds"}, Y: chart.Axis{Label: "answers per second"}}
		curve := &chart.Lines{Title: measure, Note: "distribution of the latency, last round",
			X: chart.Axis{Label: "percentile", Scale: chart.Nines, Format: chart.Percent},
			Y: chart.Axis{Label: "latency", Scale: chart.Log, Format: chart.Duration}}
		for i, subject := range c.Subjects {
			r := lastResult(c, measure, subject)
			if r == nil {
				continue
			}
			course := chart.Series{Name: subject, Ink: subjectInk(i)}
			for _, step := range wholeSteps(r.Series) {
				course.X, course.Y = append(course.X, step.AtSeconds), append(course.Y, float64(step.Answers)/step.Seconds)
			}
			line := chart.Series{Name: subject, Ink: subjectInk(i)}
			for _, q := range r.Main().Curve {
				line.X, line.Y = append(line.X, q.Percent), append(line.Y, max(q.US, 1))
			}
			if len(course.X) > 1 {
				rate.Series = append(rate.Series, course)
			}
			if len(line.X) > 0 {
				curve.Series = append(curve.Series, line)
			}
		}
		if len(rate.Series) > 0 {
			rates = append(rates, rate)
		}
		if len(curve.Series) > 0 {
			curves = append(curves, curve)
		}
	}
	return append(rates, curves...)
}

// measuresOf lists the measures that have runs to show, in the order taken.
func measuresOf(c *bench.Comparison) []string {
	var all []string
	seen := make(map[string]bool)
	for _, s := range c.Samples {
		if s.Result != nil && !seen[s.Measure] {
			seen[s.Measure] = true
			all = append(all, s.Measure)
		}
	}
	return all
}

func lastResult(c *bench.Comparison, measure, subject string) (found *bench.Result) {
	for _, s := range c.Samples {
		if s.Measure == measure && s.Subject == subject && s.Result != nil {
			found = s.Result
		}
	}
	return found
}
