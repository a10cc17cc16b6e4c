package shell

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

func moveLeaderCommand() *command {
	return &command{
		name: "move-leader", usage: "id",
		about:   "lets another server lead; --admin names the HTTP port of the one that leads now",
		example: "move-leader 2",
		least:   1, most: 1, local: true, run: runMoveLeader,
	}
}

func runMoveLeader(ctx context.Context, s *Shell, a arguments) error {
	id, err := strconv.ParseUint(a.word(0), 10, 8)
	if err != nil {
		return a.cmd.misuse("%q is not the id of a server: expected a number from 0 to 255", a.word(0))
	}
	var answer struct{ From, To int }
	to := url.Values{"to": {strconv.FormatUint(id, 10)}}
	if err := s.askAdmin(ctx, http.MethodPost, "move_leader", to, &answer); err != nil {
		return err
	}
	if answer.From == answer.To {
		s.printf("server %d leads already\n", answer.To)
		return nil
	}
	s.printf("server %d leads in the place of server %d\n", answer.To, answer.From)
	return nil
}
