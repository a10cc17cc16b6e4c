package shell

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
	"github.com/troupekeeper/troupe/server/client"
)

const (
	batchDefault = 1000
	// batchBytes keeps a batch of long paths below the frame limit that servers have by default, 1 MiB.
	batchBytes = 512 << 10
)

func deleteAllCommand() *command {
	return &command{
		name: "deleteall", usage: "path [-b batch size]", least: 1, most: 1,
		about:   "deletes a node with all below it. Ctrl-C stops it between two batches",
		example: "deleteall /services/mail -b 500",
		options: []option{{"b", "batch size", "nodes deleted by one request, 1000 without it; each batch is all or nothing"}},
		run:     runDeleteAll,
	}
}

func runDeleteAll(ctx context.Context, s *Shell, a arguments) error {
	path, size := a.rest[0], batchDefault
	if err := checkPath(path); err != nil {
		return err
	}
	if a.has("b") {
		n, err := strconv.Atoi(a.value("b"))
		if err != nil || n < 1 {
			return a.cmd.misuse("-b %q is not a batch size: expected a whole number above 0", a.value("b"))
		}
		size = n
	}
	p := s.newProgress()
	defer p.Done()
	var paths []string
	err := walk(ctx, s.client.ChildNames, path, func(path string) error {
		paths = append(paths, path)
		p.Show("%d nodes found", len(paths))
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	if path == messages.RootPath {
		paths = paths[1:] // the root itself stays
	}
	for left := len(paths); left > 0; {
		batch := lastBatch(paths[:left], size)
		p.Show("%d of %d nodes deleted", len(paths)-left, len(paths))
		err := ctx.Err()
		if err == nil {
			err = s.deleteBatch(ctx, batch)
		}
		if err != nil {
			return fmt.Errorf("%w\n%d of %d nodes were deleted", &explained{err}, len(paths)-left, len(paths))
		}
		left -= len(batch)
	}
	return nil
}

// lastBatch is the end of paths that one request can delete.
func lastBatch(paths []string, size int) []string {
	start, bytes := len(paths), 0
	for start > 0 && len(paths)-start < size {
		if bytes += len(paths[start-1]) + 17; bytes > batchBytes && start < len(paths) { // 17: header, length and version
			break
		}
		start--
	}
	return paths[start:]
}

// deleteBatch deletes nodes from the last to the first, at once. When one of them is gone already it deletes them one
// by one.
func (s *Shell) deleteBatch(ctx context.Context, paths []string) error {
	ops := make([]jute.MultiOp, 0, len(paths))
	for i := len(paths) - 1; i >= 0; i-- {
		ops = append(ops, client.DeleteOp(paths[i], -1))
	}
	_, err := s.client.Multi(ctx, ops...)
	if !errors.Is(err, messages.ErrNoNode) {
		return err
	}
	for i := len(paths) - 1; i >= 0; i-- {
		if err := s.client.Delete(ctx, paths[i], -1); err != nil && !errors.Is(err, messages.ErrNoNode) {
			return err
		}
	}
	return nil
}
