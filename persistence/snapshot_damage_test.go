package persistence

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const snapDir = "/snapshots"

// TestSnapshotDamageEverywhere flips bits of every single byte of a snapshot with
// several blocks: none may go unnoticed, and each is reported where it is.
func TestSnapshotDamageEverywhere(t *testing.T) {
	for _, compress := range []bool{false, true} {
		disk := newDisk(t, snapDir)
		info := writeSnapshot(t, SnapshotOptions{FS: disk, Dir: snapDir, Zxid: 7, Compress: compress, BlockBytes: 20}, 16)
		blocks := blockOffsets(t, disk, info)
		if len(blocks) < 7 {
			t.Fatalf("blocks at %v", blocks)
		}
		for off := range info.FileBytes {
			bits := byte(1) << (off % 8)
			flip(t, disk, info.Path, off, bits)
			_, err := ValidateSnapshot(disk, info.Path, testDatabase)
			want := slices.IndexFunc(blocks, func(b int64) bool { return b > off }) - 1
			var damage *DamageError
			if !errors.As(err, &damage) || damage.File != info.Path || damage.Remedy == "" {
				t.Fatalf("byte %d: %v", off, err)
			}
			if damage.Offset != blocks[want] {
				t.Errorf("byte %d: reported at %d, want %d: %v", off, damage.Offset, blocks[want], err)
			}
			flip(t, disk, info.Path, off, bits)
		}
		_, err := ValidateSnapshot(disk, info.Path, testDatabase)
		must(t, err)
	}
}

// blockOffsets returns where header, blocks and trailer begin, and the file's end.
func blockOffsets(t *testing.T, fsys FS, info SnapshotInfo) []int64 {
	t.Helper()
	f, err := fsys.Open(info.Path)
	must(t, err)
	defer f.Close()
	offs := []int64{0}
	for at := int64(snapshotHeaderSize); ; {
		offs = append(offs, at)
		var b [4]byte
		_, err := f.ReadAt(b[:], at+4)
		must(t, err)
		stored := int64(binary.BigEndian.Uint32(b[:]))
		if stored == 0 {
			return append(offs, info.FileBytes)
		}
		at += blockHeaderSize + stored
	}
}

// TestSnapshotCutAnywhere shortens or lengthens the file.
func TestSnapshotCutAnywhere(t *testing.T) {
	disk := newDisk(t, snapDir)
	info := writeSnapshot(t, SnapshotOptions{FS: disk, Dir: snapDir, Zxid: 7, BlockBytes: 20}, 16)
	for size := range info.FileBytes {
		c := disk.CrashClone(nil)
		f, err := c.OpenRW(info.Path)
		must(t, err)
		must(t, f.Truncate(size))
		if _, err := ValidateSnapshot(c, info.Path, testDatabase); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", size, err)
		}
	}
	f, err := disk.OpenRW(info.Path)
	must(t, err)
	must(t, f.Truncate(info.FileBytes+1))
	if _, err := ValidateSnapshot(disk, info.Path, testDatabase); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

// TestSnapshotBlocksMoved swaps, repeats and drops blocks that are each whole.
func TestSnapshotBlocksMoved(t *testing.T) {
	disk := newDisk(t, snapDir)
	info := writeSnapshot(t, SnapshotOptions{FS: disk, Dir: snapDir, Zxid: 7, BlockBytes: 20}, 16)
	whole, err := readSmallFile(disk, info.Path, 1<<20)
	must(t, err)
	offs := blockOffsets(t, disk, info)
	part := func(i int) []byte { return whole[offs[i]:offs[i+1]] }
	last := len(offs) - 2
	for name, order := range map[string][]int{"swapped": {0, 2, 1}, "repeated": {0, 1, 1, 2}, "dropped": {0, 2}, "ended early": {0, 1}} {
		var b []byte
		for _, i := range order {
			b = append(b, part(i)...)
		}
		if name != "ended early" {
			for i := 3; i < last; i++ {
				b = append(b, part(i)...)
			}
		}
		b = append(b, part(last)...)
		must(t, writeFileAtomic(disk, info.Path, b))
		if _, err := ValidateSnapshot(disk, info.Path, testDatabase); !errors.Is(err, ErrDamaged) {
			t.Errorf("blocks %s: %v", name, err)
		}
	}
}

func TestSnapshotForeign(t *testing.T) {
	disk := newDisk(t, snapDir)
	info := writeSnapshot(t, SnapshotOptions{FS: disk, Dir: snapDir, Zxid: 7}, 3)
	if _, err := OpenSnapshot(disk, info.Path, 99); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "belongs to database") {
		t.Errorf("another database: %v", err)
	}
	renamed := snapDir + "/" + snapshotName(8)
	must(t, disk.Rename(info.Path, renamed))
	if _, err := OpenSnapshot(disk, renamed, testDatabase); !errors.Is(err, ErrDamaged) {
		t.Errorf("under another zxid's name: %v", err)
	}
}

// TestSnapshotHugeClaims gives blocks with valid checksums lengths that the file
// does not have: they must be refused before memory is taken for them.
func TestSnapshotHugeClaims(t *testing.T) {
	for name, c := range map[string]struct {
		compress           bool
		stored, raw, count uint32
	}{
		"stored":        {false, 0xffffffff, 10, 1},
		"raw":           {true, 10, 0xffffffff, 1},
		"raw, allowed":  {true, 10, MaxSnapshotRecord, 1},
		"records":       {false, 10, 10, 0xffffffff},
		"lengths":       {false, 10, 11, 1},
		"no records":    {false, 10, 10, 0},
		"record beyond": {false, 10, 10, 1},
	} {
		disk := newDisk(t, snapDir)
		b := encodeSnapshotHeader(SnapshotOptions{DatabaseID: testDatabase, Zxid: 7, Compress: c.compress})
		sum := crc32.Checksum(b, castagnoli)
		block := make([]byte, blockHeaderSize)
		binary.BigEndian.PutUint32(block[4:], c.stored)
		binary.BigEndian.PutUint32(block[8:], c.raw)
		binary.BigEndian.PutUint32(block[12:], c.count)
		block = append(block, 1, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0)
		binary.BigEndian.PutUint32(block, crc32.Update(sum, castagnoli, block[4:]))
		file := snapDir + "/" + snapshotName(7)
		must(t, writeFileAtomic(disk, file, append(b, block...)))
		allocs := testing.AllocsPerRun(1, func() {
			if _, err := ValidateSnapshot(disk, file, testDatabase); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
		})
		if allocs > 5000 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

// TestSnapshotTrace pins the order that makes a half-written snapshot impossible.
func TestSnapshotTrace(t *testing.T) {
	f := NewFaultFS(newDisk(t, snapDir))
	w, err := CreateSnapshot(SnapshotOptions{
		FS: f, Dir: snapDir, DatabaseID: testDatabase, Zxid: 0x1f, BlockBytes: 100, SyncBytes: 200, WriteBackBytes: 100,
	})
	must(t, err)
	for range 3 {
		must(t, w.Append(1, make([]byte, 98)))
	}
	_, err = w.Commit()
	must(t, err)
	w.Abort()
	const temp = "snapshot.000000000000001f.tmp"
	want := []string{
		"remove " + temp, "create " + temp, "write " + temp + " [0,64)",
		"write " + temp + " [64,180)", "writeback " + temp + " [0,180)", "write " + temp + " [180,296)", "sync " + temp,
		"write " + temp + " [296,412)", "writeback " + temp + " [296,412)", "write " + temp + " [412,444)", "sync " + temp,
		"rename " + temp + " snapshot.000000000000001f", "syncdir snapshots",
	}
	if got := f.TakeTrace(); !slices.Equal(got, want) {
		t.Errorf("trace:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSnapshotFaults fails every operation in turn: there is an error, no file of
// the new zxid, no temporary file, and the older snapshot is untouched.
func TestSnapshotFaults(t *testing.T) {
	for _, op := range []Op{OpCreate, OpWrite, OpWriteBack, OpSync, OpRename, OpClose} {
		for nth := 1; ; nth++ {
			m := newDisk(t, snapDir)
			writeSnapshot(t, SnapshotOptions{FS: m, Dir: snapDir, Zxid: 5}, 3)
			f := NewFaultFS(m)
			f.Inject(Fault{Op: op, Nth: nth, Err: errDisk, Short: 7})
			err := tryFaultySnapshot(f)
			if f.Failed() == 0 {
				break
			}
			if !errors.Is(err, errDisk) {
				t.Errorf("%s %d: %v", op, nth, err)
			}
			names, err := m.ReadDir(snapDir)
			if err != nil || !slices.Equal(names, []string{snapshotName(5)}) {
				t.Errorf("%s %d leaves %v, %v", op, nth, names, err)
			}
		}
	}
}

func tryFaultySnapshot(fsys FS) error {
	w, err := CreateSnapshot(SnapshotOptions{
		FS: fsys, Dir: snapDir, DatabaseID: testDatabase, Zxid: 9, BlockBytes: 100, SyncBytes: 250, WriteBackBytes: 50,
	})
	if err != nil {
		return err
	}
	defer w.Abort()
	for i := range 6 {
		if err := w.Append(snapshotRecord(i * 50)); err != nil {
			return err
		}
	}
	_, err = w.Commit()
	return err
}

// TestSnapshotCrashes cuts the power after every change: what has the final name is
// valid, and once Commit has returned it is there.
func TestSnapshotCrashes(t *testing.T) {
	for changes := 0; ; changes++ {
		m := newDisk(t, snapDir)
		f := NewFaultFS(m)
		f.CutPower(changes)
		err := tryFaultySnapshot(f)
		for seed := range uint64(30) {
			var rng *rand.Rand
			if seed > 0 {
				rng = rand.New(rand.NewPCG(seed, 0))
			}
			c := m.CrashClone(rng)
			list, listErr := ListSnapshots(c, snapDir)
			must(t, listErr)
			if err == nil && len(list) != 1 {
				t.Errorf("seed %d: committed, but %d snapshots are there", seed, len(list))
			}
			for _, s := range list {
				if info, err := ValidateSnapshot(c, s.Path, testDatabase); err != nil || info.Records != 6 {
					t.Errorf("%d changes, seed %d: %v", changes, seed, err)
				}
			}
		}
		if err == nil {
			return
		}
	}
}

func TestListSnapshots(t *testing.T) {
	m := newDisk(t, snapDir)
	for _, zxid := range []uint64{3, 1 << 40, 0, 0xab} {
		writeSnapshot(t, SnapshotOptions{FS: m, Dir: snapDir, Zxid: zxid}, 1)
	}
	for _, name := range []string{"snapshot.1", "snapshot.00000000000000AB", "snapshot.0000000000000001.bak", "log.0000000000000001"} {
		_, err := m.Create(snapDir + "/" + name)
		must(t, err)
	}
	list, err := ListSnapshots(m, snapDir)
	must(t, err)
	var zxids []uint64
	for _, s := range list {
		zxids = append(zxids, s.Zxid)
	}
	if !slices.Equal(zxids, []uint64{1 << 40, 0xab, 3, 0}) {
		t.Errorf("%x", zxids)
	}
}

func TestSnapshotReadIsCheap(t *testing.T) {
	m := newDisk(t, snapDir)
	info := writeSnapshot(t, SnapshotOptions{FS: m, Dir: snapDir, Zxid: 7}, 20000)
	allocs := testing.AllocsPerRun(3, func() {
		if _, err := ValidateSnapshot(m, info.Path, testDatabase); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 100 {
		t.Errorf("%v allocations for %d records", allocs, info.Records)
	}
}
