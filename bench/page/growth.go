//go:build unix

package page

import (
	"fmt"
	"strings"

	"github.com/troupekeeper/troupe/bench"
	"github.com/troupekeeper/troupe/bench/chart"
)

// OfGrowth shows what operations cost as something grows: a section for each
// curve, a chart for each figure.
func OfGrowth(g *bench.Growth) *Page {
	p := &Page{Title: "Cost as it grows"}
	if len(g.Subjects) > 0 {
		p.Title += ": " + strings.Join(g.Subjects, " and ")
	}
	m := g.Machine
	p.Lead = append(p.Lead, fmt.Sprintf("%s, %d processors (%s), %d MiB, %s %s, %s",
		g.Began, m.Processors, m.Model, m.MemoryMiB, m.OS, m.Kernel, m.Go))
	for _, s := range g.Subjects {
		p.Lead = append(p.Lead, s+": "+g.Versions[s])
	}
	p.Lead = append(p.Lead, "Each curve changes one thing and leaves all else alone: a flat line is what one hopes for.")
	for _, note := range g.Notes {
		p.Lead = append(p.Lead, "note: "+note)
	}
	if g.NotQuiet > 0 {
		p.Lead = append(p.Lead,
			fmt.Sprintf("note: %d of %d figures were taken while other programs kept the machine busy", g.NotQuiet, len(g.Points)))
	}
	for _, curve := range bench.GrowCurves() {
		section := Section{Title: curve.Title}
		for _, metric := range metricsOf(g, curve.Name) {
			section.Drawings = append(section.Drawings, growthChart(g, curve, metric))
		}
		if len(section.Drawings) > 0 {
			section.Tables = []Table{growthTable(g, curve.Name)}
			p.Sections = append(p.Sections, section)
		}
	}
	return p
}

// metric is a figure of a curve.
type metric struct{ name, unit string }

// metricsOf lists the figures of a curve in the order in which they were taken.
func metricsOf(g *bench.Growth, curve string) []metric {
	var all []metric
	seen := make(map[metric]bool)
	for _, p := range g.Points {
		m := metric{p.Metric, p.Unit}
		if p.Curve == curve && !seen[m] {
			seen[m] = true
			all = append(all, m)
		}
	}
	return all
}

// growthChart draws one figure of all subjects. Rates of values from bytes to
// megabytes differ by powers of ten, all others are drawn from 0.
func growthChart(g *bench.Growth, curve bench.GrowCurve, m metric) chart.Drawing {
	c := &chart.Lines{Title: m.name, Note: "by " + curve.Title,
		X: chart.Axis{Label: curve.Title, Scale: chart.Log}, Y: chart.Axis{Label: m.unit}}
	switch curve.Name {
	case "value":
		c.Y.Scale = chart.Log
	case "servers", "observers":
		c.X.Scale, c.X.Whole = chart.Linear, true
	}
	for i, subject := range g.Subjects {
		line := chart.Series{Name: subject, Ink: subjectInk(i)}
		for _, p := range g.Points {
			if p.Curve == curve.Name && p.Subject == subject && p.Metric == m.name {
				line.X, line.Y = append(line.X, float64(p.Size)), append(line.Y, p.Value)
			}
		}
		if len(line.X) > 0 {
			c.Series = append(c.Series, line)
		}
	}
	return c
}

// growthTable has a row for each size and subject.
func growthTable(g *bench.Growth, curve string) Table {
	metrics := metricsOf(g, curve)
	t := Table{Head: []string{"size", "server"}}
	column := make(map[metric]int)
	for _, m := range metrics {
		column[m] = len(t.Head)
		t.Head = append(t.Head, m.name+", "+m.unit)
	}
	rows := make(map[string]int)
	for _, p := range g.Points {
		if p.Curve != curve {
			continue
		}
		key := fmt.Sprint(p.Subject, p.Size)
		at, ok := rows[key]
		if !ok {
			at = len(t.Rows)
			rows[key] = at
			t.Rows = append(t.Rows, append([]string{chart.Short(float64(p.Size)), p.Subject}, make([]string, len(metrics))...))
		}
		t.Rows[at][column[metric{p.Metric, p.Unit}]] = chart.Short(p.Value)
	}
	return t
}
