package chart

import (
	"fmt"
	"html"
	"strings"
)

// Styles returns the CSS that pictures of [SVG] need: colours for a light page,
// and for a dark one where the reader prefers that.
func Styles() string {
	var b strings.Builder
	variables := func(colours []uint32) {
		for i, c := range colours {
			fmt.Fprintf(&b, "--ink%d:#%06x;", i, c)
		}
	}
	b.WriteString(":root{color-scheme:light dark;")
	variables(light[:])
	b.WriteString("}\n@media(prefers-color-scheme:dark){:root{")
	variables(dark[:])
	b.WriteString("}}\n")
	for i := range light {
		fmt.Fprintf(&b, ".f%d{fill:var(--ink%d)}.s%d{stroke:var(--ink%d);fill:none}", i, i, i, i)
	}
	b.WriteString("\nsvg text{font-family:system-ui,-apple-system,\"Segoe UI\",\"Helvetica Neue\",Arial,sans-serif}\n")
	return b.String()
}

// SVG returns the picture as an element for a page that has [Styles].
func SVG(d Drawing) string {
	w, h := d.Size()
	c := &svg{}
	d.Draw(c)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img">`+
		"\n%s</svg>\n", w, h, w, h, c.b.String())
}

type svg struct{ b strings.Builder }

// Rect fills a rectangle.
func (c *svg) Rect(at Point, width, height float64, ink Ink) {
	fmt.Fprintf(&c.b, `<rect class="f%d" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`+"\n", ink, at.X, at.Y, width, height)
}

// Line draws through the points.
func (c *svg) Line(points []Point, width float64, ink Ink, dashed bool) {
	if len(points) == 0 {
		return
	}
	dash := ""
	if dashed {
		dash = ` stroke-dasharray="5 4"`
	}
	fmt.Fprintf(&c.b, `<polyline class="s%d" stroke-width="%.2f" stroke-linejoin="round"%s points="`, ink, width, dash)
	for i, p := range points {
		if i > 0 {
			c.b.WriteByte(' ')
		}
		fmt.Fprintf(&c.b, "%.1f,%.1f", p.X, p.Y)
	}
	c.b.WriteString("\"/>\n")
}

// Dot draws a small filled circle.
func (c *svg) Dot(at Point, radius float64, ink Ink) {
	fmt.Fprintf(&c.b, `<circle class="f%d" cx="%.1f" cy="%.1f" r="%.1f"/>`+"\n", ink, at.X, at.Y, radius)
}

// Text writes with the baseline at the point.
func (c *svg) Text(at Point, text string, s Style) {
	weight := ""
	if s.Bold {
		weight = ` font-weight="600"`
	}
	anchor := [...]string{"start", "middle", "end"}[s.Anchor]
	fmt.Fprintf(&c.b, `<text class="f%d" x="%.1f" y="%.1f" font-size="%.1f" text-anchor="%s"%s>%s</text>`+"\n",
		s.Ink, at.X, at.Y, s.Size, anchor, weight, html.EscapeString(text))
}

// Hint is an invisible circle with a title, which browsers show.
func (c *svg) Hint(at Point, radius float64, text string) {
	fmt.Fprintf(&c.b, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="transparent"><title>%s</title></circle>`+"\n",
		at.X, at.Y, radius, html.EscapeString(text))
}
