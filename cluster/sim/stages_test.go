package sim_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/cluster/sim"
)

// dawdler is a stage that lets everything pass, some of it later, and fails now and then.
type dawdler struct {
	env  *actors.CustomEnv
	rand *rand.Rand
	kept []actors.Item
}

func (d *dawdler) Handle(batch []actors.Item) []actors.Item {
	if d.rand.IntN(200) == 0 {
		panic("by chance")
	}
	d.kept = append(d.kept, batch...)
	return d.some()
}

func (d *dawdler) some() []actors.Item {
	n := d.rand.IntN(len(d.kept) + 1)
	out := d.kept[:n:n]
	if d.kept = d.kept[n:]; len(d.kept) > 0 {
		d.env.After(time.Duration(d.rand.IntN(20))*time.Millisecond, d.some)
	}
	return out
}

// TestEnsemblesWithStages: all that must hold in an ensemble holds with stages at every place.
func TestEnsemblesWithStages(t *testing.T) {
	sum := figures{began: time.Now()}
	for n := range max(*seeds, 3) {
		o := sim.Options{Seed: *from + n, Moves: *moves, Tail: *tail}
		for place := actors.BeforeRequest; place <= actors.BeforeReply; place++ {
			stage := actors.CustomStage{
				ID: fmt.Sprintf("s%d", place), Place: place, Policy: actors.PassOn,
				New: func(env *actors.CustomEnv) (actors.Stage, error) {
					return &dawdler{env: env, rand: rand.New(rand.NewPCG(o.Seed, uint64(place)))}, nil
				},
			}
			active, err := stage.Configure(nil)
			if err != nil {
				t.Fatal(err)
			}
			o.Stages = append(o.Stages, active)
		}
		r := sim.Run(o)
		sum.add(&r)
		if r.Property != "" {
			report(t, &r)
		}
		if n == 0 {
			sameAgain(t, o, &r)
		}
	}
	t.Logf("%v\n%s", &sum, sum.stats.String())
}
