package main

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/server"
)

func main() { os.Exit(server.Main(os.Args[1:], stage)) }

var stage = actors.CustomStage{
	ID:     "policy",
	Help:   "Takes values below a prefix only if they are JSON objects with the required fields.",
	Place:  actors.BeforeProposal, // what comes here is valid otherwise, so a refusal has one reason alone
	Policy: actors.Refuse,         // better no write than one that breaks the rule
	Keys: []actors.StageKey{
		{Name: "prefix", Kind: actors.KeyPath, Default: "/config", Help: "Where the rule holds."},
		{Name: "required", Default: "owner", Help: "Fields that must be there, separated by commas."},
	},
	New: func(env *actors.CustomEnv) (actors.Stage, error) {
		prefix, required := env.Settings.Text("prefix"), strings.Split(env.Settings.Text("required"), ",")
		return actors.StageFunc(func(batch []actors.Item) []actors.Item {
			for i := range batch {
				for _, c := range batch[i].Changes() {
					below := c.Path != prefix && messages.HasPathPrefix(c.Path, prefix)
					if below && (c.Op == messages.OpCreate || c.Op == messages.OpSetData) && !fits(c.Data, required) {
						env.Log.Info().Str("path", c.Path).Msg("refused: the value is not what the policy asks for")
						batch[i].Refuse(messages.ErrBadArguments)
					}
				}
			}
			return batch
		}), nil
	},
}

// fits tells whether a value is an object with all the fields.
func fits(value []byte, required []string) bool {
	var object map[string]json.RawMessage
	if json.Unmarshal(value, &object) != nil {
		return false
	}
	for _, field := range required {
		if _, ok := object[strings.TrimSpace(field)]; !ok {
			return false
		}
	}
	return true
}
