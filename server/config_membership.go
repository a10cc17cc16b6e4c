package server

import (
	"fmt"
	"strings"

	"github.com/troupekeeper/troupe/messages"
)

// membershipLine is an entry of the families server., group. and weight.
type membershipLine struct {
	family string // "server", "group" or "weight"
	entry  configEntry
}

// isMembershipKey tells whether a canonical name is one of a membership line.
func isMembershipKey(name string) (family string, ok bool) {
	family, _, found := strings.Cut(name, ".")
	if found && (family == "server" || family == "group" || family == "weight") {
		return family, true
	}
	return "", false
}

// buildMembership reads all membership lines. Every problem is reported through report; the membership is whole only if
// there was none.
func buildMembership(lines []membershipLine, report func(configEntry, string)) messages.Membership {
	var b messages.MembershipBuilder
	for _, line := range lines {
		_, number, _ := strings.Cut(strings.TrimPrefix(line.entry.key, zookeeperPrefix), ".")
		if err := b.Add(line.family+"."+number, line.entry.value); err != nil {
			report(line.entry, err.Error())
		}
	}
	return b.Membership()
}

// checkMembership looks for contradictions between the lines and returns each as a sentence. standaloneEnabled decides
// whether a single participant may be an ensemble.
func checkMembership(m messages.Membership, standaloneEnabled bool) []string {
	var found []string
	participants := len(m.Voters())
	if len(m.Members) > 0 && participants == 0 {
		found = append(found, "there are observers but no participant; at least one server must vote")
	}
	if participants == 1 && len(m.Members) > 1 && standaloneEnabled {
		found = append(found, "observers need at least two participants, or standaloneEnabled=false")
	}
	for _, s := range m.Members {
		for _, a := range s.Addresses {
			if a.ElectionPort == 0 && (len(m.Members) > 1 || !standaloneEnabled) {
				found = append(found, fmt.Sprintf("server.%d has no election port; write host:%d:<electionPort>",
					s.ID, a.QuorumPort))
			}
		}
	}
	return append(found, m.GroupProblems()...)
}
