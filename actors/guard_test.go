package actors

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

// feed gives a guard requests, one per lane named, and returns the batch that its stage would get.
func feed(g *guard, lanes ...uint64) []Item {
	for i, lane := range lanes {
		g.take(guardEntry{item: Item{request: &messages.Request{Xid: int32(i)}}, lane: lane})
	}
	return g.next(1)
}

func upGuard() *guard {
	g := &guard{policy: messages.ErrSystemError}
	g.start(0)
	g.started()
	return g
}

// passed names what a guard lets go: item numbers, messages, and refusals.
func passed(g *guard) string {
	var words []string
	for _, e := range g.flush() {
		switch {
		case e.msg != nil:
			words = append(words, e.msg.(string))
		case e.item.verdict != messages.ErrOK:
			words = append(words, fmt.Sprintf("%d!", e.n))
		default:
			words = append(words, fmt.Sprint(e.n))
		}
	}
	return strings.Join(words, " ")
}

func TestGuardPassesAWholeBatch(t *testing.T) {
	g := upGuard()
	batch := feed(g, 1, 2, 1)
	batch[1].Refuse(messages.ErrNoAuth)
	if got := passed(g); got != "" {
		t.Fatalf("passed %q before the stage has said anything", got)
	}
	if err := g.handled(batch); err != nil {
		t.Fatal(err)
	}
	if got := passed(g); got != "1 2! 3" || g.oldest() != 0 || g.held() != 0 {
		t.Errorf("passed %q, oldest %d, held %d", got, g.oldest(), g.held())
	}
}

// What a stage keeps holds up its own lane alone; messages keep their place in theirs.
func TestGuardKeepsLanesApart(t *testing.T) {
	g := upGuard()
	batch := feed(g, 1, 2, 1)
	g.take(guardEntry{msg: "closed1", lane: 1})
	g.take(guardEntry{msg: "closed2", lane: 2})
	if err := g.handled(batch[1:2]); err != nil {
		t.Fatal(err)
	}
	if len(g.next(2)) != 0 {
		t.Fatal("messages are shown to the stage")
	}
	if err := g.handled(nil); err != nil {
		t.Fatal(err)
	}
	if got := passed(g); got != "2 closed2" || g.held() != 2 || g.oldest() != 1 {
		t.Errorf("passed %q, held %d, oldest %d", got, g.held(), g.oldest())
	}
	if err := g.release(batch[:1]); err != nil {
		t.Fatal(err)
	}
	if err := g.release(batch[2:]); err != nil {
		t.Fatal(err)
	}
	if got := passed(g); got != "1 3 closed1" || len(g.lanes) != 0 {
		t.Errorf("passed %q, lanes %v", got, g.lanes)
	}
}

func TestGuardSeesFaults(t *testing.T) {
	reversed := func(b []Item) []Item { return []Item{b[1], b[0]} }
	for name, of := range map[string]func([]Item) []Item{
		"reordered":  reversed,
		"duplicated": func(b []Item) []Item { return append(b, b[0]) },
		"left out":   func(b []Item) []Item { return b[1:] },
		"invented":   func(b []Item) []Item { return append(b, Item{request: b[0].request}) },
		"foreign":    func(b []Item) []Item { return append(b, Item{seq: 99, request: b[0].request}) },
	} {
		g := upGuard()
		batch := feed(g, 7, 7)
		if err := g.handled(of(batch)); err == nil {
			t.Errorf("%s: no error", name)
		}
		g.fail(guardDown)
		got := passed(g)
		if !strings.HasPrefix(got, "1") || strings.Count(got, "1") != 1 || strings.Count(got, "2") != 1 {
			t.Errorf("%s: passed %q", name, got)
		}
	}
}

// After a failure everything goes its way by the policy, each once and in order, and so does what comes.
func TestGuardSettlesWhatAFailedStageHas(t *testing.T) {
	for policy, want := range map[messages.ErrCode]string{
		messages.ErrOK: "2 1 3 closed 5 6", messages.ErrSystemError: "2 1! 3! closed 5! 6!"} {
		g := upGuard()
		g.policy = policy
		batch := feed(g, 1, 2, 3)
		if err := g.handled(batch[1:2]); err != nil {
			t.Fatal(err)
		}
		first := passed(g)
		g.take(guardEntry{msg: "closed", lane: 1})
		feed(g, 1)
		g.fail(guardDown)
		feed(g, 2)
		if got := first + " " + passed(g); got != want {
			t.Errorf("policy %v: passed %q", policy, got)
		}
	}
}

// Whatever a stage that keeps the rules does, each lane's items leave once, in their order.
func TestGuardWithARandomStage(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 0))
		g := upGuard()
		var kept []Item
		taken, next := 0, map[uint64]int{}
		check := func() {
			for _, e := range g.flush() {
				if int(e.item.request.Xid) != next[e.lane] {
					t.Fatalf("seed %d: lane %d let %d pass, %d is next", seed, e.lane, e.item.request.Xid, next[e.lane])
				}
				next[e.lane]++
				taken--
			}
		}
		given := map[uint64]int{}
		for range 200 {
			for range r.IntN(5) {
				lane := r.Uint64N(3)
				g.take(guardEntry{item: Item{request: &messages.Request{Xid: int32(given[lane])}}, lane: lane})
				given[lane]++
				taken++
			}
			kept = append(kept, g.next(1)...)
			n := r.IntN(len(kept) + 1)
			var err error
			if g.busy {
				err = g.handled(kept[:n])
			} else {
				err = g.release(kept[:n])
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			kept = kept[n:]
			check()
		}
		g.fail(guardDown)
		if check(); taken != 0 {
			t.Fatalf("seed %d: %d items are lost", seed, taken)
		}
	}
}
