package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

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
