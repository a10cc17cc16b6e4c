//go:build unix

package bench

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// spread is the median of some figures with the lowest and the highest.
type spread struct{ median, low, high float64 }

// spreadOf sorts and takes the middle; of an even number, the mean of two.
func spreadOf(values []float64) (spread, bool) {
	n := len(values)
	if n == 0 {
		return spread{}, false
	}
	sorted := slices.Sorted(slices.Values(values))
	return spread{median: (sorted[(n-1)/2] + sorted[n/2]) / 2, low: sorted[0], high: sorted[n-1]}, true
}

// values returns the figures of a measure for a subject, by round.
func (c *Comparison) values(measure, subject string, of func(Sample) (float64, bool)) map[int]float64 {
	out := make(map[int]float64)
	for _, s := range c.Samples {
		if s.Measure != measure || s.Subject != subject {
			continue
		}
		if v, ok := of(s); ok {
			out[s.Round] = v
		}
	}
	return out
}

func sampleValue(s Sample) (float64, bool) { return s.Value, true }

func sampleServerCPU(s Sample) (float64, bool) {
	if s.Result == nil {
		return 0, false
	}
	return s.Result.serverCPUUS()
}

func samplePercentile99(s Sample) (float64, bool) {
	if s.Result == nil {
		return 0, false
	}
	l := s.Result.Main()
	return l.P99US, l.Count > 0
}

func sampleMedian(s Sample) (float64, bool) {
	if s.Result == nil {
		return 0, false
	}
	l := s.Result.Main()
	return l.P50US, l.Count > 0
}

func sampleForeign(s Sample) (float64, bool) {
	if s.Result == nil || s.Result.ForeignCores < 0 {
		return 0, false
	}
	return s.Result.ForeignCores, true
}

// ratios compares round by round, so that what changed on the machine between
// the rounds does not count: above 1 the second subject is better.
func ratios(first, second map[int]float64, lower bool) map[int]float64 {
	out := make(map[int]float64)
	for round, a := range first {
		b, ok := second[round]
		if !ok || a <= 0 || b <= 0 {
			continue
		}
		if lower {
			a, b = b, a
		}
		out[round] = b / a
	}
	return out
}

// Figure is the median of some rounds, with the lowest and the highest.
type Figure struct {
	Median, Low, High float64
	// Rounds is how many there were; 0 means that there is no figure.
	Rounds int
}

func figureOf(column map[int]float64) Figure {
	var values []float64
	for _, v := range column {
		values = append(values, v)
	}
	s, _ := spreadOf(values)
	return Figure{s.median, s.low, s.high, len(values)}
}

// String writes "median (low..high)", or "-" for nothing.
func (f Figure) String() string {
	switch f.Rounds {
	case 0:
		return "-"
	case 1:
		return formatValue(f.Median)
	}
	return fmt.Sprintf("%s (%s..%s)", formatValue(f.Median), formatValue(f.Low), formatValue(f.High))
}

// ComparedTable is one view of a comparison.
type ComparedTable struct {
	Title string
	// Judged says that the rows tell which of two subjects is better.
	Judged bool
	Rows   []ComparedRow
}

// ComparedRow is one measure of all subjects.
type ComparedRow struct {
	Measure, Unit string
	// Lower says that a lower figure is better.
	Lower bool
	// Subjects are in the order of the comparison's. Ratio, if judged, is above
	// 1 where the second is better. Limit is what this machine allows: what an
	// echo server reached with the same load, and for lone writes what the disk
	// takes besides.
	Subjects []Figure
	Ratio    Figure
	Limit    Figure
}

// Tables returns all views that have figures: the main one first.
func (c *Comparison) Tables() []ComparedTable {
	views := []reportTable{
		{"figures: median (lowest..highest)", "", sampleValue, true},
		{"server CPU per operation", "us/op", sampleServerCPU, true},
		{"99th percentile of the latency", "us", samplePercentile99, true},
		{"CPU of other programs; above 0.3 a run is not quiet", "cores", sampleForeign, false},
	}
	if c.Ensemble > 0 {
		views = slices.Insert(views, 2, reportTable{"median of the latency", "us", sampleMedian, true})
	}
	var tables []ComparedTable
	for _, v := range views {
		tables = append(tables, c.table(v))
	}
	return tables
}

// table arranges one view, without the rows that have no figure in it.
func (c *Comparison) table(view reportTable) ComparedTable {
	t := ComparedTable{Title: view.title, Judged: view.judged && len(c.Subjects) == 2}
	for _, row := range reportRows() {
		if c.hasNone(row.measure, view.of) {
			continue
		}
		out := ComparedRow{Measure: row.measure, Unit: row.unit, Lower: row.lower}
		if view.unit != "" {
			out.Lower, out.Unit = true, view.unit
		}
		var columns []map[int]float64
		for _, s := range c.Subjects {
			columns = append(columns, c.values(row.measure, s, view.of))
			out.Subjects = append(out.Subjects, figureOf(columns[len(columns)-1]))
		}
		if t.Judged {
			out.Ratio = figureOf(ratios(columns[0], columns[1], out.Lower))
		}
		out.Limit = figureOf(c.limits(row, view))
		t.Rows = append(t.Rows, out)
	}
	return t
}

// WriteText writes the tables: the figures themselves, then what each operation
// cost the server, then the 99th percentiles.
func (c *Comparison) WriteText(w io.Writer) error {
	for _, line := range c.Lead() {
		fmt.Fprintln(w, line)
	}
	for _, t := range c.Tables() {
		fmt.Fprintf(w, "\n%s\n", t.Title)
		if err := c.writeTable(w, t); err != nil {
			return err
		}
	}
	return nil
}

// Lead says, a line each, when and where this was measured, what the subjects
// are, what the disk takes, and what went otherwise than planned.
func (c *Comparison) Lead() []string {
	lines := []string{fmt.Sprintf("%s, %d processors (%s), %d MiB, %s %s, %s; %d rounds", c.Began, c.Machine.Processors, c.Machine.Model,
		c.Machine.MemoryMiB, c.Machine.OS, c.Machine.Kernel, c.Machine.Go, c.Rounds)}
	for _, s := range c.Subjects {
		lines = append(lines, s+": "+c.Versions[s])
	}
	if c.Ensemble > 0 {
		lines = append(lines, fmt.Sprintf(
			"ensembles of %d, all on this machine: CPU and memory are sums; a lone client is at a follower", c.Ensemble))
	}
	for _, disk := range []struct{ measure, what string }{
		{measureSync, "fdatasync of 1 KiB in a preallocated file"}, {measureSyncGrowing, "the same in a file that grows"},
	} {
		if column := c.values(disk.measure, DiskSubject, sampleValue); len(column) > 0 {
			lines = append(lines, fmt.Sprintf("%s, us: median %s, 99th percentile %s", disk.what,
				figureOf(column), figureOf(c.values(disk.measure, DiskSubject, samplePercentile99))))
		}
	}
	for _, note := range c.Notes {
		lines = append(lines, "note: "+note)
	}
	return lines
}

// reportTable is one view of the samples.
type reportTable struct {
	title string
	// unit is that of all figures, where a lower one is better; "" leaves it
	// to each row.
	unit string
	// of takes the figure from a sample that has one.
	of func(Sample) (float64, bool)
	// judged says that the figures tell which subject is better.
	judged bool
}

// writeTable writes one table.
func (c *Comparison) writeTable(w io.Writer, table ComparedTable) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "measure\tunit\t")
	for _, s := range c.Subjects {
		fmt.Fprintf(t, "%s\t", s)
	}
	if table.Judged {
		fmt.Fprintf(t, "%s better by\t", c.Subjects[1])
	}
	fmt.Fprintln(t, "limit\t")
	for _, row := range table.Rows {
		fmt.Fprintf(t, "%s\t%s\t", row.Measure, row.Unit)
		for _, f := range row.Subjects {
			fmt.Fprintf(t, "%s\t", f)
		}
		if table.Judged {
			fmt.Fprintf(t, "%s\t", row.Ratio.Times())
		}
		fmt.Fprintf(t, "%s\t\n", row.Limit)
	}
	return t.Flush()
}

// hasNone says that no subject has a figure for the measure.
func (c *Comparison) hasNone(measure string, of func(Sample) (float64, bool)) bool {
	for _, s := range c.Subjects {
		if len(c.values(measure, s, of)) > 0 {
			return false
		}
	}
	return true
}

// Times writes a ratio, as "3.45 x (3.10..3.60)".
func (f Figure) Times() string {
	switch {
	case f.Rounds == 0:
		return "-"
	case f.Low == f.High:
		return fmt.Sprintf("%.2f x", f.Median)
	}
	return fmt.Sprintf("%.2f x (%.2f..%.2f)", f.Median, f.Low, f.High)
}

// formatValue writes three significant digits or all digits before the point.
func formatValue(v float64) string {
	switch {
	case v >= 1000:
		return formatCount(v)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
