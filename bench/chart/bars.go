package chart

// Bars compares subjects by several measures. Each row has a scale of its own,
// from 0 to its longest bar, since rows differ in unit and size.
type Bars struct {
	Title string
	// Note is a second, quieter line below the title.
	Note  string
	Names []string // of the subjects
	Inks  []int    // which of the colours for data each has
	Rows  []BarRow
}

// BarRow is one measure of all subjects.
type BarRow struct {
	Label string
	// Unit stands below the label, with which way is better.
	Unit string
	// Values are one for each subject; NaN for none.
	Values []float64
	// Texts are written behind the bars; empty ones stand for [Short].
	Texts []string
}

const (
	barsWidth  = linesWidth
	barsLabel  = 220
	barHeight  = 14
	barGap     = 3
	barsRowGap = 16
)

// Size depends on the number of rows.
func (b *Bars) Size() (width, height float64) {
	height = b.head()
	for _, row := range b.Rows {
		height += rowSize(row) + barsRowGap
	}
	return barsWidth, height + edge/2
}

func (b *Bars) head() float64 {
	h := float64(edge + titleSize + 4)
	if b.Note != "" {
		h += rowHeight
	}
	return h + float64(len(legendRows(b.Names, barsWidth)))*rowHeight + barsRowGap/2
}

// rowSize has room for two lines of text, however few bars there are.
func rowSize(row BarRow) float64 {
	bars := 0
	for _, v := range row.Values {
		if finite(v) {
			bars++
		}
	}
	return max(2*rowHeight-4, float64(bars)*(barHeight+barGap)-barGap)
}

// Draw draws the chart.
func (b *Bars) Draw(c Canvas) {
	y := drawTitles(c, b.Title, b.Note, barsWidth)
	drawLegend(c, b.Names, barsWidth, y, func(i int, at Point) {
		c.Rect(Point{at.X, at.Y - 10}, legendMark, 11, seriesInk(b.Inks[i]))
	})
	y = b.head()
	for _, row := range b.Rows {
		b.drawRow(c, row, y)
		y += rowSize(row) + barsRowGap
	}
}

func (b *Bars) drawRow(c Canvas, row BarRow, y float64) {
	c.Text(Point{edge, y + 11}, cut(row.Label, noteSize, false, barsLabel-edge-8), Style{Size: noteSize, Ink: InkText})
	c.Text(Point{edge, y + 11 + rowHeight - 3}, cut(row.Unit, labelSize, false, barsLabel-edge-8), Style{Size: labelSize, Ink: InkMuted})
	longest, widest := 0.0, 0.0
	for i, v := range row.Values {
		if finite(v) {
			longest = max(longest, v)
			widest = max(widest, textWidth(row.text(i), labelSize, false))
		}
	}
	room := barsWidth - barsLabel - edge - widest - 6
	c.Line([]Point{{barsLabel, y - 2}, {barsLabel, y + rowSize(row) + 2}}, 1, InkMuted, false)
	for i, v := range row.Values {
		if !finite(v) {
			continue
		}
		width := 0.0
		if longest > 0 {
			width = max(1, v/longest*room)
		}
		c.Rect(Point{barsLabel + 1, y}, width, barHeight, seriesInk(b.Inks[i]))
		c.Text(Point{barsLabel + width + 6, y + barHeight - 3}, row.text(i), Style{Size: labelSize, Ink: InkText})
		c.Hint(Point{barsLabel + width/2, y + barHeight/2}, barHeight, b.Names[i]+": "+row.text(i))
		y += barHeight + barGap
	}
}

func (r BarRow) text(i int) string {
	if i < len(r.Texts) && r.Texts[i] != "" {
		return r.Texts[i]
	}
	return Short(r.Values[i])
}
