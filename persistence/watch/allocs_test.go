package watch

import (
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// Every write asks whether somebody watches. The answer costs no memory, nor does telling who has asked to be told for good.
// A watch that fires once comes and goes; its record is reused, its path is copied.
func TestAllocationsOfTriggers(t *testing.T) {
	told := 0
	count := func(messages.ConnID, messages.EventType, string) { told++ }
	herd := New()
	for c := range messages.ConnID(100) {
		herd.AddPersistent(c, "/config", c%2 == 0)
		herd.AddData(c, "/other")
	}
	silent, once := New(), New()
	once.AddPersistent(1, "/else", false)
	for _, c := range []struct {
		name string
		most float64
		told int // a time
		run  func()
	}{
		{"nobody watches", 0, 0, func() { silent.Trigger(created, "/app/n1", count) }},
		{"others are watched", 0, 0, func() { herd.Trigger(created, "/app/n1", count) }},
		{"persistent watches", 0, 100, func() { herd.Trigger(changed, "/config", count) }},
		{"recursive watches", 0, 50, func() { herd.Trigger(created, "/config/deep/n1", count) }},
		{"a watch that fires once", 1, 1, func() { once.AddData(2, "/lock"); once.Trigger(changed, "/lock", count) }},
	} {
		c.run()
		told = 0
		got := testing.AllocsPerRun(100, c.run)
		if got > c.most {
			t.Errorf("%s: %v allocations, at most %v are known", c.name, got, c.most)
		}
		if told != 101*c.told {
			t.Errorf("%s: %d were told in 101 runs, want %d each", c.name, told, c.told)
		}
	}
}
