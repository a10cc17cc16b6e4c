package server

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// maxServerID is the highest server id: it is one byte of each session id.
const maxServerID = 255

// ServerRole says whether a member votes.
type ServerRole int

const (
	// Participant is a member that votes and can lead.
	Participant ServerRole = iota
	// Observer is a member that only follows.
	Observer
)

// String is the word of the configuration file.
func (r ServerRole) String() string {
	if r == Observer {
		return "observer"
	}
	return "participant"
}

// ServerAddress is one of the addresses at which the other servers reach a member.
type ServerAddress struct {
	Host         string // name or address, IPv6 without brackets
	QuorumPort   int    // leader and learners
	ElectionPort int    // elections; 0 when the line gives none
}

func (a ServerAddress) String() string {
	text := bracketHost(a.Host) + ":" + strconv.Itoa(a.QuorumPort)
	if a.ElectionPort != 0 {
		text += ":" + strconv.Itoa(a.ElectionPort)
	}
	return text
}

// ServerSpec is one server.N line.
type ServerSpec struct {
	ID            int
	Addresses     []ServerAddress // at least one
	Role          ServerRole
	ClientAddress string // where it listens for clients; "" if the line gives no client port
	ClientPort    int    // 0 if the line gives none
}

// String is the value of the line in the form that clients read from /zookeeper/config.
func (s ServerSpec) String() string {
	parts := make([]string, len(s.Addresses))
	for i, a := range s.Addresses {
		parts[i] = a.String()
	}
	text := strings.Join(parts, "|") + ":" + s.Role.String()
	if s.ClientPort != 0 {
		text += ";" + bracketHost(s.ClientAddress) + ":" + strconv.Itoa(s.ClientPort)
	}
	return text
}

// ParseServerSpec reads the value of a server.N line:
// host:quorumPort:electionPort[:participant|observer][;[clientAddress:]clientPort], several addresses separated by |.
// The error says what is wrong; the caller adds where.
func ParseServerSpec(id int, value string) (ServerSpec, error) {
	spec := ServerSpec{ID: id}
	members, client, hasClient := strings.Cut(value, ";")
	addresses := strings.Split(members, "|")
	if len(addresses) > maxAddresses {
		return spec, fmt.Errorf("%d addresses; at most %d are allowed", len(addresses), maxAddresses)
	}
	for i, text := range addresses {
		fields, err := splitHostFields(strings.TrimSpace(text))
		if err != nil {
			return spec, err
		}
		if i == len(addresses)-1 && len(fields) > 2 {
			if role, ok := parseRole(fields[len(fields)-1]); ok {
				spec.Role = role
				fields = fields[:len(fields)-1]
			}
		}
		address, err := parseServerAddress(fields)
		if err != nil {
			return spec, err
		}
		spec.Addresses = append(spec.Addresses, address)
	}
	if hasClient {
		if err := spec.parseClient(strings.TrimSpace(client)); err != nil {
			return spec, err
		}
	}
	return spec, nil
}

// maxAddresses bounds the addresses of one member; no machine has more networks between servers.
const maxAddresses = 16

func parseRole(word string) (ServerRole, bool) {
	switch strings.ToLower(word) {
	case "participant":
		return Participant, true
	case "observer":
		return Observer, true
	}
	return Participant, false
}

func parseServerAddress(fields []string) (ServerAddress, error) {
	var a ServerAddress
	if len(fields) < 2 || len(fields) > 3 || fields[0] == "" {
		return a, errors.New("not of the form host:quorumPort:electionPort[:participant|observer]" +
			"[;[clientAddress:]clientPort]")
	}
	a.Host = fields[0]
	var err error
	if a.QuorumPort, err = parseServerPort("quorum port", fields[1]); err != nil {
		return a, err
	}
	if len(fields) == 3 {
		a.ElectionPort, err = parseServerPort("election port", fields[2])
	}
	return a, err
}

func (s *ServerSpec) parseClient(text string) error {
	fields, err := splitHostFields(text)
	if err != nil {
		return err
	}
	s.ClientAddress = "0.0.0.0"
	switch len(fields) {
	case 1:
	case 2:
		if fields[0] != "" {
			s.ClientAddress = fields[0]
		}
	default:
		return errors.New("after the ; must stand [clientAddress:]clientPort; IPv6 needs brackets")
	}
	s.ClientPort, err = parseServerPort("client port", fields[len(fields)-1])
	return err
}

func parseServerPort(what, text string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 || n > 65535 {
		return 0, fmt.Errorf("%s %q is not a port; allowed: 1 to 65535", what, text)
	}
	return n, nil
}

// splitHostFields cuts at colons outside of brackets; the first field loses its brackets.
func splitHostFields(text string) ([]string, error) {
	if !strings.HasPrefix(text, "[") {
		return strings.Split(text, ":"), nil
	}
	host, rest, ok := strings.Cut(text[1:], "]")
	if !ok {
		return nil, fmt.Errorf("the bracket in %q is not closed", text)
	}
	if net.ParseIP(strings.SplitN(host, "%", 2)[0]) == nil {
		return nil, fmt.Errorf("%q is not an IPv6 address", host)
	}
	if rest == "" {
		return []string{host}, nil
	}
	if rest[0] != ':' {
		return nil, fmt.Errorf("after the bracket in %q must follow a colon", text)
	}
	return append([]string{host}, strings.Split(rest[1:], ":")...), nil
}

func bracketHost(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// Membership is who belongs to the ensemble and whose votes count how much.
type Membership struct {
	Servers []ServerSpec  // by rising id
	Groups  map[int][]int // group → server ids; nil: every participant has one vote
	Weights map[int]int   // server id → weight, for all servers, when there are groups
	Version int64         // zxid of the change that made this membership; 0 at the beginning
}

// Server finds the member with an id.
func (m Membership) Server(id int) (ServerSpec, bool) {
	i := sort.Search(len(m.Servers), func(i int) bool { return m.Servers[i].ID >= id })
	if i < len(m.Servers) && m.Servers[i].ID == id {
		return m.Servers[i], true
	}
	return ServerSpec{}, false
}

// Participants counts the members that vote.
func (m Membership) Participants() int {
	n := 0
	for _, s := range m.Servers {
		if s.Role == Participant {
			n++
		}
	}
	return n
}

// Text is the membership as clients read it from /zookeeper/config: a line for each server, groups and weights if there
// are any, and the version in hexadecimal; no line feed at the end.
func (m Membership) Text() string {
	var b strings.Builder
	for _, s := range m.Servers {
		fmt.Fprintf(&b, "server.%d=%s\n", s.ID, s)
	}
	for _, g := range slices.Sorted(maps.Keys(m.Groups)) {
		ids := make([]string, len(m.Groups[g]))
		for i, id := range m.Groups[g] {
			ids[i] = strconv.Itoa(id)
		}
		fmt.Fprintf(&b, "group.%d=%s\n", g, strings.Join(ids, ":"))
	}
	for _, id := range slices.Sorted(maps.Keys(m.Weights)) {
		fmt.Fprintf(&b, "weight.%d=%d\n", id, m.Weights[id])
	}
	fmt.Fprintf(&b, "version=%x", m.Version)
	return b.String()
}
