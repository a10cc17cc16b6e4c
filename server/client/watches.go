package client

import (
	"slices"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// A server forgets a connection's watches with the connection. The client remembers them, by the server's paths, and
// sets them anew on the next one.

// watchKind is one of the lists of setWatches2.
type watchKind int

const (
	noWatch watchKind = iota
	dataWatch
	existWatch
	childWatch
	persistentWatch
	recursiveWatch
	watchKinds
)

// setWatchesLimit keeps a setWatches request well below the frame limit of any server, in bytes of paths.
const setWatchesLimit = 128 << 10

// watchTable holds the paths that are watched, by kind. The mutex of the Client guards it.
type watchTable [watchKinds]map[string]struct{}

func (t *watchTable) add(kind watchKind, path string) {
	if kind == noWatch {
		return
	}
	if t[kind] == nil {
		t[kind] = map[string]struct{}{}
	}
	t[kind][path] = struct{}{}
}

// remove forgets the watches on path that removeWatches of that type means, and returns an event for each.
func (t *watchTable) remove(what messages.WatcherType, path string) []messages.EventType {
	var events []messages.EventType
	for _, kind := range kindsOf(what) {
		if _, ok := t[kind][path]; !ok {
			continue
		}
		delete(t[kind], path)
		switch kind {
		case childWatch:
			events = append(events, EventChildWatchRemoved)
		case persistentWatch, recursiveWatch:
			events = append(events, EventPersistentWatchRemoved)
		default:
			events = append(events, EventDataWatchRemoved)
		}
	}
	return events
}

func kindsOf(what messages.WatcherType) []watchKind {
	switch what {
	case messages.WatcherChildren:
		return []watchKind{childWatch}
	case messages.WatcherData:
		return []watchKind{dataWatch, existWatch}
	case messages.WatcherPersistent:
		return []watchKind{persistentWatch}
	case messages.WatcherPersistentRecursive:
		return []watchKind{recursiveWatch}
	}
	return []watchKind{dataWatch, existWatch, childWatch, persistentWatch, recursiveWatch}
}

// fired forgets the watches that an event has used up.
func (t *watchTable) fired(what messages.EventType, path string) {
	switch what {
	case messages.EventNodeCreated, messages.EventNodeDataChanged:
		delete(t[dataWatch], path)
		delete(t[existWatch], path)
	case messages.EventNodeDeleted:
		delete(t[dataWatch], path)
		delete(t[existWatch], path)
		delete(t[childWatch], path)
	case messages.EventNodeChildrenChanged:
		delete(t[childWatch], path)
	}
}

// requests makes the records that set all watches anew, each with paths of at most limit bytes (or a single one).
// Servers from before persistent watches get the older form unless it can't say what is meant.
func (t *watchTable) requests(last messages.Zxid, limit int) []setWatchesRecord {
	op := messages.OpSetWatches
	if len(t[persistentWatch])+len(t[recursiveWatch]) > 0 {
		op = messages.OpSetWatches2
	}
	var records []setWatchesRecord
	size := 0
	for kind := dataWatch; kind < watchKinds; kind++ {
		paths := make([]string, 0, len(t[kind]))
		for path := range t[kind] {
			paths = append(paths, path)
		}
		slices.Sort(paths)
		for _, path := range paths {
			if len(records) == 0 || size+4+len(path) > limit {
				records = append(records, emptySetWatches(op, last))
				size = 0
			}
			list := listOf(&records[len(records)-1].req, kind)
			*list = append(*list, path)
			size += 4 + len(path)
		}
	}
	return records
}

func emptySetWatches(op messages.OpCode, last messages.Zxid) setWatchesRecord {
	none := []string{} // an empty list and not a null one, which servers would have to expect
	return setWatchesRecord{op, jute.SetWatches{
		RelativeZxid: last, Data: none, Exist: none, Child: none, Persistent: none, PersistentRecursive: none,
	}}
}

func listOf(r *jute.SetWatches, kind watchKind) *[]string {
	switch kind {
	case dataWatch:
		return &r.Data
	case existWatch:
		return &r.Exist
	case childWatch:
		return &r.Child
	case persistentWatch:
		return &r.Persistent
	}
	return &r.PersistentRecursive
}
