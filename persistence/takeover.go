package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// What a learner does to its state so that it becomes its leader's: cut off what never became history, or replace all
// of it. Each step leaves a state from which a start recovers, wherever the power goes.

// Resume is Recover for a server that still has its tree from the role that it has just left in good order: only what
// the log has beyond the tree is read. When the two don't fit together, everything is read from disk. kept may be nil.
func (s *Store) Resume(kept *tree.Tree, clock func() int64, progress func(Progress)) (*Recovered, error) {
	if kept == nil {
		return s.Recover(clock, progress)
	}
	r, err := s.resume(kept)
	if err != nil {
		s.o.Notice(fmt.Sprintf("the tree in memory is not used, all is read from disk: %v", err))
		return s.Recover(clock, progress)
	}
	return r, nil
}

func (s *Store) resume(kept *tree.Tree) (*Recovered, error) {
	kept.CloseSnapshot() // the role may have ended while one was being written
	r := &Recovered{Tree: kept, SnapshotZxid: kept.LastZxid()}
	end, err := s.replay(r, func(Progress) {})
	if err != nil {
		return nil, err
	}
	if r.Log, err = s.openLog(0, end); err != nil {
		return nil, err
	}
	if r.Log.LastZxid() < uint64(r.Tree.LastZxid()) {
		return nil, errors.Join(fmt.Errorf("%w: %v, %v", errShort, messages.Zxid(r.Log.LastZxid()), r.Tree.LastZxid()), r.Log.Close())
	}
	return r, nil
}

// Truncate removes everything beyond a zxid, durably, and recovers what is left. Both the tree and the log of r are
// given up. The result ends before the zxid if the log has no such transaction.
func (s *Store) Truncate(r *Recovered, after messages.Zxid, clock func() int64) (*Recovered, error) {
	files, err := ListSnapshots(s.o.FS, s.dir.SnapshotDir)
	if err != nil {
		return nil, err
	}
	if len(files) > 0 && files[0].Zxid > uint64(after) {
		return nil, fmt.Errorf("the leader wants everything beyond %v removed, but snapshot %s is newer and holds committed "+
			"transactions only: the servers are not of one ensemble, or one has lost its data; compare their folders, "+
			"and empty the one that is wrong", after, files[0].Path)
	}
	if _, err := r.Log.TruncateAfter(uint64(after)); err != nil {
		return nil, errors.Join(err, r.Log.Close())
	}
	if err := r.Log.Close(); err != nil {
		return nil, err
	}
	return s.Recover(clock, nil)
}

// Replacement is a snapshot on its way from the leader.
type Replacement struct {
	store  *Store
	zxid   messages.Zxid
	loader *tree.Loader
	writer *SnapshotWriter
}

// Replace begins to replace all state by the leader's at a zxid, which must be beyond this server's last transaction: so
// a crash between the snapshot and the removal of the old log never puts records of another history on top of it. r
// stays what it is until Finish.
func (s *Store) Replace(r *Recovered, zxid messages.Zxid) (*Replacement, error) {
	if last := r.Tree.LastZxid(); zxid <= last {
		return nil, fmt.Errorf("the leader's snapshot at %v is not newer than this server's last transaction %v", zxid, last)
	}
	w, err := s.CreateSnapshot(zxid)
	if err != nil {
		return nil, err
	}
	return &Replacement{store: s, zxid: zxid, loader: tree.NewLoader(), writer: w}, nil
}

// AppendSnapshotRecord adds a record to a chunk for Add.
func AppendSnapshotRecord(chunk []byte, kind byte, record []byte) []byte {
	chunk = append(chunk, kind)
	chunk = binary.AppendUvarint(chunk, uint64(len(record)))
	return append(chunk, record...)
}

// Add takes a chunk of records.
func (p *Replacement) Add(chunk []byte) error {
	for len(chunk) > 0 {
		kind, record, n := splitRecord(chunk)
		if n == 0 {
			return fmt.Errorf("a record of the leader's snapshot at %v reaches beyond its chunk", p.zxid)
		}
		if err := p.loader.Add(kind, record); err != nil {
			return fmt.Errorf("the leader's snapshot at %v: %w", p.zxid, err)
		}
		if err := p.writer.Append(kind, record); err != nil {
			return err
		}
		chunk = chunk[n:]
	}
	return nil
}

// Abort drops it.
func (p *Replacement) Abort() { p.writer.Abort() }

// Finish makes the snapshot this server's state, durably. r is given up.
func (p *Replacement) Finish(r *Recovered) (*Recovered, error) {
	t, err := p.loader.Finish()
	if err == nil && t.LastZxid() != p.zxid {
		err = fmt.Errorf("it is of %v", t.LastZxid())
	}
	if err != nil {
		p.Abort()
		return nil, fmt.Errorf("the leader's snapshot at %v: %w", p.zxid, err)
	}
	if _, err := p.writer.Commit(); err != nil {
		return nil, err
	}
	if err := r.Log.Reset(uint64(p.zxid)); err != nil {
		return nil, err
	}
	return &Recovered{Tree: t, Log: r.Log, SnapshotZxid: p.zxid}, nil
}

// Epoch reads one of this server's epoch files; 0 when it has never been written. name is AcceptedEpochFile or
// CurrentEpochFile.
func (s *Store) Epoch(name string) (uint32, error) {
	epoch, _, err := ReadEpoch(s.o.FS, s.dir.EpochDir, name)
	return epoch, err
}

// SetEpoch replaces one of them, durably.
func (s *Store) SetEpoch(name string, epoch uint32) error {
	return WriteEpoch(s.o.FS, s.dir.EpochDir, name, epoch)
}

// ApplyHistory applies transactions of the leader's history that follow the tree, and appends them to the log; Log.Sync
// makes them durable.
func (r *Recovered) ApplyHistory(items []messages.Proposal) error {
	var result tree.Result
	for i := range items {
		p := &items[i]
		if err := r.Log.Append(uint64(p.Header.Zxid), p.Encoded); err != nil {
			return err
		}
		if err := r.Tree.Apply(&p.Header, p.Body, &result); err != nil {
			return fmt.Errorf("apply the leader's transaction %v: %w", p.Header.Zxid, err)
		}
	}
	return nil
}
