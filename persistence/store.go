package persistence

import (
	"sync/atomic"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

// StoreOptions say where a server's state lies and how it is written.
type StoreOptions struct {
	FS            FS
	DataDir       string // snapshots
	LogDir        string // transaction log; "" means DataDir
	NewDatabaseID uint64 // for a folder that is new; drawn at random, not 0
	TrustEmpty    bool   // snapshot.trust.empty
	SegmentBytes  int64  // preallocated per log segment; 0 means the default
	NoSync        bool   // forceSync=no
	Compress      bool   // snapshots
	// Notice hears of everything a person may want to know that is no error: a torn tail that was cut, a damaged
	// snapshot that an older one replaces.
	Notice func(text string)
}

// Store is the state of one server on disk, locked for this process. It can be recovered from more than once: a
// pipeline that failed is built anew from what is on disk.
type Store struct {
	o      StoreOptions
	dir    *DataDir
	purger *Purger
	held   atomic.Int64 // transfers that read the files
}

// OpenStore opens and locks the folders, and makes them when they are new.
func OpenStore(o StoreOptions) (*Store, error) {
	dir, err := OpenDataDir(DataDirOptions{
		FS: o.FS, DataDir: o.DataDir, LogDir: o.LogDir, NewDatabaseID: o.NewDatabaseID, TrustEmpty: o.TrustEmpty,
	})
	if err != nil {
		return nil, err
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	return &Store{o: o, dir: dir, purger: &Purger{
		FS: o.FS, SnapshotDir: dir.SnapshotDir, LogDir: dir.LogDir, DatabaseID: dir.DatabaseID,
	}}, nil
}

// Dir tells where the files are.
func (s *Store) Dir() *DataDir { return s.dir }

// Close unlocks the folders.
func (s *Store) Close() error { return s.dir.Close() }

// WriteSnapshot writes a tree that nobody changes meanwhile.
func (s *Store) WriteSnapshot(t *tree.Tree) error {
	w, err := s.CreateSnapshot(t.LastZxid())
	if err != nil {
		return err
	}
	defer w.Abort()
	image := t.BeginSnapshot()
	defer image.Close()
	for done := false; !done; {
		if done, err = image.Next(w.Append, progressEvery); err != nil {
			return err
		}
	}
	_, err = w.Commit()
	return err
}

// CreateSnapshot begins a snapshot at a zxid.
func (s *Store) CreateSnapshot(zxid messages.Zxid) (*SnapshotWriter, error) {
	return CreateSnapshot(SnapshotOptions{
		FS: s.o.FS, Dir: s.dir.SnapshotDir, DatabaseID: s.dir.DatabaseID, Zxid: uint64(zxid), Compress: s.o.Compress,
	})
}

// Purge removes snapshots and log segments that recovery doesn't need, keeping so many snapshots (at least
// MinRetain). trust names a snapshot that was just written, "" for none. It returns the number of files removed.
func (s *Store) Purge(retain int, trust string) (removed int, err error) {
	if trust != "" {
		s.purger.Trust(trust)
	}
	if s.held.Load() > 0 {
		return 0, nil // a learner is being fed from these files; the next snapshot's purge removes them
	}
	s.purger.Retain = retain
	plan, err := s.purger.Run()
	return len(plan.Snapshots) + len(plan.Segments) + len(plan.Temps), err
}

// Sizes are the bytes in use by snapshots and by the log.
func (s *Store) Sizes() (snapshots, logs int64) {
	return dirSize(s.o.FS, s.dir.SnapshotDir), dirSize(s.o.FS, s.dir.LogDir)
}

func dirSize(fs FS, dir string) (sum int64) {
	names, err := fs.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, name := range names {
		if info, err := fs.Stat(dir + "/" + name); err == nil && !info.IsDir {
			sum += info.Size
		}
	}
	return sum
}
