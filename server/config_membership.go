package server

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
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
func buildMembership(lines []membershipLine, report func(configEntry, string)) Membership {
	m := Membership{}
	groups, weights := map[int][]int{}, map[int]int{}
	seen := map[int]bool{} // server.1 and server.01 are different keys and the same server
	for _, line := range lines {
		_, number, _ := strings.Cut(strings.TrimPrefix(line.entry.key, zookeeperPrefix), ".")
		id, err := strconv.Atoi(number)
		if err != nil || id < 0 || (id > maxServerID && line.family != "group") {
			report(line.entry, fmt.Sprintf("%q is not an id; allowed: 0 to %d", number, maxServerID))
			continue
		}
		switch line.family {
		case "server":
			spec, err := ParseServerSpec(id, line.entry.value)
			if err != nil {
				report(line.entry, err.Error())
				continue
			}
			if seen[id] {
				report(line.entry, fmt.Sprintf("server %d has a line already", id))
				continue
			}
			seen[id] = true
			m.Servers = append(m.Servers, spec)
		case "group":
			ids, err := parseGroup(line.entry.value)
			if err != nil {
				report(line.entry, err.Error())
				continue
			}
			groups[id] = ids
		case "weight":
			weight, err := strconv.Atoi(line.entry.value)
			if err != nil || weight < 0 || weight > math.MaxInt32 {
				report(line.entry, "not a weight; allowed: 0 or more")
				continue
			}
			weights[id] = weight
		}
	}
	sort.Slice(m.Servers, func(i, j int) bool { return m.Servers[i].ID < m.Servers[j].ID })
	if len(groups) > 0 {
		m.Groups, m.Weights = groups, weights
		for _, s := range m.Servers {
			if _, ok := weights[s.ID]; !ok {
				weights[s.ID] = 1
			}
		}
	}
	return m
}

func parseGroup(value string) ([]int, error) {
	var ids []int
	for _, word := range strings.Split(value, ":") {
		id, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || id < 0 || id > maxServerID {
			return nil, fmt.Errorf("%q is not a server id; a group is a list of ids such as 1:2:3", word)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// checkMembership looks for contradictions between the lines and returns each as a sentence. standaloneEnabled decides
// whether a single participant may be an ensemble.
func checkMembership(m Membership, standaloneEnabled bool) []string {
	var found []string
	participants := m.Participants()
	if len(m.Servers) > 0 && participants == 0 {
		found = append(found, "there are observers but no participant; at least one server must vote")
	}
	if participants == 1 && len(m.Servers) > 1 && standaloneEnabled {
		found = append(found, "observers need at least two participants, or standaloneEnabled=false")
	}
	for _, s := range m.Servers {
		for _, a := range s.Addresses {
			if a.ElectionPort == 0 && (len(m.Servers) > 1 || !standaloneEnabled) {
				found = append(found, fmt.Sprintf("server.%d has no election port; write host:%d:<electionPort>",
					s.ID, a.QuorumPort))
			}
		}
	}
	return append(found, checkGroups(m)...)
}

func checkGroups(m Membership) []string {
	if len(m.Groups) == 0 {
		return nil
	}
	var found []string
	groupOf := map[int]int{}
	for _, g := range slices.Sorted(maps.Keys(m.Groups)) {
		for _, id := range m.Groups[g] {
			if _, ok := m.Server(id); !ok {
				found = append(found, fmt.Sprintf("group.%d names server %d, which has no server.%d line", g, id, id))
			}
			if other, taken := groupOf[id]; taken {
				found = append(found, fmt.Sprintf("server %d is in group %d and in group %d; one is allowed", id, other, g))
			}
			groupOf[id] = g
		}
	}
	for _, s := range m.Servers {
		if _, ok := groupOf[s.ID]; !ok && s.Role == Participant {
			found = append(found, fmt.Sprintf("server %d is in no group; with groups each participant needs one", s.ID))
		}
	}
	return found
}
