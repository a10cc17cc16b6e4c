package dump

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// SnapshotOptions says what of a snapshot is dumped and how.
type SnapshotOptions struct {
	FS      persistence.FS
	Place   Place  // without a File, the newest snapshot is dumped
	Filter  Filter // Path and Session count, for nodes
	Style   Style
	Sort    bool // by path; holds all nodes in memory
	Summary bool // instead of nodes and sessions, the directories and nodes that are largest
	Out     io.Writer
	Err     io.Writer // damage
}

// Snapshot dumps a snapshot. whole is false if it is damaged, which is described on o.Err after all that could be read.
// The error is for a file that can't be read, a cancelled context, or output that nobody takes.
func Snapshot(ctx context.Context, o SnapshotOptions) (whole bool, err error) {
	name, err := o.file()
	if err != nil {
		return false, err
	}
	out := bufio.NewWriterSize(o.Out, 64<<10)
	d := &snapshotDump{o: &o, name: name, index: newPathIndex(), acls: map[uint32]*aclUse{}}
	if o.Style.JSON {
		d.to = &snapshotJSON{newEncoder(out), o.Style}
	} else {
		d.to = &snapshotText{textWriter{out, o.Style}}
	}
	err = d.run(ctx)
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	if err != nil || d.damage == nil {
		return err == nil, err
	}
	d.report(o.Err)
	return false, nil
}

func (o *SnapshotOptions) file() (string, error) {
	if o.Place.File != "" {
		return o.Place.File, nil
	}
	files, err := persistence.ListSnapshots(o.FS, o.Place.Dir)
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", fmt.Errorf("no snapshot in %s", o.Place.Dir)
	}
	return files[0].Path, nil
}

// snapshotSink is a form in which a snapshot is written.
type snapshotSink interface {
	header(info persistence.SnapshotInfo, h *tree.HeaderRecord) error
	session(r *tree.SessionRecord) error
	acl(id uint32, use *aclUse) error
	node(n *shownNode) error
	top(what string, list *topList) error
	summary(t *totals) error
}

// shownNode is a node with what its record only refers to.
type shownNode struct {
	tree.NodeRecord
	path     string
	children uint32
	list     []messages.ACL
}

// aclUse is a list of the ACL table and how many nodes have it.
type aclUse struct {
	list  []messages.ACL
	nodes int
}

// totals sum a snapshot up.
type totals struct {
	nodes, sessions, ephemerals, containers, ttls int
	bytes                                         int64
	whole                                         bool
}

type snapshotDump struct {
	o      *SnapshotOptions
	name   string
	to     snapshotSink
	index  *pathIndex
	acls   map[uint32]*aclUse
	ids    []uint32 // of acls, in the order of the file
	sum    totals
	damage error
	sorted []*shownNode
	tops   struct{ children, subtree, data topList }
}

// run reads the file twice: for the paths, then for what is printed.
func (d *snapshotDump) run(ctx context.Context) error {
	if err := d.pass(ctx, d.learn); err != nil {
		return err
	}
	d.sum.whole = d.damage == nil
	if d.o.Summary {
		d.index.sumUp()
	}
	if err := d.pass(ctx, d.show); err != nil {
		return err
	}
	slices.SortFunc(d.sorted, func(a, b *shownNode) int { return comparePaths(a.path, b.path) })
	for i, n := range d.sorted {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := d.to.node(n); err != nil {
			return err
		}
	}
	if d.o.Summary {
		err := errors.Join(d.to.top("children", &d.tops.children), d.to.top("subtree", &d.tops.subtree), d.to.top("data", &d.tops.data))
		if err != nil {
			return err
		}
	}
	return d.to.summary(&d.sum)
}

// pass hands each record to use, up to the damage if there is any.
func (d *snapshotDump) pass(ctx context.Context, use func(info persistence.SnapshotInfo, record any) error) error {
	r, err := persistence.OpenSnapshot(d.o.FS, d.name, d.o.Place.databaseID(d.o.FS))
	if err != nil {
		return d.damaged(err)
	}
	defer r.Close()
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		kind, bytes, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return d.damaged(err)
		}
		record, err := tree.DecodeRecord(kind, bytes)
		if err != nil {
			return d.damaged(fmt.Errorf("snapshot %s: %w", d.name, err))
		}
		if err := use(r.Info(), record); err != nil {
			return err
		}
	}
}

// damaged keeps damage for the end and passes other errors on.
func (d *snapshotDump) damaged(err error) error {
	if !errors.Is(err, persistence.ErrDamaged) && !errors.Is(err, tree.ErrRecord) {
		return err
	}
	d.damage = err
	return nil
}

func (d *snapshotDump) learn(_ persistence.SnapshotInfo, record any) error {
	switch r := record.(type) {
	case *tree.ACLRecord:
		d.acls[r.ID] = &aclUse{list: r.List}
		d.ids = append(d.ids, r.ID)
	case *tree.SessionRecord:
		d.sum.sessions++
	case *tree.NodeRecord:
		d.index.add(r)
		if use := d.acls[r.ACL]; use != nil {
			use.nodes++
		}
		d.sum.add(r)
	}
	return nil
}

func (t *totals) add(r *tree.NodeRecord) {
	t.nodes++
	t.bytes += int64(len(r.Data))
	switch {
	case r.Owner.IsContainer():
		t.containers++
	case r.Owner.TTL() > 0:
		t.ttls++
	case r.Owner.IsEphemeral():
		t.ephemerals++
	}
}

func (d *snapshotDump) show(info persistence.SnapshotInfo, record any) error {
	switch r := record.(type) {
	case *tree.HeaderRecord:
		return d.showHeader(info, r)
	case *tree.SessionRecord:
		if d.o.Summary || (d.o.Filter.Session != 0 && r.ID != d.o.Filter.Session) {
			return nil
		}
		return d.to.session(r)
	case *tree.NodeRecord:
		return d.showNode(r)
	}
	return nil
}

// showHeader writes the table of ACLs too, since it is known by now.
func (d *snapshotDump) showHeader(info persistence.SnapshotInfo, h *tree.HeaderRecord) error {
	if err := d.to.header(info, h); err != nil || d.o.Summary {
		return err
	}
	for _, id := range d.ids {
		if err := d.to.acl(id, d.acls[id]); err != nil {
			return err
		}
	}
	return nil
}

func (d *snapshotDump) showNode(r *tree.NodeRecord) error {
	f := &d.o.Filter
	if f.Session != 0 && r.Owner.Session() != f.Session {
		return nil
	}
	spot := d.index.at(r.Slot)
	if d.o.Summary {
		path := func() string { return d.index.path(r.Slot) }
		if f.Path == "" || f.covers(path()) {
			d.tops.children.add(int64(spot.children), path)
			d.tops.data.add(int64(len(r.Data)), path)
			if spot.children > 0 {
				d.tops.subtree.add(spot.subtree, path)
			}
		}
		return nil
	}
	n := &shownNode{NodeRecord: *r, path: d.index.path(r.Slot), children: spot.children}
	if use := d.acls[r.ACL]; use != nil {
		n.list = use.list
	}
	if !f.covers(n.path) {
		return nil
	}
	if d.o.Sort {
		n.Data, n.Name = slices.Clone(r.Data), nil // the record's bytes are the reader's
		d.sorted = append(d.sorted, n)
		return nil
	}
	return d.to.node(n)
}

func (d *snapshotDump) report(w io.Writer) {
	var damage *persistence.DamageError
	if errors.As(d.damage, &damage) {
		printDamage(w, damage)
		return
	}
	fmt.Fprintf(w, "DAMAGED\n  %v\n", d.damage)
}
