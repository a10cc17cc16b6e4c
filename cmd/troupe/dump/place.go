package dump

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/troupekeeper/troupe/persistence"
)

// Place is a folder of log segments or of snapshots, or one file in it.
type Place struct {
	Dir  string // the folder
	File string // path of the one file that is meant, "" for all
	own  string // the troupe folder that it lies in, "" if it is a copy elsewhere
	data string // the one in dataDir, which own is not when the log has a dataLogDir; "" if it isn't known
}

// ownFolder is where a server keeps its files within dataDir and dataLogDir.
const ownFolder = "troupe"

type placeKind struct {
	folder string
	what   string // as the error names it
	hint   string
	name   *regexp.Regexp
}

var (
	logKind = placeKind{"log", "transaction log", "; with dataLogDir set, name that folder or give --config",
		regexp.MustCompile(`log\.[0-9a-f]{16}`)}
	snapshotKind = placeKind{"snapshots", "snapshots", "", regexp.MustCompile(`snapshot\.[0-9a-f]{16}`)}
)

// FindLog finds the log that a path means: a dataDir or dataLogDir, its troupe folder, the folder of the segments, or one
// segment. The error tells where it looked.
func FindLog(fsys persistence.FS, name string) (Place, error) { return find(fsys, name, logKind) }

// FindSnapshots is FindLog for snapshots.
func FindSnapshots(fsys persistence.FS, name string) (Place, error) {
	return find(fsys, name, snapshotKind)
}

func find(fsys persistence.FS, name string, kind placeKind) (Place, error) {
	name = path.Clean(name)
	info, err := fsys.Stat(name)
	if err != nil {
		return Place{}, fmt.Errorf("find the %s: %w", kind.what, err)
	}
	if !info.IsDir {
		return placeAt(path.Dir(name), name), nil
	}
	tried := []string{path.Join(name, ownFolder, kind.folder), path.Join(name, kind.folder)}
	for _, dir := range tried {
		if info, err := fsys.Stat(dir); err == nil && info.IsDir {
			return placeAt(dir, ""), nil
		}
	}
	names, err := fsys.ReadDir(name)
	if err != nil {
		return Place{}, fmt.Errorf("find the %s: %w", kind.what, err)
	}
	for _, n := range names {
		if kind.name.FindString(n) == n {
			return placeAt(name, ""), nil
		}
	}
	if path.Base(name) == kind.folder {
		return placeAt(name, ""), nil
	}
	if info, err := fsys.Stat(path.Join(name, "version-2")); err == nil && info.IsDir {
		return Place{}, fmt.Errorf("%s holds a ZooKeeper database, which this program does not read; its own files are in %s", name, tried[0])
	}
	return Place{}, fmt.Errorf("no %s in %s: neither %s nor %s exists%s", kind.what, name, tried[0], tried[1], kind.hint)
}

func placeAt(dir, file string) Place {
	p := Place{Dir: dir, File: file}
	if own := path.Dir(dir); path.Base(own) == ownFolder {
		p.own, p.data = own, own
	}
	return p
}

// WithDataDir tells which dataDir a log in a dataLogDir belongs to. Its checks compare the two.
func (p Place) WithDataDir(dir string) Place {
	p.data = path.Join(dir, ownFolder)
	return p
}

// databaseID reads which database the files must belong to; 0, which accepts any, when that isn't known. A format file
// that is damaged is for the server to complain about, not for somebody who looks at the log.
func (p Place) databaseID(fsys persistence.FS) uint64 {
	if p.data == "" {
		return 0
	}
	id, err := persistence.ReadDatabaseID(fsys, path.Dir(p.data))
	if err != nil {
		return 0
	}
	return id
}

// segments lists the segments that are meant. A file given by its path comes with its successor, which decides how its
// end is judged.
func (p Place) segments(fsys persistence.FS) ([]persistence.Segment, error) {
	all, err := persistence.ListSegments(fsys, p.Dir)
	if err != nil || p.File == "" {
		return all, err
	}
	for i, s := range all {
		if s.Path == p.File {
			return all[i:min(i+2, len(all))], nil
		}
	}
	if _, err := p.copied(logKind); err != nil {
		return nil, err
	}
	view := viewOf(fsys, p)
	return persistence.ListSegments(view, p.Dir)
}

// copied is the name that a copy such as log.0000000000000001.bak once had.
func (p Place) copied(kind placeKind) (string, error) {
	base := path.Base(p.File)
	name := kind.name.FindString(base)
	if name == "" {
		return "", fmt.Errorf("%s: the name must contain the one that the server gave, %s.<16 hexadecimal digits>",
			p.File, strings.TrimSuffix(kind.folder, "s"))
	}
	if strings.Contains(base, "@") {
		return "", fmt.Errorf("%s is the end of a segment that was cut off; it can't be read without its beginning", p.File)
	}
	return name, nil
}

// view is a file system whose folder lists only some files, one of them perhaps under another name.
type view struct {
	persistence.FS
	dir   string
	names []string
	alias string // the name that stands for real
	real  string
}

func viewOf(fsys persistence.FS, p Place) *view {
	name, _ := p.copied(logKind)
	return &view{FS: fsys, dir: p.Dir, names: []string{name}, alias: path.Join(p.Dir, name), real: p.File}
}

// ReadDir lists the files of the view.
func (v *view) ReadDir(dir string) ([]string, error) {
	if dir != v.dir {
		return nil, fmt.Errorf("list %s: %w", dir, fs.ErrNotExist)
	}
	return v.names, nil
}

// Open opens the file behind a name.
func (v *view) Open(name string) (persistence.File, error) { return v.FS.Open(v.behind(name)) }

// Stat describes the file behind a name.
func (v *view) Stat(name string) (persistence.FileInfo, error) { return v.FS.Stat(v.behind(name)) }

func (v *view) behind(name string) string {
	if name == v.alias {
		return v.real
	}
	return name
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
