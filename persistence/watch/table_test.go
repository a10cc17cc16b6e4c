package watch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

const (
	created  = messages.EventNodeCreated
	deleted  = messages.EventNodeDeleted
	changed  = messages.EventNodeDataChanged
	children = messages.EventNodeChildrenChanged
)

var short = map[messages.EventType]string{created: "created", deleted: "deleted", changed: "changed", children: "children"}

// fired triggers and returns the events as "connection event path", in order.
func fired(t *Table, event messages.EventType, path string) []string {
	var out []string
	t.Trigger(event, path, func(conn messages.ConnID, e messages.EventType, p string) {
		out = append(out, fmt.Sprintf("%d %s %s", conn, short[e], p))
	})
	return out
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestMatrix has a line for each way to watch and each event: what is told the first time, and the second.
func TestMatrix(t *testing.T) {
	add := map[string]func(*Table){
		"data of p":            func(w *Table) { w.AddData(1, "/d/p") },
		"child of p":           func(w *Table) { w.AddChild(1, "/d/p") },
		"child of parent":      func(w *Table) { w.AddChild(1, "/d") },
		"data of parent":       func(w *Table) { w.AddData(1, "/d") },
		"persistent p":         func(w *Table) { w.AddPersistent(1, "/d/p", false) },
		"persistent parent":    func(w *Table) { w.AddPersistent(1, "/d", false) },
		"recursive p":          func(w *Table) { w.AddPersistent(1, "/d/p", true) },
		"recursive parent":     func(w *Table) { w.AddPersistent(1, "/d", true) },
		"recursive root":       func(w *Table) { w.AddPersistent(1, "/", true) },
		"recursive sibling":    func(w *Table) { w.AddPersistent(1, "/d/pp", true) },
		"persistent root":      func(w *Table) { w.AddPersistent(1, "/", false) },
		"data and child of p":  func(w *Table) { w.AddData(1, "/d/p"); w.AddChild(1, "/d/p") },
		"all of p and parents": func(w *Table) { addAll(w, "/d/p"); addAll(w, "/d"); addAll(w, "/") },
	}
	p := func(event string) []string { return []string{"1 " + event + " /d/p"} }
	both := func(event string) []string { return []string{"1 " + event + " /d/p", "1 children /d"} }
	for _, c := range []struct {
		watch         string
		event         messages.EventType
		first, second []string
	}{
		{"data of p", created, p("created"), nil}, {"data of p", changed, p("changed"), nil}, {"data of p", deleted, p("deleted"), nil},
		{"child of p", created, nil, nil}, {"child of p", changed, nil, nil}, {"child of p", deleted, p("deleted"), nil},
		{"child of parent", created, []string{"1 children /d"}, nil}, {"child of parent", changed, nil, nil},
		{"child of parent", deleted, []string{"1 children /d"}, nil},
		{"data of parent", created, nil, nil}, {"data of parent", changed, nil, nil}, {"data of parent", deleted, nil, nil},
		{"persistent p", created, p("created"), p("created")}, {"persistent p", changed, p("changed"), p("changed")},
		{"persistent p", deleted, p("deleted"), p("deleted")},
		{"persistent parent", created, []string{"1 children /d"}, []string{"1 children /d"}}, {"persistent parent", changed, nil, nil},
		{"persistent parent", deleted, []string{"1 children /d"}, []string{"1 children /d"}},
		{"recursive p", created, p("created"), p("created")}, {"recursive p", changed, p("changed"), p("changed")},
		{"recursive p", deleted, p("deleted"), p("deleted")},
		{"recursive parent", created, p("created"), p("created")}, {"recursive parent", deleted, p("deleted"), p("deleted")},
		{"recursive root", changed, p("changed"), p("changed")}, {"recursive root", deleted, p("deleted"), p("deleted")},
		{"recursive sibling", changed, nil, nil}, {"recursive sibling", deleted, nil, nil},
		{"persistent root", created, nil, nil},
		{"data and child of p", deleted, p("deleted"), nil},
		{"data and child of p", changed, p("changed"), nil},
		{"all of p and parents", created, both("created"), both("created")},
		{"all of p and parents", changed, p("changed"), p("changed")},
		{"all of p and parents", deleted, both("deleted"), both("deleted")},
	} {
		w := New()
		add[c.watch](w)
		expect(t, fired(w, c.event, "/d/p"), c.first...)
		expect(t, fired(w, c.event, "/d/p"), c.second...)
		if t.Failed() {
			t.Fatalf("%s, %v", c.watch, c.event)
		}
	}
}

func addAll(w *Table, path string) {
	w.AddData(1, path)
	w.AddChild(1, path)
	w.AddPersistent(1, path, false)
	w.AddPersistent(1, path, true)
}

func TestParentOfTopLevelIsTheRoot(t *testing.T) {
	w := New()
	w.AddChild(1, "/")
	expect(t, fired(w, created, "/a"), "1 children /")
}

// TestDeleteConsumesBothTables: after one NodeDeleted no watch of the connection is left.
func TestDeleteConsumesBothTables(t *testing.T) {
	w := New()
	w.AddData(1, "/n")
	w.AddChild(1, "/n")
	w.AddChild(2, "/n")
	w.AddChild(1, "/")
	expect(t, fired(w, deleted, "/n"), "1 deleted /n", "2 deleted /n", "1 children /")
	if w.All() != 0 || len(w.byConn)+len(w.byPath)+len(w.byBoth) != 0 {
		t.Errorf("%d watches left", w.All())
	}
}

// TestOneEventOfSeveralWatches: the data table tells a connection once, however many of its watches match.
func TestOneEventOfSeveralWatches(t *testing.T) {
	w := New()
	w.AddPersistent(1, "/", true)
	w.AddPersistent(1, "/a", true)
	w.AddData(1, "/a/b")
	w.AddPersistent(2, "/a", true)
	expect(t, fired(w, changed, "/a/b"), "1 changed /a/b", "2 changed /a/b")
	expect(t, fired(w, changed, "/a/b"), "1 changed /a/b", "2 changed /a/b")
}

func TestStandardBesidePersistent(t *testing.T) {
	w := New()
	w.AddPersistent(1, "/a", false)
	w.AddData(1, "/a")
	w.AddChild(1, "/a")
	if w.Total() != 1 || w.All() != 2 {
		t.Errorf("%d, %d watches", w.Total(), w.All())
	}
	expect(t, fired(w, changed, "/a"), "1 changed /a")
	if w.Has(1, "/a", messages.WatcherData) || !w.Has(1, "/a", messages.WatcherPersistent) || !w.Has(1, "/a", messages.WatcherChildren) {
		t.Error("only the data watch should be gone")
	}
	expect(t, fired(w, changed, "/a"), "1 changed /a")
}

func TestHasAndRemove(t *testing.T) {
	kinds := []messages.WatcherType{1, 2, 3, 4, 5, 0, 99}
	for _, c := range []struct {
		name string
		add  func(*Table)
		has  []messages.WatcherType // besides WatcherAny
	}{
		{"nothing", func(*Table) {}, nil},
		{"data", func(w *Table) { w.AddData(1, "/a") }, []messages.WatcherType{2, 3}},
		{"child", func(w *Table) { w.AddChild(1, "/a") }, []messages.WatcherType{1, 3}},
		{"persistent", func(w *Table) { w.AddPersistent(1, "/a", false) }, []messages.WatcherType{4, 3}},
		{"recursive", func(w *Table) { w.AddPersistent(1, "/a", true) }, []messages.WatcherType{5, 3}},
		{"all", func(w *Table) { addAll(w, "/a") }, []messages.WatcherType{1, 2, 3, 4, 5}},
	} {
		for _, kind := range kinds {
			w := New()
			c.add(w)
			w.AddData(2, "/a")
			w.AddData(1, "/a/b")
			want := slices.Contains(c.has, kind)
			if w.Has(1, "/a", kind) != want || w.Remove(1, "/a", kind) != want || w.Has(1, "/a", kind) || w.Remove(1, "/a", kind) {
				t.Errorf("%s, kind %d: want %v", c.name, kind, want)
			}
			for _, other := range kinds {
				left := slices.Contains(c.has, other) && kind != messages.WatcherAny && other != kind &&
					(other != messages.WatcherAny || len(c.has) > 2 || !want)
				if w.Has(1, "/a", other) != left {
					t.Errorf("%s, after removing %d, kind %d: want %v", c.name, kind, other, left)
				}
			}
			if !w.Has(2, "/a", messages.WatcherData) || !w.Has(1, "/a/b", messages.WatcherData) {
				t.Errorf("%s, kind %d: another watch is gone", c.name, kind)
			}
		}
	}
}

func TestCounts(t *testing.T) {
	w := New()
	w.AddData(1, "/a")
	w.AddData(1, "/a")
	w.AddData(2, "/a")
	w.AddChild(3, "/a") // not in the data table
	w.AddPersistent(2, "/b", false)
	w.AddPersistent(2, "/c", true)
	if w.Total() != 4 || w.Paths() != 3 || w.Connections() != 2 || w.All() != 6 {
		t.Errorf("%d watches, %d paths, %d connections, %d in all", w.Total(), w.Paths(), w.Connections(), w.All())
	}
	var list []string
	w.Each(func(conn messages.ConnID, path string) { list = append(list, fmt.Sprintf("%d %s", conn, path)) })
	expect(t, list, "1 /a", "2 /a", "2 /b", "2 /c")
	w.RemoveConn(2)
	w.RemoveConn(77)
	if w.Total() != 1 || w.Paths() != 1 || w.Connections() != 1 || w.All() != 2 {
		t.Errorf("%d watches, %d paths, %d connections, %d in all", w.Total(), w.Paths(), w.Connections(), w.All())
	}
	expect(t, fired(w, deleted, "/a"), "1 deleted /a", "3 deleted /a")
}

// TestPathsAreCopied: the path of a request is a piece of a buffer that may be used again.
func TestPathsAreCopied(t *testing.T) {
	w := New()
	w.AddData(1, strings.Repeat("x", 1000)[:3])
	w.Each(func(_ messages.ConnID, path string) {
		if path != "xxx" {
			t.Error(path)
		}
	})
	if allocs := testing.AllocsPerRun(100, func() { w.AddData(1, "xxx"); w.AddChild(2, "y"); w.RemoveConn(2) }); allocs > 2 {
		t.Errorf("a watch that comes and goes costs %v allocations", allocs)
	}
}
