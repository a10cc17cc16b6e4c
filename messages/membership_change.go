package messages

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// MembershipChange is what a reconfig request asks for. Either Members holds a whole new membership, or Joining and
// Leaving say who comes and who goes.
type MembershipChange struct {
	Joining  string  // server.N=… lines with commas between them
	Leaving  string  // ids with commas between them
	Members  *string // server, group and weight lines with commas or line feeds between them; nil: Joining and Leaving count
	Expected int64   // the version that the present membership must have; -1: any
}

// ChangeRules are the settings of the server that bear on what a membership may be.
type ChangeRules struct {
	StandaloneEnabled bool // a single voter would be a server that runs alone, so at least two must vote
	MultiAddress      bool // a member may have several addresses
	ExtendedTypes     bool // the highest id is not to be had, because TTL nodes need it
}

// Change is the membership after a change that gets the given version. It decides as ZooKeeper does, also where that is
// lenient: who leaves need not be there, who joins and is there already is replaced, and a change that changes nothing is a
// new version. The error wraps the ErrCode that the client gets (ErrBadVersion, ErrBadArguments, ErrMarshalling), and says
// what is wrong. Whether a quorum of the new membership is at hand is for the leader to judge.
func (m Membership) Change(c MembershipChange, rules ChangeRules, version Zxid) (Membership, error) {
	if c.Expected != -1 && Zxid(c.Expected) != m.Version {
		return Membership{}, fmt.Errorf("%w: the membership has version %x, the request expects %x",
			ErrBadVersion, uint64(m.Version), uint64(c.Expected))
	}
	next, err := m.changed(c)
	if err == nil && c.Members != nil && len(next.Members) == 0 && !rules.StandaloneEnabled {
		err = fmt.Errorf("%w: the new membership is empty", ErrMarshalling)
	}
	if err != nil {
		return Membership{}, err
	}
	if err := rules.check(next); err != nil {
		return Membership{}, err
	}
	next.Version = version
	return next, nil
}

func (m Membership) changed(c MembershipChange) (Membership, error) {
	if c.Members != nil {
		return parseMembers(*c.Members)
	}
	if len(m.Groups) > 0 {
		return Membership{}, badChange("the membership has groups; give the whole new one instead of who joins and leaves")
	}
	next := Membership{Members: slices.Clone(m.Members)}
	if err := next.leave(c.Leaving); err != nil {
		return Membership{}, err
	}
	err := next.join(c.Joining)
	return next, err
}

func badChange(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrBadArguments}, args...)...)
}

// leave takes members out. Any whole number may be named, for who is not there has left.
func (m *Membership) leave(list string) error {
	for word := range strings.SplitSeq(list, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		id, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return fmt.Errorf("%w: %.40q among the leaving servers is not an id", ErrMarshalling, word)
		}
		m.Members = slices.DeleteFunc(m.Members, func(a Member) bool { return int64(a.ID) == id })
	}
	return nil
}

// join takes members in. A client must be able to find who comes later, so a client port is a must.
func (m *Membership) join(list string) error {
	for line := range strings.SplitSeq(list, ",") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.Contains(value, "=") {
			return badChange("joining %.200q is not of the form server.N=…", line)
		}
		// As in ZooKeeper nothing but the number counts.
		id, err := changeID(strings.TrimSpace(key[strings.LastIndexByte(key, '.')+1:]))
		if err != nil {
			return err
		}
		a, err := ParseMember(id, strings.TrimSpace(value))
		if err != nil {
			return badChange("joining server %d: %w", id, err)
		}
		if a.ClientPort == 0 {
			return badChange("joining server %d has no client port; add ;[address:]port", id)
		}
		for _, other := range m.Members {
			if text, taken := clash(a, other); taken && other.ID != id {
				return badChange("joining server %d and server %d both have the address %s", id, other.ID, text)
			}
		}
		m.Members = insertBy(m.Members, a, memberKey)
	}
	return nil
}

func memberKey(m Member) int { return int(m.ID) }

// changeID reads an id of a request. What is no number at all has a code of its own.
func changeID(text string) (ServerID, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%w: %.40q is not the id of a server", ErrMarshalling, text)
	}
	if err != nil || id < 0 || id > MaxServerID {
		return 0, badChange("%.40s is not the id of a server; allowed: 0 to %d", text, MaxServerID)
	}
	return ServerID(id), nil
}

// clash finds an address that two members share. Loopback and wildcard addresses are no evidence: they mean another
// machine for each.
func clash(a, b Member) (string, bool) {
	theirs := endpoints(b)
	for _, e := range endpoints(a) {
		if slices.Contains(theirs, e) {
			return e, true
		}
	}
	return "", false
}

func endpoints(m Member) (list []string) {
	add := func(host string, port int) {
		ip, err := netip.ParseAddr(host)
		if err == nil {
			host = ip.Unmap().String() // one spelling of each address
		}
		if port == 0 || strings.EqualFold(host, "localhost") || (err == nil && (ip.IsLoopback() || ip.IsUnspecified())) {
			return
		}
		list = append(list, bracketed(strings.ToLower(host))+":"+strconv.Itoa(port))
	}
	for _, a := range m.Addresses {
		add(a.Host, a.QuorumPort)
		add(a.Host, a.ElectionPort)
	}
	add(m.ClientAddress, m.ClientPort)
	return list
}

// parseMembers reads the whole new membership of a request. A version in it is that of the file it was copied from and
// counts nothing, but must be one.
func parseMembers(text string) (Membership, error) {
	var b MembershipBuilder
	for line := range strings.Lines(strings.ReplaceAll(text, ",", "\n")) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok {
			return Membership{}, badChange("%.200q is not of the form server.N=…, group.N=… or weight.N=…", line)
		}
		if key == "version" {
			if _, err := ParseVersion(value); err != nil {
				return Membership{}, fmt.Errorf("%w: %w", ErrMarshalling, err)
			}
			continue
		}
		if id, found := strings.CutPrefix(key, "server."); found {
			if _, err := changeID(id); err != nil {
				return Membership{}, err
			}
		}
		if err := b.Add(key, value); err != nil {
			return Membership{}, badChange("%.200q: %w", line, err)
		}
	}
	m := b.Membership()
	if len(b.weights) > 0 && len(b.groups) == 0 {
		return Membership{}, badChange("weights without groups; add group.N lines")
	}
	return m, nil
}

// check is what must hold for each member and for all of them together.
func (r ChangeRules) check(m Membership) error {
	for _, a := range m.Members {
		if err := r.checkMember(a); err != nil {
			return err
		}
	}
	least := 1
	if r.StandaloneEnabled {
		least = 2
	}
	if n := len(m.Voters()); n < least {
		return badChange("%d participants would be left; at least %d must vote", n, least)
	}
	if problems := m.GroupProblems(); len(problems) > 0 {
		return badChange("%s", strings.Join(problems, "; "))
	}
	return nil
}

func (r ChangeRules) checkMember(a Member) error {
	if r.ExtendedTypes && a.ID == MaxServerID {
		return badChange("server %d: this id can't be used with TTL nodes; take one up to %d", a.ID, MaxServerID-1)
	}
	if len(a.Addresses) > 1 && !r.MultiAddress {
		return badChange("server %d has several addresses; that needs multiAddress.enabled=true", a.ID)
	}
	for _, at := range a.Addresses {
		switch at.ElectionPort {
		case 0:
			return badChange("server %d has no election port; write %s:<electionPort>", a.ID, at)
		case at.QuorumPort:
			return badChange("server %d has the port %d twice; quorum and election need one each", a.ID, at.QuorumPort)
		}
	}
	return nil
}
