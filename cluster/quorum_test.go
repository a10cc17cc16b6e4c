package cluster

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/troupekeeper/troupe/messages"
)

// drawRule draws a majority or a hierarchical rule over some of the servers 1 to 9.
func drawRule(t *rapid.T) QuorumRule {
	ids := rapid.Permutation([]messages.ServerID{1, 2, 3, 4, 5, 6, 7, 8, 9}).Draw(t, "ids")
	ids = ids[:rapid.IntRange(1, len(ids)).Draw(t, "voters")]
	if rapid.Bool().Draw(t, "majority") {
		return NewMajority(ids)
	}
	groups := make([][]messages.ServerID, rapid.IntRange(1, 4).Draw(t, "groups"))
	weights := map[messages.ServerID]int{ids[0]: 1} // at least one counts
	for i, id := range ids {
		g := rapid.IntRange(0, len(groups)-1).Draw(t, "group")
		groups[g] = append(groups[g], id)
		if i > 0 && rapid.Bool().Draw(t, "weighted") {
			weights[id] = rapid.IntRange(0, 4).Draw(t, "weight")
		}
	}
	rule, err := NewHierarchical(groups, weights)
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

// drawSet draws a set of servers, voters or not.
func drawSet(t *rapid.T, name string) func(messages.ServerID) bool {
	bits := rapid.Uint16().Draw(t, name)
	return func(id messages.ServerID) bool { return bits&(1<<id) != 0 }
}

func TestAnyTwoQuorumsIntersect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := drawRule(t)
		a := drawSet(t, "a")
		b := drawSet(t, "b")
		if rapid.Bool().Draw(t, "disjoint") { // by chance they hardly ever are, which is the case that counts
			all := b
			b = func(id messages.ServerID) bool { return all(id) && !a(id) }
		}
		if !rule.Quorum(a) || !rule.Quorum(b) {
			return
		}
		for _, id := range rule.Voters() {
			if a(id) && b(id) {
				return
			}
		}
		t.Fatal("two quorums without a common voter")
	})
}

// Everybody is a quorum, nobody is none, and more servers never make less of one.
func TestQuorumsGrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := drawRule(t)
		a, more := drawSet(t, "a"), drawSet(t, "more")
		if rule.Quorum(func(messages.ServerID) bool { return false }) {
			t.Fatal("nobody is a quorum")
		}
		if !rule.Quorum(rule.Votes) {
			t.Fatal("all voters are no quorum")
		}
		if rule.Quorum(a) && !rule.Quorum(func(id messages.ServerID) bool { return a(id) || more(id) }) {
			t.Fatal("a quorum and some more are no quorum")
		}
	})
}

// What isn't a voter makes no difference, and neither does a voter that may not lead.
func TestOnlyWeightCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, a := drawRule(t), drawSet(t, "a")
		weighty := func(id messages.ServerID) bool { return a(id) && rule.MayLead(id) }
		if rule.Quorum(a) != rule.Quorum(weighty) {
			t.Fatal("a server without weight decided")
		}
	})
}

func TestCommittedUpToAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := drawRule(t)
		var acks [16]messages.Zxid
		highest := messages.Zxid(0)
		for i := range acks {
			acks[i] = messages.Zxid(rapid.IntRange(0, 12).Draw(t, "ack"))
			highest = max(highest, acks[i])
		}
		want := messages.Zxid(0)
		for z := messages.Zxid(1); z <= highest; z++ {
			if rule.Quorum(func(id messages.ServerID) bool { return acks[id] >= z }) {
				want = z
			}
		}
		if got := CommittedUpTo(rule, func(id messages.ServerID) messages.Zxid { return acks[id] }); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// Cumulative acknowledgements lead to the same place in whatever order those of different servers arrive, and the
// committed zxid never goes back on the way.
func TestCommittedUpToDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type ack struct {
			id   messages.ServerID
			zxid messages.Zxid
		}
		rule := drawRule(t)
		acks := rapid.SliceOf(rapid.Custom(func(t *rapid.T) ack {
			return ack{messages.ServerID(rapid.IntRange(1, 9).Draw(t, "id")), messages.Zxid(rapid.IntRange(1, 9).Draw(t, "zxid"))}
		})).Draw(t, "acks")
		play := func(acks []ack) (committed messages.Zxid) {
			state := map[messages.ServerID]messages.Zxid{}
			for _, a := range acks {
				state[a.id] = max(state[a.id], a.zxid)
				next := CommittedUpTo(rule, func(id messages.ServerID) messages.Zxid { return state[id] })
				if next < committed {
					t.Fatalf("committed went back from %v to %v", committed, next)
				}
				committed = next
			}
			return committed
		}
		if a, b := play(acks), play(rapid.Permutation(acks).Draw(t, "other order")); a != b {
			t.Fatalf("%v in one order, %v in the other", a, b)
		}
	})
}

func TestMajority(t *testing.T) {
	rule := NewMajority([]messages.ServerID{3, 1, 2, 3})
	if v := rule.Voters(); len(v) != 3 || v[0] != 1 || v[2] != 3 {
		t.Fatal(v)
	}
	if NewMajority(nil).Quorum(func(messages.ServerID) bool { return true }) {
		t.Fatal("nobody decided")
	}
	if z := CommittedUpTo(NewMajority(nil), nil); z != 0 {
		t.Fatal(z)
	}
}

func TestHierarchicalErrors(t *testing.T) {
	ids := func(ids ...messages.ServerID) []messages.ServerID { return ids }
	for _, test := range []struct {
		groups  [][]messages.ServerID
		weights map[messages.ServerID]int
		want    string
	}{
		{[][]messages.ServerID{ids(1, 2), ids(2)}, nil, "server 2 is named twice"},
		{[][]messages.ServerID{ids(1, 2)}, map[messages.ServerID]int{2: -1}, "server 2 has weight -1; allowed are 0 to 2147483647"},
		{[][]messages.ServerID{ids(1)}, map[messages.ServerID]int{1: math.MaxInt32 + 1}, "server 1 has weight"},
		{[][]messages.ServerID{ids(1)}, map[messages.ServerID]int{7: 1}, "server 7 has a weight but is in no group"},
		{[][]messages.ServerID{ids(1), ids(2)}, map[messages.ServerID]int{1: 0, 2: 0}, "no server has any weight"},
		{nil, nil, "no server has any weight"},
	} {
		_, err := NewHierarchical(test.groups, test.weights)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v %v: got %v, want %q", test.groups, test.weights, err, test.want)
		}
	}
}

func BenchmarkCommittedUpTo(b *testing.B) {
	rule := NewMajority([]messages.ServerID{1, 2, 3, 4, 5})
	acks := [6]messages.Zxid{0, 5, 4, 3, 9, 1}
	acked := func(id messages.ServerID) messages.Zxid { return acks[id] }
	b.ReportAllocs()
	for b.Loop() {
		CommittedUpTo(rule, acked)
	}
}
