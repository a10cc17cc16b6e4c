package main

import (
	"os"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server"
)

func main() { os.Exit(server.Main(os.Args[1:], frozen)) }

// frozen lets nobody write at and below a path.
var frozen = actors.CustomStage{
	ID: "frozen", Place: actors.BeforePrep, Policy: actors.Refuse,
	Keys: []actors.StageKey{{Name: "path", Kind: actors.KeyPath, Default: "/frozen", Help: "Where nobody writes."}},
	New: func(env *actors.CustomEnv) (actors.Stage, error) {
		path := env.Settings.Text("path")
		return actors.StageFunc(func(batch []actors.Item) []actors.Item {
			for i := range batch {
				for _, c := range batch[i].Changes() {
					if messages.HasPathPrefix(c.Path, path) {
						batch[i].Refuse(messages.ErrNoAuth)
					}
				}
			}
			return batch
		}), nil
	},
}
