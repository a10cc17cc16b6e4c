package persistence

import (
	"errors"
	"fmt"

	"github.com/troupekeeper/troupe/messages"
)

// What a leader reads from its disk for a learner, beside everything else that goes on.

// Hold keeps the files that are there from being purged until the returned function is called, once.
func (s *Store) Hold() (release func()) {
	s.held.Add(1)
	done := false
	return func() {
		if !done {
			done = true
			s.held.Add(-1)
		}
	}
}

// LogFloor finds the last place in the log at or before a zxid from which it can be read on; see the function LogFloor.
func (s *Store) LogFloor(zxid messages.Zxid) (floor messages.Zxid, ok bool, err error) {
	f, ok, err := LogFloor(s.o.FS, s.dir.LogDir, s.dir.DatabaseID, uint64(zxid))
	return messages.Zxid(f), ok, err
}

// ReadLog reads the log behind a zxid that LogFloor has found.
func (s *Store) ReadLog(after messages.Zxid) (*Reader, error) {
	return OpenReader(ReaderOptions{FS: s.o.FS, Dir: s.dir.LogDir, DatabaseID: s.dir.DatabaseID, After: uint64(after)})
}

// LogBytesBehind tells how long the finished log segments behind a zxid are, in bytes. The one that is being written is
// not counted: its size is reserved, not used.
func (s *Store) LogBytesBehind(zxid messages.Zxid) (sum int64, err error) {
	segments, err := ListSegments(s.o.FS, s.dir.LogDir)
	if err != nil {
		return 0, err
	}
	for i, seg := range segments {
		if i+1 >= len(segments) || segments[i+1].First <= uint64(zxid) {
			continue
		}
		info, err := s.o.FS.Stat(seg.Path)
		if err != nil {
			return 0, fmt.Errorf("size of log segment %s: %w", seg.Path, err)
		}
		sum += info.Size
	}
	return sum, nil
}

// OpenNewestSnapshot opens the newest snapshot that is whole; all of it has been read and verified once. notice hears
// of damaged ones.
func (s *Store) OpenNewestSnapshot() (*SnapshotReader, error) {
	files, err := ListSnapshots(s.o.FS, s.dir.SnapshotDir)
	if err != nil {
		return nil, err
	}
	err = ErrSnapshotMissing
	for _, f := range files {
		if _, bad := ValidateSnapshot(s.o.FS, f.Path, s.dir.DatabaseID); bad != nil {
			s.o.Notice(bad.Error())
			err = errors.Join(err, bad)
			continue
		}
		return OpenSnapshot(s.o.FS, f.Path, s.dir.DatabaseID)
	}
	return nil, fmt.Errorf("no snapshot in %s can be sent: %w", s.dir.SnapshotDir, err)
}

// NewestSnapshot tells the zxid of the newest snapshot and the size of its file; 0 and 0 when there is none.
func (s *Store) NewestSnapshot() (zxid messages.Zxid, bytes int64) {
	files, err := ListSnapshots(s.o.FS, s.dir.SnapshotDir)
	if err != nil || len(files) == 0 {
		return 0, 0
	}
	if info, err := s.o.FS.Stat(files[0].Path); err == nil {
		bytes = info.Size
	}
	return messages.Zxid(files[0].Zxid), bytes
}
