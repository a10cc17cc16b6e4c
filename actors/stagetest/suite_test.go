package stagetest_test

import (
	"bytes"
	"testing"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/actors/stagetest"
	"github.com/troupekeeper/troupe/messages"
)

var places = []actors.Place{
	actors.BeforeRequest, actors.BeforePrep, actors.BeforeProposal, actors.AfterCommit, actors.BeforeReply,
}

func stage(id string, place actors.Place, f func(env *actors.CustomEnv) actors.Stage) actors.CustomStage {
	return actors.CustomStage{ID: id, Place: place, New: func(env *actors.CustomEnv) (actors.Stage, error) { return f(env), nil }}
}

func function(f actors.StageFunc) func(*actors.CustomEnv) actors.Stage {
	return func(*actors.CustomEnv) actors.Stage { return f }
}

func TestAStageThatDoesNothingPassesEverywhere(t *testing.T) {
	for _, place := range places {
		t.Run(place.String(), func(t *testing.T) {
			stagetest.Run(t, stagetest.Options{}, stage("pass", place, function(func(b []actors.Item) []actors.Item { return b })))
		})
	}
}

func TestAStageThatRefusesPasses(t *testing.T) {
	rule := function(func(b []actors.Item) []actors.Item {
		for i := range b {
			if b[i].Op() == messages.OpDelete {
				b[i].Refuse(messages.ErrNoAuth)
			}
		}
		return b
	})
	for _, place := range places[:3] {
		t.Run(place.String(), func(t *testing.T) { stagetest.Run(t, stagetest.Options{}, stage("rule", place, rule)) })
	}
}

// wrong are stages with one fault each.
var wrong = map[string]struct {
	make func(env *actors.CustomEnv) actors.Stage
	fail string // a part of the suite that must see it
}{
	"reorders": {function(func(b []actors.Item) []actors.Item {
		for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
		return b
	}), "order"},
	"drops": {function(func(b []actors.Item) []actors.Item {
		if len(b) > 3 {
			return append(b[:1:1], b[2:]...)
		}
		return b
	}), "order"},
	"duplicates": {function(func(b []actors.Item) []actors.Item { return append(b, b[len(b)-1]) }), "batching"},
	"panics": {function(func(b []actors.Item) []actors.Item {
		for i := range b {
			if list := b[i].Changes(); b[i].Op() == messages.OpMulti && len(list) == 0 {
				_ = list[0] // nobody sends a multi of nothing, or one that can't be read
			}
		}
		return b
	}), "input"},
	"hoards": {func(env *actors.CustomEnv) actors.Stage {
		var kept []actors.Item
		return actors.StageFunc(func(b []actors.Item) []actors.Item { // it waits for a hundred, however long that takes
			if kept = append(kept, b...); len(kept) < 100 {
				return nil
			}
			out := kept
			kept = nil
			return out
		})
	}, "batching"},
	"scribbles": {function(func(b []actors.Item) []actors.Item {
		for i := range b {
			body := b[i].Request().Body
			for k := bytes.Index(body, []byte("value")); k >= 0; k = -1 {
				body[k] = 'V'
			}
		}
		return b
	}), "data"},
	"shares": {func() func(env *actors.CustomEnv) actors.Stage {
		var first actors.Stage // of the pipeline before: it hands on by a goroutine that is no more
		return func(env *actors.CustomEnv) actors.Stage {
			if first == nil {
				first = &late{env: env}
			}
			return first
		}
	}(), "restart"},
}

// late hands everything on a moment later.
type late struct {
	env  *actors.CustomEnv
	kept []actors.Item
}

func (l *late) Handle(b []actors.Item) []actors.Item {
	l.kept = append(l.kept, b...)
	l.env.Run(func() []actors.Item {
		out := l.kept
		l.kept = nil
		return out
	})
	return nil
}

func TestWrongStagesAreCaught(t *testing.T) {
	for name, w := range wrong {
		t.Run(name, func(t *testing.T) {
			failed := stagetest.Check(stagetest.Options{}, stage(name, actors.BeforeRequest, w.make))
			if failed[w.fail] == nil {
				t.Errorf("the part %s sees nothing; others: %v", w.fail, failed)
			} else {
				t.Logf("%s: %v", w.fail, failed[w.fail])
			}
		})
	}
}

func TestAStageThatKeepsThingsForAMomentPasses(t *testing.T) {
	for _, place := range places {
		t.Run(place.String(), func(t *testing.T) {
			stagetest.Run(t, stagetest.Options{}, stage("late", place, func(env *actors.CustomEnv) actors.Stage { return &late{env: env} }))
		})
	}
}
