package persistence

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPlanPurge draws histories of snapshots, damaged ones among them, and log
// segments, and checks what must hold for every plan.
func TestPlanPurge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zxids := rapid.SliceOfNDistinct(rapid.Uint64Range(0, 60), 0, 12, rapid.ID).Draw(t, "snapshots")
		slices.Sort(zxids)
		slices.Reverse(zxids)
		damaged := rapid.SliceOfDistinct(rapid.Uint64Range(0, 60), rapid.ID).Draw(t, "damaged")
		firsts := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 70), 0, 10, rapid.ID).Draw(t, "segments")
		slices.Sort(firsts)
		in := PurgeInput{Retain: rapid.IntRange(0, 6).Draw(t, "retain")}
		in.Valid = func(s SnapshotFile) bool { return !slices.Contains(damaged, s.Zxid) }
		for _, z := range zxids {
			in.Snapshots = append(in.Snapshots, SnapshotFile{Path: snapshotName(z), Zxid: z})
		}
		for _, z := range firsts {
			in.Segments = append(in.Segments, Segment{Path: segmentName(z), First: z})
		}
		checkPlan(t, in, PlanPurge(in))
	})
}

func checkPlan(t *rapid.T, in PurgeInput, plan PurgePlan) {
	left := slices.DeleteFunc(slices.Clone(in.Snapshots), func(s SnapshotFile) bool { return slices.Contains(plan.Snapshots, s) })
	valid := slices.DeleteFunc(slices.Clone(left), func(s SnapshotFile) bool { return !in.Valid(s) })
	retain := max(in.Retain, MinRetain)
	if len(plan.Snapshots) > 0 && len(valid) != retain {
		t.Fatalf("%d valid snapshots stay, want %d", len(valid), retain)
	}
	if len(valid) < retain && len(plan.Snapshots)+len(plan.Segments) > 0 {
		t.Fatalf("too few valid snapshots, but the plan is %+v", plan)
	}
	if len(plan.Segments) == 0 {
		return
	}
	oldest := valid[len(valid)-1].Zxid
	stays := in.Segments[len(plan.Segments):]
	if !slices.Equal(plan.Segments, in.Segments[:len(plan.Segments)]) || len(stays) == 0 || stays[0].First > oldest+1 {
		t.Fatalf("recovery from %d needs what goes: %+v", oldest, plan.Segments)
	}
}

// TestPurgeRun purges a folder and recovers from each snapshot that is left.
func TestPurgeRun(t *testing.T) {
	m := newDisk(t, modelDir)
	must(t, makeDurable(m, snapDir))
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	for z := uint64(0); z < 60; z += 10 {
		writeSnapshot(t, SnapshotOptions{FS: m, Dir: snapDir, Zxid: z}, 3)
		mustAppend(t, l, z+1, z+10)
		must(t, l.Roll())
	}
	flip(t, m, path.Join(snapDir, snapshotName(40)), 70, 1)
	for _, temp := range []uint64{10, 50, 60} {
		_, err := m.Create(path.Join(snapDir, snapshotName(temp)) + tempSuffix)
		must(t, err)
	}
	f := NewFaultFS(m)
	p := &Purger{FS: f, SnapshotDir: snapDir, LogDir: modelDir, DatabaseID: testDatabase, Retain: 3}
	plan, err := p.Run()
	must(t, err)
	if plan.Kept != 3 {
		t.Errorf("plan %+v", plan)
	}
	names, err := m.ReadDir(snapDir)
	must(t, err)
	// 40 is damaged, but newer than the oldest that counts; 50.tmp and 60.tmp may be
	// in the making.
	want := []string{
		snapshotName(20), snapshotName(30), snapshotName(40), snapshotName(50),
		snapshotName(50) + tempSuffix, snapshotName(60) + tempSuffix,
	}
	if !slices.Equal(names, want) {
		t.Errorf("left are %v", names)
	}
	for _, zxid := range []uint64{20, 30, 50} {
		wantRange(t, m, modelDir, zxid, zxid+1, 60)
	}
	trace := strings.Join(f.TakeTrace(), "; ")
	wantTrace := fmt.Sprintf("remove %s.tmp; remove %s; remove %s; syncdir snapshots; remove %s; syncdir log; remove %s; syncdir log",
		snapshotName(10), snapshotName(0), snapshotName(10), segmentName(1), segmentName(11))
	if trace != wantTrace {
		t.Errorf("trace %s\nwant %s", trace, wantTrace)
	}
	// A second run has nothing to do, and reads only what is not known to be valid.
	f.Inject(Fault{Op: OpOpen, Pattern: snapshotName(50), Err: errDisk})
	plan, err = p.Run()
	must(t, err)
	if plan.Kept != 3 || len(plan.Snapshots)+len(plan.Segments)+len(plan.Temps) > 0 {
		t.Errorf("second run: %+v", plan)
	}
}

// TestPurgeNeverDropsTheLast keeps the only valid snapshot however old it is.
func TestPurgeNeverDropsTheLast(t *testing.T) {
	m := newDisk(t, modelDir)
	must(t, makeDurable(m, snapDir))
	l := mustOpenLog(t, testLogOptions(m, modelDir))
	for z := uint64(0); z < 80; z += 10 {
		writeSnapshot(t, SnapshotOptions{FS: m, Dir: snapDir, Zxid: z}, 3)
		if z > 0 {
			flip(t, m, path.Join(snapDir, snapshotName(z)), 66, 1)
		}
		mustAppend(t, l, z+1, z+10)
		must(t, l.Roll())
	}
	before := m.Tree()
	p := &Purger{FS: m, SnapshotDir: snapDir, LogDir: modelDir, DatabaseID: testDatabase}
	plan, err := p.Run()
	must(t, err)
	if plan.Kept != 1 || m.Tree() != before {
		t.Errorf("plan %+v, files:\n%s", plan, m.Tree())
	}
}
