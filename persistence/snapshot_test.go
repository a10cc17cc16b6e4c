package persistence

import (
	"bytes"
	"errors"
	"io"
	"path"
	"testing"
)

func snapshotRecord(i int) (byte, []byte) {
	return byte(i % 3), bytes.Repeat([]byte{byte(i)}, i%300)
}

func writeSnapshot(t testing.TB, o SnapshotOptions, records int) SnapshotInfo {
	t.Helper()
	o.DatabaseID = testDatabase
	w, err := CreateSnapshot(o)
	must(t, err)
	defer w.Abort()
	for i := range records {
		must(t, w.Append(snapshotRecord(i)))
	}
	info, err := w.Commit()
	must(t, err)
	return info
}

func TestSnapshotOnDisk(t *testing.T) {
	for _, records := range []int{0, 1, 2, 1000} {
		for _, compress := range []bool{false, true} {
			dir := t.TempDir()
			info := writeSnapshot(t, SnapshotOptions{
				FS: OSFS{}, Dir: dir, Zxid: 0xab, Compress: compress, BlockBytes: 4096, SyncBytes: 10000,
			}, records)
			if want := path.Join(dir, "snapshot.00000000000000ab"); info.Path != want {
				t.Errorf("path %s, want %s", info.Path, want)
			}
			r, err := OpenSnapshot(OSFS{}, info.Path, testDatabase)
			must(t, err)
			for i := range records {
				kind, rec, err := r.Next()
				must(t, err)
				wantKind, want := snapshotRecord(i)
				if kind != wantKind || !bytes.Equal(rec, want) {
					t.Fatalf("record %d: kind %d, %d bytes", i, kind, len(rec))
				}
			}
			if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
				t.Fatalf("end: %v", err)
			}
			if r.Info() != info {
				t.Errorf("read %+v, wrote %+v", r.Info(), info)
			}
			must(t, r.Close())
			names, err := OSFS{}.ReadDir(dir)
			must(t, err)
			if len(names) != 1 {
				t.Errorf("folder: %v", names)
			}
		}
	}
}
