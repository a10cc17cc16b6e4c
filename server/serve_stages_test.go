package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server"
	"github.com/troupekeeper/troupe/server/client"
)

// stageOf is a stage that is one function.
func stageOf(id string, place actors.Place, policy actors.FailurePolicy, limit time.Duration, f actors.StageFunc) actors.CustomStage {
	return actors.CustomStage{
		ID: id, Place: place, Policy: policy, Limit: limit, New: func(*actors.CustomEnv) (actors.Stage, error) { return f, nil },
	}
}

func withStages(stages ...actors.CustomStage) override {
	return func(s *setup) {
		s.options.Stages = append(s.options.Stages, stages...)
		s.keys["admin.enableServer"], s.keys["admin.serverPort"] = "true", "0"
	}
}

// stageState asks the admin port how a stage does.
func stageState(t *testing.T, s *server.Server, id string) (state string, stuck bool, failure string) {
	t.Helper()
	answer, err := http.Get("http://" + s.AdminAddress() + "/commands/stages")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Stages []struct {
			ID          string `json:"id"`
			State       string `json:"state"`
			Stuck       bool   `json:"stuck"`
			LastFailure string `json:"last_failure"`
		} `json:"stages"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Stages {
		if s.ID == id {
			return s.State, s.Stuck, s.LastFailure
		}
	}
	t.Fatalf("the answer has no stage %s: %s", id, text)
	panic("unreachable")
}

// A stage that never returns: the server goes on as the policy says, says so, and when the call comes back at last a new
// instance takes its place. The server stops although the call still hangs.
func TestStageThatBlocksForEver(t *testing.T) {
	for _, policy := range []actors.FailurePolicy{actors.Refuse, actors.PassOn} {
		let, once := make(chan struct{}), sync.Once{}
		blocks := stageOf("blocks", actors.BeforeRequest, policy, 250*time.Millisecond, func(b []actors.Item) []actors.Item {
			if strings.HasPrefix(b[0].Path(), "/block") {
				<-let
			}
			return b
		})
		s := startServer(t, withStages(blocks))
		ctx := serveContext(t)
		c := dialClient(t, s.ClientAddress())
		for range 3 { // the first is held until the limit, the others meet a stage that has failed
			_, err := c.Create(ctx, "/block-", nil, client.PersistentSequential)
			if refused := code(err) == messages.ErrSystemError; refused != (policy == actors.Refuse) || !refused && err != nil {
				t.Fatalf("%v: %v", policy, err)
			}
		}
		state, stuck, failure := stageState(t, s, "blocks")
		if state != "failed" || !stuck || !strings.Contains(failure, "stuck") {
			t.Errorf("%v: state %s, stuck %v, %q", policy, state, stuck, failure)
		}
		if policy == actors.Refuse {
			once.Do(func() { close(let) })
			eventually(t, "the stage works again", func() bool {
				_, err := c.Create(ctx, "/works-", nil, client.PersistentSequential)
				return err == nil
			})
		}
		s.Stop()
		once.Do(func() { close(let) })
	}
}

func TestStageSettingsAreChecked(t *testing.T) {
	rule := stageOf("test-settings", actors.BeforeRequest, actors.Refuse, 0, func(b []actors.Item) []actors.Item { return b })
	rule.Help = "Does nothing."
	rule.Keys = []actors.StageKey{{Name: "rate", Kind: actors.KeyWhole, Default: "5", Min: 1, Max: 9, Help: "Requests a second."}}
	actors.RegisterStage(rule)
	for _, wrong := range []struct{ keys, want string }{
		{"stages=other", `no stage is called "other"; this program has:`},
		{"stages=test-settings,test-settings", "named twice"},
		{"stages=test-settings stage.test-settings.rate=10", "allowed: 1 to 9"},
		{"stages=test-settings stage.test-settings.speed=10", "it has no such key; allowed: limit, policy, rate"},
		{"stages=test-settings stage.test-settings.policy=maybe", "allowed: refuse, pass"},
		{"stages=test-settings stage.test-settings=1", "stage.<id>.<key>"},
	} {
		keys := map[string]string{}
		for _, pair := range strings.Fields(wrong.keys) {
			key, value, _ := strings.Cut(pair, "=")
			keys[key] = value
		}
		_, _, err := server.LoadConfig("", nil, keys)
		if err == nil || !strings.Contains(err.Error(), wrong.want) {
			t.Errorf("%s: %v", wrong.keys, err)
		}
	}
	config, _, err := server.LoadConfig("", nil, map[string]string{"stages": "test-settings", "stage.test-settings.rate": "7"})
	if err != nil {
		t.Fatal(err)
	}
	if a := config.Stages.Active; len(a) != 1 || a[0].Settings.Whole("rate") != 7 || a[0].Limit != actors.StageLimit {
		t.Errorf("active: %+v", a)
	}
	var help bytes.Buffer
	if err := server.WriteConfigHelp(&help); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(help.String(), "stage.test-settings.rate") || !strings.Contains(help.String(), "Requests a second.") {
		t.Error("the help doesn't show the stage's keys")
	}
	if _, err := server.New(server.Options{Stages: []actors.CustomStage{rule, rule}}); err == nil {
		t.Error("two stages may have one ID")
	}
}

// taps notes what each server's stage AfterCommit is shown.
type taps struct {
	mu   sync.Mutex
	seen map[messages.ServerID][]messages.Zxid
	gaps int
}

func (s *taps) stage() actors.CustomStage {
	return actors.CustomStage{ID: "tap", Place: actors.AfterCommit, New: func(env *actors.CustomEnv) (actors.Stage, error) {
		return &tap{taps: s, server: env.Server}, nil
	}}
}

type tap struct {
	*taps
	server messages.ServerID
}

func (s *tap) Handle(batch []actors.Item) []actors.Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		s.seen[s.server] = append(s.seen[s.server], batch[i].Zxid())
	}
	return batch
}

func (s *tap) ResumeAfter() messages.Zxid { return s.last(s.server) }

func (s *tap) Gap(_, to messages.Zxid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaps++
}

func (s *taps) last(server messages.ServerID) messages.Zxid {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.seen[server]); n > 0 {
		return s.seen[server][n-1]
	}
	return 0
}

// check compares the servers: all have seen the same, up to the end.
func (s *taps) check(t *testing.T, servers int, end messages.Zxid) {
	t.Helper()
	for i := range servers {
		eventually(t, "the stage has seen everything", func() bool { return s.last(messages.ServerID(i+1)) >= end })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, seen := range s.seen {
		for i := 1; i < len(seen); i++ {
			if !seen[i].Follows(seen[i-1]) {
				t.Fatalf("server %d: %v is shown behind %v", id, seen[i], seen[i-1])
			}
		}
		if other := s.seen[1]; len(other) > 0 && seen[0] != other[0] {
			t.Errorf("server %d begins with %v, server 1 with %v", id, seen[0], other[0])
		}
	}
	if s.gaps > 0 {
		t.Errorf("%d gaps", s.gaps)
	}
}

// late is a stage that hands on what it has a moment later.
type late struct {
	env  *actors.CustomEnv
	kept []actors.Item
}

func (l *late) Handle(batch []actors.Item) []actors.Item {
	l.kept = append(l.kept, batch...)
	l.env.After(time.Millisecond, func() []actors.Item {
		out := l.kept
		l.kept = nil
		return out
	})
	return nil
}

// everywhere is two stages at each place where something can be held up: one lets everything pass, one takes its time.
func everywhere() (stages []actors.CustomStage) {
	for i, place := range []actors.Place{actors.BeforeRequest, actors.BeforePrep, actors.BeforeProposal, actors.BeforeReply} {
		stages = append(stages, stageOf(fmt.Sprintf("pass%d", i), place, actors.Refuse, 0, func(b []actors.Item) []actors.Item { return b }))
		stages = append(stages, actors.CustomStage{
			ID: fmt.Sprintf("late%d", i), Place: place, New: func(env *actors.CustomEnv) (actors.Stage, error) { return &late{env: env}, nil },
		})
	}
	return stages
}

// With stages at all places leadership moves while clients write, and none notices; the stages behind the commit see the
// same on all servers.
func TestStagesInAnEnsembleThatHandsOver(t *testing.T) {
	e := newTroupe(t, 3, 0)
	seen := &taps{seen: map[messages.ServerID][]messages.Zxid{}}
	e.options = func(_ int, o *server.Options) { o.Stages = append(everywhere(), seen.stage()) }
	e.startAll()
	ctx := serveContext(t)
	load := e.load(ctx, 2)
	for range 3 {
		load.await(50)
		from := e.leader()
		if from < 0 {
			t.Fatal("nobody leads")
		}
		to := (from + 1) % 3
		eventually(t, "the handover begins", func() bool {
			err := e.servers[from].MoveLeader(ctx, messages.ServerID(to+1))
			if err != nil && !strings.Contains(err.Error(), "up to date") {
				t.Fatalf("from server %d to server %d: %v", from+1, to+1, err)
			}
			return err == nil
		})
		eventually(t, "the heir leads", func() bool { return e.leader() == to })
	}
	load.await(50)
	load.end()
	c := e.connect(ctx, 0)
	stat, err := c.Set(ctx, "/load", nil, -1)
	if err != nil {
		t.Fatal(err)
	}
	seen.check(t, 3, stat.Mzxid)
}

// The same while leaders stop and come back.
func TestStagesSurviveTheirLeader(t *testing.T) {
	e := newTroupe(t, 3, 0)
	seen := &taps{seen: map[messages.ServerID][]messages.Zxid{}}
	e.options = func(_ int, o *server.Options) { o.Stages = append(everywhere(), seen.stage()) }
	e.startAll()
	ctx := serveContext(t)
	c := e.connectTo(ctx, e.address(0), e.address(1), e.address(2))
	write := func(n int) (end messages.Zxid) {
		for range n {
			eventually(t, "a write", func() bool {
				path, err := c.Create(ctx, "/n-", nil, client.PersistentSequential)
				if err != nil {
					return false
				}
				stat, err := c.Exists(ctx, path)
				end = stat.Czxid
				return err == nil
			})
		}
		return end
	}
	for range 2 {
		write(30)
		leader := e.leader()
		if leader < 0 {
			t.Fatal("nobody leads")
		}
		e.stop(leader)
		eventually(t, "somebody else leads", func() bool { return e.leader() >= 0 })
		write(30)
		e.start(leader)
		e.awaitServing()
	}
	seen.check(t, 3, write(10))
}

// A stage whose constructor fails is tried again; its policy applies meanwhile.
func TestStageThatCannotBeMade(t *testing.T) {
	var mu sync.Mutex
	tries := 0
	late := actors.CustomStage{ID: "late", Place: actors.BeforeRequest, New: func(*actors.CustomEnv) (actors.Stage, error) {
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries < 3 {
			return nil, errors.New("its file can't be opened")
		}
		return actors.StageFunc(func(b []actors.Item) []actors.Item { return b }), nil
	}}
	s := startServer(t, withStages(late))
	c := dialClient(t, s.ClientAddress())
	ctx := serveContext(t)
	eventually(t, "the stage works", func() bool {
		_, err := c.Create(ctx, "/a-", nil, client.PersistentSequential)
		if err != nil && code(err) != messages.ErrSystemError {
			t.Fatal(err)
		}
		return err == nil
	})
	if state, _, failure := stageState(t, s, "late"); state != "up" || !strings.Contains(failure, "can't be opened") {
		t.Errorf("state %s, %q", state, failure)
	}
}

// A stage that is for leaders alone works where the leader is, and lets everything pass elsewhere.
func TestStageFollowsItsRole(t *testing.T) {
	stage := stageOf("leaders", actors.BeforeRequest, actors.Refuse, 0, func(b []actors.Item) []actors.Item {
		for i := range b {
			if b[i].Path() == "/refused" {
				b[i].Refuse(messages.ErrNoAuth)
			}
		}
		return b
	})
	stage.Roles = []actors.Role{actors.RoleLeader}
	e := embed(t, server.EmbedOptions{Servers: 3, Stages: []actors.CustomStage{stage}})
	ctx := serveContext(t)
	for range 2 {
		leader := e.Leader()
		if leader == 0 {
			t.Fatal("nobody leads")
		}
		for n := 1; n <= 3; n++ {
			c := connectTo(t, e.Address(n))
			_, err := c.Exists(ctx, "/refused")
			want, state := messages.ErrNoNode, "off"
			if n == leader {
				want, state = messages.ErrNoAuth, "up"
			}
			if got, _, _ := stageState(t, e.Server(n), "leaders"); code(err) != want || got != state {
				t.Errorf("server %d, the leader is %d: %v, the stage is %s", n, leader, err, got)
			}
		}
		heir := leader%3 + 1
		eventually(t, "the handover", func() bool { return e.Server(leader).MoveLeader(ctx, messages.ServerID(heir)) == nil })
		eventually(t, "the heir leads", func() bool { return e.Leader() == heir })
	}
}
