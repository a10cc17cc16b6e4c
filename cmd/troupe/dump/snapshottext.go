package dump

import (
	"encoding/hex"
	"fmt"

	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// snapshotText writes a snapshot for a person: a line a session, ACL and node.
type snapshotText struct{ textWriter }

func (w *snapshotText) header(info persistence.SnapshotInfo, h *tree.HeaderRecord) error {
	compression := "not compressed"
	if info.Compressed {
		compression = "compressed with zstd"
	}
	fmt.Fprintf(w, "snapshot %s\n", info.Path)
	fmt.Fprintf(w, "zxid %v (%s), database %016x, %s, %s\n", h.Zxid, zxidParts(h.Zxid), info.DatabaseID, size(info.FileBytes), compression)
	fmt.Fprintf(w, "it announces %s, %s and %s\n", count(h.Nodes, "node", "nodes"), count(h.Sessions, "session", "sessions"),
		count(h.ACLs, "ACL", "ACLs"))
	return w.failed()
}

func (w *snapshotText) session(r *tree.SessionRecord) error {
	fmt.Fprintf(w, "session %v  timeout %s", r.ID, millis(int64(r.Timeout)))
	if w.Secrets {
		fmt.Fprintf(w, ", password %s", hex.EncodeToString(r.Password))
	}
	fmt.Fprintln(w)
	return w.failed()
}

func (w *snapshotText) acl(id uint32, use *aclUse) error {
	fmt.Fprintf(w, "ACL %d  %s  used by %s\n", id, acl(use.list), count(use.nodes, "node", "nodes"))
	return w.failed()
}

func (w *snapshotText) node(n *shownNode) error {
	fmt.Fprintf(w, "%s  %s, %s, version %d, cversion %d, aversion %d, czxid %v, mzxid %v, pzxid %v, created %s, changed %s",
		shownPath(n.path), byteCount(len(n.Data)), count(n.children, "child", "children"), n.Version, n.cversion(), n.Aversion,
		n.Czxid, n.Mzxid, n.Pzxid, w.time(n.Ctime), w.time(n.Mtime))
	switch {
	case n.list == nil:
		fmt.Fprintf(w, ", ACL %d, which is missing", n.ACL)
	case !isOpen(n.list):
		fmt.Fprintf(w, ", ACL %s", acl(n.list))
	}
	if o := owner(n.Owner); o != "" {
		fmt.Fprintf(w, ", %s", o)
	}
	fmt.Fprintln(w)
	w.data(n.Data, "")
	return w.failed()
}

// cversion is what clients see: the file has the number of creates, which counts no deletes.
func (n *shownNode) cversion() int32 { return 2*n.Creates - int32(n.children) }

var topTitles = map[string]string{
	"children": "most children",
	"subtree":  "most data in them and below",
	"data":     "most data",
}

func (w *snapshotText) top(what string, list *topList) error {
	fmt.Fprintf(w, "%s:\n", topTitles[what])
	for _, e := range list.entries {
		value := size(e.value)
		if what == "children" {
			value = fmt.Sprint(e.value)
		}
		fmt.Fprintf(w, "%s%10s  %s\n", indent, value, shownPath(e.path))
	}
	return w.failed()
}

func (w *snapshotText) summary(t *totals) error {
	fmt.Fprintf(w, "in all %s (%s, %s, %d with TTL), %s of data, %s", count(t.nodes, "node", "nodes"),
		count(t.ephemerals, "ephemeral", "ephemerals"), count(t.containers, "container", "containers"), t.ttls, size(t.bytes),
		count(t.sessions, "session", "sessions"))
	if !t.whole {
		fmt.Fprint(w, "; up to the damage")
	}
	fmt.Fprintln(w)
	return w.failed()
}
