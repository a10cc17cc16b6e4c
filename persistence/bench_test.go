package persistence

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
)

// BenchmarkLogAppend measures records of 200 bytes in batches that end with a sync
// on the real disk, as group commit makes them under load.
func BenchmarkLogAppend(b *testing.B) {
	for _, batch := range []int{1, 100, 2000} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			o := DefaultLogOptions()
			o.FS, o.Dir, o.DatabaseID = OSFS{}, b.TempDir(), testDatabase
			l := mustOpenLog(b, o)
			record := make([]byte, 200)
			must(b, l.Append(1, record))
			must(b, l.Sync())
			b.SetBytes(int64(len(record)))
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				must(b, l.Append(uint64(i)+2, record))
				if (i+1)%batch == 0 {
					must(b, l.Sync())
				}
			}
			must(b, l.Sync())
			b.StopTimer()
			must(b, l.Close())
		})
	}
}

func BenchmarkLogRead(b *testing.B) {
	dir := b.TempDir()
	o := DefaultLogOptions()
	o.FS, o.Dir, o.DatabaseID = OSFS{}, dir, testDatabase
	l := mustOpenLog(b, o)
	record := make([]byte, 200)
	const records = 500_000
	for i := range uint64(records) {
		must(b, l.Append(i+1, record))
	}
	must(b, l.Close())
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		r, err := OpenReader(ReaderOptions{FS: OSFS{}, Dir: dir})
		must(b, err)
		for ; n < b.N; n++ {
			if _, err := r.Next(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		must(b, r.Close())
	}
}

func BenchmarkSnapshot(b *testing.B) {
	const records = 1_000_000
	record := make([]byte, 200)
	for i := range record {
		record[i] = byte(i * i)
	}
	for _, compress := range []bool{false, true} {
		dir := b.TempDir()
		name := filepath.Join(dir, snapshotName(1))
		b.Run(fmt.Sprintf("write/zstd=%v", compress), func(b *testing.B) {
			b.SetBytes(records * int64(len(record)))
			b.ReportAllocs()
			for range b.N {
				w, err := CreateSnapshot(SnapshotOptions{FS: OSFS{}, Dir: dir, DatabaseID: testDatabase, Zxid: 1, Compress: compress})
				must(b, err)
				for range records {
					must(b, w.Append(1, record))
				}
				_, err = w.Commit()
				must(b, err)
			}
		})
		b.Run(fmt.Sprintf("read/zstd=%v", compress), func(b *testing.B) {
			b.SetBytes(records * int64(len(record)))
			b.ReportAllocs()
			for range b.N {
				info, err := ValidateSnapshot(OSFS{}, name, testDatabase)
				must(b, err)
				if info.Records != records {
					b.Fatalf("%d records", info.Records)
				}
			}
		})
	}
}
