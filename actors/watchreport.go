package actors

import (
	"sort"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/watch"
)

// watchReport lists who watches what, sorted, so that the same watches always look the same.
func watchReport(t *watch.Table, list bool, sessionOf func(messages.ConnID) messages.SessionID) *messages.WatchReport {
	r := &messages.WatchReport{
		Connections: int64(t.Connections()), Paths: int64(t.Paths()), Total: int64(t.Total()), All: int64(t.All()),
	}
	if !list {
		return r
	}
	t.Each(func(conn messages.ConnID, path string) {
		r.Watches = append(r.Watches, messages.WatchEntry{Path: path, Session: sessionOf(conn)})
	})
	sort.Slice(r.Watches, func(i, j int) bool {
		a, b := r.Watches[i], r.Watches[j]
		return a.Path < b.Path || (a.Path == b.Path && a.Session < b.Session)
	})
	return r
}
