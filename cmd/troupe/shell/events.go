package shell

import (
	"fmt"

	"github.com/troupekeeper/troupe/server/client"
)

// onEvent prints an event in zkCli's form. It runs beside the commands.
func (s *Shell) onEvent(e client.Event) {
	if e.Type == client.EventSession && !s.interactive && !s.opts.Verbose {
		return
	}
	if e.Type != client.EventSession && !s.printWatches.Load() {
		return
	}
	s.screen.Interrupt(formatEvent(e))
}

func formatEvent(e client.Event) string {
	path, zxid := e.Path, ""
	if e.Type == client.EventSession {
		path = "null"
	}
	if e.Zxid != 0 {
		zxid = fmt.Sprintf(" zxid: %d", uint64(e.Zxid))
	}
	return fmt.Sprintf("\nWATCHER::\n\nWatchedEvent state:%v type:%s path:%s%s\n", e.State, client.EventName(e.Type), path, zxid)
}
