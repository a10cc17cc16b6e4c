package dump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// CheckSnapshots verifies one snapshot or all of a folder, newest first: every checksum, and that the records make a
// tree with the digest that was written. It holds one tree at a time in memory. What it found goes to out; whole tells
// whether all are good. The error is for files that can't be read, or a cancelled context.
func CheckSnapshots(ctx context.Context, fsys persistence.FS, place Place, style Style, out io.Writer) (whole bool, err error) {
	files := []persistence.SnapshotFile{{Path: place.File}}
	if place.File == "" {
		if files, err = persistence.ListSnapshots(fsys, place.Dir); err != nil {
			return false, err
		}
		if len(files) == 0 {
			return false, fmt.Errorf("no snapshot in %s", place.Dir)
		}
	}
	fmt.Fprintf(out, "snapshots in %s\n", place.Dir)
	good, checked, newest := 0, 0, ""
	for _, f := range files {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		ok, err := checkSnapshot(ctx, fsys, f.Path, place.databaseID(fsys), style, out)
		if isMissing(err) && place.File == "" {
			continue // a running server has removed it since
		}
		if err != nil {
			return false, err
		}
		checked++
		if ok {
			if good++; newest == "" {
				newest = f.Path
			}
		}
	}
	switch {
	case good == checked:
		_, err = fmt.Fprintln(out, "whole")
	case place.File != "":
	case newest == "":
		_, err = fmt.Fprintln(out, "none is whole: a server can't start from here; restore one from a copy or another server")
	default:
		_, err = fmt.Fprintf(out, "%d of %d damaged; a start uses %s and the log behind it\n", checked-good, checked, path.Base(newest))
	}
	return good == checked, err
}

func checkSnapshot(ctx context.Context, fsys persistence.FS, name string, databaseID uint64, style Style, out io.Writer) (bool, error) {
	r, err := persistence.OpenSnapshot(fsys, name, databaseID)
	if err == nil {
		defer r.Close()
		var t *tree.Tree
		if t, err = buildTree(ctx, r); err == nil {
			return true, tellSnapshot(fsys, t, r.Info(), style, out)
		}
	}
	var damage *persistence.DamageError
	switch {
	case errors.As(err, &damage):
		fmt.Fprintf(out, "  %s  ", path.Base(name))
		printDamage(out, damage)
	case errors.Is(err, tree.ErrRecord):
		fmt.Fprintf(out, "  %s  DAMAGED\n  what      %v\n", path.Base(name), err)
		fmt.Fprintln(out, "  remedy    move the file away; the next older snapshot and the log then give the same state")
	default:
		return false, err
	}
	return false, nil
}

// buildTree reads a snapshot to its end, as a start does.
func buildTree(ctx context.Context, r *persistence.SnapshotReader) (*tree.Tree, error) {
	loader := tree.NewLoader()
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		kind, record, err := r.Next()
		if errors.Is(err, io.EOF) {
			t, err := loader.Finish()
			if zxid := messages.Zxid(r.Info().Zxid); err == nil && zxid != t.LastZxid() {
				err = fmt.Errorf("%w: the file's header says zxid %v, the records %v", tree.ErrRecord, zxid, t.LastZxid())
			}
			return t, err
		}
		if err == nil {
			err = loader.Add(kind, record)
		}
		if err != nil {
			return nil, err
		}
	}
}

func tellSnapshot(fsys persistence.FS, t *tree.Tree, info persistence.SnapshotInfo, style Style, out io.Writer) error {
	written := ""
	if stat, err := fsys.Stat(info.Path); err == nil && !stat.ModTime.IsZero() {
		written = ", written " + style.time(stat.ModTime.UnixMilli())
	}
	zxid := messages.Zxid(info.Zxid)
	_, err := fmt.Fprintf(out, "  %s  whole: zxid %v (%s), %s, %s, %s, %s on disk%s\n", path.Base(info.Path), zxid, zxidParts(zxid),
		count(t.NodeCount()-1, "node", "nodes"), count(t.SessionCount(), "session", "sessions"),
		count(t.EphemeralCount(), "ephemeral", "ephemerals"), size(info.FileBytes), written)
	return err
}
