package tree

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// setBytes is set for data that may be nil.
func (d *desk) setBytes(path string, data []byte) {
	d.Helper()
	d.do(0, &messages.SetDataTxn{Path: path, Data: data, Version: d.node(path).Version() + 1})
}

// TestSetDataOfEveryLength goes from each length to each other one, nil among them, and looks at the node, its
// neighbours and the digest.
func TestSetDataOfEveryLength(t *testing.T) {
	lengths := []int{-1, 0, 1, 2, 3, 4, 5, 7, 8, 9, 100, 126, 127, 128, 129, 300, 16383, 16384,
		arenaOwnBlock - 20, arenaOwnBlock, arenaOwnBlock + 1, arenaOwnBlock + 500, 2 * arenaBlockSize}
	d := newDesk(t)
	d.create("/before", "left")
	d.create("/n", "")
	d.create("/after", "right")
	check := func(want []byte) {
		t.Helper()
		got := d.node("/n").Data()
		if !bytes.Equal(got, want) || (got == nil) != (want == nil) || int(d.node("/n").Stat().DataLength) != len(want) {
			t.Fatalf("%d bytes (nil: %v), want %d (nil: %v)", len(got), got == nil, len(want), want == nil)
		}
		if l, r := d.node("/before").Data(), d.node("/after").Data(); string(l) != "left" || string(r) != "right" {
			t.Fatalf("the neighbours are %q and %q", l, r)
		}
	}
	fill := byte(0)
	value := func(n int) []byte {
		if n < 0 {
			return nil
		}
		fill++
		return bytes.Repeat([]byte{fill}, n)
	}
	for _, from := range lengths {
		for _, to := range lengths {
			for _, n := range []int{from, to} {
				v := value(n)
				d.setBytes("/n", v)
				check(v)
			}
		}
	}
	if d.Digest() != recomputeDigest(d.Tree) {
		t.Error("the digest is not that of the nodes")
	}
}

// TestSetDataWhereItLies checks that data of the same length takes no new room.
func TestSetDataWhereItLies(t *testing.T) {
	d := newDesk(t)
	d.create("/n", "aaaa")
	d.create("/m", "zzzz")
	before, tail := d.nodes.at(d.node("/n").slot).ref, len(d.arena.blocks[d.arena.tail].buf)
	d.set("/n", "bbbb")
	if d.nodes.at(d.node("/n").slot).ref != before || len(d.arena.blocks[d.arena.tail].buf) != tail {
		t.Error("data of the same length went elsewhere")
	}
	if n, m := d.node("/n").Data(), d.node("/m").Data(); string(n) != "bbbb" || string(m) != "zzzz" {
		t.Errorf("%q and %q", n, m)
	}
}

// TestShrunkEntriesLeaveRoom makes data shorter where it lies, so that blocks have ends of entries in them, and then
// changes and deletes so much that the blocks are cleared.
func TestShrunkEntriesLeaveRoom(t *testing.T) {
	d := newDesk(t)
	want := map[string]string{}
	set := func(i, n int) {
		path := fmt.Sprintf("/n%d", i)
		want[path] = strings.Repeat(string(rune('a'+n%26)), n)
		if _, ok := d.LookupString(path); ok {
			d.set(path, want[path])
		} else {
			d.create(path, want[path])
		}
	}
	for i := range 2000 {
		set(i, 90)
	}
	ref := d.nodes.at(d.node("/n7").slot).ref
	set(7, 41)
	if d.nodes.at(d.node("/n7").slot).ref != ref {
		t.Error("shorter data went elsewhere")
	}
	for i := range 2000 {
		set(i, 90-i%90)
	}
	for round := range 5 {
		for i := round; i < 2000; i += 7 {
			set(i, (i*31+round*17)%120)
		}
	}
	for i := range 2000 {
		if i%9 != 0 {
			path := fmt.Sprintf("/n%d", i)
			d.remove(path)
			delete(want, path)
		}
	}
	for path, text := range want {
		if got := d.node(path); string(got.Data()) != text || got.Path() != path {
			t.Fatalf("%s (%s) is %q, want %q", path, got.Path(), got.Data(), text)
		}
	}
	used, live := 0, 0
	for _, b := range d.arena.blocks {
		if b.buf != nil {
			used, live = used+1, live+b.live
		}
	}
	entries := 0
	d.walk(rootSlot, func(s uint32) { entries += d.arena.get(d.nodes.at(s).ref).size })
	if live != entries || used > 2 || d.Digest() != recomputeDigest(d.Tree) {
		t.Errorf("%d blocks with %d bytes live, the entries have %d", used, live, entries)
	}
}

// TestArenaWithoutMoreBlocks goes beyond the number of blocks that a ref can name: what is more stands on its own.
func TestArenaWithoutMoreBlocks(t *testing.T) {
	d := newDesk(t)
	d.arena.limit = 2
	const nodes = 600
	for round := range 4 {
		for i := range nodes {
			path, text := fmt.Sprintf("/n%d", i), strings.Repeat(string(rune('a'+round)), 300+(i*7+round*40)%200)
			if round == 0 {
				d.create(path, text)
			} else {
				d.set(path, text)
			}
			if i%50 == 49 && string(d.node(path).Data()) != text {
				t.Fatalf("%s has %q", path, d.node(path).Data())
			}
		}
	}
	if len(d.arena.blocks) != 2 || len(d.arena.own.entries) == 0 || d.Digest() != recomputeDigest(d.Tree) {
		t.Fatalf("%d blocks, %d entries on their own", len(d.arena.blocks), len(d.arena.own.entries))
	}
	for i := range nodes {
		d.remove(fmt.Sprintf("/n%d", i))
	}
	if on := len(d.arena.own.entries) - len(d.arena.own.vacant); on > d.nodes.live {
		t.Errorf("%d entries are left of %d nodes", on, d.nodes.live)
	}
}

// TestSnapshotKeepsWhatIsWrittenOver changes every node in all ways, some of them twice, while an image is open: before
// it is read, in the middle, and with deletes that let blocks be used again.
func TestSnapshotKeepsWhatIsWrittenOver(t *testing.T) {
	for _, portion := range []int{0, 1, 150, 1 << 20} {
		t.Run(fmt.Sprint(portion), func(t *testing.T) {
			d := newDesk(t)
			d.create("/d", "top")
			for i := range 300 {
				d.create(fmt.Sprintf("/d/n%d", i), strings.Repeat("o", i*7))
			}
			d.setBytes("/d/n1", nil)
			d.setBytes("/d/n2", []byte{})
			image := d.BeginSnapshot()
			defer image.Close()
			want := image.end.Digest
			l := NewLoader()
			done := false
			read := func(n int) {
				var err error
				if n > 0 && !done {
					if done, err = image.Next(l.Add, n); err != nil {
						t.Fatal(err)
					}
				}
			}
			read(portion)
			for round := range 3 {
				for i := range 300 {
					path := fmt.Sprintf("/d/n%d", i)
					switch _, ok := d.LookupString(path); {
					case !ok:
						d.create(path, strings.Repeat("c", i*7))
					case i%5 == 4:
						d.remove(path)
					case i%5 == 3:
						d.set(path, strings.Repeat("s", i*5))
					default:
						d.set(path, strings.Repeat(string(rune('x'+round)), i*7))
					}
				}
				d.set("/d", "TOP") // its image was saved when a child came or went
				read(portion / 2)
			}
			for !done {
				read(50)
			}
			loaded, err := l.Finish() // compares the digest of what it was given with the image's
			if err != nil || loaded.Digest() != want {
				t.Fatalf("the snapshot is not the tree as it was: %v", err)
			}
			if n, _ := loaded.LookupString("/d"); string(n.Data()) != "top" {
				t.Errorf("/d is %q", n.Data())
			}
		})
	}
}

// TestReadersBesideOverwriting has readers that copy within Read; none of them may see half of a write, and what they
// have copied stays. The race detector watches.
func TestReadersBesideOverwriting(t *testing.T) {
	s := NewShared(New())
	d := &desk{TB: t, Tree: s.Own()}
	d.create("/n", strings.Repeat("a", 1000))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			var last []byte
			for {
				select {
				case <-stop:
					return
				default:
				}
				if last != nil && !bytes.Equal(last, bytes.Repeat(last[:1], 1000)) {
					t.Error("a reader saw half of a write")
				}
				s.Read(func(tr *Tree) {
					n, _ := tr.LookupString("/n")
					last = append(last[:0], n.Data()...)
				})
			}
		})
	}
	for i := range 2000 {
		s.Write(func(*Tree) { d.set("/n", strings.Repeat(string(rune('a'+i%26)), 1000)) })
	}
	close(stop)
	readers.Wait()
}
