package persistence

import (
	"fmt"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence/tree"
)

const benchTxns = 1_000_000

// benchStore has a log of a million creates with 100 bytes of data each; with sets, every fourth is a setData instead.
func benchStore(b *testing.B, sets bool) (*Store, *Recovered) {
	b.Helper()
	s, err := OpenStore(StoreOptions{FS: OSFS{}, DataDir: b.TempDir(), NewDatabaseID: testDatabase})
	must(b, err)
	b.Cleanup(func() { must(b, s.Close()) })
	r, err := s.Recover(func() int64 { return 0 }, nil)
	must(b, err)
	var result tree.Result
	acl, data := messages.WorldACL(messages.PermAll), make([]byte, 100)
	h := messages.TxnHeader{Time: 1700000000000, Session: 0x100000000000001, Op: messages.OpCreate}
	apply := func(body messages.TxnBody) {
		h.Zxid++
		h.Time++
		encoded, err := messages.EncodeTxn(&h, body)
		must(b, err)
		must(b, r.Log.Append(uint64(h.Zxid), encoded))
		must(b, r.Tree.Apply(&h, body, &result))
	}
	apply(&messages.CreateTxn{Path: "/bench", ACL: acl, ParentCreates: 1})
	for i := 1; i < benchTxns; i++ {
		if sets && i%4 == 0 {
			apply(&messages.SetDataTxn{Path: fmt.Sprintf("/bench/n%07d", i-1), Data: data, Version: 1})
		} else {
			apply(&messages.CreateTxn{Path: fmt.Sprintf("/bench/n%07d", i), Data: data, ACL: acl, ParentCreates: int32(i)})
		}
	}
	must(b, r.Log.Close())
	return s, r
}

// BenchmarkRecover replays a million transactions from the log, on top of an empty tree.
func BenchmarkRecover(b *testing.B) {
	s, built := benchStore(b, true)
	start := time.Now()
	clock := func() int64 { return time.Since(start).Microseconds() }
	b.ReportAllocs()
	var replay time.Duration
	for b.Loop() {
		r, err := s.Recover(clock, nil)
		must(b, err)
		if r.Replayed != benchTxns || r.Tree.Digest() != built.Tree.Digest() {
			b.Fatalf("%d transactions replayed", r.Replayed)
		}
		replay += r.Replay
		must(b, r.Log.Close())
	}
	b.ReportMetric(float64(replay)/float64(b.N)/benchTxns, "ns/txn")
}

// BenchmarkLoadSnapshot starts from a snapshot of a million nodes.
func BenchmarkLoadSnapshot(b *testing.B) {
	for _, compress := range []bool{false, true} {
		b.Run(fmt.Sprintf("zstd=%v", compress), func(b *testing.B) {
			s, built := benchStore(b, false)
			s.o.Compress = compress
			must(b, s.WriteSnapshot(built.Tree))
			files, err := ListSnapshots(s.o.FS, s.dir.SnapshotDir)
			must(b, err)
			nodes := float64(built.Tree.NodeCount())
			b.ReportAllocs()
			for b.Loop() {
				t, err := LoadSnapshot(s.o.FS, files[0].Path, testDatabase, nil)
				must(b, err)
				if t.Digest() != built.Tree.Digest() {
					b.Fatal("another tree")
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/nodes, "ns/node")
		})
	}
}
