package cluster

import (
	"fmt"
	"slices"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/persistence"
)

func membership(t testing.TB, version messages.Zxid, lines string) messages.Membership {
	t.Helper()
	m, err := messages.ParseMembership(lines)
	if err != nil {
		t.Fatal(err)
	}
	m.Version = version
	return m
}

const (
	oneToThree = "server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2"
	twoToFour  = "server.2=b:1:2\nserver.3=c:1:2\nserver.4=d:1:2"
)

// What a server has kept counts, unless somebody has changed its configuration since.
func TestRosterAtStart(t *testing.T) {
	configured := membership(t, 0, oneToThree)
	kept := persistence.Memberships{
		Configured: configured, Current: membership(t, 5, oneToThree), Proposed: membership(t, 9, twoToFour),
	}
	for name, c := range map[string]struct {
		configured messages.Membership
		found      bool
		current    messages.Zxid
		proposed   messages.Zxid
		edited     bool
	}{
		"the first start":          {configured: configured},
		"as it was":                {configured: configured, found: true, current: 5, proposed: 9},
		"the files were kept, too": {configured: kept.Current, found: true, current: 5, proposed: 9},
		"by hand":                  {configured: membership(t, 0, twoToFour), found: true, edited: true},
		"by hand, with a version":  {configured: membership(t, 20, oneToThree), found: true, current: 20, edited: true},
	} {
		r, edited := NewRoster(2, c.configured, kept, c.found)
		if r.Current().Version != c.current || r.Proposed().Version != c.proposed || edited != c.edited {
			t.Errorf("%s: current %v, proposed %v, edited %v", name, r.Current().Version, r.Proposed().Version, edited)
		}
	}
}

// A proposed membership counts beside the current one, until one of them is the current one or it turns out that the proposed
// one is not in the log.
func TestRosterCountsByBoth(t *testing.T) {
	first, next := membership(t, 5, oneToThree), membership(t, 9, twoToFour)
	r, _ := NewRoster(4, first, persistence.Memberships{}, false)
	rules := func() (voters [][]messages.ServerID) {
		list, err := r.Rules()
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range list {
			voters = append(voters, rule.Voters())
		}
		return voters
	}
	if got := rules(); len(got) != 1 || r.Belongs() || r.Observes() {
		t.Errorf("%v, belongs %v, observes %v", got, r.Belongs(), r.Observes())
	}
	r.Propose(next)
	if got := rules(); len(got) != 2 ||
		!slices.Equal(got[0], []messages.ServerID{1, 2, 3}) || !slices.Equal(got[1], []messages.ServerID{2, 3, 4}) {
		t.Errorf("%v", got)
	}
	if others := r.Others(); !slices.Equal(others, []messages.ServerID{1, 2, 3}) {
		t.Errorf("others %v", others)
	}
	if r.Recovered(next.String()) || !r.Recovered(first.String()) || len(rules()) != 1 {
		t.Error("a proposal that isn't in the log")
	}
	r.Propose(next)
	if !r.Commit(next) || r.Commit(next) || r.Commit(first) || len(rules()) != 1 || !r.Belongs() || r.Current().Version != 9 {
		t.Errorf("current %v, %v", r.Current().Version, rules())
	}
	r.Propose(membership(t, 12, oneToThree))
	if !r.Commit(membership(t, 20, twoToFour)) || r.Proposed().Version != 0 {
		t.Error("a newer membership from elsewhere leaves the old proposal behind")
	}
}

// Who is no member follows without a vote; an observer that is to vote is no observer any more, for its vote is needed.
func TestRosterParts(t *testing.T) {
	observed := oneToThree + "\nserver.4=d:1:2:observer"
	r, _ := NewRoster(4, membership(t, 5, observed), persistence.Memberships{}, false)
	if !r.Observes() {
		t.Error("an observer")
	}
	r.Propose(membership(t, 9, twoToFour))
	if r.Observes() {
		t.Error("an observer that is to vote")
	}
	r.Propose(membership(t, 10, oneToThree))
	if !r.Observes() {
		t.Error("an observer that is to go")
	}
	r.Commit(membership(t, 10, oneToThree))
	if r.Observes() || r.Belongs() {
		t.Error("one that has gone")
	}
}

// A server that has a change in its log and doesn't know of it counts it as soon as somebody says that it was acknowledged.
// Another history's change counts for nobody.
func TestRosterHearsOfItsOwnHistory(t *testing.T) {
	first, next := membership(t, 5, oneToThree), membership(t, 9, twoToFour)
	r, _ := NewRoster(1, first, persistence.Memberships{}, false)
	r.Recovered(next.String())
	if r.Proposed().Version != 0 {
		t.Fatal("a copied tree's members count")
	}
	if !r.Hear(next) || r.Hear(next) || r.Proposed().Version != 9 || r.Heard().Version != 0 {
		t.Errorf("%v proposed, %v heard", r.Proposed().Version, r.Heard().Version)
	}
	if rules, err := r.Rules(); err != nil || len(rules) != 2 {
		t.Errorf("%d rules, %v", len(rules), err)
	}
	r, _ = NewRoster(1, first, persistence.Memberships{}, false)
	r.Recovered(first.String())
	if !r.Hear(next) || r.Proposed().Version != 0 || r.Heard().Version != 9 {
		t.Errorf("what is not in its log: %v proposed, %v heard", r.Proposed().Version, r.Heard().Version)
	}
}

// What was only heard of shows where to look and makes no quorum. With a leader it is forgotten.
func TestRosterHears(t *testing.T) {
	r, _ := NewRoster(4, membership(t, 5, oneToThree+"\nserver.4=d:1:2:observer"), persistence.Memberships{}, false)
	heard := membership(t, 9, twoToFour+"\nserver.5=e:1:2")
	if !r.Hear(heard) || r.Hear(heard) || r.Hear(membership(t, 8, oneToThree)) {
		t.Error("news")
	}
	rules, err := r.Rules()
	if err != nil || len(rules) != 1 || r.Observes() || !slices.Equal(r.Others(), []messages.ServerID{1, 2, 3, 5}) || len(r.Lines(5)) != 1 {
		t.Errorf("%d rules, observes %v, others %v", len(rules), r.Observes(), r.Others())
	}
	if !r.Found() || r.Found() || !r.Observes() || len(r.Lines(5)) != 0 {
		t.Error("it isn't forgotten")
	}
	r.Hear(heard)
	if r.Commit(membership(t, 10, oneToThree)); r.Heard().Version != 0 {
		t.Error("a newer membership leaves it behind")
	}
}

// A member that is away while it is moved, again and again, or is removed and comes back elsewhere, is looked for where it has been.
func TestRosterRemembersFormerPlaces(t *testing.T) {
	r, _ := NewRoster(1, membership(t, 1, "server.1=a:1:2\nserver.2=b:1:2"), persistence.Memberships{}, false)
	want := func(places ...string) {
		t.Helper()
		var got []string
		for _, at := range r.Former(2) {
			got = append(got, fmt.Sprintf("%s:%d:%d", at.Host, at.QuorumPort, at.ElectionPort))
		}
		if !slices.Equal(got, places) {
			t.Errorf("former places %v, want %v", got, places)
		}
	}
	want()
	r.Commit(membership(t, 2, "server.1=a:1:2\nserver.2=b:3:4"))
	want("b:1:2")
	r.Commit(membership(t, 3, "server.1=a:1:2"))
	want("b:3:4", "b:1:2")
	r.Commit(membership(t, 4, "server.1=a:1:2\nserver.2=b:1:2"))
	want("b:3:4")
	again, _ := NewRoster(1, membership(t, 1, "server.1=a:1:2\nserver.2=b:1:2"), r.Kept(), true)
	r = again
	want("b:3:4")
	for i := range 2 * formerMax {
		r.Commit(membership(t, messages.Zxid(5+i), fmt.Sprintf("server.1=a:1:2\nserver.2=b:%d:4", 10+i)))
	}
	if places := r.Former(2); len(places) != formerMax || places[0].QuorumPort != 8+2*formerMax || len(r.Former(1)) != 0 {
		t.Errorf("after many moves %v", places)
	}
}
