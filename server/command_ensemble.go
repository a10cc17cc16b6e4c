package server

import (
	"errors"
	"net"
	"net/url"
	"strconv"

	"github.com/troupekeeper/troupe/messages"
)

// The commands about an ensemble. On a server that runs alone they answer as ZooKeeper's do there.
type (
	leadCommand   struct{}
	obsrCommand   struct{}
	orstCommand   struct{}
	votingCommand struct{}
)

// errAlone is the answer of a command that has a meaning in an ensemble only; the words are known to tools.
var errAlone = errors.New("server is not initialized")

func (leadCommand) about() commandInfo {
	return commandInfo{
		names: []string{"leader", "lead"},
		help:  "Which server leads the ensemble; an error on a server that runs alone.",
	}
}

type leadResult struct {
	Leads bool              `json:"is_leader"`
	ID    messages.ServerID `json:"leader_id"`
	Host  string            `json:"leader_ip"` // as the membership names it
}

func (leadCommand) run(c *console, _ url.Values) (commandResult, error) {
	s, ok := c.member()
	if !ok {
		return nil, errAlone
	}
	r := leadResult{Leads: s.State == messages.Leading, ID: s.Leader}
	if m, ok := s.Members.Member(s.Leader); ok {
		r.Host = m.Addresses[0].Host
	}
	return r, nil
}

func (obsrCommand) about() commandInfo {
	return commandInfo{names: []string{"observers", "obsr"}, help: "The observers that follow this server."}
}

type obsrResult struct {
	Synced    int           `json:"synced_observers"`
	Observers []obsrElement `json:"observers"`
}

// obsrElement is the connection to one observer. Packets are messages, sizes are bytes; Established is in milliseconds
// since 1970.
type obsrElement struct {
	Remote      string            `json:"remote_socket_address"` // host:port
	ID          messages.ServerID `json:"sid"`
	Established int64             `json:"established"`
	Queued      int               `json:"queued_packets"`
	QueuedBytes int64             `json:"queued_packets_size"`
	Received    int64             `json:"packets_received"`
	Sent        int64             `json:"packets_sent"`
	Requests    int64             `json:"requests"`
	LastZxid    messages.Zxid     `json:"last_zxid"`
}

func (obsrCommand) run(c *console, _ url.Values) (commandResult, error) {
	r := obsrResult{Observers: []obsrElement{}}
	s, ok := c.member()
	if !ok {
		return r, nil
	}
	_, _, r.Synced = s.Synced()
	for _, l := range s.Learners {
		if !l.Observer {
			continue
		}
		l = c.observers.counted(l)
		r.Observers = append(r.Observers, obsrElement{
			Remote: l.Address, ID: l.ID, Established: l.EstablishedMs, Queued: l.Queued, QueuedBytes: l.QueuedBytes,
			Received: l.Received, Sent: l.Sent, Requests: l.Requests, LastZxid: l.Acked,
		})
	}
	return r, nil
}

func (orstCommand) about() commandInfo {
	return commandInfo{
		names: []string{"observer_connection_stat_reset", "orst"},
		help:  "Sets the counters of the connections to observers to zero.",
	}
}

func (orstCommand) run(c *console, _ url.Values) (commandResult, error) {
	if s, ok := c.member(); ok {
		c.observers.reset(s.Learners)
	}
	return emptyResult{}, nil
}

func (votingCommand) about() commandInfo {
	return commandInfo{names: []string{"voting_view"}, help: "The servers that vote; none on a server that runs alone."}
}

type votingResult struct {
	Current fields `json:"current_config"`
}

type votingElement struct {
	Servers   []string `json:"server_addresses"`
	Elections []string `json:"election_addresses"`
	Client    string   `json:"client_address"` // "" if the membership doesn't say
	Type      string   `json:"learner_type"`
}

func (votingCommand) run(c *console, _ url.Values) (commandResult, error) {
	s, ok := c.member()
	if !ok {
		return votingResult{}, nil
	}
	var r votingResult
	for _, id := range s.Members.Voters() {
		m, _ := s.Members.Member(id)
		r.Current = append(r.Current, field{strconv.Itoa(int(id)), votingElement{
			Servers: quorumAddresses(m), Elections: electionAddresses(m), Client: m.Client(), Type: m.Role.String(),
		}})
	}
	return r, nil
}

func quorumAddresses(m messages.Member) []string {
	return addresses(m, func(a messages.MemberAddress) int { return a.QuorumPort })
}

func electionAddresses(m messages.Member) []string {
	return addresses(m, func(a messages.MemberAddress) int { return a.ElectionPort })
}

// addresses lists host:port of each address of a member.
func addresses(m messages.Member, port func(messages.MemberAddress) int) []string {
	list := []string{}
	for _, a := range m.Addresses {
		list = append(list, net.JoinHostPort(a.Host, strconv.Itoa(port(a))))
	}
	return list
}
