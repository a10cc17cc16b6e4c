package server

import (
	"net"
	"net/url"
	"strconv"

	"github.com/troupekeeper/troupe/messages"
)

// zabCommand tells how far this server has come with the broadcast protocol. It answers also while nobody is served:
// that is when one wants to know.
type zabCommand struct{}

func (zabCommand) about() commandInfo {
	return commandInfo{
		names: []string{"zabstate"}, always: true,
		help: "The phase of the broadcast protocol; empty on a server that runs alone.",
	}
}

type zabResult struct {
	Voting bool   `json:"voting"`
	State  string `json:"zabstate"`
}

type zabMemberResult struct {
	ID       messages.ServerID `json:"myid"`
	Leads    bool              `json:"is_leader"`
	Quorum   addressSet        `json:"quorum_address"`
	Election addressSet        `json:"election_address"`
	Client   string            `json:"client_address"`
	Voting   bool              `json:"voting"`
	LastZxid string            `json:"last_zxid"` // 0x and hexadecimal digits
	Epoch    uint32            `json:"zab_epoch"`
	Counter  uint32            `json:"zab_counter"`
	State    string            `json:"zabstate"`
}

// addressSet describes the addresses of a server for one purpose. ZooKeeper also tells which of them it can reach; here
// nothing is tried out for a command.
type addressSet struct {
	Empty     bool     `json:"empty"`
	All       []string `json:"all_addresses"`
	One       string   `json:"one"`
	Wildcards []string `json:"wildcard_addresses"`
	Ports     []int    `json:"all_ports"`
	Hosts     []string `json:"all_host_strings"`
}

func (zabCommand) run(c *console, _ url.Values) (commandResult, error) {
	s, ok := c.ensemble()
	if !ok {
		if c.view() == nil {
			return nil, errNotServing
		}
		return zabResult{}, nil
	}
	m, last := c.self(s), c.tree().zxid
	return zabMemberResult{
		ID: s.ID, Leads: s.State == messages.Leading, Client: c.clientAddr(), Voting: s.Voter(),
		Quorum:   addressSetOf(m, quorumAddresses(m), func(a messages.MemberAddress) int { return a.QuorumPort }),
		Election: addressSetOf(m, electionAddresses(m), func(a messages.MemberAddress) int { return a.ElectionPort }),
		LastZxid: last.String(), Epoch: last.Epoch(), Counter: last.Counter(), State: s.Phase.String(),
	}, nil
}

func addressSetOf(m messages.Member, all []string, port func(messages.MemberAddress) int) addressSet {
	set := addressSet{Empty: len(all) == 0, All: all, Wildcards: []string{}, Ports: []int{}, Hosts: []string{}}
	for i, a := range m.Addresses {
		if i == 0 {
			set.One = all[0]
		}
		set.Wildcards = append(set.Wildcards, net.JoinHostPort("0.0.0.0", strconv.Itoa(port(a))))
		set.Ports = append(set.Ports, port(a))
		set.Hosts = append(set.Hosts, a.Host)
	}
	return set
}
