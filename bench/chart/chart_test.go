package chart

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"strings"
	"testing"
)

// box is a text that was written, with the room it takes.
type box struct {
	text                     string
	left, top, right, bottom float64
}

// notepad is a canvas that keeps the texts.
type notepad struct {
	boxes  []box
	points []Point
}

func (n *notepad) Rect(at Point, w, h float64, _ Ink) {
	n.points = append(n.points, at, Point{at.X + w, at.Y + h})
}
func (n *notepad) Line(points []Point, _ float64, _ Ink, _ bool) {
	n.points = append(n.points, points...)
}
func (n *notepad) Dot(at Point, _ float64, _ Ink) { n.points = append(n.points, at) }
func (n *notepad) Hint(Point, float64, string)    {}

func (n *notepad) Text(at Point, text string, s Style) {
	width := textWidth(text, s.Size, s.Bold)
	left := at.X - []float64{0, width / 2, width}[s.Anchor]
	n.boxes = append(n.boxes, box{text, left, at.Y - 0.75*s.Size, left + width, at.Y + 0.2*s.Size})
}

// check wants no two texts to overlap, and everything inside the picture.
func check(t *testing.T, name string, d Drawing) {
	t.Helper()
	n := &notepad{}
	d.Draw(n)
	w, h := d.Size()
	for i, a := range n.boxes {
		if a.left < 0 || a.top < 0 || a.right > w || a.bottom > h {
			t.Errorf("%s: %q is at %.0f,%.0f to %.0f,%.0f, outside of %.0f x %.0f", name, a.text, a.left, a.top, a.right, a.bottom, w, h)
		}
		for _, b := range n.boxes[:i] {
			if a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom {
				t.Errorf("%s: %q and %q overlap", name, a.text, b.text)
			}
		}
	}
	for _, p := range n.points {
		if !finite(p.X) || !finite(p.Y) || p.X < 0 || p.X > w || p.Y < 0 || p.Y > h {
			t.Errorf("%s: something is drawn at %v, outside of %.0f x %.0f", name, p, w, h)
		}
	}
	if text := SVG(d); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("%s: numbers that are none in\n%s", name, text)
	}
}

func TestLinesDoNotOverlap(t *testing.T) {
	for _, size := range []float64{1e-3, 1, 7, 1234, 5e6, 3e9} {
		for _, scale := range []Scale{Linear, Log} {
			for _, series := range []int{0, 1, 2, 9} {
				d := &Lines{Title: "Throughput of " + strings.Repeat("something long ", 9), Note: "a note",
					X: Axis{Label: "seconds", Scale: scale}, Y: Axis{Label: "per second", Scale: scale, Format: Duration}}
				for i := range series {
					s := Series{Name: fmt.Sprintf("series number %d", i), Ink: i, Dashed: i%2 == 1}
					for x := 1.0; x <= 40; x++ {
						s.X, s.Y = append(s.X, x*size), append(s.Y, size*(1+x*x*float64(i+1)))
					}
					d.Series = append(d.Series, s)
				}
				check(t, fmt.Sprintf("size %v, scale %v, %d series", size, scale, series), d)
			}
		}
	}
}

func TestPercentilesAreApart(t *testing.T) {
	for _, last := range []float64{0, 50, 99, 99.9, 99.999} {
		check(t, fmt.Sprint("up to ", last), &Lines{Title: "Distribution", X: Axis{Label: "percentile", Scale: Nines, Format: Percent},
			Y:      Axis{Label: "latency", Scale: Log, Format: Duration},
			Series: []Series{{Name: "get", X: []float64{0, last / 2, last}, Y: []float64{10, 12, 50_000}}}})
	}
}

func TestOneValueIsDrawn(t *testing.T) {
	for _, scale := range []Scale{Linear, Log, Nines} {
		check(t, fmt.Sprint("scale ", scale), &Lines{Title: "one", X: Axis{Scale: scale}, Y: Axis{Scale: Log},
			Series: []Series{{Name: "a", X: []float64{1}, Y: []float64{1}}, {Name: "b", X: []float64{1}, Y: []float64{math.NaN()}}}})
	}
}

func TestBarsDoNotOverlap(t *testing.T) {
	check(t, "bars", &Bars{Title: "Compared", Note: "a note", Names: []string{"ZooKeeper", "Troupe", "the limit of this machine"},
		Inks: []int{0, 1, 2},
		Rows: []BarRow{
			{Label: "get w32 c8", Unit: "ops/s, higher is better", Values: []float64{64_252, 534_632, 3_016_666}},
			{Label: "a measure with a name that is much too long for its place", Unit: "ms", Values: []float64{1, math.NaN(), math.NaN()}},
			{Label: "none", Unit: "ms", Values: []float64{math.NaN(), math.NaN(), math.NaN()}},
			{Label: "zero", Unit: "ms", Values: []float64{0, 0, 0}, Texts: []string{"nothing", "", "nothing at all"}},
		}})
}

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Short(0), "0"}, {Short(999), "999"}, {Short(1234567), "1.23M"}, {Short(12000), "12k"}, {Short(0.5), "0.5"}, {Short(99.96), "100"},
		{Duration(12.3), "12.3 µs"}, {Duration(4500), "4.5 ms"}, {Duration(2e6), "2 s"}, {Percent(99.99), "99.99%"}, {Percent(50), "50%"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// What a reader types into a title must not become part of the page.
func TestTextsAreEscaped(t *testing.T) {
	if text := SVG(&Lines{Title: "<script>"}); strings.Contains(text, "<script>") {
		t.Error(text)
	}
}

func TestPicture(t *testing.T) {
	d := &Lines{Title: "one", X: Axis{Scale: Linear}, Y: Axis{Scale: Log}, Series: []Series{
		{Name: "a", X: []float64{0, 1, 2}, Y: []float64{1, 100, 10}}, {Name: "b", X: []float64{0, 2}, Y: []float64{5, 5}, Dashed: true, Ink: 1}}}
	var b bytes.Buffer
	bars := &Bars{Names: []string{"a"}, Inks: []int{0}, Rows: []BarRow{{Label: "x", Values: []float64{1}}}}
	if err := WritePNG(&b, 2, d, d, bars); err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	inked := make(map[uint32]bool)
	for x := range picture.Bounds().Dx() {
		for y := range picture.Bounds().Dy() {
			r, g, b, _ := picture.At(x, y).RGBA()
			inked[r>>8<<16|g>>8<<8|b>>8] = true
		}
	}
	for _, ink := range []Ink{InkBack, InkText, InkGrid, InkSeries, InkSeries + 1} {
		if !inked[light[ink]] {
			t.Errorf("nothing has the colour of ink %d, %06x", ink, light[ink])
		}
	}
}
