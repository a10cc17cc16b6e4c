package actors_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// places are where a stage may refuse.
var places = []actors.Place{actors.BeforeRequest, actors.BeforePrep, actors.BeforeProposal}

var allPlaces = append(places, actors.AfterCommit, actors.BeforeReply)

// running gives a server's options stages.
func running(t testing.TB, stages ...actors.CustomStage) func(*actors.Options) {
	t.Helper()
	return func(o *actors.Options) {
		for _, s := range stages {
			active, err := s.Configure(nil)
			if err != nil {
				t.Fatal(err)
			}
			o.Stages = append(o.Stages, active)
		}
	}
}

// handling is a stage that is one function.
func handling(id string, place actors.Place, policy actors.FailurePolicy, f func(env *actors.CustomEnv, batch []actors.Item) []actors.Item,
) actors.CustomStage {
	return actors.CustomStage{ID: id, Place: place, Policy: policy, New: func(env *actors.CustomEnv) (actors.Stage, error) {
		return actors.StageFunc(func(batch []actors.Item) []actors.Item { return f(env, batch) }), nil
	}}
}

// status is how a stage of the server does.
func (p *pipeline) status(id string) (actors.StageStatus, *actors.StageStats) {
	p.t.Helper()
	for _, s := range p.rt.Stages.All() {
		if s.ID == id {
			return s.Status(), s
		}
	}
	p.t.Fatalf("there is no stage %s", id)
	panic("unreachable")
}

func refusing(under string) func(*actors.CustomEnv, []actors.Item) []actors.Item {
	return func(_ *actors.CustomEnv, batch []actors.Item) []actors.Item {
		for i := range batch {
			if strings.HasPrefix(batch[i].Path(), under) {
				batch[i].Refuse(messages.ErrQuotaExceeded)
			}
		}
		return batch
	}
}

func TestStageRefusesAndTheRestGoesOn(t *testing.T) {
	for _, place := range places {
		p := newPipeline(t, pipelineOptions{set: running(t, handling("rule", place, actors.Refuse, refusing("/no")))})
		c := p.connect(nil)
		for i, path := range []string{"/yes", "/no", "/also", "/nor"} {
			c.ask(messages.OpCreate, createRequest(path, 0))
			c.ask(messages.OpExists, getRequest(path, false))
			_ = i
		}
		p.settle()
		var got []messages.ErrCode
		for _, f := range c.take() {
			got = append(got, f.err)
		}
		read := messages.ErrCode(-101)
		if place == actors.BeforeRequest {
			read = -125
		}
		want := []messages.ErrCode{0, 0, -125, read, 0, 0, -125, read}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v: %v, want %v", place, got, want)
		}
		if _, stats := p.status("rule"); stats.Refused.Load() == 0 || stats.Failures.Load() != 0 {
			t.Errorf("%v: refused %d, failures %d", place, stats.Refused.Load(), stats.Failures.Load())
		}
		p.stop()
	}
}

// A stage that panics on each batch: requests are refused or pass as its policy says, and the server goes on.
func TestStageThatPanics(t *testing.T) {
	for _, place := range allPlaces {
		for _, policy := range []actors.FailurePolicy{actors.Refuse, actors.PassOn} {
			s := handling("bad", place, policy, func(*actors.CustomEnv, []actors.Item) []actors.Item { panic("broken") })
			p := newPipeline(t, pipelineOptions{set: running(t, s)})
			refuses := policy == actors.Refuse && place != actors.AfterCommit
			for n := range 5 {
				c := p.dial(nil)
				p.settle()
				c.take()
				if !c.ready {
					t.Fatalf("%v, %v: no session", place, policy)
				}
				c.ask(messages.OpCreate, createRequest(fmt.Sprintf("/a%d", n), 0))
				p.settle()
				got := c.take()
				switch {
				case refuses && place == actors.BeforeReply:
					if len(got) != 0 || !c.peer.Closed() {
						t.Errorf("%v, %v: got %v, closed %v", place, policy, got, c.peer.Closed())
					}
				case len(got) != 1 || (got[0].err == messages.ErrSystemError) != refuses:
					t.Errorf("%v, %v: got %v", place, policy, got)
				}
				p.pass(time.Second)
			}
			status, stats := p.status("bad")
			if stats.Failures.Load() < 2 || !strings.Contains(status.LastFailure, "broken") {
				t.Errorf("%v, %v: %d failures, last %q", place, policy, stats.Failures.Load(), status.LastFailure)
			}
			p.stop()
		}
	}
}

// Each fault at the exit is seen, the stage is made anew, and nobody's request is lost or swapped: the client checks that.
func TestStageFaultsAreSeen(t *testing.T) {
	faults := map[string]func([]actors.Item) []actors.Item{
		"reordered":  func(b []actors.Item) []actors.Item { b[0], b[1] = b[1], b[0]; return b },
		"duplicated": func(b []actors.Item) []actors.Item { return append(b, b[0]) },
		"dropped":    func(b []actors.Item) []actors.Item { return b[1:] },
		"invented":   func(b []actors.Item) []actors.Item { return append(b, actors.Item{}) },
	}
	for name, fault := range faults {
		for _, place := range allPlaces {
			done := false
			s := handling("faulty", place, actors.PassOn, func(_ *actors.CustomEnv, b []actors.Item) []actors.Item {
				if done || len(b) < 2 {
					return b
				}
				done = true
				return fault(b)
			})
			p := newPipeline(t, pipelineOptions{set: running(t, s)})
			c := p.connect(nil)
			for n := range 20 {
				c.ask(messages.OpCreate, createRequest(fmt.Sprintf("/%d", n), 0))
			}
			p.settle()
			if got := c.take(); len(got) != 20 || !done {
				t.Errorf("%s %v: %d replies, fault made: %v", name, place, len(got), done)
			}
			if _, stats := p.status("faulty"); stats.Failures.Load() != 1 {
				t.Errorf("%s %v: %d failures", name, place, stats.Failures.Load())
			}
			p.pass(time.Second)
			if status, _ := p.status("faulty"); status.State != "up" {
				t.Errorf("%s %v: afterwards it is %s", name, place, status.State)
			}
			p.stop()
		}
	}
}

// A stage that keeps what it was given is named when its limit has passed, and its policy applies.
func TestStageThatIsStuck(t *testing.T) {
	for _, policy := range []actors.FailurePolicy{actors.Refuse, actors.PassOn} {
		s := handling("miser", actors.BeforeRequest, policy, func(*actors.CustomEnv, []actors.Item) []actors.Item { return nil })
		p := newPipeline(t, pipelineOptions{set: running(t, s)})
		c := p.connect(nil)
		c.ask(messages.OpCreate, createRequest("/a", 0))
		c.ask(messages.OpPing, nil)
		p.settle()
		if got := c.take(); len(got) != 1 || got[0].op != messages.OpPing {
			t.Fatalf("%v: got %v, only the ping should have passed", policy, got)
		}
		p.pass(actors.StageLimit * 3 / 2)
		got := c.take()
		if len(got) != 1 || (got[0].err == messages.ErrSystemError) != (policy == actors.Refuse) {
			t.Errorf("%v: got %v", policy, got)
		}
		status, stats := p.status("miser")
		if stats.Stuck.Load() != 1 || !strings.Contains(status.LastFailure, "stuck") {
			t.Errorf("%v: stuck %d times, %q", policy, stats.Stuck.Load(), status.LastFailure)
		}
		p.stop()
	}
}

// A stage of class Ordered takes its pipeline along; clients come back with their sessions.
func TestOrderedStageEndsItsPipeline(t *testing.T) {
	failed := false
	s := handling("strict", actors.BeforePrep, actors.Refuse, func(_ *actors.CustomEnv, b []actors.Item) []actors.Item {
		if b[0].Op() == messages.OpCreate && !failed {
			failed = true
			panic("once")
		}
		return b
	})
	s.Class = actors.Ordered
	p := newPipeline(t, pipelineOptions{set: running(t, s)})
	c := p.connect(nil)
	c.ask(messages.OpCreate, createRequest("/a", 0))
	p.settle()
	if p.view.Load() == nil || p.view.Load().Generation != 2 {
		t.Fatalf("the pipeline wasn't built anew: %+v", p.view.Load())
	}
	c = p.connect(c)
	if r := c.call(messages.OpCreate, createRequest("/a", 0)); r.err != 0 {
		t.Error(r)
	}
	p.stop()
}

// The stages AfterCommit see every transaction once and in order, over failures of theirs and of the pipeline.
func TestTapMissesNothing(t *testing.T) {
	var seen []messages.Zxid
	calls := 0
	s := handling("tap", actors.AfterCommit, actors.PassOn, func(_ *actors.CustomEnv, b []actors.Item) []actors.Item {
		if calls++; calls%5 == 0 {
			panic("now and then") // before it has noted anything
		}
		for i := range b {
			seen = append(seen, b[i].Zxid())
		}
		return b
	})
	build := s.New
	s.New = func(env *actors.CustomEnv) (actors.Stage, error) {
		inner, err := build(env)
		return resumer{inner, &seen}, err
	}
	p := newPipeline(t, pipelineOptions{set: running(t, s)})
	c := p.connect(nil)
	for n := range 400 {
		c.ask(messages.OpCreate, createRequest(fmt.Sprintf("/%d", n), 0))
		if n%7 == 0 {
			p.settle()
		}
		if n%50 == 0 {
			p.pass(time.Second)
		}
	}
	p.pass(10 * time.Minute)
	last := p.view.Load().LastZxid()
	if len(seen) != int(last.Counter()) {
		t.Fatalf("%d seen, the tree is at %v", len(seen), last)
	}
	for i, zxid := range seen {
		if zxid != messages.Zxid(i+1) {
			t.Fatalf("seen %v at %d", zxid, i)
		}
	}
	if _, stats := p.status("tap"); stats.Failures.Load() < 3 {
		t.Errorf("it has failed %d times only", stats.Failures.Load())
	}
	p.stop()
}

// resumer goes on behind what it has seen.
type resumer struct {
	actors.Stage
	seen *[]messages.Zxid
}

func (r resumer) ResumeAfter() messages.Zxid {
	if n := len(*r.seen); n > 0 {
		return (*r.seen)[n-1]
	}
	return 0
}

func TestReplyStageSeesWhatHappened(t *testing.T) {
	var lines []string
	s := handling("audit", actors.BeforeReply, actors.Refuse, func(_ *actors.CustomEnv, b []actors.Item) []actors.Item {
		for i := range b {
			lines = append(lines, fmt.Sprintf("%v %s %d %v", b[i].Op(), b[i].Path(), b[i].Outcome(), b[i].Txn() != nil))
			if b[i].Client() == "" || len(b[i].Identities()) == 0 || b[i].Session() == 0 || b[i].Zxid() == 0 {
				lines = append(lines, "incomplete")
			}
		}
		return b
	})
	rule := handling("rule", actors.BeforeRequest, actors.Refuse, refusing("/no"))
	p := newPipeline(t, pipelineOptions{set: running(t, s, rule)})
	c := p.connect(nil)
	c.call(messages.OpCreate, createRequest("/a", 0))
	c.call(messages.OpCreate, createRequest("/a", 0))
	c.call(messages.OpGetData, getRequest("/b", false))
	c.call(messages.OpSetData, setRequest("/no", "x", -1))
	c.call(messages.OpDelete, (&jute.PathVersion{Path: "/a", Version: -1}).Append(nil))
	want := "create /a 0 true\ncreate /a -110 false\ngetData /b -101 false\nsetData /no -125 false\ndelete /a 0 true"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("seen:\n%s\nwant:\n%s", got, want)
	}
	p.stop()
}

// keeper is a stage that refuses some writes and hands on what it has later and by bits, as chance has it.
type keeper struct {
	env  *actors.CustomEnv
	rand *rand.Rand
	kept []actors.Item

	refuses bool
}

func (k *keeper) Handle(batch []actors.Item) []actors.Item {
	if k.rand.IntN(40) == 0 {
		panic("by chance")
	}
	for i := range batch {
		switch batch[i].Op() {
		case messages.OpCreate, messages.OpCreate2, messages.OpSetData, messages.OpDelete, messages.OpMulti:
			if k.refuses && k.rand.IntN(8) == 0 {
				batch[i].Refuse(messages.ErrQuotaExceeded)
			}
		}
	}
	k.kept = append(k.kept, batch...)
	return k.some()
}

func (k *keeper) some() []actors.Item {
	n := k.rand.IntN(len(k.kept) + 1)
	out := k.kept[:n:n]
	if k.kept = k.kept[n:]; len(k.kept) > 0 {
		k.env.Run(k.some)
	}
	return out
}

// All that must hold without stages holds with stages at all places that keep what they were given and fail by chance.
func TestRandomRunsWithStages(t *testing.T) {
	for seed := uint64(1); seed <= 60 && !t.Failed(); seed++ {
		var stages []actors.CustomStage
		for _, place := range allPlaces {
			for n := range 2 {
				stages = append(stages, actors.CustomStage{
					ID: fmt.Sprintf("s%d%d", place, n), Place: place, Policy: actors.PassOn,
					New: func(env *actors.CustomEnv) (actors.Stage, error) {
						return &keeper{
							env: env, rand: rand.New(rand.NewPCG(seed, uint64(place))), refuses: slices.Contains(places, place),
						}, nil
					},
				})
			}
		}
		simulate(t, seed, running(t, stages...))
	}
}

// A stage has operations of its own done, in a session as clients have them, whatever the ACLs say.
func TestStageSubmitsOperations(t *testing.T) {
	var answers []string
	s := actors.CustomStage{ID: "counts", Place: actors.AfterCommit, New: func(e *actors.CustomEnv) (actors.Stage, error) {
		note := func(what string) func(actors.Answer) []actors.Item {
			return func(a actors.Answer) []actors.Item {
				answers = append(answers, fmt.Sprintf("%s %v", what, a.Err))
				return nil
			}
		}
		e.Run(func() []actors.Item {
			e.Create("/counts", []byte("0"), 0, note("create"))
			e.Create("/counts", []byte("0"), 0, note("again"))
			e.Create("/counts/me", nil, 1, note("ephemeral"))
			e.Set("/counts", []byte("1"), 0, note("set"))
			e.Delete("/missing", -1, note("delete"))
			return nil
		})
		return actors.StageFunc(func(b []actors.Item) []actors.Item { return b }), nil
	}}
	p := newPipeline(t, pipelineOptions{set: running(t, s)})
	want := "create <nil>, again node exists, ephemeral <nil>, set <nil>, delete no node"
	if got := strings.Join(answers, ", "); got != want {
		t.Errorf("answers: %s, want %s", got, want)
	}
	p.pass(3 * time.Minute) // the session lives
	c := p.connect(nil)
	if r := c.call(messages.OpGetData, getRequest("/counts/me", false)); r.err != 0 {
		t.Error(r)
	}
	p.stop()
}

// Where no stage is configured there is nothing of all this.
func TestWithoutStagesThePipelineIsAsItWas(t *testing.T) {
	p := newPipeline(t, pipelineOptions{})
	if l := p.view.Load().Links; l.Custom != nil || !strings.HasSuffix(l.Prep.Id, "/prep-1") || !strings.HasSuffix(l.Front.Id, "/request-1") {
		t.Errorf("links: %+v", l)
	}
	if len(p.rt.Stages.All()) != 0 {
		t.Error("there are stages")
	}
}
