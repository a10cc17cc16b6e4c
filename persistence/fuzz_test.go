package persistence

import (
	"bytes"
	"errors"
	"io"
	"path"
	"testing"
)

// FuzzLogReader hands the reader a folder with one or two segments of any bytes.
// It must end, must not take memory without bound, and opening for appending must
// agree with it and leave a log that reads the same.
func FuzzLogReader(f *testing.F) {
	disk := threeSegments(f)
	segments, err := ListSegments(disk, modelDir)
	must(f, err)
	var whole [][]byte
	for _, s := range segments {
		b, err := readSmallFile(disk, s.Path, 1<<20)
		must(f, err)
		whole = append(whole, bytes.TrimRight(b, "\x00"))
	}
	f.Add(whole[0], whole[1])
	f.Add(whole[2], []byte{})
	f.Add(whole[0][:100], whole[1][:64])
	f.Add(encodeSegmentHeader(testDatabase, 1, 0, 0), appendRecord(nil, 0, 0, recordTxn, 1, 64, []byte("x")))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		readAnyLog(t, first, second)
		readAnyLog(t, withRecordChecksums(first, 1), withRecordChecksums(second, 11))
	})
}

func readAnyLog(t *testing.T, first, second []byte) {
	t.Helper()
	m := newDisk(t, modelDir)
	putSegment(t, m, 1, first)
	if len(second) > 0 {
		putSegment(t, m, 11, second)
	}
	last, readErr := drain(t, m)
	o := testLogOptions(m, modelDir)
	l, _, err := OpenLog(o)
	if err != nil {
		if !errors.Is(err, ErrDamaged) || readErr == nil {
			t.Fatalf("open: %v, read: %v", err, readErr)
		}
		return
	}
	if readErr != nil {
		return // damage in the first segment, which opening does not read
	}
	if l.LastZxid() != last {
		t.Fatalf("log ends at %x, reader at %x", l.LastZxid(), last)
	}
	if uint32(last) < 0xffffffff {
		must(t, l.Append(last+1, []byte("more")))
		last++
	}
	must(t, l.Close())
	if again, err := drain(t, m); err != nil || again != last {
		t.Fatalf("reads to %x, %v; want %x", again, err, last)
	}
}

func putSegment(t *testing.T, m *MemFS, first uint64, b []byte) {
	t.Helper()
	must(t, writeFileAtomic(m, path.Join(modelDir, segmentName(first)), b))
}

func drain(t *testing.T, m *MemFS) (last uint64, err error) {
	t.Helper()
	r, err := OpenReader(ReaderOptions{FS: m, Dir: modelDir})
	if err != nil {
		if !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		return 0, err
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.LastZxid(), nil
		}
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return r.LastZxid(), err
		}
		if !zxidFollows(last, rec.Zxid) {
			t.Fatalf("zxid %x after %x", rec.Zxid, last)
		}
		last = rec.Zxid
	}
}

// FuzzSnapshotReader hands the reader any bytes, once as they are and once with
// right checksums up to the first block, and bounds what comes out.
func FuzzSnapshotReader(f *testing.F) {
	for _, compress := range []bool{false, true} {
		disk := newDisk(f, snapDir)
		info := writeSnapshot(f, SnapshotOptions{FS: disk, Dir: snapDir, Zxid: 7, Compress: compress, BlockBytes: 50}, 20)
		b, err := readSmallFile(disk, info.Path, 1<<20)
		must(f, err)
		f.Add(b)
		f.Add(b[:80])
		f.Add(b[:len(b)-3])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		readAnySnapshot(t, b)
		readAnySnapshot(t, withChecksums(b))
	})
}

func readAnySnapshot(t *testing.T, b []byte) {
	t.Helper()
	m := newDisk(t, snapDir)
	name := path.Join(snapDir, snapshotName(7))
	must(t, writeFileAtomic(m, name, b))
	r, err := OpenSnapshot(m, name, 0)
	if err != nil {
		if !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		return
	}
	defer r.Close()
	var records uint64
	for {
		_, _, err := r.Next()
		if errors.Is(err, io.EOF) {
			if r.Info().Records != records {
				t.Fatalf("%d records, the trailer says %d", records, r.Info().Records)
			}
			return
		}
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		records++
	}
}
