package server

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/cluster"
	"github.com/troupekeeper/troupe/messages"
)

const testMembers = `server.1=127.0.0.1:23211:23221:participant;127.0.0.1:2181
server.2=10.0.0.2:23212:23222:participant;0.0.0.0:2181
server.3=zoo3.example:23213:23223:participant
server.4=[fd00::4]:23214:23224:observer;[fd00::4]:2181
version=100000006`

// testBoard makes the console that of a member of an ensemble of four, of which server 1 is asked. The state "read-only"
// is that of a server that looks and serves reads meanwhile.
func testBoard(t *testing.T, c *console, state string) {
	t.Helper()
	m, err := messages.ParseMembership(testMembers)
	if err != nil {
		t.Fatal(err)
	}
	e := &c.config.Ensemble
	e.MyID, e.HasID, e.Membership, e.InitLimit, e.SyncLimit, e.ElectionAlg = 1, true, m, 10, 5, 3
	c.board = &cluster.StatusBoard{}
	p := cluster.PeerStatus{
		ID: 1, Leader: 3, Epoch: 1, Members: m, Round: 4, Looking: 3,
		Elections: cluster.Tally{Count: 2, Last: 300, Min: 100, Max: 300, Sum: 401}, SinceUs: 3600e6 - 21_869_000,
	}
	switch state {
	case "leader":
		p.State, p.Leader = messages.Leading, 1
	case "follower":
		p.State = messages.Following
	case "observer":
		p.State, p.ID, e.MyID = messages.Observing, 4, 4
	case "read-only":
		p.ReadOnly, p.Leader = true, 0
	case "looking":
		p.Leader = 0
		c.view = func() *actors.View { return nil }
	default:
		t.Fatalf("unknown state %q", state)
	}
	c.board.PutPeer(p)
	if state != "looking" {
		c.board.PutPhase(cluster.PhaseBroadcast)
	}
	if p.State == messages.Leading {
		c.board.PutLeader(testLeader())
	}
}

// testLeader has a follower that is up to date, one that isn't, an observer, and a guest that the membership lacks.
func testLeader() cluster.LeaderStatus {
	l := cluster.LeaderStatus{PendingSyncs: 2, Learners: []cluster.LearnerStatus{
		{ID: 2, Address: "10.0.0.2:40002", Synced: true, Acked: messages.MakeZxid(1, 8), Sent: 9},
		{ID: 3, Address: "10.0.0.3:40003"},
		{ID: 4, Address: "[fd00::4]:40004", Observer: true, Synced: true, Acked: messages.MakeZxid(1, 7), EstablishedMs: 1767323040000,
			Queued: 2, QueuedBytes: 300, Received: 13, Sent: 16, Requests: 5},
		{ID: 9, Address: "10.0.0.9:40009", Synced: true},
	}}
	for _, bytes := range []int64{323, 48, 100} {
		l.Proposals.Add(bytes)
	}
	return l
}

// TestEnsembleFormats holds the answers of a member of an ensemble against the recorded form. The command "as" makes
// the server one of a state; what follows is asked of it.
func TestEnsembleFormats(t *testing.T) {
	var c *console
	datadriven.RunTest(t, "testdata/commands/ensemble", func(t *testing.T, d *datadriven.TestData) string {
		var text string
		switch d.Cmd {
		case "as":
			c = testConsole(t)
			testBoard(t, c, d.CmdArgs[0].Key)
			return ""
		case "word":
			text = string(answerWord(c, d.CmdArgs[0].Key, nil))
			if d.CmdArgs[0].Key == "mntr" {
				text = onlyMember(text)
			}
		case "http":
			text = httpAnswer(t, c, strings.TrimPrefix(d.CmdArgs[0].String(), "http "))
		default:
			d.Fatalf(t, "unknown command %s", d.Cmd)
		}
		text = strings.ReplaceAll(text, VersionText(), "<version>")
		return strings.ReplaceAll(text, "\t", "<tab>")
	})
}

// onlyMember leaves those lines of mntr that an ensemble changes.
func onlyMember(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		for _, part := range []string{"state\t", "quorum_size", "leader_uptime", "learners", "synced_", "pending_syncs",
			"proposal_size\t", "looking", "election_time", "This ZooKeeper"} {
			if strings.Contains(line, part) {
				b.WriteString(line)
				break
			}
		}
	}
	return b.String()
}

// TestEnsembleNotServing: while a server looks for a leader most commands have the one sentence, and those that need no
// leader answer.
func TestEnsembleNotServing(t *testing.T) {
	c := testConsole(t)
	testBoard(t, c, "looking")
	for word, want := range map[string]string{
		"srvr": notServing + "\n", "stat": notServing + "\n", "conf": notServing + "\n", "mntr": notServing + "\n",
		"dump": notServing + "\n", "isro": "null", "ruok": "imok",
	} {
		if got := string(answerWord(c, word, nil)); got != want {
			t.Errorf("%s answered %q, want %q", word, got, want)
		}
	}
}

// TestObserverReset: after orst the counters of a connection to an observer begin anew, until there is a new connection.
func TestObserverReset(t *testing.T) {
	c := testConsole(t)
	testBoard(t, c, "leader")
	counters := func() obsrElement {
		r, err := obsrCommand{}.run(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r.(obsrResult).Observers[0]
	}
	if _, err := (orstCommand{}).run(c, nil); err != nil {
		t.Fatal(err)
	}
	if o := counters(); o.Received != 0 || o.Sent != 0 || o.Requests != 0 || o.Queued != 2 {
		t.Errorf("after the reset: %+v", o)
	}
	l := testLeader()
	l.Learners[2].Received++
	c.board.PutLeader(l)
	if o := counters(); o.Received != 1 {
		t.Errorf("one message later: %+v", o)
	}
	l.Learners = append(l.Learners[:2:2], l.Learners[2])
	l.Learners[2].EstablishedMs, l.Learners[2].Received = l.Learners[2].EstablishedMs+1, 3
	c.board.PutLeader(l)
	if o := counters(); o.Received != 3 {
		t.Errorf("on a new connection: %+v", o)
	}
}

// TestEnsembleMetrics: a member has the numbers of its board, a server alone has none of them.
func TestEnsembleMetrics(t *testing.T) {
	c := testConsole(t)
	registry := newMetricsRegistry(c)
	values := func() map[string]float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]float64{}
		for _, f := range families {
			if name, ok := strings.CutPrefix(f.GetName(), "troupe_ensemble_"); ok {
				found[name] = f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
			}
		}
		return found
	}
	if v := values(); len(v) > 0 {
		t.Errorf("a server alone tells %v", v)
	}
	testBoard(t, c, "leader")
	v := values()
	for name, want := range map[string]float64{
		"leading": 1, "looking": 0, "established": 1, "leader_id": 1, "epoch": 1, "voters": 3, "observers": 1, "learners": 4,
		"followers_synced": 2, "observers_synced": 1, "election_last_seconds": 0.3, "lookings_total": 3,
	} {
		if got, ok := v[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if len(v) != len(ensembleMetrics) {
		t.Errorf("%d numbers are tested, %d are told", len(v), len(ensembleMetrics))
	}
}

// TestMoveLeader: only a leader hands over, only to a voter, and what goes wrong is told.
func TestMoveLeader(t *testing.T) {
	for _, c := range []struct {
		state, to string
		can       bool
		fails     error
		asked     messages.ServerID
		want      string // of the error; "": none
	}{
		{"leader", "2", true, nil, 2, ""},
		{"leader", "1", true, nil, 0, ""},
		{"leader", "2", true, errors.New("it lags behind"), 2, "server 2 does not lead: it lags behind"},
		{"leader", "2", false, nil, 0, "moving the leader is not supported by this version"},
		{"leader", "4", true, nil, 0, "server 4 can't lead; those that can are [1 2 3]"},
		{"leader", "9", true, nil, 0, "server 9 can't lead"},
		{"leader", "two", true, nil, 0, `to="two" is not the id of a server`},
		{"leader", "", true, nil, 0, `to="" is not the id of a server`},
		{"follower", "2", true, nil, 0, "this server does not lead; ask server 3, which does"},
		{"read-only", "2", true, nil, 0, "server is not initialized"},
		{"looking", "2", true, nil, 0, notServing},
	} {
		console := testConsole(t)
		testBoard(t, console, c.state)
		var asked messages.ServerID
		if c.can {
			console.moveLeader = func(_ context.Context, to messages.ServerID) error { asked = to; return c.fails }
		}
		r, err := runCommand(console, moveLeaderCommand{}, url.Values{"to": {c.to}})
		if asked != c.asked || (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: asked for %d, error %v", c, asked, err)
		}
		if err == nil && r != (moveLeaderResult{From: 1, To: messages.ServerID(c.to[0] - '0')}) {
			t.Errorf("%+v: answered %+v", c, r)
		}
	}
	if _, err := runCommand(testConsole(t), moveLeaderCommand{}, url.Values{"to": {"2"}}); !errors.Is(err, errAlone) {
		t.Errorf("a server alone answers %v", err)
	}
}
