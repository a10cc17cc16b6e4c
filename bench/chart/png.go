package chart

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

const (
	// pngScale is how many pixels a point has, for screens with small ones.
	pngScale = 2
	// sheetGap is the space around and between drawings, in points.
	sheetGap = 20
)

// WritePNG writes the drawings as one picture, on white, in so many columns.
func WritePNG(w io.Writer, columns int, drawings ...Drawing) error {
	places, width, height := arrange(columns, drawings)
	c := &raster{
		img:   image.NewRGBA(image.Rect(0, 0, int(width*pngScale), int(height*pngScale))),
		faces: make(map[Style]font.Face),
	}
	draw.Draw(c.img, c.img.Bounds(), image.NewUniform(colourOf(InkBack)), image.Point{}, draw.Src)
	for i, d := range drawings {
		c.origin = places[i]
		d.Draw(c)
	}
	if err := png.Encode(w, c.img); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return nil
}

// arrange finds a place for each drawing, row by row.
func arrange(columns int, drawings []Drawing) (places []Point, width, height float64) {
	columns = max(1, columns)
	at := Point{sheetGap, sheetGap}
	tallest := 0.0
	for i, d := range drawings {
		w, h := d.Size()
		if i > 0 && i%columns == 0 {
			at = Point{sheetGap, at.Y + tallest + sheetGap}
			tallest = 0
		}
		places = append(places, at)
		at.X += w + sheetGap
		width, tallest = max(width, at.X), max(tallest, h)
		height = at.Y + tallest + sheetGap
	}
	return places, width, height
}

// raster draws pixels.
type raster struct {
	img    *image.RGBA
	origin Point
	faces  map[Style]font.Face // by size and weight
}

func colourOf(ink Ink) color.RGBA {
	c := light[ink]
	return color.RGBA{R: uint8(c >> 16), G: uint8(c >> 8), B: uint8(c), A: 0xff}
}

// pixel turns a point of the drawing into one of the picture.
func (c *raster) pixel(p Point) Point {
	return Point{(p.X + c.origin.X) * pngScale, (p.Y + c.origin.Y) * pngScale}
}

// fill fills polygons, all of which must turn the same way.
func (c *raster) fill(ink Ink, polygons ...[]Point) {
	low, high := Point{math.Inf(1), math.Inf(1)}, Point{math.Inf(-1), math.Inf(-1)}
	for _, polygon := range polygons {
		for _, p := range polygon {
			low = Point{min(low.X, p.X), min(low.Y, p.Y)}
			high = Point{max(high.X, p.X), max(high.Y, p.Y)}
		}
	}
	box := image.Rect(int(math.Floor(low.X)), int(math.Floor(low.Y)), int(math.Ceil(high.X))+1, int(math.Ceil(high.Y))+1)
	if !box.Overlaps(c.img.Bounds()) {
		return
	}
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	for _, polygon := range polygons {
		for i, p := range polygon {
			x, y := float32(p.X-float64(box.Min.X)), float32(p.Y-float64(box.Min.Y))
			if i == 0 {
				r.MoveTo(x, y)
			} else {
				r.LineTo(x, y)
			}
		}
		r.ClosePath()
	}
	r.Draw(c.img, box, image.NewUniform(colourOf(ink)), image.Point{})
}

// Rect fills a rectangle.
func (c *raster) Rect(at Point, width, height float64, ink Ink) {
	a, b := c.pixel(at), c.pixel(Point{at.X + width, at.Y + height})
	c.fill(ink, []Point{a, {b.X, a.Y}, b, {a.X, b.Y}})
}

// Line draws a quadrangle for each stretch and a circle for each joint.
func (c *raster) Line(points []Point, width float64, ink Ink, dashed bool) {
	const dash, gap = 5 * pngScale, 4 * pngScale
	half := width * pngScale / 2
	var polygons [][]Point
	way := 0.0 // along the line, for the dashes
	for i := 1; i < len(points); i++ {
		a, b := c.pixel(points[i-1]), c.pixel(points[i])
		length := math.Hypot(b.X-a.X, b.Y-a.Y)
		if length == 0 {
			continue
		}
		dir := Point{(b.X - a.X) / length, (b.Y - a.Y) / length}
		if !dashed {
			polygons = append(polygons, stretch(a, dir, 0, length, half), circle(b, half))
			continue
		}
		for done := 0.0; done < length; {
			phase := math.Mod(way+done, dash+gap)
			if phase < dash {
				end := min(length, done+dash-phase)
				polygons = append(polygons, stretch(a, dir, done, end, half))
				done = end
			} else {
				done = min(length, done+dash+gap-phase)
			}
			done += 1e-9 // so that rounding never stands still
		}
		way += length
	}
	if len(polygons) > 0 {
		c.fill(ink, polygons...)
	}
}

// stretch is the part of a thick line from one distance to another.
func stretch(a, dir Point, from, to, half float64) []Point {
	side := Point{dir.Y * half, -dir.X * half}
	p, q := Point{a.X + dir.X*from, a.Y + dir.Y*from}, Point{a.X + dir.X*to, a.Y + dir.Y*to}
	return []Point{{p.X + side.X, p.Y + side.Y}, {q.X + side.X, q.Y + side.Y}, {q.X - side.X, q.Y - side.Y}, {p.X - side.X, p.Y - side.Y}}
}

// circle turns the same way as a stretch.
func circle(at Point, radius float64) []Point {
	const corners = 16
	var all []Point
	for i := range corners {
		angle := 2 * math.Pi * float64(i) / corners
		all = append(all, Point{at.X + radius*math.Cos(angle), at.Y + radius*math.Sin(angle)})
	}
	return all
}

// Dot draws a small filled circle.
func (c *raster) Dot(at Point, radius float64, ink Ink) {
	c.fill(ink, circle(c.pixel(at), radius*pngScale))
}

// Text writes with the baseline at the point.
func (c *raster) Text(at Point, text string, s Style) {
	key := Style{Size: s.Size, Bold: s.Bold}
	face := c.faces[key]
	if face == nil {
		face = faceOf(s.Size*pngScale, s.Bold)
		c.faces[key] = face
	}
	d := font.Drawer{Dst: c.img, Src: image.NewUniform(colourOf(s.Ink)), Face: face}
	p := c.pixel(at)
	const fraction = 64
	width := float64(d.MeasureString(text)) / fraction
	switch s.Anchor {
	case Middle:
		p.X -= width / 2
	case End:
		p.X -= width
	}
	d.Dot = fixed.Point26_6{X: fixed.Int26_6(p.X * fraction), Y: fixed.Int26_6(p.Y * fraction)}
	d.DrawString(text)
}

// Hint does nothing: nobody can point at a picture.
func (*raster) Hint(Point, float64, string) {}
