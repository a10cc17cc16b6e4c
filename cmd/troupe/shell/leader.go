package shell

import (
	"context"
	"encoding/json"
	"net/http"
)

func leaderCommand() *command {
	return &command{
		name: "leader", about: "tells which server leads, as the commands over HTTP of the server at --admin know it",
		example: "leader", local: true, run: runLeader,
	}
}

// leaderAnswer is what the command leader of a server answers.
type leaderAnswer struct {
	Leads bool   `json:"is_leader"`
	ID    int    `json:"leader_id"`
	Host  string `json:"leader_ip"`
}

func runLeader(ctx context.Context, s *Shell, _ arguments) error {
	var answer leaderAnswer
	if err := s.askAdmin(ctx, http.MethodGet, "leader", nil, &answer); err != nil {
		return err
	}
	if s.opts.JSON {
		return json.NewEncoder(s.screen).Encode(answer)
	}
	s.printf("server %d at %s leads\n", answer.ID, answer.Host)
	return nil
}
