package server

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/url"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"github.com/troupekeeper/troupe/actors"
	"github.com/troupekeeper/troupe/messages"
)

// commandProps are those of the actor that answers four-letter words. It waits for other actors' answers and may
// look at the disk, so it has a goroutine to itself.
func (s *Server) commandProps() *actor.Props {
	log := Component(s.log, "commands")
	return s.runtime.PinnedProps("commands", func() actor.Actor {
		return &wordActor{console: s.admin.console, runtime: s.runtime, log: log}
	})
}

// wordActor is the front end of the four-letter words.
type wordActor struct {
	console *console
	runtime *actors.Runtime
	log     zerolog.Logger
}

// Receive implements actor.Actor.
func (a *wordActor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.FourLetterWord:
		a.answer(m)
	case *actor.Started, *actor.Stopping, *actor.Stopped, *actor.Restarting, actors.Drained:
	default:
		a.runtime.Metrics.Unexpected.Inc()
		a.log.Warn().Msgf("no case for a message of type %T; it was dropped", m)
	}
}

// answer sends the text and lets the connection close. It does so even if the command panics: nobody else would
// close the connection.
func (a *wordActor) answer(m *messages.FourLetterWord) {
	text := []byte("the command failed, see the server's log\n")
	defer func() {
		a.runtime.SendToConn(m.Conn, &messages.Output{Conn: m.Conn, Frames: text, Close: true})
	}()
	text = answerWord(a.console, m.Word, m.Argument)
}

// answerWord runs the command of a word. argument is what came behind the word.
func answerWord(c *console, word string, argument []byte) []byte {
	var w bytes.Buffer
	cmd, known := commandsByWord[word]
	if !known || !c.config.Admin.FourLetterAllowed(word) {
		fmt.Fprintf(&w, "%s is not executed because it is not in the whitelist.\n", word)
		return w.Bytes()
	}
	result, err := runCommand(c, cmd, wordArguments(word, argument))
	if err != nil {
		fmt.Fprintf(&w, "%v\n", err)
		return w.Bytes()
	}
	result.(texter).text(&w)
	return w.Bytes()
}

// wordArguments reads the one argument that a word has: stmk's mask, 8 bytes.
func wordArguments(word string, argument []byte) url.Values {
	if word != "stmk" || len(argument) < 8 {
		return nil
	}
	mask := int64(binary.BigEndian.Uint64(argument))
	return url.Values{traceMaskArgument: {strconv.FormatInt(mask, 10)}}
}
