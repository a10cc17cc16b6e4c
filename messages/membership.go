package messages

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxServerID is the highest id of a server: it is one byte of each session id.
const MaxServerID = 255

// MemberRole says whether a member votes.
type MemberRole uint8

const (
	// Participant is a member that votes and can lead.
	Participant MemberRole = 0
	// Observer is a member that only follows.
	Observer MemberRole = 1
)

// String is the word of configuration files.
func (r MemberRole) String() string {
	if r == Observer {
		return "observer"
	}
	return "participant"
}

// MemberAddress is one of the addresses at which the other servers reach a member.
type MemberAddress struct {
	Host         string // name or address, IPv6 without brackets
	QuorumPort   int    // leader and learners
	ElectionPort int    // elections; 0 when the line gives none
}

// String is host:quorumPort[:electionPort].
func (a MemberAddress) String() string {
	text := bracketed(a.Host) + ":" + strconv.Itoa(a.QuorumPort)
	if a.ElectionPort != 0 {
		text += ":" + strconv.Itoa(a.ElectionPort)
	}
	return text
}

// Member is one server of an ensemble: what a server.N line says.
type Member struct {
	ID            ServerID
	Addresses     []MemberAddress // at least one
	Role          MemberRole
	ClientAddress string // where it listens for clients; "" if the line gives no client port
	ClientPort    int    // 0 if the line gives none
}

// String is the value of the line, in the form that clients read from /zookeeper/config.
func (m Member) String() string {
	parts := make([]string, len(m.Addresses))
	for i, a := range m.Addresses {
		parts[i] = a.String()
	}
	text := strings.Join(parts, "|") + ":" + m.Role.String()
	if m.ClientPort != 0 {
		text += ";" + m.Client()
	}
	return text
}

// Client is where clients find the member, as host:port; "" if its line doesn't say.
func (m Member) Client() string {
	if m.ClientPort == 0 {
		return ""
	}
	return bracketed(m.ClientAddress) + ":" + strconv.Itoa(m.ClientPort)
}

// Equal tells whether two members are the same in everything.
func (m Member) Equal(o Member) bool {
	return m.ID == o.ID && m.Role == o.Role && m.ClientAddress == o.ClientAddress && m.ClientPort == o.ClientPort &&
		slices.Equal(m.Addresses, o.Addresses)
}

// bracketed is a host as it stands before a colon.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// MemberGroup is a group of a hierarchical quorum: a majority of groups must each have a majority by weight.
type MemberGroup struct {
	ID      int
	Members []ServerID // in the order in which the line names them
}

// MemberWeight is what a member's vote counts within its group.
type MemberWeight struct {
	Member ServerID
	Weight int // 0 or more; with 0 the vote counts nothing
}

// Membership is who belongs to an ensemble and whose votes count how much. It is a value: whoever holds one never changes
// what its slices hold.
type Membership struct {
	Version Zxid           // the zxid of the change that made it; 0 at the beginning
	Members []Member       // by rising id
	Groups  []MemberGroup  // by rising id; none: every participant has one vote, and a majority decides
	Weights []MemberWeight // by rising member, one for every member if there are groups, else none
}

// Member finds the member with an id.
func (m Membership) Member(id ServerID) (Member, bool) {
	i, ok := slices.BinarySearchFunc(m.Members, id, func(a Member, id ServerID) int { return int(a.ID) - int(id) })
	if !ok {
		return Member{}, false
	}
	return m.Members[i], true
}

// Voters lists the ids of the participants, rising.
func (m Membership) Voters() []ServerID { return m.inRole(Participant) }

// Observers lists the ids of the observers, rising.
func (m Membership) Observers() []ServerID { return m.inRole(Observer) }

func (m Membership) inRole(role MemberRole) (ids []ServerID) {
	for _, a := range m.Members {
		if a.Role == role {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// Weight is what a member's vote counts: 1 unless there are groups that say otherwise.
func (m Membership) Weight(id ServerID) int {
	for _, w := range m.Weights {
		if w.Member == id {
			return w.Weight
		}
	}
	return 1
}

// Equal tells whether two memberships are the same in everything, the version too.
func (m Membership) Equal(o Membership) bool {
	return m.Version == o.Version && slices.EqualFunc(m.Members, o.Members, Member.Equal) &&
		slices.Equal(m.Weights, o.Weights) && slices.EqualFunc(m.Groups, o.Groups, func(a, b MemberGroup) bool {
		return a.ID == b.ID && slices.Equal(a.Members, b.Members)
	})
}

// String is the membership as clients read it from /zookeeper/config: a line for each server, groups and weights if there
// are any, and the version in hexadecimal; no line feed at the end. ParseMembership reads it back.
func (m Membership) String() string {
	return m.Lines() + fmt.Sprintf("version=%x", uint64(m.Version))
}

// Lines is String without the version: the lines of a dynamic configuration file, each with its line feed.
func (m Membership) Lines() string {
	var b strings.Builder
	for _, a := range m.Members {
		fmt.Fprintf(&b, "server.%d=%s\n", a.ID, a)
	}
	for _, g := range m.Groups {
		ids := make([]string, len(g.Members))
		for i, id := range g.Members {
			ids[i] = strconv.Itoa(int(id))
		}
		fmt.Fprintf(&b, "group.%d=%s\n", g.ID, strings.Join(ids, ":"))
	}
	for _, w := range m.Weights {
		fmt.Fprintf(&b, "weight.%d=%d\n", w.Member, w.Weight)
	}
	return b.String()
}

// GroupProblems says, a sentence each, in what the groups contradict the members. Without groups there is nothing to say.
func (m Membership) GroupProblems() []string {
	if len(m.Groups) == 0 {
		return nil
	}
	var found []string
	groupOf := map[ServerID]int{}
	for _, g := range m.Groups {
		for _, id := range g.Members {
			if _, ok := m.Member(id); !ok {
				found = append(found, fmt.Sprintf("group.%d names server %d, which has no server.%d line", g.ID, id, id))
			}
			if other, taken := groupOf[id]; taken {
				found = append(found, fmt.Sprintf("server %d is in group %d and in group %d; one is allowed", id, other, g.ID))
			}
			groupOf[id] = g.ID
		}
	}
	for _, id := range m.Voters() {
		if _, ok := groupOf[id]; !ok {
			found = append(found, fmt.Sprintf("server %d is in no group; with groups each participant needs one", id))
		}
	}
	return found
}
