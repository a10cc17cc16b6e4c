package watch

import (
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// modes is the set of ways in which a connection watches a path.
type modes uint8

const (
	data modes = 1 << iota
	child
	persistent
	recursive

	inDataTable  = data | persistent | recursive
	inChildTable = child | persistent
)

// none is the index that names no record.
const none = ^uint32(0)

// record is one connection's interest in one path. It is part of two lists: the path's and the connection's.
type record struct {
	path, conn         uint32
	pathNext, pathPrev uint32
	connNext, connPrev uint32
	modes              modes
}

// pathEntry is a path that somebody watches. Its list is in the order of registration.
type pathEntry struct {
	name                   string
	first, last            uint32
	data, child, recursive uint32 // records that are in the data table, in the child table, that are recursive
}

// connEntry is a connection that watches something.
type connEntry struct {
	id    messages.ConnID
	first uint32
	data  uint32 // records that are in the data table
	seen  uint64 // the last firing that told this connection
}

// Table holds the watches of all connections of one server. It is not safe for use by several goroutines.
type Table struct {
	records pool[record]
	paths   pool[pathEntry]
	conns   pool[connEntry]
	byPath  map[string]uint32
	byConn  map[messages.ConnID]uint32
	byBoth  map[uint64]uint32 // connection and path → record

	firing     uint64
	recursive  int
	dataTotal  int
	childTotal int
	dataPaths  int
	dataConns  int
}

// New returns an empty table.
func New() *Table {
	return &Table{byPath: map[string]uint32{}, byConn: map[messages.ConnID]uint32{}, byBoth: map[uint64]uint32{}}
}

// AddData sets a watch that fires once when path is created or deleted or its data changes.
func (t *Table) AddData(conn messages.ConnID, path string) { t.add(conn, path, data) }

// AddChild sets a watch that fires once when path is deleted or a child of it is created or deleted.
func (t *Table) AddChild(conn messages.ConnID, path string) { t.add(conn, path, child) }

// AddPersistent sets a watch that stays until it is removed: on what data and child watches see, or, if recursive, on
// what data watches of path and of everything below it would see.
func (t *Table) AddPersistent(conn messages.ConnID, path string, deep bool) {
	if deep {
		t.add(conn, path, recursive)
	} else {
		t.add(conn, path, persistent)
	}
}

// Has tells whether the connection has such a watch on the path. WatcherChildren and WatcherData mean those that fire
// once, WatcherAny all.
func (t *Table) Has(conn messages.ConnID, path string, kind messages.WatcherType) bool {
	r := t.find(conn, path)
	return r != none && t.records.at(r).modes&modesOf(kind) != 0
}

// Remove takes such watches away. It tells whether there was one.
func (t *Table) Remove(conn messages.ConnID, path string, kind messages.WatcherType) bool {
	r := t.find(conn, path)
	if r == none {
		return false
	}
	was := t.records.at(r).modes
	t.set(r, was&^modesOf(kind))
	return was&modesOf(kind) != 0
}

func modesOf(kind messages.WatcherType) modes {
	switch kind {
	case messages.WatcherChildren:
		return child
	case messages.WatcherData:
		return data
	case messages.WatcherAny:
		return data | child | persistent | recursive
	case messages.WatcherPersistent:
		return persistent
	case messages.WatcherPersistentRecursive:
		return recursive
	}
	return 0
}

// RemoveConn forgets a connection.
func (t *Table) RemoveConn(conn messages.ConnID) {
	c, ok := t.byConn[conn]
	if !ok {
		return
	}
	for r := t.conns.at(c).first; r != none; {
		next := t.records.at(r).connNext
		t.set(r, 0)
		r = next
	}
}

// Total is the number of watches as ZooKeeper counts them: those of the data table, one for each pair of connection and
// path.
func (t *Table) Total() int { return t.dataTotal }

// Paths is the number of paths that are watched, in the data table.
func (t *Table) Paths() int { return t.dataPaths }

// Connections is the number of connections that watch something, in the data table.
func (t *Table) Connections() int { return t.dataConns }

// All is the number of watches in both tables.
func (t *Table) All() int { return t.dataTotal + t.childTotal }

// Each calls yield for each pair of connection and path in the data table, grouped by path. The table must not change
// meanwhile.
func (t *Table) Each(yield func(conn messages.ConnID, path string)) {
	for i := range t.paths.items {
		if p := &t.paths.items[i]; p.data > 0 {
			for r := p.first; r != none; r = t.records.at(r).pathNext {
				if rec := t.records.at(r); rec.modes&inDataTable != 0 {
					yield(t.conns.at(rec.conn).id, p.name)
				}
			}
		}
	}
}

func (t *Table) find(conn messages.ConnID, path string) uint32 {
	c, ok := t.byConn[conn]
	if !ok {
		return none
	}
	p, ok := t.byPath[path]
	if !ok {
		return none
	}
	if r, ok := t.byBoth[both(c, p)]; ok {
		return r
	}
	return none
}

func both(conn, path uint32) uint64 { return uint64(conn)<<32 | uint64(path) }

func (t *Table) add(conn messages.ConnID, path string, m modes) {
	c, ok := t.byConn[conn]
	if !ok {
		c = t.conns.add(connEntry{id: conn, first: none})
		t.byConn[conn] = c
	}
	p, ok := t.byPath[path]
	if !ok {
		name := strings.Clone(path) // path may be a piece of a whole request
		p = t.paths.add(pathEntry{name: name, first: none, last: none})
		t.byPath[name] = p
	}
	r, ok := t.byBoth[both(c, p)]
	if !ok {
		r = t.link(c, p)
	}
	t.set(r, t.records.at(r).modes|m)
}

// link adds a record without modes to the end of the path's list and to the connection's.
func (t *Table) link(c, p uint32) uint32 {
	ce, pe := t.conns.at(c), t.paths.at(p)
	r := t.records.add(record{
		path: p, conn: c, pathNext: none, pathPrev: pe.last, connNext: ce.first, connPrev: none,
	})
	if pe.last == none {
		pe.first = r
	} else {
		t.records.at(pe.last).pathNext = r
	}
	pe.last = r
	if ce.first != none {
		t.records.at(ce.first).connPrev = r
	}
	ce.first = r
	t.byBoth[both(c, p)] = r
	return r
}

// set changes a record's modes, keeps the counts, and forgets a record that has none.
func (t *Table) set(r uint32, m modes) {
	rec := t.records.at(r)
	pe, ce := t.paths.at(rec.path), t.conns.at(rec.conn)
	if d := change(rec.modes, m, inDataTable); d != 0 {
		t.dataTotal += d
		t.dataPaths += shift(&pe.data, d)
		t.dataConns += shift(&ce.data, d)
	}
	d := change(rec.modes, m, inChildTable)
	t.childTotal += d
	shift(&pe.child, d)
	d = change(rec.modes, m, recursive)
	t.recursive += d
	shift(&pe.recursive, d)
	if rec.modes = m; m == 0 {
		t.unlink(r)
	}
}

// change is 1 when a record comes into a table, -1 when it leaves.
func change(from, to, table modes) int {
	switch was, is := from&table != 0, to&table != 0; {
	case is && !was:
		return 1
	case was && !is:
		return -1
	}
	return 0
}

// shift adds d to n. It returns 1 when n was 0 before, -1 when it is now.
func shift(n *uint32, d int) int {
	was := *n
	*n = uint32(int(was) + d)
	switch {
	case d > 0 && was == 0:
		return 1
	case d < 0 && *n == 0:
		return -1
	}
	return 0
}

func (t *Table) unlink(r uint32) {
	rec := *t.records.at(r)
	pe, ce := t.paths.at(rec.path), t.conns.at(rec.conn)
	if rec.pathPrev == none {
		pe.first = rec.pathNext
	} else {
		t.records.at(rec.pathPrev).pathNext = rec.pathNext
	}
	if rec.pathNext == none {
		pe.last = rec.pathPrev
	} else {
		t.records.at(rec.pathNext).pathPrev = rec.pathPrev
	}
	if rec.connPrev == none {
		ce.first = rec.connNext
	} else {
		t.records.at(rec.connPrev).connNext = rec.connNext
	}
	if rec.connNext != none {
		t.records.at(rec.connNext).connPrev = rec.connPrev
	}
	delete(t.byBoth, both(rec.conn, rec.path))
	t.records.remove(r)
	if pe.first == none {
		delete(t.byPath, pe.name)
		t.paths.remove(rec.path)
	}
	if ce.first == none {
		delete(t.byConn, ce.id)
		t.conns.remove(rec.conn)
	}
}
