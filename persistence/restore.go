package persistence

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// Progress is how far a recovery has come. Total is 0 while it isn't known.
type Progress struct {
	Phase       string // "snapshot" or "log"
	Done, Total int64  // bytes
	Records     int64
}

// Recovered is a server's state as it was when it last stopped, however that happened.
type Recovered struct {
	Tree         *tree.Tree
	Log          *Log
	SnapshotZxid messages.Zxid // the snapshot that it was built from
	Replayed     int64         // transactions of the log that followed it
	Load, Replay time.Duration // how long the two took, by the clock that Recover was given
}

// Recover builds the tree: the newest snapshot that is whole, then every later transaction of the log. There is no
// other path to a tree. Damage that would lose something is a *DamageError, and then nothing on disk was changed: the
// log is opened, which cuts a torn end, only after all of it was read and found sufficient. progress may be nil; clock
// gives monotonic microseconds.
func (s *Store) Recover(clock func() int64, progress func(Progress)) (*Recovered, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	start := clock()
	t, skipped, err := s.loadNewest(progress)
	if err != nil {
		return nil, err
	}
	loaded := clock()
	r := &Recovered{Tree: t, SnapshotZxid: t.LastZxid()}
	end, err := s.replay(r, progress)
	if err != nil {
		return nil, err
	}
	if last := r.Tree.LastZxid(); skipped != nil && uint64(last) < skipped.zxid {
		return nil, fmt.Errorf("the log behind the older snapshot ends at %v, before the damaged snapshot of %v; "+
			"what lies between is in that file alone: %w", last, messages.Zxid(skipped.zxid), skipped.err)
	}
	if r.Log, err = s.openLog(r.SnapshotZxid, end); err != nil {
		return nil, err
	}
	r.Load = time.Duration(loaded-start) * time.Microsecond
	r.Replay = time.Duration(clock()-loaded) * time.Microsecond
	if err := s.settle(r); err != nil {
		return nil, errors.Join(err, r.Log.Close())
	}
	return r, nil
}

// skippedSnapshot is the newest snapshot that was too damaged to use.
type skippedSnapshot struct {
	zxid uint64
	err  error
}

// loadNewest tries the snapshots from the newest on. A new folder has none: the tree is the initial one.
func (s *Store) loadNewest(progress func(Progress)) (*tree.Tree, *skippedSnapshot, error) {
	if s.dir.Fresh {
		return tree.New(), nil, nil
	}
	files, err := ListSnapshots(s.o.FS, s.dir.SnapshotDir)
	if err != nil {
		return nil, nil, err
	}
	var skipped *skippedSnapshot
	for _, f := range files {
		t, err := LoadSnapshot(s.o.FS, f.Path, s.dir.DatabaseID, progress)
		if err == nil {
			if skipped != nil {
				s.o.Notice(fmt.Sprintf("using the older snapshot %s and the log behind it", f.Path))
			}
			return t, skipped, nil
		}
		s.o.Notice(err.Error())
		if skipped == nil {
			skipped = &skippedSnapshot{zxid: f.Zxid, err: err}
		}
	}
	if skipped == nil {
		return nil, nil, fmt.Errorf("%w in %s", ErrSnapshotMissing, s.dir.SnapshotDir)
	}
	return nil, nil, fmt.Errorf("no snapshot in %s is usable: %w", s.dir.SnapshotDir, skipped.err)
}

// LoadSnapshot reads one snapshot into a tree. databaseID 0 accepts any.
func LoadSnapshot(fs FS, path string, databaseID uint64, progress func(Progress)) (*tree.Tree, error) {
	r, err := OpenSnapshot(fs, path, databaseID)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	loader := tree.NewLoader()
	for n := int64(0); ; n++ {
		kind, record, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = loader.Add(kind, record)
		}
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: %w", path, err)
		}
		if progress != nil && n%progressEvery == 0 {
			done, total := r.Progress()
			progress(Progress{Phase: "snapshot", Done: done, Total: total, Records: n})
		}
	}
	t, err := loader.Finish()
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", path, err)
	}
	return t, nil
}

// progressEvery is the number of records between two words on progress.
const progressEvery = 16384

// logTail is what replaying found at the end of the log.
type logTail struct {
	last    uint64 // zxid of the last record; the snapshot's if there is no log
	notices []Notice
}

// replay applies what follows the snapshot. It changes nothing on disk.
func (s *Store) replay(r *Recovered, progress func(Progress)) (logTail, error) {
	reader, err := OpenReader(ReaderOptions{
		FS: s.o.FS, Dir: s.dir.LogDir, DatabaseID: s.dir.DatabaseID, After: uint64(r.SnapshotZxid),
	})
	if err != nil {
		return logTail{}, err
	}
	defer reader.Close()
	var result tree.Result
	for {
		rec, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return logTail{last: reader.LastZxid(), notices: reader.Notices()}, nil
		}
		if err != nil {
			return logTail{}, err
		}
		if err := applyRecord(r.Tree, &rec, &result); err != nil {
			return logTail{}, err
		}
		if r.Replayed++; r.Replayed%progressEvery == 0 {
			done, total := reader.Progress()
			progress(Progress{Phase: "log", Done: done, Total: total, Records: r.Replayed})
		}
	}
}

// openLog opens the log for appending and makes sure that it ends where replaying it did.
func (s *Store) openLog(snapshot messages.Zxid, end logTail) (*Log, error) {
	o := DefaultLogOptions()
	o.FS, o.Dir, o.DatabaseID, o.NoSync = s.o.FS, s.dir.LogDir, s.dir.DatabaseID, s.o.NoSync
	o.Covered = uint64(snapshot)
	if s.o.SegmentBytes > 0 {
		o.SegmentBytes = s.o.SegmentBytes
	}
	log, _, err := OpenLog(o) // its notices are among the reader's
	if err != nil {
		return nil, err
	}
	for _, n := range end.notices {
		s.o.Notice(n.String())
	}
	if last := log.LastZxid(); last != 0 && last != end.last {
		err := fmt.Errorf("the log in %s was read to %v, but ends at %v now: something else writes to it; stop that first",
			o.Dir, messages.Zxid(end.last), messages.Zxid(last))
		return nil, errors.Join(err, log.Close())
	}
	return log, nil
}

func applyRecord(t *tree.Tree, rec *Record, result *tree.Result) error {
	header, body, err := messages.DecodeTxn(rec.Body)
	if err == nil && uint64(header.Zxid) != rec.Zxid {
		err = fmt.Errorf("the record is numbered %#x, its transaction %v", rec.Zxid, header.Zxid)
	}
	if err == nil {
		err = t.Apply(&header, body, result)
	}
	if err != nil {
		return &DamageError{
			File: rec.File, Offset: rec.Offset, What: err.Error(),
			Lost:   fmt.Sprintf("the transaction %#x and all later ones", rec.Zxid),
			Remedy: CutRemedy(rec.File, rec.Offset),
		}
	}
	return nil
}

// settle makes sure that the next start finds a base: a first start writes the snapshot of the empty tree, and a
// log that is behind its snapshot (it was purged to the last record, or forceSync=no lost its end) goes on from there.
func (s *Store) settle(r *Recovered) error {
	last := r.Tree.LastZxid()
	if uint64(last) > r.Log.LastZxid() {
		// The snapshot may have been named a moment before the crash, and its name not be durable: the log relies on it now.
		if err := s.o.FS.SyncDir(s.dir.SnapshotDir); err != nil {
			return fmt.Errorf("sync the folder of the snapshots: %w", err)
		}
		if err := r.Log.StartAfter(uint64(last)); err != nil {
			return err
		}
	}
	if !s.dir.Fresh {
		return nil
	}
	if err := s.WriteSnapshot(r.Tree); err != nil {
		return fmt.Errorf("write the first snapshot: %w", err)
	}
	return s.dir.MarkReady()
}
