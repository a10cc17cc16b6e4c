package server

import (
	"errors"
	"net/url"
)

// The commands about an ensemble. On a server that runs alone they answer as ZooKeeper's do there.
type (
	leadCommand   struct{}
	obsrCommand   struct{}
	orstCommand   struct{}
	votingCommand struct{}
	zabCommand    struct{}
)

// errAlone is the answer of a command that has a meaning in an ensemble only; the words are known to tools.
var errAlone = errors.New("server is not initialized")

func (leadCommand) about() commandInfo {
	return commandInfo{
		names: []string{"leader", "lead"},
		help:  "Which server leads the ensemble; an error on a server that runs alone.",
	}
}

func (leadCommand) run(*console, url.Values) (commandResult, error) { return nil, errAlone }

func (obsrCommand) about() commandInfo {
	return commandInfo{names: []string{"observers", "obsr"}, help: "The observers that follow this server."}
}

type obsrResult struct {
	Synced    int      `json:"synced_observers"`
	Observers []fields `json:"observers"`
}

func (obsrCommand) run(*console, url.Values) (commandResult, error) {
	return obsrResult{Observers: []fields{}}, nil
}

func (orstCommand) about() commandInfo {
	return commandInfo{
		names: []string{"observer_connection_stat_reset", "orst"},
		help:  "Sets the counters of the connections to observers to zero.",
	}
}

func (orstCommand) run(*console, url.Values) (commandResult, error) { return emptyResult{}, nil }

func (votingCommand) about() commandInfo {
	return commandInfo{names: []string{"voting_view"}, help: "The servers that vote; none on a server that runs alone."}
}

type votingResult struct {
	Current fields `json:"current_config"`
}

func (votingCommand) run(*console, url.Values) (commandResult, error) { return votingResult{}, nil }

func (zabCommand) about() commandInfo {
	return commandInfo{names: []string{"zabstate"}, help: "The phase of the broadcast protocol; empty on a server that runs alone."}
}

type zabResult struct {
	Voting bool   `json:"voting"`
	State  string `json:"zabstate"`
}

func (zabCommand) run(*console, url.Values) (commandResult, error) { return zabResult{}, nil }
