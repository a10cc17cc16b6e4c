package shell

import (
	"bufio"
	"context"
	"errors"
	"io"
)

// lineMax is the longest line of a script, in bytes: data of a node's largest size fits.
const lineMax = 2 << 20

// Script carries out the lines of r and returns the exit code: 0, or 1 if one of them failed. Nothing is echoed. A
// failed line is no reason to end, unless Options.Stop says so; a lost session is, because the lines that follow may
// count on what it held. Empty lines and those that start with # are passed over.
func (s *Shell) Script(ctx context.Context, r io.Reader) int {
	if err := s.Connect(ctx, ""); err != nil {
		s.complain(err)
		return 1
	}
	defer s.Close()
	code := 0
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), lineMax)
	for !s.ended && ctx.Err() == nil && lines.Scan() {
		if len(lines.Text()) > 0 && lines.Text()[0] == '#' {
			continue
		}
		err := s.RunLine(ctx, lines.Text())
		if err == nil || errors.Is(err, errQuit) {
			continue
		}
		s.complain(err)
		code = 1
		if s.opts.Stop || (s.client != nil && s.client.Err() != nil) {
			return code
		}
	}
	if err := lines.Err(); err != nil {
		s.complain(err)
		return 1
	}
	if ctx.Err() != nil {
		return 1
	}
	return code
}
