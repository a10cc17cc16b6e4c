package chaostest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server/client"
)

// changer changes who belongs to an ensemble while writers are at work.
type changer struct {
	*ensemble
	writers *writers
	now     []*member // who belongs to it
	times   *table
}

// TestReconfig lets an ensemble grow from three members to five and shrink to three again, and then replaces each
// member by a new one in turn, all under load and without losing an acknowledged write.
func TestReconfig(t *testing.T) {
	e := newEnsemble(t, layout{voters: 3, spares: 5, dynamic: true, beside: true})
	ctx := testContext(t, 12*patience)
	if err := e.start(ctx); err != nil {
		t.Fatal(err)
	}
	if !e.changeable(ctx) {
		t.Skip("this version of the server doesn't change its members")
	}
	ws, err := startWriters(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.stop()
	c := &changer{ensemble: e, writers: ws, now: slices.Clone(e.founders()), times: newTable(
		fmt.Sprintf("members come and go, %s, tick %v", e.target.name, *tickFlag), "change done", "longest gap", "new member")}
	s := e.members
	for _, step := range []struct{ in, out *member }{
		{in: s[3]}, {in: s[4]}, {out: s[0]}, {out: s[1]}, {s[5], s[2]}, {s[6], s[3]}, {s[7], s[4]},
	} {
		if err := c.change(ctx, step.in, step.out); err != nil {
			say("%v", c.times)
			t.Fatal(e.explain(err))
		}
	}
	result, err := ws.check(ctx)
	say("%v  %s", c.times, result)
	if err != nil {
		t.Error(err)
	}
	if _, err := e.agree(ctx); err != nil {
		t.Error(err)
	}
}

// changeable tells whether the target knows the request at all: an empty one is refused, but not as unknown.
func (e *ensemble) changeable(ctx context.Context) bool {
	conn, err := e.connect(ctx, client.Options{Wait: true})
	if err != nil {
		return true // what comes next will tell
	}
	defer conn.Close()
	_, _, err = conn.Reconfig(ctx, client.Reconfig{Leaving: "200", Version: 1})
	return !errors.Is(err, messages.ErrUnimplemented)
}

// change takes one member in and another one out, either of which may be nil.
func (c *changer) change(ctx context.Context, in, out *member) error {
	leader, err := c.writers.goodWeather(ctx)
	if err != nil {
		return err
	}
	request := client.Reconfig{Version: -1}
	label := fmt.Sprintf("%d members", len(c.now))
	if in != nil {
		if err := errors.Join(c.configure(in, append(slices.Clone(c.now), in)), in.start()); err != nil {
			return err
		}
		line, err := c.net.serverLine(in.id, false)
		if err != nil {
			return err
		}
		request.Joining = line
		label += fmt.Sprintf(", %v comes", in)
	}
	if out != nil {
		request.Leaving = fmt.Sprint(out.id)
		label += fmt.Sprintf(", %v goes", out)
		if leader == out {
			label += ", which leads"
		}
	}
	begun := time.Now()
	if err := c.ask(ctx, request, in, out); err != nil {
		return err
	}
	changed, joined := time.Since(begun), none
	c.now = slices.DeleteFunc(c.now, func(m *member) bool { return m == out })
	if in != nil {
		c.now = append(c.now, in)
		var err error
		if joined, err = c.awaitMember(ctx, in, begun); err != nil {
			return err
		}
	}
	var addresses []string
	for _, m := range c.now {
		addresses = append(addresses, m.addr)
	}
	c.writers.serve(addresses)
	if out != nil {
		if err := out.stop(ctx); err != nil {
			return err
		}
		out.wanted = false
	}
	if err := c.writers.awaitAll(ctx, time.Now()); err != nil {
		return err
	}
	c.times.add(label, changed, c.writers.gap(), joined)
	return nil
}

// serve tells the writers which servers there are.
func (ws *writers) serve(addresses []string) {
	for _, w := range ws.list {
		w.mu.Lock()
		w.servers = addresses
		w.mu.Unlock()
	}
}

// ask asks for a change until it is done: a member that comes has to be in touch with the leader first, and when the
// leader goes its answer may be lost.
func (c *changer) ask(ctx context.Context, request client.Reconfig, in, out *member) error {
	var addresses []string
	for _, m := range c.now {
		if m != out {
			addresses = append(addresses, m.addr)
		}
	}
	conn, err := c.connect(ctx, client.Options{Servers: addresses, Wait: true})
	if err != nil {
		return err
	}
	defer conn.Close()
	return await(ctx, "the change of members is done", pollEvery, func() error {
		trying, cancel := context.WithTimeout(ctx, requestPatience)
		defer cancel()
		if err := conn.Sync(trying, messages.ConfigPath); err != nil {
			return err
		}
		now, _, err := conn.Config(trying, false)
		if err != nil {
			return err
		}
		if (in == nil || listed(now, in)) && (out == nil || !listed(now, out)) {
			return nil
		}
		_, _, err = conn.Reconfig(trying, request)
		if err == nil {
			return nil
		}
		return fmt.Errorf("asked for %+v: %w", request, err)
	})
}

// listed tells whether a configuration contains a member.
func listed(config []byte, m *member) bool {
	return strings.Contains(string(config), fmt.Sprintf("server.%d=", m.id))
}
