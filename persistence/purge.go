package persistence

import (
	"fmt"
	"path"
	"strings"
)

// MinRetain is the smallest number of snapshots that purging may keep, as in
// ZooKeeper: with fewer, one damaged file could be one too many.
const MinRetain = 3

// PurgeInput is what retention decides from. Both lists are as ListSnapshots and
// ListSegments return them.
type PurgeInput struct {
	Snapshots []SnapshotFile // newest first
	Segments  []Segment      // oldest first
	Temps     []string       // paths of temporary files in the snapshot folder
	Retain    int            // valid snapshots to keep
	// Valid tells whether a snapshot is whole. It is asked from the newest on, and
	// only until enough are found, since reading one takes time.
	Valid func(SnapshotFile) bool
}

// PurgePlan lists what may go, each list in the order of removal.
type PurgePlan struct {
	Snapshots []SnapshotFile // oldest first
	Segments  []Segment      // oldest first
	Temps     []string
	Kept      int // valid snapshots that stay
}

// PlanPurge decides what may be removed. It keeps the Retain newest valid
// snapshots, every damaged one that is newer than the oldest of those (it may still
// be wanted for a look), and every log segment that holds a record after the
// oldest snapshot kept. With fewer valid snapshots than Retain nothing is removed
// but temporary files.
func PlanPurge(in PurgeInput) PurgePlan {
	var plan PurgePlan
	plan.Temps = staleTemps(in)
	oldest := -1
	for i, s := range in.Snapshots {
		if in.Valid(s) {
			plan.Kept++
			if plan.Kept == max(in.Retain, MinRetain) {
				oldest = i
				break
			}
		}
	}
	if oldest < 0 {
		return plan
	}
	for i := len(in.Snapshots) - 1; i > oldest; i-- {
		plan.Snapshots = append(plan.Snapshots, in.Snapshots[i])
	}
	// All records of a segment are below the first of the next one.
	base := in.Snapshots[oldest].Zxid
	for i := 0; i+1 < len(in.Segments) && in.Segments[i+1].First <= base+1; i++ {
		plan.Segments = append(plan.Segments, in.Segments[i])
	}
	return plan
}

// staleTemps picks the temporary files that no one can be writing: snapshots are
// taken in the order of their zxids, so one that is in the making is newer than
// all that are done.
func staleTemps(in PurgeInput) []string {
	var stale []string
	for _, name := range in.Temps {
		zxid, ok := parseNumbered(strings.TrimSuffix(path.Base(name), tempSuffix), snapshotPrefix)
		if ok && len(in.Snapshots) > 0 && zxid < in.Snapshots[0].Zxid {
			stale = append(stale, name)
		}
	}
	return stale
}

// Purger carries out retention on one server's folders. It remembers which
// snapshots it has found valid, so that a run reads only new ones. One goroutine
// at a time may call Run; the log and the snapshot writer may be at work meanwhile.
type Purger struct {
	FS          FS
	SnapshotDir string
	LogDir      string
	DatabaseID  uint64
	Retain      int // at least MinRetain; less counts as MinRetain

	valid map[string]FileInfo
}

// Run removes what PlanPurge allows and returns that plan. Snapshots go before the
// log files that they would need, one by one and each durably, so that a crash
// leaves nothing that looks complete and is not.
func (p *Purger) Run() (PurgePlan, error) {
	in := PurgeInput{Retain: p.Retain, Valid: p.isValid}
	var err error
	if in.Snapshots, err = ListSnapshots(p.FS, p.SnapshotDir); err != nil {
		return PurgePlan{}, err
	}
	if in.Segments, err = ListSegments(p.FS, p.LogDir); err != nil {
		return PurgePlan{}, err
	}
	names, err := p.FS.ReadDir(p.SnapshotDir)
	if err != nil {
		return PurgePlan{}, fmt.Errorf("list snapshot folder %s: %w", p.SnapshotDir, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, tempSuffix) {
			in.Temps = append(in.Temps, path.Join(p.SnapshotDir, name))
		}
	}
	plan := PlanPurge(in)
	return plan, p.carryOut(plan)
}

func (p *Purger) carryOut(plan PurgePlan) error {
	for _, name := range plan.Temps {
		if err := removeIfExists(p.FS, name); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	for _, s := range plan.Snapshots {
		if err := p.FS.Remove(s.Path); err != nil {
			return fmt.Errorf("purge snapshot %s: %w", s.Path, err)
		}
		delete(p.valid, s.Path)
	}
	if len(plan.Snapshots) > 0 {
		if err := p.FS.SyncDir(p.SnapshotDir); err != nil {
			return fmt.Errorf("purge: sync snapshot folder %s: %w", p.SnapshotDir, err)
		}
	}
	for _, s := range plan.Segments {
		if err := removeSegment(p.FS, s); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	return nil
}

// isValid reads a snapshot, unless it did before and the file looks the same.
func (p *Purger) isValid(s SnapshotFile) bool {
	info, err := p.FS.Stat(s.Path)
	if err != nil {
		return false
	}
	if known, ok := p.valid[s.Path]; ok && known == info {
		return true
	}
	if _, err := ValidateSnapshot(p.FS, s.Path, p.DatabaseID); err != nil {
		return false
	}
	p.Trust(s.Path)
	return true
}

// Trust notes that a snapshot is valid, for a caller that has just written or read
// it whole and wants to spare Run the reading.
func (p *Purger) Trust(name string) {
	info, err := p.FS.Stat(name)
	if err != nil {
		return
	}
	if p.valid == nil {
		p.valid = map[string]FileInfo{}
	}
	p.valid[name] = info
}
