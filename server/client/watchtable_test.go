package client

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/troupekeeper/troupe/messages"
)

// TestSetWatchesCarryEachPathOnce is the property that the chunks of setWatches must have, whatever is watched.
func TestSetWatchesCarryEachPathOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table watchTable
		type entry struct {
			kind watchKind
			path string
		}
		want := map[entry]bool{}
		for range rapid.IntRange(0, 60).Draw(t, "count") {
			e := entry{
				watchKind(rapid.IntRange(int(dataWatch), int(recursiveWatch)).Draw(t, "kind")),
				"/" + rapid.StringMatching(`[a-c]{1,30}`).Draw(t, "path"),
			}
			want[e] = true
			table.add(e.kind, e.path)
		}
		limit := rapid.IntRange(10, 200).Draw(t, "limit")
		needsNew := slices.ContainsFunc([]watchKind{persistentWatch, recursiveWatch}, func(k watchKind) bool { return len(table[k]) > 0 })
		for _, r := range table.requests(77, limit) {
			if (r.op == messages.OpSetWatches2) != needsNew || r.req.RelativeZxid != 77 {
				t.Fatalf("request %v relative to %v", r.op, r.req.RelativeZxid)
			}
			size, paths := 0, 0
			for kind := dataWatch; kind < watchKinds; kind++ {
				for _, path := range *listOf(&r.req, kind) {
					if !want[entry{kind, path}] {
						t.Fatalf("%s of kind %d comes twice or from nowhere", path, kind)
					}
					delete(want, entry{kind, path})
					size += 4 + len(path)
					paths++
				}
			}
			if paths == 0 || paths > 1 && size > limit {
				t.Fatalf("%d paths of %d bytes with the limit %d", paths, size, limit)
			}
		}
		if len(want) > 0 {
			t.Fatalf("left out: %v", want)
		}
	})
}
