package persistence

import (
	"errors"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestRecoverAfterPowerCuts lets lives be cut off at any change of the disk, one after the other on the same disk,
// during recoveries too. What was promised is always there, and the tree is always one that there was.
func TestRecoverAfterPowerCuts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		disk := NewMemFS()
		l := newLife(seed, disk)
		l.every = rapid.SampledFrom([]int{0, 7, 40}).Draw(t, "every")
		l.retain = rapid.SampledFrom([]int{0, 3}).Draw(t, "retain")
		l.batch = rapid.IntRange(1, 9).Draw(t, "batch")
		l.o.Compress = rapid.Bool().Draw(t, "compress")
		rng := rand.New(rand.NewPCG(seed, 4))
		for range rapid.IntRange(1, 8).Draw(t, "lives") {
			f := NewFaultFS(disk)
			f.CutPower(rapid.IntRange(0, 120).Draw(t, "changes"))
			l.o.FS = f
			if err := l.oneLife(t, 60); err != nil && !errors.Is(err, ErrPowerCut) {
				t.Fatal(err)
			}
			if rng.IntN(4) == 0 {
				disk = disk.CrashClone(nil)
			} else {
				disk = disk.CrashClone(rng)
			}
		}
		l.o.FS = disk
		if err := l.oneLife(t, 5); err != nil {
			t.Fatal(err)
		}
	})
}

// oneLife starts, judges what was recovered, and goes on from there.
func (l *life) oneLife(t *rapid.T, n int) error {
	s, r, err := l.open()
	if err != nil {
		return err
	}
	defer s.Close()
	zxid := uint64(r.Tree.LastZxid())
	if zxid < l.promised {
		t.Fatalf("recovered to %#x, but %#x was durable", zxid, l.promised)
	}
	if r.Tree.Digest() != l.digests[zxid] {
		t.Fatalf("recovered to %#x with digest %x, there was %x", zxid, r.Tree.Digest(), l.digests[zxid])
	}
	l.promised = zxid // it has been shown
	l.resume(r)
	if err := l.run(s, r, n); err != nil {
		return err
	}
	return r.Log.Close()
}

// resume forgets what didn't survive.
func (l *life) resume(r *Recovered) {
	for zxid := range l.digests {
		if zxid > uint64(r.Tree.LastZxid()) {
			delete(l.digests, zxid)
		}
	}
	l.nodes = l.nodes[:0]
	node, _ := r.Tree.LookupString("/")
	for _, name := range node.AppendChildren(nil) {
		if name != "zookeeper" {
			l.nodes = append(l.nodes, "/"+name)
		}
	}
	l.hasSession = r.Tree.SessionCount() > 0
}
