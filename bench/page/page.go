package page

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"

	"github.com/troupekeeper/troupe/bench/chart"
)

// Page is what is shown, from top to bottom.
type Page struct {
	Title string
	// Lead is a paragraph for each line of it: what was measured, where, how.
	Lead     []string
	Sections []Section
	// Picture is what the PNG shows, if not the charts of all sections.
	Picture []chart.Drawing
}

// Section is a part of a page; each of its parts may be missing.
type Section struct {
	Title    string
	Text     []string
	Tables   []Table
	Drawings []chart.Drawing
}

// Table has a head and rows; all but the first column are figures.
type Table struct {
	Caption string
	Head    []string
	Rows    [][]string
}

var tmpl = template.Must(template.New("page").Funcs(template.FuncMap{
	"styles": func() template.CSS { return template.CSS(chart.Styles()) },
	"svg":    func(d chart.Drawing) template.HTML { return template.HTML(chart.SVG(d)) },
}).Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
{{styles}}
body{margin:0 auto;max-width:1340px;padding:1.5rem;background:var(--ink3);color:var(--ink0);
font:15px/1.5 system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,sans-serif}
h1{font-size:1.6rem;margin:0 0 .5rem}h2{font-size:1.2rem;margin:2rem 0 .5rem}p{margin:.25rem 0;color:var(--ink1)}
.charts{display:flex;flex-wrap:wrap;gap:1rem;align-items:flex-start}
.charts svg{border:1px solid var(--ink2);border-radius:6px;max-width:100%;height:auto}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--ink1);padding:.25rem 0}
th,td{padding:.25rem .75rem;border-bottom:1px solid var(--ink2);text-align:right;white-space:nowrap}
th{font-weight:600}th:first-child,td:first-child{text-align:left}
</style></head><body>
<h1>{{.Title}}</h1>
{{range .Lead}}<p>{{.}}</p>
{{end}}{{range .Sections}}{{if .Title}}<h2>{{.Title}}</h2>
{{end}}{{range .Text}}<p>{{.}}</p>
{{end}}{{range .Tables}}<div class="wide"><table>{{if .Caption}}<caption>{{.Caption}}</caption>{{end}}
<thead><tr>{{range .Head}}<th>{{.}}</th>{{end}}</tr></thead>
<tbody>{{range .Rows}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>
{{end}}</tbody></table></div>
{{end}}{{if .Drawings}}<div class="charts">
{{range .Drawings}}{{svg .}}{{end}}</div>
{{end}}{{end}}</body></html>
`))

// WriteHTML writes the page.
func (p *Page) WriteHTML(w io.Writer) error {
	if err := tmpl.Execute(w, p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// WritePNG writes the page's charts as one picture, in two columns unless there
// is only one.
func (p *Page) WritePNG(w io.Writer) error {
	all := p.Picture
	for _, s := range p.Sections {
		if p.Picture == nil {
			all = append(all, s.Drawings...)
		}
	}
	if len(all) == 0 {
		return errors.New("there is nothing to draw: no measurement was taken")
	}
	return chart.WritePNG(w, min(2, len(all)), all...)
}

// Save writes the page to an HTML file, a PNG file or both; an empty name
// leaves one out.
func (p *Page) Save(htmlFile, pngFile string) error {
	return errors.Join(save(htmlFile, p.WriteHTML), save(pngFile, p.WritePNG))
}

func save(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
