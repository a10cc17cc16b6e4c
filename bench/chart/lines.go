package chart

import "math"

// Lines is a chart of one or more lines.
type Lines struct {
	Title string
	// Note is a second, quieter line below the title.
	Note   string
	X, Y   Axis
	Series []Series
}

// Series is the data of one line. X rises.
type Series struct {
	Name string
	X, Y []float64
	// Dashed is for what is not measured itself, such as a limit.
	Dashed bool
	// Ink is which of the colours for data it has; 0 is the first.
	Ink int
}

const (
	linesWidth  = 640
	plotHeight  = 220
	edge        = 16
	titleSize   = 15
	noteSize    = 12
	labelSize   = 11
	rowHeight   = 18
	legendGap   = 18
	legendMark  = 16
	dotsAtMost  = 60
	hintRadius  = 6
	ticksWanted = 5
	// axisRow holds the label of the vertical axis, clear of its highest tick.
	axisRow = rowHeight + 6
)

// Size depends on how many lines the legend takes.
func (l *Lines) Size() (width, height float64) {
	return linesWidth, l.head() + axisRow + plotHeight + 2*rowHeight + edge/2
}

// head is the height of the titles and the legend.
func (l *Lines) head() float64 {
	h := float64(edge + titleSize + 4)
	if l.Note != "" {
		h += rowHeight
	}
	if len(l.Series) > 1 {
		h += float64(len(legendRows(l.names(), linesWidth))) * rowHeight
	}
	return h
}

func (l *Lines) names() []string {
	var all []string
	for _, s := range l.Series {
		all = append(all, s.Name)
	}
	return all
}

// Draw draws the chart.
func (l *Lines) Draw(c Canvas) {
	y := drawTitles(c, l.Title, l.Note, linesWidth)
	if len(l.Series) > 1 {
		drawLegend(c, l.names(), linesWidth, y, func(i int, at Point) {
			s := l.Series[i]
			c.Line([]Point{{at.X, at.Y - 4}, {at.X + legendMark, at.Y - 4}}, 2.5, seriesInk(s.Ink), s.Dashed)
		})
	}
	var xs, ys []float64
	for _, s := range l.Series {
		for i := range s.X {
			if finite(s.X[i]) && finite(s.Y[i]) {
				xs, ys = append(xs, s.X[i]), append(ys, s.Y[i])
			}
		}
	}
	top := l.head() + axisRow
	bottom := top + plotHeight
	vertical := newRuler(l.Y, ys, bottom, top, ticksWanted)
	left := float64(edge)
	for _, tick := range vertical.ticks {
		left = max(left, edge+textWidth(l.Y.format(tick), labelSize, false)+6)
	}
	horizontal := newRuler(l.X, xs, left, linesWidth-edge-textWidth("99.99%", labelSize, false)/2, 2*ticksWanted)
	horizontal.tighten(xs)
	l.drawAxes(c, horizontal, vertical)
	for _, s := range l.Series {
		drawSeries(c, s, l, horizontal, vertical)
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// drawAxes draws grid, ticks and labels.
func (l *Lines) drawAxes(c Canvas, horizontal, vertical *ruler) {
	c.Text(Point{edge, vertical.to - 12}, l.Y.Label, Style{Size: labelSize, Ink: InkMuted})
	for _, tick := range vertical.ticks {
		y := vertical.place(tick)
		c.Line([]Point{{horizontal.from, y}, {horizontal.to, y}}, 1, InkGrid, false)
		c.Text(Point{horizontal.from - 6, y + 4}, l.Y.format(tick), Style{Size: labelSize, Anchor: End, Ink: InkMuted})
	}
	free := math.Inf(-1) // where the last label ended
	for _, tick := range horizontal.ticks {
		x := horizontal.place(tick)
		c.Line([]Point{{x, vertical.from}, {x, vertical.from + 4}}, 1, InkMuted, false)
		text := l.X.format(tick)
		half := textWidth(text, labelSize, false) / 2
		if x-half < free+6 {
			continue
		}
		free = x + half
		c.Text(Point{x, vertical.from + rowHeight}, text, Style{Size: labelSize, Anchor: Middle, Ink: InkMuted})
	}
	c.Line([]Point{{horizontal.from, vertical.from}, {horizontal.to, vertical.from}}, 1, InkMuted, false)
	c.Text(Point{(horizontal.from + horizontal.to) / 2, vertical.from + 2*rowHeight}, l.X.Label,
		Style{Size: labelSize, Anchor: Middle, Ink: InkMuted})
}

// drawSeries draws a line, with dots where they do not run together.
func drawSeries(c Canvas, s Series, l *Lines, horizontal, vertical *ruler) {
	var points []Point
	for i := range s.X {
		if !finite(s.X[i]) || !finite(s.Y[i]) {
			continue
		}
		p := Point{horizontal.place(s.X[i]), vertical.place(s.Y[i])}
		points = append(points, p)
		c.Hint(p, hintRadius, s.Name+": "+l.Y.format(s.Y[i])+" at "+l.X.format(s.X[i]))
	}
	c.Line(points, 2, seriesInk(s.Ink), s.Dashed)
	if len(points) > dotsAtMost || s.Dashed {
		return
	}
	for _, p := range points {
		c.Dot(p, 2.5, seriesInk(s.Ink))
	}
}

// drawTitles writes the title and the note, and returns the first baseline
// below them.
func drawTitles(c Canvas, title, note string, width float64) float64 {
	y := float64(edge + titleSize - 3)
	c.Text(Point{edge, y}, cut(title, titleSize, true, width-2*edge), Style{Size: titleSize, Bold: true, Ink: InkText})
	if note != "" {
		y += rowHeight
		c.Text(Point{edge, y}, cut(note, noteSize, false, width-2*edge), Style{Size: noteSize, Ink: InkMuted})
	}
	return y + rowHeight + 2
}

// legendRows breaks names into lines that fit.
func legendRows(names []string, width float64) [][]int {
	var rows [][]int
	x := width
	for i, name := range names {
		need := legendMark + 6 + textWidth(name, noteSize, false) + legendGap
		if len(rows) == 0 || x+need > width-edge {
			rows, x = append(rows, nil), edge
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], i)
		x += need
	}
	return rows
}

// drawLegend writes the names, each behind a mark.
func drawLegend(c Canvas, names []string, width, y float64, mark func(i int, at Point)) {
	for _, row := range legendRows(names, width) {
		x := float64(edge)
		for _, i := range row {
			mark(i, Point{x, y})
			c.Text(Point{x + legendMark + 6, y}, names[i], Style{Size: noteSize, Ink: InkText})
			x += legendMark + 6 + textWidth(names[i], noteSize, false) + legendGap
		}
		y += rowHeight
	}
}
