package actors

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/troupekeeper/troupe/messages"
)

func TestWheelDeadlineIsTheNextTickAfterTheTimeout(t *testing.T) {
	w := NewWheel(2000, 0)
	for _, c := range []struct {
		now     int64
		timeout int32
		bucket  int64
	}{{0, 4000, 3}, {1, 4000, 3}, {1999, 4000, 3}, {2000, 4000, 4}, {0, 3999, 2}} {
		if got := w.bucketFor(c.now, c.timeout); got != c.bucket {
			t.Errorf("a session of %d ms seen at %d: bucket %d, want %d", c.timeout, c.now, got, c.bucket)
		}
	}
}

func TestWheelLateTouchDoesNotRevive(t *testing.T) {
	w := NewWheel(1000, 0)
	w.Open(1, 2000, 0)
	w.Tick(1000)
	w.Tick(2000)
	if due := w.Tick(3000); len(due) != 1 {
		t.Fatalf("at its deadline the bucket was not called: %v", due)
	}
	if _, moved := w.Touch(1, 3001); moved || w.Alive(1) {
		t.Error("a touch after the deadline has revived the session")
	}
}

func TestWheelGivesTimeAfterAPause(t *testing.T) {
	w := NewWheel(1000, 0)
	w.Open(1, 2000, 0)
	w.Tick(1000)
	if due := w.Tick(60_000); due != nil {
		t.Fatal("sessions expired although the process itself was held up and couldn't hear them")
	}
	if _, moved := w.Touch(1, 60_001); !moved || !w.Alive(1) {
		t.Error("a session that gave a sign of life after the pause was not kept")
	}
}

// A session ends not before its timeout has passed since its last sign of life, and not later than a tick after
// that; the buckets' numbers stay right whatever happens.
func TestWheelProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const tick = 100
		w := NewWheel(tick, 0)
		type life struct{ timeout, last int64 }
		live := map[messages.SessionID]*life{}
		members := map[int64]map[messages.SessionID]bool{}
		follow := func(m Move, moved bool) {
			if !moved {
				return
			}
			delete(members[m.From], m.Session)
			if members[m.To] == nil {
				members[m.To] = map[messages.SessionID]bool{}
			}
			members[m.To][m.Session] = true
		}
		now := int64(0)
		nextTick := int64(tick)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			id := messages.SessionID(rapid.IntRange(1, 8).Draw(t, "session"))
			switch rapid.IntRange(0, 3).Draw(t, "action") {
			case 0:
				timeout := int32(rapid.IntRange(50, 1000).Draw(t, "timeout"))
				if live[id] == nil && !w.Alive(id) {
					w.Close(id)
					follow(w.Open(id, timeout, now))
					live[id] = &life{int64(timeout), now}
				}
			case 1:
				if l := live[id]; l != nil {
					follow(w.Touch(id, now))
					l.last = now
				}
			default:
				now += int64(rapid.IntRange(0, 150).Draw(t, "ms"))
				for ; nextTick <= now; nextTick += tick {
					for _, bucket := range w.Tick(nextTick) {
						for id := range members[bucket] {
							l := live[id]
							if l == nil {
								t.Fatalf("session %d expired twice", id)
							}
							if idle := nextTick - l.last; idle <= l.timeout || idle > l.timeout+tick {
								t.Fatalf("session %d of %d ms expired after %d ms", id, l.timeout, idle)
							}
							delete(live, id)
							w.Close(id)
						}
					}
				}
			}
		}
		if w.Len() != len(live) {
			t.Fatalf("the wheel knows %d sessions, %d are alive", w.Len(), len(live))
		}
	})
}
