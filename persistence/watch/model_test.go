package watch

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/troupekeeper/troupe/messages"
)

// model states ZooKeeper's rules with its own two tables: sets of (connection, path, mode).
type model struct {
	data, child map[modelKey]map[messages.WatchMode]bool
}

type modelKey struct {
	conn messages.ConnID
	path string
}

func (m *model) add(table map[modelKey]map[messages.WatchMode]bool, conn messages.ConnID, path string, mode messages.WatchMode) {
	k := modelKey{conn, path}
	if table[k] == nil {
		table[k] = map[messages.WatchMode]bool{}
	}
	table[k][mode] = true
}

func (m *model) remove(table map[modelKey]map[messages.WatchMode]bool, k modelKey, mode messages.WatchMode) bool {
	had := table[k][mode]
	if delete(table[k], mode); len(table[k]) == 0 {
		delete(table, k)
	}
	return had
}

// trigger returns who is told by one table.
func (m *model) trigger(table map[modelKey]map[messages.WatchMode]bool, path string, deep bool) map[messages.ConnID]bool {
	told := map[messages.ConnID]bool{}
	for k, modes := range table {
		switch {
		case k.path == path:
			told[k.conn] = true
		case deep && modes[messages.WatchPersistentRecursive] && messages.HasPathPrefix(path, k.path):
			told[k.conn] = true
		}
	}
	for conn := range told {
		m.remove(table, modelKey{conn, path}, messages.WatchStandard)
	}
	return told
}

func (m *model) event(event messages.EventType, path string) (first, second []string) {
	told := m.trigger(m.data, path, true)
	if event == deleted {
		for conn := range m.trigger(m.child, path, false) {
			told[conn] = true
		}
	}
	for conn := range told {
		first = append(first, fmt.Sprintf("%d %s %s", conn, short[event], path))
	}
	if event != changed {
		parent := messages.ParentPath(path)
		for conn := range m.trigger(m.child, parent, false) {
			second = append(second, fmt.Sprintf("%d children %s", conn, parent))
		}
	}
	slices.Sort(first)
	slices.Sort(second)
	return first, second
}

func (m *model) kind(conn messages.ConnID, path string, kind messages.WatcherType, remove bool) bool {
	k, found := modelKey{conn, path}, false
	check := func(table map[modelKey]map[messages.WatchMode]bool, mode messages.WatchMode) {
		found = found || table[k][mode]
		if remove {
			m.remove(table, k, mode)
		}
	}
	any := kind == messages.WatcherAny
	if any || kind == messages.WatcherChildren {
		check(m.child, messages.WatchStandard)
	}
	if any || kind == messages.WatcherData {
		check(m.data, messages.WatchStandard)
	}
	if any || kind == messages.WatcherPersistent {
		check(m.data, messages.WatchPersistent)
		check(m.child, messages.WatchPersistent)
	}
	if any || kind == messages.WatcherPersistentRecursive {
		check(m.data, messages.WatchPersistentRecursive)
	}
	return found
}

func (m *model) counts() [4]int {
	paths, conns := map[string]bool{}, map[messages.ConnID]bool{}
	for k := range m.data {
		paths[k.path], conns[k.conn] = true, true
	}
	return [4]int{len(m.data), len(paths), len(conns), len(m.data) + len(m.child)}
}

func TestAgainstModel(t *testing.T) {
	paths := []string{"/", "/a", "/a/b", "/a/b/c", "/a/bb", "/x", "odd"}
	rapid.Check(t, func(t *rapid.T) {
		w := New()
		m := &model{map[modelKey]map[messages.WatchMode]bool{}, map[modelKey]map[messages.WatchMode]bool{}}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			conn := messages.ConnID(rapid.IntRange(1, 4).Draw(t, "conn"))
			path := rapid.SampledFrom(paths).Draw(t, "path")
			switch step := rapid.IntRange(0, 11).Draw(t, "step"); step {
			case 0, 1:
				w.AddData(conn, path)
				m.add(m.data, conn, path, messages.WatchStandard)
			case 2, 3:
				w.AddChild(conn, path)
				m.add(m.child, conn, path, messages.WatchStandard)
			case 4:
				w.AddPersistent(conn, path, false)
				m.add(m.data, conn, path, messages.WatchPersistent)
				m.add(m.child, conn, path, messages.WatchPersistent)
			case 5:
				w.AddPersistent(conn, path, true)
				m.add(m.data, conn, path, messages.WatchPersistentRecursive)
			case 6:
				kind := messages.WatcherType(rapid.IntRange(1, 5).Draw(t, "kind"))
				if got, want := w.Remove(conn, path, kind), m.kind(conn, path, kind, true); got != want {
					t.Fatalf("remove %d %s %d: %v, want %v", conn, path, kind, got, want)
				}
			case 7:
				w.RemoveConn(conn)
				for _, p := range paths {
					m.kind(conn, p, messages.WatcherAny, true)
				}
			default:
				event := []messages.EventType{created, deleted, changed}[step%3]
				if path == "/" || path == "odd" {
					event = changed
				}
				first, second := m.event(event, path)
				got := fired(w, event, path)
				n := min(len(first), len(got))
				slices.Sort(got[:n])
				slices.Sort(got[n:])
				if !slices.Equal(got, append(first, second...)) {
					t.Fatalf("%v %s: %q, want %q then %q", event, path, got, first, second)
				}
			}
			for kind := messages.WatcherType(1); kind <= 5; kind++ {
				if got, want := w.Has(conn, path, kind), m.kind(conn, path, kind, false); got != want {
					t.Fatalf("has %d %s %d: %v, want %v", conn, path, kind, got, want)
				}
			}
			if got := [4]int{w.Total(), w.Paths(), w.Connections(), w.All()}; got != m.counts() {
				t.Fatalf("counts %v, want %v", got, m.counts())
			}
		}
	})
}
