package messages

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseMembership reads the text that Membership.String writes, and also what people write: lines in any order, blank ones
// and comments from # on between them, no version (it is 0 then). The error names the line. It does not judge whether the
// members can be an ensemble, but groups must fit the members.
func ParseMembership(text string) (Membership, error) {
	var b MembershipBuilder
	var version Zxid
	seen := false
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		var err error
		switch {
		case !ok:
			err = errors.New("no = in it; a line is server.N=…, group.N=…, weight.N=… or version=…")
		case key == "version" && seen:
			err = errors.New("the version has a line already")
		case key == "version":
			version, err = ParseVersion(value)
			seen = true
		default:
			err = b.Add(key, value)
		}
		if err != nil {
			return Membership{}, fmt.Errorf("membership, line %d %.200q: %w", number, line, err)
		}
	}
	m := b.Membership()
	m.Version = version
	if len(m.Members) == 0 {
		return Membership{}, errors.New("membership: no server.N line")
	}
	if problems := m.GroupProblems(); len(problems) > 0 {
		return Membership{}, errors.New("membership: " + strings.Join(problems, "; "))
	}
	return m, nil
}

// ParseVersion reads the version of a membership as it is written: hexadecimal digits without 0x.
func ParseVersion(text string) (Zxid, error) {
	version, err := strconv.ParseUint(text, 16, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is not a version; allowed: a hexadecimal zxid such as 100000000", text)
	}
	return Zxid(version), nil
}

// MembershipBuilder puts a membership together from its lines. The zero value is ready.
type MembershipBuilder struct {
	members []Member
	groups  []MemberGroup
	weights []MemberWeight
}

// Add takes one line in: key is server.N, group.N or weight.N. A line that can't be read is left out, and the error says
// what is wrong with it; the caller adds where. A later line for a group or weight replaces an earlier one.
func (b *MembershipBuilder) Add(key, value string) error {
	family, number, _ := strings.Cut(key, ".")
	if family != "server" && family != "group" && family != "weight" {
		return fmt.Errorf("%q is no key of a membership; allowed: server.N, group.N, weight.N", key)
	}
	id, err := strconv.Atoi(number)
	if err != nil || id < 0 || (id > MaxServerID && family != "group") {
		return fmt.Errorf("%q is not an id; allowed: 0 to %d", number, MaxServerID)
	}
	switch family {
	case "server":
		return b.addMember(ServerID(id), value)
	case "group":
		ids, err := parseGroup(value)
		if err != nil {
			return err
		}
		b.groups = insertBy(b.groups, MemberGroup{ID: id, Members: ids}, func(g MemberGroup) int { return g.ID })
	case "weight":
		weight, err := strconv.Atoi(value)
		if err != nil || weight < 0 || weight > math.MaxInt32 {
			return errors.New("not a weight; allowed: 0 or more")
		}
		b.weights = insertBy(b.weights, MemberWeight{Member: ServerID(id), Weight: weight}, weightKey)
	}
	return nil
}

func (b *MembershipBuilder) addMember(id ServerID, value string) error {
	m, err := ParseMember(id, value)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(b.members, func(o Member) bool { return o.ID == id }) {
		return fmt.Errorf("server %d has a line already", id)
	}
	b.members = insertBy(b.members, m, memberKey)
	return nil
}

func weightKey(w MemberWeight) int { return int(w.Member) }

// insertBy keeps a list in the order of its keys; an element with the same key is replaced.
func insertBy[T any](list []T, item T, key func(T) int) []T {
	i, found := slices.BinarySearchFunc(list, key(item), func(e T, k int) int { return key(e) - k })
	if found {
		list[i] = item
		return list
	}
	return slices.Insert(list, i, item)
}

// Membership is what the lines so far say. Weights mean something within groups only, and there every member has one.
func (b *MembershipBuilder) Membership() Membership {
	m := Membership{Members: slices.Clone(b.members)}
	if len(b.groups) == 0 {
		return m
	}
	m.Groups, m.Weights = slices.Clone(b.groups), slices.Clone(b.weights)
	for _, a := range m.Members {
		has := func(w MemberWeight) bool { return w.Member == a.ID }
		if !slices.ContainsFunc(m.Weights, has) {
			m.Weights = insertBy(m.Weights, MemberWeight{Member: a.ID, Weight: 1}, weightKey)
		}
	}
	return m
}

func parseGroup(value string) ([]ServerID, error) {
	var ids []ServerID
	for _, word := range strings.Split(value, ":") {
		id, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || id < 0 || id > MaxServerID {
			return nil, fmt.Errorf("%q is not a server id; a group is a list of ids such as 1:2:3", word)
		}
		ids = append(ids, ServerID(id))
	}
	return ids, nil
}

// ParseMember reads the value of a server.N line:
// host:quorumPort:electionPort[:participant|observer][;[clientAddress:]clientPort], several addresses separated by |.
// The error says what is wrong; the caller adds where.
func ParseMember(id ServerID, value string) (Member, error) {
	m := Member{ID: id}
	servers, client, hasClient := strings.Cut(value, ";")
	addresses := strings.Split(servers, "|")
	if len(addresses) > maxMemberAddresses {
		return m, fmt.Errorf("%d addresses; at most %d are allowed", len(addresses), maxMemberAddresses)
	}
	for i, text := range addresses {
		fields, err := splitHostFields(strings.TrimSpace(text))
		if err != nil {
			return m, err
		}
		if i == len(addresses)-1 && len(fields) > 2 {
			if role, ok := parseRole(fields[len(fields)-1]); ok {
				m.Role = role
				fields = fields[:len(fields)-1]
			}
		}
		address, err := parseMemberAddress(fields)
		if err != nil {
			return m, err
		}
		m.Addresses = append(m.Addresses, address)
	}
	if hasClient {
		if err := m.parseClient(strings.TrimSpace(client)); err != nil {
			return m, err
		}
	}
	return m, nil
}

// maxMemberAddresses bounds the addresses of one member; no machine has more networks between servers.
const maxMemberAddresses = 16

func parseRole(word string) (MemberRole, bool) {
	switch strings.ToLower(word) {
	case "participant":
		return Participant, true
	case "observer":
		return Observer, true
	}
	return Participant, false
}

func parseMemberAddress(fields []string) (MemberAddress, error) {
	var a MemberAddress
	if len(fields) < 2 || len(fields) > 3 || fields[0] == "" {
		return a, errors.New("not of the form host:quorumPort:electionPort[:participant|observer]" +
			"[;[clientAddress:]clientPort]")
	}
	a.Host = fields[0]
	err := checkHost(a.Host)
	if err != nil {
		return a, err
	}
	if a.QuorumPort, err = parseMemberPort("quorum port", fields[1]); err != nil {
		return a, err
	}
	if len(fields) == 3 {
		a.ElectionPort, err = parseMemberPort("election port", fields[2])
	}
	return a, err
}

func (m *Member) parseClient(text string) error {
	fields, err := splitHostFields(text)
	if err != nil {
		return err
	}
	m.ClientAddress = "0.0.0.0"
	switch len(fields) {
	case 1:
	case 2:
		if fields[0] != "" {
			m.ClientAddress = fields[0]
		}
		if err := checkHost(m.ClientAddress); err != nil {
			return err
		}
	default:
		return errors.New("after the ; must stand [clientAddress:]clientPort; IPv6 needs brackets")
	}
	m.ClientPort, err = parseMemberPort("client port", fields[len(fields)-1])
	return err
}

// checkHost refuses what can't be a host and would mean something else in a file, or in a list with commas: the line is
// written into both.
func checkHost(host string) error {
	bad := func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(` \,;=#!"'|[]`, r) }
	if strings.ContainsFunc(host, bad) || !utf8.ValidString(host) {
		return fmt.Errorf("%q is not a host; allowed: a name or an address", host)
	}
	return nil
}

func parseMemberPort(what, text string) (int, error) {
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
	address, _, _ := strings.Cut(host, "%")
	if _, err := netip.ParseAddr(address); err != nil {
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
