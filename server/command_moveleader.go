package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/troupekeeper/troupe/messages"
)

// moveLeaderCommand hands the leadership to another server before work on this one: the ensemble goes on after a moment,
// instead of finding out by silence that its leader is gone.
type moveLeaderCommand struct{}

// moveLeaderArgument is the id of the server that is to lead.
const moveLeaderArgument = "to"

// moveLeaderPatience is how long the leader may take to hand over: the other server must be up to date first.
const moveLeaderPatience = 10 * time.Second

var errNoMove = errors.New("moving the leader is not supported by this version of Troupe")

func (moveLeaderCommand) about() commandInfo {
	return commandInfo{
		names: []string{"move_leader"}, post: true,
		help: "Lets another server lead: POST with ?to=<id>, to the server that leads.",
	}
}

type moveLeaderResult struct {
	From messages.ServerID `json:"from"`
	To   messages.ServerID `json:"to"` // equal to From when it led already
}

func (moveLeaderCommand) run(c *console, a url.Values) (commandResult, error) {
	s, ok := c.member()
	if !ok {
		return nil, errAlone
	}
	id, err := strconv.ParseUint(a.Get(moveLeaderArgument), 10, 8)
	if err != nil {
		return nil, fmt.Errorf("to=%q is not the id of a server; allowed: those of voters, %v",
			a.Get(moveLeaderArgument), s.Members.Voters())
	}
	to := messages.ServerID(id)
	m, found := s.Members.Member(to)
	switch {
	case !found || m.Role != messages.Participant:
		return nil, fmt.Errorf("server %d can't lead; those that can are %v", to, s.Members.Voters())
	case s.State != messages.Leading:
		return nil, fmt.Errorf("this server does not lead; ask server %d, which does", s.Leader)
	case to == s.ID:
		return moveLeaderResult{From: s.ID, To: to}, nil
	case c.moveLeader == nil:
		return nil, errNoMove
	}
	ctx, cancel := context.WithTimeout(context.Background(), moveLeaderPatience)
	defer cancel()
	if err := c.moveLeader(ctx, to); err != nil {
		return nil, fmt.Errorf("server %d does not lead: %w", to, err)
	}
	return moveLeaderResult{From: s.ID, To: to}, nil
}
