package tree

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// benchTree has n nodes of 100 bytes below /bench.
func benchTree(tb testing.TB, n int) *Tree {
	t := New()
	var out Result
	acl := messages.WorldACL(messages.PermAll)
	data := make([]byte, 100)
	h := messages.TxnHeader{Time: 1700000000000}
	apply := func(path string, creates int32) {
		h.Zxid++
		h.Time++
		if err := t.Apply(&h, &messages.CreateTxn{Path: path, Data: data, ACL: acl, ParentCreates: creates}, &out); err != nil {
			tb.Fatal(err)
		}
	}
	apply("/bench", 1)
	for i := range n {
		apply(fmt.Sprintf("/bench/n%07d", i), int32(i+1))
	}
	return t
}

const benchNodes = 1_000_000

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkMemoryPerNode(b *testing.B) {
	for b.Loop() {
		before := heap()
		t := benchTree(b, benchNodes)
		b.ReportMetric(float64(heap()-before)/benchNodes, "B/node")
		runtime.KeepAlive(t)
	}
}

// scatter visits all numbers below 2^20 in an order that no cache foresees.
func scatter(i int) int { return int(uint32(i)*2654435761>>12) % benchNodes }

func benchPaths() [][]byte {
	paths := make([][]byte, 1<<16)
	for i := range paths {
		paths[i] = []byte(fmt.Sprintf("/bench/n%07d", scatter(i)))
	}
	return paths
}

func BenchmarkLookup(b *testing.B) {
	t, paths, i := benchTree(b, benchNodes), benchPaths(), 0
	b.ReportAllocs()
	for b.Loop() {
		if n, ok := t.Lookup(paths[i&(len(paths)-1)]); !ok || n.Version() != 0 {
			b.Fatal("missing")
		}
		i++
	}
}

// BenchmarkLookupCached is what a lookup costs when nothing has to come from memory.
func BenchmarkLookupCached(b *testing.B) {
	t, path := benchTree(b, 1000), []byte("/bench/n0000500")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := t.Lookup(path); !ok {
			b.Fatal("missing")
		}
	}
}

func BenchmarkStatAndData(b *testing.B) {
	t, paths, i := benchTree(b, benchNodes), benchPaths(), 0
	b.ReportAllocs()
	for b.Loop() {
		n, ok := t.Lookup(paths[i&(len(paths)-1)])
		if st := n.Stat(); !ok || int(st.DataLength) != len(n.Data()) {
			b.Fatal("missing")
		}
		i++
	}
}

// benchSet sets nodes of a tree of n; lengths are the sizes of their data in turn.
func benchSet(b *testing.B, n int, lengths ...int) {
	t, i := benchTree(b, n), 0
	texts := make([]string, 1<<16)
	for i := range texts {
		texts[i] = fmt.Sprintf("/bench/n%07d", scatter(i)%n)
	}
	all := make([]byte, 200)
	body := messages.SetDataTxn{Version: 1}
	h := messages.TxnHeader{Zxid: t.LastZxid(), Time: 1700000000000}
	var out Result
	b.ReportAllocs()
	for b.Loop() {
		h.Zxid++
		body.Path, body.Data = texts[i&(len(texts)-1)], all[:lengths[i%len(lengths)]]
		if err := t.Apply(&h, &body, &out); err != nil {
			b.Fatal(err)
		}
		i++
	}
	used, live := 0, 0
	for _, blk := range t.arena.blocks {
		used, live = used+cap(blk.buf), live+blk.live
	}
	b.ReportMetric(100*float64(live)/float64(used), "%live")
}

func BenchmarkSetData(b *testing.B) { benchSet(b, benchNodes, 100) }

// BenchmarkSetDataSmallTree is as what clients do to a server of ordinary size.
func BenchmarkSetDataSmallTree(b *testing.B) { benchSet(b, 10_000, 100) }

// BenchmarkSetDataOtherLength changes the length each time, in both directions.
func BenchmarkSetDataOtherLength(b *testing.B) { benchSet(b, 10_000, 100, 120, 80) }

// BenchmarkLookupSmallTree is between BenchmarkLookup, where all comes from memory, and BenchmarkLookupCached.
func BenchmarkLookupSmallTree(b *testing.B) {
	t, i := benchTree(b, 10_000), 0
	paths := make([][]byte, 1<<16)
	for i := range paths {
		paths[i] = []byte(fmt.Sprintf("/bench/n%07d", scatter(i)%10_000))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := t.Lookup(paths[i&(len(paths)-1)]); !ok {
			b.Fatal("missing")
		}
		i++
	}
}

func BenchmarkCreate(b *testing.B) {
	paths := make([]string, benchNodes)
	for i := range paths {
		paths[i] = fmt.Sprintf("/bench/n%07d", i)
	}
	body := messages.CreateTxn{Data: make([]byte, 100), ACL: messages.WorldACL(messages.PermAll)}
	t, i := benchTree(b, 0), 0
	h := messages.TxnHeader{Zxid: t.LastZxid(), Time: 1700000000000}
	var out Result
	b.ReportAllocs()
	for b.Loop() {
		h.Zxid++
		body.Path, body.ParentCreates = paths[i], int32(i+1)
		if err := t.Apply(&h, &body, &out); err != nil {
			b.Fatal(err)
		}
		if i++; i == benchNodes {
			b.StopTimer()
			t, i = benchTree(b, 0), 0
			h.Zxid = t.LastZxid()
			b.StartTimer()
		}
	}
}

func BenchmarkSnapshot(b *testing.B) {
	t := benchTree(b, benchNodes)
	for b.Loop() {
		s, size := t.BeginSnapshot(), 0
		for done := false; !done; {
			done, _ = s.Next(func(_ byte, record []byte) error { size += len(record); return nil }, 1000)
		}
		s.Close()
		b.ReportMetric(float64(size)/benchNodes, "B/node")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchNodes, "ns/node")
}

func BenchmarkLoad(b *testing.B) {
	type rec struct {
		kind byte
		data []byte
	}
	var recs []rec
	var all []byte
	s := benchTree(b, benchNodes).BeginSnapshot()
	for done := false; !done; {
		done, _ = s.Next(func(kind byte, record []byte) error {
			at := len(all)
			all = append(all, record...)
			recs = append(recs, rec{kind, all[at:]})
			return nil
		}, 1000)
	}
	s.Close()
	runtime.GC()
	for b.Loop() {
		l := NewLoader()
		for _, r := range recs {
			if err := l.Add(r.kind, r.data); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := l.Finish(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchNodes, "ns/node")
}
