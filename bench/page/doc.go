// Package page shows what package bench measured: as one HTML page that needs
// no other file and no network, and as a PNG with its charts.
//
// The rooms: page.go is the page itself, results.go, comparison.go, growth.go
// and outage.go say what is on it for each kind of measurement. Drawing is done
// by package chart.
package page
