package main

import (
	"os"
	"strings"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server"
)

func main() { os.Exit(server.Main(os.Args[1:], stage)) }

var stage = actors.CustomStage{
	ID:     "tenants",
	Help:   "Lets each tenant do so many writes a second.",
	Place:  actors.BeforeRequest,
	Policy: actors.PassOn, // a limit that has failed is no reason to refuse everybody
	Keys: []actors.StageKey{
		{Name: "writes", Kind: actors.KeyWhole, Default: "3", Min: 1, Max: 1e6, Help: "Writes a second of each tenant."},
	},
	New: func(env *actors.CustomEnv) (actors.Stage, error) {
		return &limit{env: env, most: env.Settings.Whole("writes"), used: map[string]int64{}, refused: env.Counter("over_limit")}, nil
	},
}

type limit struct {
	env     *actors.CustomEnv
	most    int64
	second  int64
	used    map[string]int64
	refused *actors.Counter
}

// Handle counts by the second, of the clock that it is given: a test moves that one.
func (l *limit) Handle(batch []actors.Item) []actors.Item {
	if now := l.env.Clock.MonoUs() / 1e6; now != l.second {
		l.second = now
		clear(l.used)
	}
	for i := range batch {
		if !batch[i].Op().IsWrite() {
			continue
		}
		tenant, _, _ := strings.Cut(strings.TrimPrefix(batch[i].Path(), "/"), "/")
		if l.used[tenant]++; tenant != "" && l.used[tenant] > l.most {
			l.refused.Inc()
			batch[i].Refuse(messages.ErrThrottledOp)
		}
	}
	return batch
}
