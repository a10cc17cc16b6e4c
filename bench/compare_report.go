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
func ratios(first, second map[int]float64, lower bool) []float64 {
	var out []float64
	for round, a := range first {
		b, ok := second[round]
		if !ok || a <= 0 || b <= 0 {
			continue
		}
		if lower {
			a, b = b, a
		}
		out = append(out, b/a)
	}
	return out
}

// WriteText writes the tables: the figures themselves, then what each operation
// cost the server, then the 99th percentiles.
func (c *Comparison) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d processors (%s), %d MiB, %s %s, %s; %d rounds\n",
		c.Began, c.Machine.Processors, c.Machine.Model, c.Machine.MemoryMiB, c.Machine.OS, c.Machine.Kernel, c.Machine.Go, c.Rounds)
	for _, s := range c.Subjects {
		fmt.Fprintf(w, "%s: %s\n", s, c.Versions[s])
	}
	if c.Ensemble > 0 {
		fmt.Fprintf(w, "ensembles of %d, all on this machine: CPU and memory are sums; a lone client is at a follower\n", c.Ensemble)
	}
	if column := c.values(measureSync, DiskSubject, sampleValue); len(column) > 0 {
		fmt.Fprintf(w, "fdatasync of 1 KiB in a preallocated file, us: median %s, 99th percentile %s\n",
			formatSpread(column, formatValue), formatSpread(c.values(measureSync, DiskSubject, samplePercentile99), formatValue))
	}
	for _, note := range c.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	tables := []reportTable{
		{"figures: median (lowest..highest)", "", sampleValue, true},
		{"server CPU per operation", "us/op", sampleServerCPU, true},
		{"99th percentile of the latency", "us", samplePercentile99, true},
		{"CPU of other programs; above 0.3 a run is not quiet", "cores", sampleForeign, false},
	}
	if c.Ensemble > 0 {
		tables = slices.Insert(tables, 2, reportTable{"median of the latency", "us", sampleMedian, true})
	}
	for _, t := range tables {
		fmt.Fprintf(w, "\n%s\n", t.title)
		if err := c.writeTable(w, t); err != nil {
			return err
		}
	}
	return nil
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

// writeTable writes one table, without the rows that have no figure in it.
func (c *Comparison) writeTable(w io.Writer, table reportTable) error {
	unit, of, judged := table.unit, table.of, table.judged && len(c.Subjects) == 2
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "measure\tunit\t")
	for _, s := range c.Subjects {
		fmt.Fprintf(t, "%s\t", s)
	}
	if judged {
		fmt.Fprintf(t, "%s better by\t", c.Subjects[1])
	}
	fmt.Fprintln(t, "echo\t")
	for _, row := range reportRows() {
		if c.hasNone(row.measure, of) {
			continue
		}
		lower, rowUnit := row.lower, row.unit
		if unit != "" {
			lower, rowUnit = true, unit
		}
		fmt.Fprintf(t, "%s\t%s\t", row.measure, rowUnit)
		var columns []map[int]float64
		for _, s := range c.Subjects {
			column := c.values(row.measure, s, of)
			columns = append(columns, column)
			fmt.Fprintf(t, "%s\t", formatSpread(column, formatValue))
		}
		if judged {
			s, ok := spreadOf(ratios(columns[0], columns[1], lower))
			fmt.Fprintf(t, "%s\t", formatRatio(s, ok))
		}
		fmt.Fprintf(t, "%s\t\n", formatSpread(c.values(row.ceiling, EchoSubject, of), formatValue))
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

// formatSpread writes "median (low..high)", or "-" for nothing.
func formatSpread(column map[int]float64, format func(float64) string) string {
	var values []float64
	for _, v := range column {
		values = append(values, v)
	}
	s, ok := spreadOf(values)
	switch {
	case !ok:
		return "-"
	case len(values) == 1:
		return format(s.median)
	}
	return fmt.Sprintf("%s (%s..%s)", format(s.median), format(s.low), format(s.high))
}

func formatRatio(s spread, ok bool) string {
	if !ok {
		return "-"
	}
	if s.low == s.high {
		return fmt.Sprintf("%.2f x", s.median)
	}
	return fmt.Sprintf("%.2f x (%.2f..%.2f)", s.median, s.low, s.high)
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
