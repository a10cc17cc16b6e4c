//go:build unix

package page

import (
	"fmt"
	"math"
	"strings"

	"github.com/troupekeeper/troupe/bench"
	"github.com/troupekeeper/troupe/bench/chart"
)

// OfFailOver shows the outages of a run in which servers were killed.
func OfFailOver(f *bench.FailOver) *Page {
	p := &Page{
		Title: "troupe bench: failover",
		Lead: []string{fmt.Sprintf(
			"%d clients, each with a write every 5 ms unless it waits for an answer, on %s; %.1f s from %s; outages longer than %.0f ms.",
			f.Clients, strings.Join(f.Servers, ", "), f.Seconds, f.Began, f.ThresholdMS)},
	}
	table := Table{Head: []string{"outage", "at", "clients", "nobody could write for", "everybody could again after"}}
	bars := &chart.Bars{Title: "Outages", Note: "each row to a scale of its own, shorter is better",
		Names: []string{"nobody can write", "not everybody can write"}, Inks: []int{0, 1}}
	for i, b := range f.Breaks {
		nobody, all := chart.Duration(b.NobodyMS*1e3), chart.Duration(b.AllMS*1e3)
		value := b.NobodyMS
		if b.NobodyMS == 0 {
			nobody, value = "-", math.NaN()
		}
		if b.Lasting {
			all = "not until the end, " + all
		}
		name := fmt.Sprintf("outage %d", i+1)
		table.Rows = append(table.Rows, []string{
			name, fmt.Sprintf("%.1f s", b.AtSeconds), fmt.Sprintf("%d of %d", b.Clients, f.Clients), nobody, all,
		})
		bars.Rows = append(bars.Rows, chart.BarRow{
			Label: name, Unit: fmt.Sprintf("at %.1f s", b.AtSeconds), Values: []float64{value, b.AllMS}, Texts: []string{nobody, all},
		})
	}
	course := &chart.Lines{Title: "Writes over time",
		Note: fmt.Sprintf("acknowledged to all clients, in steps of %.0f ms", 1000*f.StepSeconds),
		X:    chart.Axis{Label: "time, in seconds"}, Y: chart.Axis{Label: "writes per second"}}
	line := chart.Series{Name: "writes"}
	for i, n := range f.Course {
		line.X, line.Y = append(line.X, float64(i+1)*f.StepSeconds), append(line.Y, float64(n)/f.StepSeconds)
	}
	course.Series = append(course.Series, line)
	section := Section{Title: "Outages", Tables: []Table{table}, Drawings: []chart.Drawing{course}}
	if len(f.Breaks) == 0 {
		section.Text, section.Tables = []string{"There was none."}, nil
	} else {
		section.Drawings = append(section.Drawings, bars)
	}
	p.Sections = append(p.Sections, section)
	return p
}
