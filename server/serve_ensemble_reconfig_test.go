package server_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// changeable are the keys of an ensemble whose members may change.
var changeable = []string{"reconfigEnabled=true", "standaloneEnabled=false", "skipACL=yes"}

// change asks for a change of members until it is made: a server that is to be a voter must be up to date first.
func (e *troupe) change(ctx context.Context, c *client.Client, r client.Reconfig) (string, messages.Stat) {
	e.t.Helper()
	r.Version = -1
	var text []byte
	var stat messages.Stat
	eventually(e.t, fmt.Sprintf("the change %+v", r), func() (done bool) {
		var err error
		text, stat, err = c.Reconfig(ctx, r)
		if err != nil {
			e.t.Logf("asked for %+v: %v", r, err)
		}
		return err == nil
	})
	return string(text), stat
}

// line is the line of a server, as its own configuration says it.
func (e *troupe) line(i int) string {
	m, _ := e.configs[i].Ensemble.Self()
	return fmt.Sprintf("server.%d=%s", m.ID, m)
}

// awaitMembers waits until a server, asked for itself, has the membership of a text.
func (e *troupe) awaitMembers(ctx context.Context, i int, text string) {
	e.t.Helper()
	c := e.connect(ctx, i)
	eventually(e.t, fmt.Sprintf("server %d has the members", i+1), func() bool {
		now, _, err := c.Config(ctx, false)
		return err == nil && string(now) == text
	})
}

// An ensemble of three takes in two more, and goes on with them when the first two are gone for good.
func TestEnsembleGrowsAndShrinks(t *testing.T) {
	e := newTroupe(t, 5, 0, changeable...)
	for i := range 3 {
		e.know(i, 3)
		e.start(i)
	}
	e.awaitServing()
	ctx := serveContext(t)
	c := e.connect(ctx, 0)
	if _, err := c.Create(ctx, "/before", []byte("x"), client.Persistent); err != nil {
		t.Fatal(err)
	}
	text, _, err := c.Config(ctx, false)
	if err != nil || !strings.Contains(string(text), e.line(0)) || strings.Contains(string(text), e.line(3)) {
		t.Fatalf("the members are %s, %v", text, err)
	}
	for _, i := range []int{3, 4} {
		e.know(i, i+1)
		e.start(i)
		members, stat := e.change(ctx, c, client.Reconfig{Joining: e.line(i)})
		if !strings.Contains(members, e.line(i)) || stat.Version != messages.ReconfigVersion ||
			!strings.HasSuffix(members, fmt.Sprintf("version=%x", uint64(stat.Mzxid))) {
			t.Fatalf("the answer is %s, %+v", members, stat)
		}
		e.awaitMembers(ctx, i, members)
	}
	c = e.connectTo(ctx, e.address(2), e.address(3), e.address(4))
	e.change(ctx, c, client.Reconfig{Leaving: "1,2"})
	e.stop(0)
	e.stop(1)
	eventually(t, "a write without the first two", func() bool {
		_, err := c.Create(ctx, "/after", nil, client.Persistent)
		return err == nil
	})
	for i := 2; i < 5; i++ {
		e.stop(i)
	}
	for i := 2; i < 5; i++ {
		e.start(i)
	}
	e.awaitServing()
	c = e.connect(ctx, 4)
	for _, path := range []string{"/before", "/after"} {
		if _, err := c.Exists(ctx, path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// know lets a server's configuration name the first so many servers.
func (e *troupe) know(i, first int) {
	m := &e.configs[i].Ensemble.Membership
	m.Members = m.Members[:first:first]
}

// knowOnly lets a server's configuration name some servers only.
func (e *troupe) knowOnly(i int, servers ...int) {
	m := &e.configs[i].Ensemble.Membership
	kept := m.Members
	m.Members = nil
	for _, s := range servers {
		m.Members = append(m.Members, kept[s])
	}
}

// founded starts the first so many servers, which know each other only.
func (e *troupe) founded(n int) *troupe {
	e.t.Helper()
	for i := range n {
		e.know(i, n)
		e.start(i)
	}
	e.awaitServing()
	return e
}

// lines are those of some servers, as a whole new membership.
func (e *troupe) lines(servers ...int) string {
	var list []string
	for _, i := range servers {
		list = append(list, e.line(i))
	}
	return strings.Join(list, "\n")
}

// All members are replaced at once, by servers that follow without a vote until then. The leader hands over, and who is no
// member any more follows on.
func TestEnsembleIsReplaced(t *testing.T) {
	e := newTroupe(t, 6, 0, changeable...)
	e.founded(3)
	ctx := serveContext(t)
	events := make(chan client.Event, 100)
	c, err := client.Connect(ctx, client.Options{
		Servers: []string{e.address(0)}, Wait: true, Timeout: 10 * time.Second, OnEvent: func(ev client.Event) { events <- ev },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, _, err := c.Reconfig(ctx, client.Reconfig{Members: e.lines(3, 4, 5), Version: -1}); !errors.Is(err, messages.ErrNewConfigNoQuorum) {
		t.Fatalf("nobody of the new members is there: %v", err)
	}
	for i := 3; i < 6; i++ {
		e.knowOnly(i, 0, 1, 2, i)
		e.start(i)
	}
	e.awaitServing()
	for i := range 20 {
		if _, err := c.Create(ctx, fmt.Sprintf("/n%d", i), nil, client.Persistent); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := c.Config(ctx, true); err != nil {
		t.Fatal(err)
	}
	members, _ := e.change(ctx, e.connect(ctx, 1), client.Reconfig{Members: e.lines(3, 4, 5)})
	for {
		if ev := receive(t, "the watch on the members fires", events); ev.Type == messages.EventNodeDataChanged {
			break
		}
	}
	eventually(t, "one of the new members leads", func() bool { return e.leader() >= 3 })
	for i := range 6 {
		e.awaitMembers(ctx, i, members)
	}
	for i := range 3 {
		e.stop(i)
	}
	last := e.connect(ctx, 4)
	for i := range 20 {
		if _, err := last.Exists(ctx, fmt.Sprintf("/n%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := last.Create(ctx, "/after", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
}

// A voter becomes an observer and a voter again; the vote of each counts while it is one.
func TestEnsembleMembersChangeTheirPart(t *testing.T) {
	e := newTroupe(t, 3, 1, changeable...).startAll()
	ctx := serveContext(t)
	leader := e.leader()
	other, third := (leader+1)%3, (leader+2)%3
	c := e.connect(ctx, leader)
	demoted := strings.Replace(e.line(other), ":participant", ":observer", 1)
	e.change(ctx, c, client.Reconfig{Joining: demoted})
	e.awaitRole(other, actors.RoleObserver)
	e.change(ctx, c, client.Reconfig{Joining: strings.Replace(e.line(3), ":observer", ":participant", 1)})
	e.awaitRole(3, actors.RoleFollower)
	e.stop(other) // no vote is lost
	e.stop(third) // with that of the new voter it is two of three
	if _, err := c.Create(ctx, "/a", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	e.start(other)
	e.start(third)
	e.awaitServing()
	c = e.connect(ctx, 3)
	e.change(ctx, c, client.Reconfig{Joining: e.line(other)})
	e.awaitRole(other, actors.RoleFollower)
	e.change(ctx, c, client.Reconfig{Joining: strings.Replace(e.line(leader), ":participant", ":observer", 1)})
	e.awaitRole(leader, actors.RoleObserver)
	if now := e.leader(); now < 0 || now == leader {
		t.Errorf("server %d leads", now+1)
	}
	if _, err := e.connect(ctx, leader).Create(ctx, "/b", nil, client.Persistent); err != nil {
		t.Error(err)
	}
}

// Weights decide as soon as they are in effect: two voters of one are no quorum against one of three.
func TestEnsembleGetsWeights(t *testing.T) {
	e := newTroupe(t, 3, 0, changeable...).startAll()
	ctx := serveContext(t)
	heavy := e.leader()
	c := e.connect(ctx, heavy)
	weights := fmt.Sprintf("\ngroup.1=1:2:3\nweight.%d=3", heavy+1)
	e.change(ctx, c, client.Reconfig{Members: e.lines(0, 1, 2) + weights})
	if _, _, err := c.Reconfig(ctx, client.Reconfig{Leaving: "1", Version: -1}); !errors.Is(err, messages.ErrBadArguments) {
		t.Errorf("who joins and leaves can't be said with groups: %v", err)
	}
	e.stop((heavy + 1) % 3)
	e.stop((heavy + 2) % 3)
	if _, err := c.Create(ctx, "/alone", nil, client.Persistent); err != nil {
		t.Fatal(err)
	}
	e.start((heavy + 1) % 3)
	e.awaitServing()
	e.change(ctx, c, client.Reconfig{Members: e.lines(0, 1, 2)})
	if _, _, err := c.Reconfig(ctx, client.Reconfig{Leaving: fmt.Sprint((heavy+2)%3 + 1), Version: -1}); err != nil {
		t.Error(err)
	}
}

// A server whose own line isn't in its configuration follows, and opens its ports when it is made a member: the others
// can live without those that they began with.
func TestServerWithoutALineOfItsOwn(t *testing.T) {
	e := newTroupe(t, 4, 0, changeable...)
	line := e.line(3)
	e.founded(3)
	e.know(3, 3)
	e.start(3)
	e.awaitServing()
	ctx := serveContext(t)
	c := e.connect(ctx, 3)
	members, _ := e.change(ctx, c, client.Reconfig{Joining: line})
	leader := e.leader()
	e.awaitMembers(ctx, 3, members)
	e.stop(leader)
	eventually(t, "a write without the first leader", func() bool {
		_, err := c.Create(ctx, "/a", nil, client.Persistent)
		return err == nil
	})
	e.stop(3)
	e.start(3)
	e.awaitServing()
}

// Members move to other addresses: first a follower, then the leader, which hands over first.
func TestEnsembleMembersMove(t *testing.T) {
	e := newTroupe(t, 3, 0, changeable...).startAll()
	ctx := serveContext(t)
	for _, moves := range []func() int{e.leader, func() int { return (e.leader() + 1) % 3 }} {
		i := moves()
		m, _ := e.configs[i].Ensemble.Self()
		ports := freePorts(t, 2)
		m.Addresses = []messages.MemberAddress{{Host: "127.0.0.1", QuorumPort: ports[0], ElectionPort: ports[1]}}
		c := e.connect(ctx, (i+1)%3)
		e.change(ctx, c, client.Reconfig{Joining: fmt.Sprintf("server.%d=%s", m.ID, m)})
		eventually(t, "the new ports are open", func() bool {
			for _, port := range ports {
				conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					return false
				}
				conn.Close()
			}
			return true
		})
		for j := range 3 {
			if j != i {
				e.stop(j)
				e.start(j)
			}
		}
		e.awaitServing()
		eventually(t, "a write after the move", func() bool {
			_, err := e.connect(ctx, i).Create(ctx, "/moved-", nil, client.PersistentSequential)
			return err == nil
		})
	}
}
