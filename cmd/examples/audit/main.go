package main

import (
	"fmt"
	"os"
	"time"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/server"
)

func main() { os.Exit(server.Main(os.Args[1:], stage)) }

var stage = actors.CustomStage{
	ID:     "audit-file",
	Help:   "Writes a line to a file for each write.",
	Place:  actors.BeforeReply,
	Policy: actors.Refuse, // no write is acknowledged that isn't written down
	Keys:   []actors.StageKey{{Name: "file", Default: "audit.log", Help: "The file, which is appended to."}},
	New: func(env *actors.CustomEnv) (actors.Stage, error) {
		file, err := os.OpenFile(env.Settings.Text("file"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
		return &audit{env: env, file: file}, err
	},
}

type audit struct {
	env  *actors.CustomEnv
	file *os.File
}

// Handle writes what it is shown and hands it on. If the disk is full it panics: the policy holds the replies back then.
func (a *audit) Handle(batch []actors.Item) []actors.Item {
	now := time.UnixMilli(a.env.Clock.WallMs()).UTC().Format(time.RFC3339)
	for i := range batch {
		item := &batch[i]
		if !item.Op().IsWrite() {
			continue
		}
		_, err := fmt.Fprintf(a.file, "%s %v %s %v %v %q: %v\n", now, item.Session(), item.Client(), item.Identities(), item.Op(), item.Path(),
			item.Outcome())
		if err != nil {
			panic(err)
		}
	}
	return batch
}

// Close is called when the pipeline ends.
func (a *audit) Close() { _ = a.file.Close() }
