package server

import (
	"bytes"
	"net/url"
	"slices"
)

// A command is one thing that an operator may ask of the running server. Each is a small type of its own and knows
// nothing of how it is asked: run returns a typed result, and the two front ends, four-letter words and HTTP, only
// give it a form.
type command interface {
	about() commandInfo
	run(c *console, a url.Values) (commandResult, error)
}

// commandInfo is what the front ends need to know before they run a command.
type commandInfo struct {
	word   string   // the four-letter word, "" when there is none
	names  []string // over HTTP; the first one is the primary name, which answers carry
	help   string   // one sentence for the list at /commands
	always bool     // answered also while the server serves nobody
	post   bool     // asked with POST, not with GET
}

// commandResult is what a command has found out. It is marshalled as a JSON object, whose fields are those that
// ZooKeeper's AdminServer gives. A result of a command with a four-letter word also has a text.
type commandResult any

// texter is a result that four-letter words can show. The text has its own line ends.
type texter interface {
	text(w *bytes.Buffer)
}

// commands is the registry: every command of both front ends.
var commands = []command{
	confCommand{}, consCommand{}, crstCommand{}, dirsCommand{}, dumpCommand{}, enviCommand{}, gtmkCommand{},
	stmkCommand{}, hashCommand{}, icfgCommand{}, isroCommand{}, lsnpCommand{}, leadCommand{}, mntrCommand{},
	obsrCommand{}, orstCommand{}, ruokCommand{}, srvrCommand{}, statCommand{}, srstCommand{}, syspCommand{},
	votingCommand{}, wchcCommand{}, wchpCommand{}, wchsCommand{}, zabCommand{}, snapshotCommand{}, restoreCommand{},
	moveLeaderCommand{}, stagesCommand{},
}

// commandsByWord and commandsByName find commands for the front ends.
var (
	commandsByWord = indexCommands(func(i commandInfo) []string {
		if i.word == "" {
			return nil
		}
		return []string{i.word}
	})
	commandsByName = indexCommands(func(i commandInfo) []string { return i.names })
)

func indexCommands(keys func(commandInfo) []string) map[string]command {
	index := map[string]command{}
	for _, c := range commands {
		for _, k := range keys(c.about()) {
			if _, twice := index[k]; twice {
				panic("two commands are called " + k)
			}
			index[k] = c
		}
	}
	return index
}

// fourLetterWords lists the words of all commands, sorted. Which of them are answered is a matter of the white list.
func fourLetterWords() []string {
	words := make([]string, 0, len(commandsByWord))
	for w := range commandsByWord {
		words = append(words, w)
	}
	slices.Sort(words)
	return words
}

// runCommand is the way of both front ends to a command: while nothing is served, most have nothing to tell.
func runCommand(c *console, cmd command, a url.Values) (commandResult, error) {
	if !cmd.about().always && c.view() == nil {
		return nil, errNotServing
	}
	return cmd.run(c, a)
}

// emptyResult is that of a command which only does something.
type emptyResult struct{}
