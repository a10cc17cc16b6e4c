package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

// MembershipFiles keeps the configuration files in step with the membership, so that a server finds at its next start
// whom to talk to. It waits for the disk: only who has a goroutine to itself may call it. A failure costs the files, not
// the membership, which is part of the replicated state.
type MembershipFiles struct {
	fs     persistence.FS
	config string
	self   messages.ServerID
	client ClientConfig
	mode   func(like, name string) error // gives a file the permissions of another one
}

// ErrNoMembershipFile tells that a server's members do not stand in files that it may change.
var ErrNoMembershipFile = errors.New("the members of the ensemble do not stand in a configuration file")

// NewMembershipFiles takes charge of the files that a configuration was read from. The error is ErrNoMembershipFile if
// there is none, or if variables or flags name the members: those would contradict a file at the next start.
func NewMembershipFiles(c *Config, disk persistence.FS) (*MembershipFiles, error) {
	if c.File == "" {
		return nil, ErrNoMembershipFile
	}
	for name, origin := range c.origins {
		_, member := isMembershipKey(name)
		if (member || name == "dynamicConfigFile") && origin.kind != originFile {
			return nil, fmt.Errorf("%w: %s comes from %s", ErrNoMembershipFile, name, origin)
		}
	}
	file, err := filepath.Abs(c.File)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoMembershipFile, c.File, err)
	}
	f := &MembershipFiles{
		fs: disk, config: file, self: messages.ServerID(c.Ensemble.MyID), client: c.Client,
		mode: func(string, string) error { return nil },
	}
	if _, real := disk.(persistence.OSFS); real {
		f.mode = copyMode
	}
	return f, nil
}

// copyMode keeps a file as readable as it was.
func copyMode(like, name string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	return os.Chmod(name, info.Mode().Perm())
}

// Propose notes a membership that is proposed, in <zoo.cfg>.dynamic.next. When it returns the note is durable.
func (f *MembershipFiles) Propose(m messages.Membership) error {
	return f.apply(planProposal(f.config, m))
}

// Proposed reads that note; false if there is none.
func (f *MembershipFiles) Proposed() (messages.Membership, bool, error) {
	m, _, err := loadDynamic(nextName(f.config), f.read)
	if errors.Is(err, fs.ErrNotExist) {
		return messages.Membership{}, false, nil
	}
	return m, err == nil, err
}

// Withdraw removes the note: the proposal has come to nothing.
func (f *MembershipFiles) Withdraw() error {
	return f.apply([]fileChange{{path: nextName(f.config), remove: true}})
}

// Activate writes <zoo.cfg>.dynamic.<version> and turns the main file to it, as of a membership that is in effect; the note of
// the proposal goes. The first time the main file is copied to <zoo.cfg>.bak. After a crash the files lead to the membership
// before or to this one, and calling it again completes them.
func (f *MembershipFiles) Activate(m messages.Membership) error {
	s := staticSide{path: f.config, self: f.self, client: f.client}
	var err error
	if s.text, err = f.read(f.config); err != nil {
		return fmt.Errorf("keep the membership of version %x: %w", uint64(m.Version), err)
	}
	if _, err := f.fs.Stat(backupName(f.config)); err == nil {
		s.backup = true
	}
	changes, err := planActivation(s, m)
	if err != nil {
		return fmt.Errorf("keep the membership of version %x: %w", uint64(m.Version), err)
	}
	return f.apply(changes)
}

func (f *MembershipFiles) apply(changes []fileChange) error {
	for _, c := range changes {
		var err error
		if c.remove {
			err = f.remove(c.path)
		} else {
			err = f.write(c)
		}
		if err != nil {
			return fmt.Errorf("keep the membership in %s: %w", c.path, err)
		}
	}
	return nil
}

// remove deletes a file that may be there. That it is gone is durable then.
func (f *MembershipFiles) remove(name string) error {
	err := f.fs.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = f.fs.SyncDir(path.Dir(name))
	}
	return err
}

// write puts a file in its place, whole and durable, unless it is there already.
func (f *MembershipFiles) write(c fileChange) error {
	if present, err := f.read(c.path); err == nil && string(present) == c.text {
		return f.fs.SyncDir(path.Dir(c.path)) // it may have been written by one who had no time for that
	}
	temp := c.path + ".tmp"
	if err := f.fs.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := f.fill(temp, c.text); err != nil {
		_ = f.fs.Remove(temp)
		return err
	}
	if err := f.fs.Rename(temp, c.path); err != nil {
		_ = f.fs.Remove(temp)
		return err
	}
	return f.fs.SyncDir(path.Dir(c.path))
}

func (f *MembershipFiles) fill(name, text string) (err error) {
	file, err := f.fs.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	if err := f.mode(f.config, name); err != nil {
		return err
	}
	if _, err := io.WriteString(file, text); err != nil {
		return err
	}
	return file.Sync()
}

// read reads a whole file of the size that configurations have.
func (f *MembershipFiles) read(name string) ([]byte, error) {
	file, err := f.fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readLimited(file, configFileMax)
}
