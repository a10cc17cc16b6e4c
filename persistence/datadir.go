package persistence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Errors by which OpenDataDir refuses a folder.
var (
	// ErrForeignData says that the folder holds a ZooKeeper database.
	ErrForeignData = errors.New("the folder holds a ZooKeeper database")
	// ErrSnapshotMissing says that the folder has been in use but has no snapshot.
	ErrSnapshotMissing = errors.New("the snapshots are missing")
	// ErrFormatVersion says that another version of the program wrote the folder.
	ErrFormatVersion = errors.New("the data folder has another format version")
)

const (
	dataFormatVersion = 1
	ownFolder         = "troupe"
	lockName          = "lock"
	formatName        = "format"
	stateNew          = "new"   // made, but the first snapshot may not be written yet
	stateReady        = "ready" // a snapshot was durable at least once
)

// DataDirOptions says which folders a server keeps its state in.
type DataDirOptions struct {
	FS      FS
	DataDir string // snapshots and epochs, in <DataDir>/troupe
	LogDir  string // transaction log, in <LogDir>/troupe; "" means DataDir
	// NewDatabaseID is given to a folder that is opened for the first time. The
	// caller draws it at random; it must not be 0.
	NewDatabaseID uint64
	// TrustEmpty starts although snapshots are missing (snapshot.trust.empty).
	TrustEmpty bool
}

// DataDir is an opened and locked data folder.
type DataDir struct {
	SnapshotDir string
	LogDir      string
	EpochDir    string // where ReadEpoch and WriteEpoch keep their files
	DatabaseID  uint64 // what snapshots and log segments must carry
	// Fresh says that no snapshot exists: the caller writes one of the empty tree at
	// zxid 0, or with TrustEmpty of what the log gives, then calls MarkReady, before
	// anything is logged.
	Fresh bool

	fs     FS
	format string
	state  string
	locks  []io.Closer
}

// OpenDataDir locks the folders, makes what is missing and decides whether this
// is a first start. Every step can be cut off by a power failure: the next opening
// goes on from there. Close gives the locks back.
func OpenDataDir(o DataDirOptions) (*DataDir, error) {
	if o.FS == nil || o.DataDir == "" || o.NewDatabaseID == 0 {
		return nil, errors.New("data folder options: FS, DataDir and NewDatabaseID are needed")
	}
	if o.LogDir == "" {
		o.LogDir = o.DataDir
	}
	own := path.Join(o.DataDir, ownFolder)
	d := &DataDir{
		SnapshotDir: path.Join(own, "snapshots"),
		LogDir:      path.Join(o.LogDir, ownFolder, "log"),
		EpochDir:    own,
		fs:          o.FS,
		format:      path.Join(own, formatName),
	}
	if err := d.open(o); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

func (d *DataDir) open(o DataDirOptions) error {
	if err := d.refuseForeign(o); err != nil {
		return err
	}
	for _, dir := range []string{d.SnapshotDir, d.LogDir} {
		if err := makeDurable(d.fs, dir); err != nil {
			return fmt.Errorf("data folder %s cannot be made: %w", dir, err)
		}
	}
	if err := d.lock(o); err != nil {
		return err
	}
	if err := d.readFormat(o.NewDatabaseID); err != nil {
		return err
	}
	if err := d.dropTemps(); err != nil {
		return err
	}
	return d.judge(o.TrustEmpty)
}

// refuseForeign keeps a server from starting empty on top of a ZooKeeper database,
// which would look to its users as if all their data were gone.
func (d *DataDir) refuseForeign(o DataDirOptions) error {
	if _, err := d.fs.Stat(d.format); err == nil {
		return nil
	}
	for _, dir := range []string{o.DataDir, o.LogDir} {
		folder := path.Join(dir, "version-2")
		names, err := d.fs.ReadDir(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look for a ZooKeeper database: %w", err)
		}
		for _, name := range names {
			if strings.HasPrefix(name, "log.") || strings.HasPrefix(name, "snapshot.") {
				return fmt.Errorf("%s: %w, which is not read or changed; set dataDir to another folder, or move %s away to start with an empty tree",
					path.Join(folder, name), ErrForeignData, folder)
			}
		}
	}
	return nil
}

// makeDurable makes a folder and those above it, each one's name durable.
func makeDurable(fsys FS, dir string) error {
	if info, err := fsys.Stat(dir); err == nil {
		if !info.IsDir {
			return fmt.Errorf("%s: %w: it is a file", dir, fs.ErrExist)
		}
	} else {
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if parent := path.Dir(dir); parent != dir {
			if err := makeDurable(fsys, parent); err != nil {
				return err
			}
		}
		if err := fsys.MkdirAll(dir); err != nil {
			return err
		}
	}
	// Also when it exists: an earlier start may have lost power before this point.
	return syncParent(fsys, dir)
}

// syncParent syncs the folder above. One that this user may not open was not made
// by it either.
func syncParent(fsys FS, dir string) error {
	err := fsys.SyncDir(path.Dir(dir))
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

func (d *DataDir) lock(o DataDirOptions) error {
	folders := []string{path.Join(o.DataDir, ownFolder)}
	if other := path.Join(o.LogDir, ownFolder); other != folders[0] {
		folders = append(folders, other)
	}
	for _, folder := range folders {
		l, err := d.fs.Lock(path.Join(folder, lockName))
		if errors.Is(err, ErrLocked) {
			return fmt.Errorf("data folder %s is in use: %w; stop that one or give this one its own dataDir", folder, err)
		}
		if err != nil {
			return fmt.Errorf("lock data folder %s: %w", folder, err)
		}
		d.locks = append(d.locks, l)
	}
	return nil
}

// readFormat reads the format file or, on a first start, writes it.
func (d *DataDir) readFormat(newID uint64) error {
	id, state, err := readFormatFile(d.fs, d.format)
	if errors.Is(err, fs.ErrNotExist) {
		return d.firstFormat(newID)
	}
	d.DatabaseID, d.state = id, state
	return err
}

// ReadDatabaseID returns the id of the database in a data folder: what its snapshots and log segments carry. It takes
// no lock and changes nothing. A folder without a database gives fs.ErrNotExist, a damaged format file a *DamageError.
func ReadDatabaseID(fsys FS, dataDir string) (uint64, error) {
	id, _, err := readFormatFile(fsys, path.Join(dataDir, ownFolder, formatName))
	return id, err
}

func readFormatFile(fsys FS, file string) (databaseID uint64, state string, err error) {
	b, err := readSmallFile(fsys, file, 256)
	if err != nil {
		return 0, "", fmt.Errorf("read data format: %w", err)
	}
	text, _, _ := strings.Cut(string(b), " crc32c=")
	var version int
	var id string
	if string(b) != checkedLine(text) {
		return 0, "", formatDamage(file, "it fails its checksum")
	}
	if _, err := fmt.Sscanf(text, "troupe-data version=%d", &version); err != nil {
		return 0, "", formatDamage(file, "it does not begin as a format file does")
	}
	if version != dataFormatVersion {
		return 0, "", fmt.Errorf("%s: %w: %d, this program knows %d; use the version of troupe that wrote it",
			file, ErrFormatVersion, version, dataFormatVersion)
	}
	if _, err := fmt.Sscanf(text, "troupe-data version=%d database=%16s state=%s", &version, &id, &state); err != nil {
		return 0, "", formatDamage(file, "it cannot be read")
	}
	databaseID, err = strconv.ParseUint(id, 16, 64)
	if err != nil || databaseID == 0 || (state != stateNew && state != stateReady) {
		return 0, "", formatDamage(file, "it names no database or an unknown state")
	}
	return databaseID, state, nil
}

// firstFormat makes the folder ours. If files of ours are there already, the format
// file was lost, and a new database id would make all of them foreign.
func (d *DataDir) firstFormat(newID uint64) error {
	snapshots, segments, err := d.list()
	if err != nil {
		return err
	}
	if len(snapshots)+len(segments) > 0 {
		return formatDamage(d.format, fmt.Sprintf("the file is missing, but there are %s and %s",
			count(len(snapshots), "snapshot"), count(len(segments), "log file")))
	}
	d.DatabaseID = newID
	return d.writeFormat(stateNew)
}

func (d *DataDir) writeFormat(state string) error {
	line := checkedLine(fmt.Sprintf("troupe-data version=%d database=%016x state=%s", dataFormatVersion, d.DatabaseID, state))
	if err := writeFileAtomic(d.fs, d.format, []byte(line)); err != nil {
		return fmt.Errorf("write data format: %w", err)
	}
	d.state = state
	return nil
}

func formatDamage(file, what string) error {
	return &DamageError{File: file, What: what,
		Remedy: "bring the file back from a copy, or move the folder away to start with an empty tree"}
}

func (d *DataDir) list() ([]SnapshotFile, []Segment, error) {
	snapshots, err := ListSnapshots(d.fs, d.SnapshotDir)
	if err != nil {
		return nil, nil, err
	}
	segments, err := ListSegments(d.fs, d.LogDir)
	return snapshots, segments, err
}

// judge decides whether what is there can be started from.
func (d *DataDir) judge(trustEmpty bool) error {
	snapshots, segments, err := d.list()
	if err != nil {
		return err
	}
	d.Fresh = len(snapshots) == 0
	switch {
	case !d.Fresh && d.state == stateNew:
		// Power went between the first snapshot and MarkReady. The snapshot's name must
		// be durable before the state says that there is one.
		if err := d.fs.SyncDir(d.SnapshotDir); err != nil {
			return fmt.Errorf("sync snapshot folder: %w", err)
		}
		return d.MarkReady()
	case !d.Fresh, trustEmpty, d.state == stateNew && len(segments) == 0:
		return nil
	case len(segments) == 0:
		return fmt.Errorf("%s: %w, and there is no log either, but this folder has been in use; "+
			"bring the files back, or remove %s to start with an empty tree",
			d.SnapshotDir, ErrSnapshotMissing, d.format)
	}
	return fmt.Errorf("%s: %w, but there is a log of %s in %s; "+
		"bring the snapshots back, or set snapshot.trust.empty=true to start from what the log has",
		d.SnapshotDir, ErrSnapshotMissing, count(len(segments), "file"), d.LogDir)
}

// MarkReady records that a snapshot is durable. From then on a folder without any
// is refused instead of being taken for a new one.
func (d *DataDir) MarkReady() error {
	d.Fresh = false
	if d.state == stateReady {
		return nil
	}
	return d.writeFormat(stateReady)
}

// dropTemps removes what interrupted writers left. No one writes yet, since the
// folder was locked just now.
func (d *DataDir) dropTemps() error {
	for _, dir := range []string{d.EpochDir, d.SnapshotDir, d.LogDir} {
		names, err := d.fs.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("list data folder %s: %w", dir, err)
		}
		for _, name := range names {
			if !strings.HasSuffix(name, tempSuffix) {
				continue
			}
			if err := removeIfExists(d.fs, path.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close gives the locks back. The files must not be used afterwards.
func (d *DataDir) Close() error {
	var errs []error
	for _, l := range d.locks {
		errs = append(errs, l.Close())
	}
	d.locks = nil
	return errors.Join(errs...)
}
