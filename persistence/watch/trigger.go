package watch

import "github.com/troupekeeper/troupe/messages"

// Trigger tells of a change of path: NodeCreated, NodeDeleted or NodeDataChanged. It calls fire for each connection to
// tell, in this order: what data, persistent and recursive watches of path see, then recursive ones of its ancestors;
// for a delete, then child watches of path, for connections that were not told yet; for a create and a delete, at last
// NodeChildrenChanged of the parent. Watches that fire once are gone afterwards, whatever fire does with the event. fire
// must not change the table.
func (t *Table) Trigger(event messages.EventType, path string,
	fire func(conn messages.ConnID, event messages.EventType, path string)) {
	if t.dataTotal+t.childTotal == 0 {
		return
	}
	f := firing{t: t, event: event, path: path, fire: fire}
	t.firing++
	f.table(inDataTable, data, path)
	for p := path; t.recursive > 0 && p != messages.RootPath; {
		p = messages.ParentPath(p)
		f.table(recursive, 0, p)
	}
	if event == messages.EventNodeDataChanged {
		return
	}
	if event == messages.EventNodeDeleted {
		f.table(inChildTable, child, path)
	}
	t.firing++
	f.event, f.path = messages.EventNodeChildrenChanged, messages.ParentPath(path)
	f.table(inChildTable, child, f.path)
}

// firing is one event on its way to those who watch.
type firing struct {
	t     *Table
	event messages.EventType
	path  string
	fire  func(conn messages.ConnID, event messages.EventType, path string)
}

// table fires the records of `at` that have one of the modes, and takes the mode `once` from them. A connection is told
// once per firing number.
func (f *firing) table(of, once modes, at string) {
	t := f.t
	p, ok := t.byPath[at]
	if !ok {
		return
	}
	pe := t.paths.at(p)
	if of == recursive && pe.recursive == 0 || of == inDataTable && pe.data == 0 || of == inChildTable && pe.child == 0 {
		return
	}
	for r := pe.first; r != none; {
		rec := t.records.at(r)
		this := r
		r = rec.pathNext
		if rec.modes&of == 0 {
			continue
		}
		ce := t.conns.at(rec.conn)
		id, told := ce.id, ce.seen == t.firing
		ce.seen = t.firing
		if rec.modes&once != 0 {
			t.set(this, rec.modes&^once)
		}
		if !told {
			f.fire(id, f.event, f.path)
		}
	}
}
