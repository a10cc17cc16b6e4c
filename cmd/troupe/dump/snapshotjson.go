package dump

import (
	"encoding/json"
	"fmt"

	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// snapshotJSON writes a snapshot for a program; SnapshotFields documents it.
type snapshotJSON struct {
	*json.Encoder
	Style
}

func (w *snapshotJSON) header(info persistence.SnapshotInfo, h *tree.HeaderRecord) error {
	return w.Encode(struct {
		Kind       string `json:"kind"`
		File       string `json:"file"`
		Zxid       string `json:"zxid"`
		Epoch      uint32 `json:"epoch"`
		Counter    uint32 `json:"counter"`
		Database   string `json:"database"`
		Compressed bool   `json:"compressed"`
		Nodes      uint64 `json:"nodes"`
		Sessions   uint64 `json:"sessions"`
		ACLs       uint64 `json:"acls"`
	}{"snapshot", info.Path, h.Zxid.String(), h.Zxid.Epoch(), h.Zxid.Counter(), fmt.Sprintf("%016x", info.DatabaseID),
		info.Compressed, h.Nodes, h.Sessions, h.ACLs})
}

func (w *snapshotJSON) session(r *tree.SessionRecord) error {
	j := struct {
		Kind     string `json:"kind"`
		Session  string `json:"session"`
		Timeout  int32  `json:"timeout_ms"`
		Password []byte `json:"password,omitempty"`
	}{Kind: "session", Session: r.ID.String(), Timeout: r.Timeout}
	if w.Secrets {
		j.Password = r.Password
	}
	return w.Encode(j)
}

func (w *snapshotJSON) acl(id uint32, use *aclUse) error {
	return w.Encode(struct {
		Kind string    `json:"kind"`
		ID   uint32    `json:"acl_id"`
		ACL  []aclJSON `json:"acl"`
	}{"acl", id, newACLJSON(use.list)})
}

type nodeJSON struct {
	Kind      string    `json:"kind"`
	Path      string    `json:"path"`
	Data      []byte    `json:"data"`
	DataBytes int       `json:"data_bytes"`
	Version   int32     `json:"version"`
	Cversion  int32     `json:"cversion"`
	Aversion  int32     `json:"aversion"`
	Czxid     string    `json:"czxid"`
	Mzxid     string    `json:"mzxid"`
	Pzxid     string    `json:"pzxid"`
	Ctime     string    `json:"ctime"`
	CtimeMs   int64     `json:"ctime_ms"`
	Mtime     string    `json:"mtime"`
	MtimeMs   int64     `json:"mtime_ms"`
	Children  uint32    `json:"children"`
	Creates   int32     `json:"creates"`
	ACLID     uint32    `json:"acl_id"`
	ACL       []aclJSON `json:"acl"`
	ownerJSON
}

func (w *snapshotJSON) node(n *shownNode) error {
	return w.Encode(nodeJSON{
		Kind: "node", Path: n.path, Data: n.Data, DataBytes: len(n.Data), Version: n.Version, Cversion: n.cversion(),
		Aversion: n.Aversion, Czxid: n.Czxid.String(), Mzxid: n.Mzxid.String(), Pzxid: n.Pzxid.String(),
		Ctime: jsonTime(n.Ctime), CtimeMs: n.Ctime, Mtime: jsonTime(n.Mtime), MtimeMs: n.Mtime,
		Children: n.children, Creates: n.Creates, ACLID: n.ACL, ACL: newACLJSON(n.list), ownerJSON: newOwnerJSON(n.Owner),
	})
}

func (w *snapshotJSON) top(what string, list *topList) error {
	for _, e := range list.entries {
		j := struct {
			Kind     string `json:"kind"`
			List     string `json:"list"`
			Path     string `json:"path"`
			Children int64  `json:"children,omitempty"`
			Bytes    int64  `json:"bytes,omitempty"`
		}{Kind: "top", List: what, Path: e.path}
		if what == "children" {
			j.Children = e.value
		} else {
			j.Bytes = e.value
		}
		if err := w.Encode(j); err != nil {
			return err
		}
	}
	return nil
}

func (w *snapshotJSON) summary(t *totals) error {
	return w.Encode(struct {
		Kind       string `json:"kind"`
		Nodes      int    `json:"nodes"`
		DataBytes  int64  `json:"data_bytes"`
		Sessions   int    `json:"sessions"`
		Ephemerals int    `json:"ephemerals"`
		Containers int    `json:"containers"`
		TTLs       int    `json:"ttls"`
		Whole      bool   `json:"whole"`
	}{"summary", t.nodes, t.bytes, t.sessions, t.ephemerals, t.containers, t.ttls, t.whole})
}
