package main

import (
	"fmt"
	"strconv"
	"strings"
)

// serverView is what is known of a server at one moment.
type serverView struct {
	ID       int
	State    string // leader, follower, observer, looking; starting, paused; stopped, killed, or how it ended
	Running  bool
	Zxid     string // "" if it didn't say
	Conns    int
	Rate     float64 // requests a second
	CPU      float64 // share of one core
	Memory   int64   // bytes; 0 if the system doesn't tell
	PID      int
	Synced   int // of a leader: followers and observers that are up to date
	Learners int // of a leader: those that are connected
}

// serves tells whether clients are served.
func (v serverView) serves() bool {
	return v.State == "leader" || v.State == "follower" || v.State == "observer" || v.State == "standalone"
}

// renderEnsemble draws the view: a line about the whole, then a table. selected is the id of the server that keys are for.
func renderEnsemble(rows []serverView, selected int) []string {
	lines := []string{"  " + leaderLine(rows), "",
		"    #  state              zxid  clients    req/s    cpu    memory      pid"}
	for _, v := range rows {
		mark := " "
		if v.ID == selected {
			mark = ">"
		}
		line := fmt.Sprintf("  %s %d  %-12s", mark, v.ID, v.State)
		if v.Running {
			memory := ""
			if v.Memory > 0 {
				memory = strconv.FormatInt(v.Memory>>20, 10) + " MB"
			}
			line += fmt.Sprintf("%10s %8d %8.0f %5.0f%% %9s %8d", v.Zxid, v.Conns, v.Rate, 100*v.CPU, memory, v.PID)
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// leaderLine says who leads.
func leaderLine(rows []serverView) string {
	for _, v := range rows {
		if v.State == "leader" {
			return fmt.Sprintf("server %d leads%s; %d of %d learners are up to date", v.ID, epochOf(v.Zxid), v.Synced, v.Learners)
		}
	}
	running, serving := 0, 0
	for _, v := range rows {
		if v.Running {
			running++
		}
		if v.serves() {
			serving++
		}
	}
	if serving > 0 {
		return fmt.Sprintf("no leader is seen; %d of %d servers run", running, len(rows))
	}
	return fmt.Sprintf("nobody leads; %d of %d servers run", running, len(rows))
}

// epochOf is " in epoch N", N being the upper half of a zxid; nothing if there is none.
func epochOf(zxid string) string {
	z, err := strconv.ParseUint(strings.TrimPrefix(zxid, "0x"), 16, 64)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" in epoch %d", z>>32)
}

// ensembleNews lists what has changed between two looks, a sentence each: for who reads no live view.
func ensembleNews(old, now []serverView) []string {
	was := map[int]string{}
	for _, v := range old {
		was[v.ID] = v.State
	}
	var news []string
	for _, v := range now {
		before, known := was[v.ID]
		if known && before == v.State {
			continue
		}
		switch v.State {
		case "leader", "follower", "observer", "standalone":
			news = append(news, fmt.Sprintf("server %d is %s", v.ID, v.State))
		case "looking":
			news = append(news, fmt.Sprintf("server %d looks for a leader", v.ID))
		case "starting":
			news = append(news, fmt.Sprintf("server %d starts", v.ID))
		default:
			news = append(news, fmt.Sprintf("server %d: %s", v.ID, v.State))
		}
	}
	return news
}

// redraw is what a terminal needs to show lines in the place of those of the last time.
func redraw(lines []string, before int) string {
	var b strings.Builder
	if before > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", before)
	}
	for _, line := range lines {
		b.WriteString("\r" + line + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	return b.String()
}
