package chart

import (
	"fmt"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
)

// Drawing is a picture of a given size, in points of a page.
type Drawing interface {
	// Size is the width and the height.
	Size() (width, height float64)
	// Draw draws it with its upper left corner at the canvas's origin.
	Draw(c Canvas)
}

// Point is a place on a canvas; Y grows downwards.
type Point struct{ X, Y float64 }

// Ink is what something is drawn with. A canvas knows its colour, which differs
// between a light and a dark page.
type Ink int

// The inks. Those from InkSeries on are for data; there are [SeriesInks] of them.
const (
	InkText Ink = iota
	InkMuted
	InkGrid
	InkBack
	InkSeries
)

// SeriesInks is the number of inks for data, after which they repeat.
const SeriesInks = 10

// seriesInk returns the ink of data number i.
func seriesInk(i int) Ink { return InkSeries + Ink(i%SeriesInks) }

// light and dark are the colours of the inks as 0xRRGGBB, for either page. The
// data's can be told apart by people who see red and green alike.
var (
	light = [...]uint32{0x1f2328, 0x59636e, 0xe3e6ea, 0xffffff, 0xc2570c, 0x1d5fd1, 0x6e7781, 0x0f8a6d,
		0x8a3ffc, 0xb8860b, 0xc2185b, 0x00838f, 0x6d4c41, 0x7cb342}
	dark = [...]uint32{0xe6edf3, 0x9198a1, 0x30363d, 0x0d1117, 0xf0883e, 0x58a6ff, 0x9198a1, 0x3fb99a,
		0xb392f0, 0xd9b44a, 0xf06292, 0x4dd0e1, 0xbcaaa4, 0xaed581}
)

// Anchor says which part of a text is at its point.
type Anchor int

// The anchors.
const (
	Start Anchor = iota
	Middle
	End
)

// Style is how a text is written.
type Style struct {
	Size   float64
	Bold   bool
	Anchor Anchor
	Ink    Ink
}

// Canvas is what drawings draw on.
type Canvas interface {
	// Rect fills a rectangle.
	Rect(at Point, width, height float64, ink Ink)
	// Line draws through the points.
	Line(points []Point, width float64, ink Ink, dashed bool)
	// Dot draws a small filled circle.
	Dot(at Point, radius float64, ink Ink)
	// Text writes with the baseline at the point.
	Text(at Point, text string, s Style)
	// Hint tells more to whoever points there, where the canvas can.
	Hint(at Point, radius float64, text string)
}

// widthMargin allows for a viewer's font that is wider than the one measured.
const widthMargin = 1.12

var fonts = sync.OnceValue(func() [2]*opentype.Font {
	var all [2]*opentype.Font
	for i, data := range [][]byte{goregular.TTF, gobold.TTF} {
		f, err := opentype.Parse(data)
		if err != nil {
			panic(fmt.Sprintf("chart: the font that comes with the program is broken: %v", err))
		}
		all[i] = f
	}
	return all
})

// faceOf returns the font in a size, in pixels.
func faceOf(size float64, bold bool) font.Face {
	i := 0
	if bold {
		i = 1
	}
	const dotsPerInch = 72 // so that a point is a pixel
	face, err := opentype.NewFace(fonts()[i], &opentype.FaceOptions{Size: size, DPI: dotsPerInch, Hinting: font.HintingNone})
	if err != nil {
		panic(fmt.Sprintf("chart: font size %v: %v", size, err))
	}
	return face
}

// measured keeps a face for each style that texts are measured in.
var measured sync.Map

// textWidth is how wide a text is at most.
func textWidth(text string, size float64, bold bool) float64 {
	type key struct {
		size float64
		bold bool
	}
	face, ok := measured.Load(key{size, bold})
	if !ok {
		face, _ = measured.LoadOrStore(key{size, bold}, &lockedFace{face: faceOf(size, bold)})
	}
	return face.(*lockedFace).width(text) * widthMargin
}

// lockedFace is a face that several goroutines may use.
type lockedFace struct {
	mu   sync.Mutex
	face font.Face
}

func (f *lockedFace) width(text string) float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	const fraction = 64
	return float64(font.MeasureString(f.face, text)) / fraction
}

// cut shortens a text to a width, with an ellipsis.
func cut(text string, size float64, bold bool, width float64) string {
	if textWidth(text, size, bold) <= width {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && textWidth(string(runes)+"…", size, bold) > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}
