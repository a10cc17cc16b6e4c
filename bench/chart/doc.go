// Package chart draws line charts and comparison bars, as SVG for a page and as
// PNG for documents that show no SVG.
//
// What enters: a [Lines] or [Bars] with its data, titles and units. What leaves:
// a picture in which no two texts overlap; labels that would are left out, and
// legends break into lines.
//
// The rooms: lines.go and bars.go arrange, axis.go finds ticks, canvas.go says
// what they draw with, and svg.go and png.go are the two canvases. Nothing here
// knows what the figures mean.
package chart
