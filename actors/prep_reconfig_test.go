package actors

import (
	"errors"
	"slices"
	"testing"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

const (
	deskMembers = "server.1=10.0.0.1:2888:3888:participant;10.0.0.1:2181\n" +
		"server.2=10.0.0.2:2888:3888:participant;10.0.0.2:2181\n" +
		"server.3=10.0.0.3:2888:3888:participant;10.0.0.3:2181"
	deskJoiner = "server.4=10.0.0.4:2888:3888:participant;10.0.0.4:2181"
)

// newLeaderDesk is the desk of server 1, which leads three voters. All of them follow.
func newLeaderDesk(t *testing.T, enabled bool) *desk {
	t.Helper()
	d := newDesk(t, PrepOptions{ReconfigEnabled: enabled})
	m, err := messages.ParseMembership(deskMembers)
	if err != nil {
		t.Fatal(err)
	}
	m.Version = 7
	d.prep.Govern(Ensemble{Members: m, Quorum: majorityOf}, nil)
	d.follow(1, 2, 3)
	return d
}

// majorityOf stands for the cluster's rules. With groups there is none.
func majorityOf(m messages.Membership, servers []messages.ServerID) (bool, error) {
	if len(m.Groups) > 0 {
		return false, errors.New("no rule for groups")
	}
	n := 0
	for _, id := range m.Voters() {
		if slices.Contains(servers, id) {
			n++
		}
	}
	return 2*n > len(m.Voters()), nil
}

func (d *desk) follow(servers ...messages.ServerID) {
	d.prep.Followers(&messages.Followers{Servers: servers})
}

func (d *desk) super() {
	d.ids = append(slices.Clip(d.ids), messages.Identity{Scheme: messages.SchemeSuper, ID: ""})
}

func reconfigBody(q jute.ReconfigRequest) []byte { return q.Append(nil) }

func (d *desk) reconfig(q jute.ReconfigRequest) messages.ErrCode {
	d.t.Helper()
	return d.code(messages.OpReconfig, reconfigBody(q))
}

// Which error wins, in ZooKeeper's order.
func TestPrepReconfigPrecedence(t *testing.T) {
	wrong, bogus, zero := int64(5), "bogus", "server.0=a:1:2;3,server.1=b:1:2;3"
	grouped := "server.1=a:1:2;3\nserver.2=b:1:2;3\ngroup.1=1:2"
	alone := newDesk(t, PrepOptions{ReconfigEnabled: true})
	if got := alone.reconfig(jute.ReconfigRequest{Leaving: "3", ConfigID: -1}); got != messages.ErrUnimplemented {
		t.Errorf("on a server that runs alone: %v", got)
	}
	if got := newLeaderDesk(t, false).reconfig(jute.ReconfigRequest{Leaving: "x", ConfigID: 5}); got != messages.ErrReconfigDisabled {
		t.Errorf("disabled: %v", got)
	}
	d := newLeaderDesk(t, true)
	gone := messages.Request{Conn: 1, Session: 0x999, Op: messages.OpReconfig}
	gone.Body = reconfigBody(jute.ReconfigRequest{ConfigID: wrong})
	if _, refusal := d.judge(gone); refusal == nil || refusal.Err != messages.ErrSessionExpired {
		t.Errorf("a session that is gone: %v", refusal)
	}
	for _, c := range []struct {
		name string
		q    jute.ReconfigRequest
		want messages.ErrCode
	}{
		{"version before all that follows", jute.ReconfigRequest{Joining: "garbage", ConfigID: wrong}, messages.ErrBadVersion},
		{"what can't be read before what is not allowed", jute.ReconfigRequest{
			Joining: "server.9=garbage", ConfigID: -1}, messages.ErrBadArguments},
		{"no list of members", jute.ReconfigRequest{NewMembers: &bogus, ConfigID: -1}, messages.ErrBadArguments},
		{"no id", jute.ReconfigRequest{Leaving: "x", ConfigID: -1}, messages.ErrMarshalling},
		{"nobody votes", jute.ReconfigRequest{Leaving: "1,2,3", ConfigID: -1}, messages.ErrBadArguments},
		{"server 0", jute.ReconfigRequest{NewMembers: &zero, ConfigID: -1}, messages.ErrBadArguments},
		{"no rule", jute.ReconfigRequest{NewMembers: &grouped, ConfigID: -1}, messages.ErrBadArguments},
		{"no quorum before what is not allowed", jute.ReconfigRequest{
			Joining: deskJoiner, Leaving: "2,3", ConfigID: -1}, messages.ErrNewConfigNoQuorum},
		{"not allowed", jute.ReconfigRequest{Leaving: "3", ConfigID: 7}, messages.ErrNoAuth},
	} {
		if got := d.reconfig(c.q); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	d.super()
	if got := d.reconfig(jute.ReconfigRequest{Leaving: "3", ConfigID: 7}); got != messages.ErrOK {
		t.Errorf("the super user: %v", got)
	}
	if got := d.reconfig(jute.ReconfigRequest{ConfigID: wrong}); got != messages.ErrReconfigInProgress {
		t.Errorf("while a change is under way: %v", got)
	}
}

// A change becomes a transaction that says the whole membership; its zxid is the version. The next one builds on it, when
// it is committed.
func TestPrepReconfig(t *testing.T) {
	d := newLeaderDesk(t, true)
	d.super()
	d.follow(1, 2, 3, 4)
	p, refusal := d.judge(messages.Request{Conn: 1, Op: messages.OpReconfig,
		Body: reconfigBody(jute.ReconfigRequest{Joining: deskJoiner, Leaving: "1", ConfigID: -1})})
	if refusal != nil {
		t.Fatal(refusal.Err)
	}
	m, ok, err := p.Membership()
	if !ok || err != nil || !slices.Equal(m.Voters(), []messages.ServerID{2, 3, 4}) || m.Version != p.Header.Zxid {
		t.Fatalf("%+v, %v", m, err)
	}
	d.mustCreate("/behind")
	if got := d.reconfig(jute.ReconfigRequest{Leaving: "2", ConfigID: -1}); got != messages.ErrReconfigInProgress {
		t.Fatal(got)
	}
	d.apply()
	n, _ := d.tree.LookupString(messages.ConfigPath)
	if string(n.Data()) != m.String() || n.Version() != messages.ReconfigVersion {
		t.Errorf("the tree says %s, version %d", n.Data(), n.Version())
	}
	if got := d.reconfig(jute.ReconfigRequest{Leaving: "2", ConfigID: int64(m.Version)}); got != messages.ErrOK {
		t.Error(got)
	}
}

// What only changes of members may say can't be written by hand, not even by the super user.
func TestPrepGuardsTheMembers(t *testing.T) {
	d := newLeaderDesk(t, true)
	if got := d.set(messages.ConfigPath, "x", -1); got != messages.ErrNoAuth {
		t.Error(got)
	}
	d.super()
	if got := d.set(messages.ConfigPath, "x", -1); got != messages.ErrBadArguments {
		t.Error(got)
	}
	multi := jute.AppendMulti(nil, []jute.MultiOp{
		{Op: messages.OpSetData, Record: jute.SetDataRequest{Path: messages.ConfigPath, Data: []byte("x"), Version: -1}}})
	if got := d.code(messages.OpMulti, multi); got != messages.ErrBadArguments {
		t.Error(got)
	}
	d = newLeaderDesk(t, false)
	d.super()
	if got := d.set(messages.ConfigPath, "x", -1); got != messages.ErrOK {
		t.Error(got)
	}
}

// The members that a reign begins with get a version of that reign.
func TestPrepRestates(t *testing.T) {
	d := newLeaderDesk(t, true)
	p, _ := d.judge(messages.Request{Op: messages.OpReconfig})
	m, ok, err := p.Membership()
	if !ok || err != nil || m.Version != p.Header.Zxid || m.Lines() != deskMembers+"\n" {
		t.Fatalf("%+v, %v, %v", m, ok, err)
	}
	d.super()
	if got := d.reconfig(jute.ReconfigRequest{Leaving: "3", ConfigID: -1}); got != messages.ErrReconfigInProgress {
		t.Error(got)
	}
}
