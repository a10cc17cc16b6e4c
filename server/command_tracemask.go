package server

import (
	"bytes"
	"fmt"
	"net/url"
	"strconv"
)

// gtmkCommand reads the trace mask, stmkCommand sets it. See traceMaskDefault for what it is good for.
type (
	gtmkCommand struct{}
	stmkCommand struct{}
)

// traceMaskArgument is the name of stmk's argument over HTTP. The four-letter word has it as 8 bytes behind the word.
const traceMaskArgument = "traceMask"

func (gtmkCommand) about() commandInfo {
	return commandInfo{
		word: "gtmk", names: []string{"get_trace_mask", "gtmk"}, always: true,
		help: "The trace mask. It has no effect; log.level decides what is logged.",
	}
}

func (stmkCommand) about() commandInfo {
	return commandInfo{
		word: "stmk", names: []string{"set_trace_mask", "stmk"}, always: true,
		help: "Sets the trace mask to the argument traceMask. It has no effect; log.level decides what is logged.",
	}
}

type maskResult struct {
	Mask int64 `json:"tracemask"`
}

func (gtmkCommand) run(c *console, _ url.Values) (commandResult, error) {
	return maskResult{c.traceMask.Load()}, nil
}

func (stmkCommand) run(c *console, a url.Values) (commandResult, error) {
	text := a.Get(traceMaskArgument)
	if text == "" {
		return nil, fmt.Errorf("the argument %s is missing", traceMaskArgument)
	}
	mask, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s=%q is no whole number of 64 bits", traceMaskArgument, text)
	}
	c.traceMask.Store(mask)
	return maskResult{mask}, nil
}

func (r maskResult) text(w *bytes.Buffer) { fmt.Fprint(w, r.Mask) }
