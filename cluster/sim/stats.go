package sim

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Stats tell how often things have happened, so that it shows what a run has reached.
type Stats struct {
	Counts  map[string]int64
	Longest map[string]int64
	replies int64
	writes  int64
}

func newStats() Stats { return Stats{Counts: map[string]int64{}, Longest: map[string]int64{}} }

func (s *Stats) add(what string) { s.Counts[what]++ }

func (s *Stats) longest(what string, n int64) { s.Longest[what] = max(s.Longest[what], n) }

// Add takes those of another run in.
func (s *Stats) Add(o Stats) {
	if s.Counts == nil {
		*s = newStats()
	}
	for k, n := range o.Counts {
		s.Counts[k] += n
	}
	for k, n := range o.Longest {
		s.longest(k, n)
	}
	s.replies += o.replies
	s.writes += o.writes
}

// String lists them, one a line.
func (s *Stats) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%9d replies to clients\n%9d writes acknowledged\n", s.replies, s.writes)
	for _, k := range slices.Sorted(maps.Keys(s.Counts)) {
		fmt.Fprintf(&b, "%9d %s\n", s.Counts[k], k)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Longest)) {
		fmt.Fprintf(&b, "%9d %s, at most\n", s.Longest[k], k)
	}
	return b.String()
}

// said are the lines of servers' logs that are counted, by a part of them.
var said = []struct{ part, name string }{
	{`learner synchronised: DIFF from memory`, "sync: DIFF from memory"},
	{`serving reads to clients`, "served reads alone"},
	{`clients stay connected`, "handover begun on a server"},
	{`not taken up in time`, "handover not taken up in time"},
	{`learner synchronised: DIFF from the log`, "sync: DIFF from the log"},
	{`learner synchronised: SNAP`, "sync: SNAP"},
	{`never became history: TRUNC`, "sync: TRUNC"},
	{`"message":"elected"`, "elections"},
	{`"message":"snapshot written"`, "snapshots"},
	{`newer history`, "leader abdicated before a newer history"},
	{`has promised epoch`, "epoch refused or given up"},
	{`stood still for`, "leader noticed that it stood still"},
	{`the tree in memory is not used`, "tree in memory not used"},
	{`the links to a quorum have broken`, "leader lost its quorum's links"},
	{`a quorum has been silent`, "leader heard no quorum"},
	{`old snapshots and logs removed`, "purges"},
}

func (s *Stats) logged(line []byte) {
	for _, x := range said {
		if bytes.Contains(line, []byte(x.part)) {
			s.add(x.name)
		}
	}
}
