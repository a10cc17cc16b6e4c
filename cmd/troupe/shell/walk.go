package shell

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/troupekeeper/troupe/messages"
)

// inFlight is how many requests a command that visits many nodes keeps on their way.
const inFlight = 128

// walk visits a node and all below it in zkCli's order: the node, then for each node its children by name, then what
// is below the first child, and so on; so a parent comes before its children. The lists of children are asked for
// ahead. A node that vanishes meanwhile is visited without its children.
func walk(ctx context.Context, list lister, root string, visit func(path string) error) error {
	names, err := list(ctx, root)
	if err != nil {
		return err
	}
	if err := visit(root); err != nil {
		return err
	}
	return walkBelow(ctx, list, root, names, visit)
}

// lister reads the names of a node's children.
type lister func(ctx context.Context, path string) ([]string, error)

func walkBelow(ctx context.Context, list lister, parent string, names []string, visit func(string) error) error {
	slices.Sort(names)
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = messages.JoinPath(parent, name)
		if err := visit(paths[i]); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(paths, inFlight) {
		below := make([][]string, len(chunk))
		err := each(ctx, chunk, func(i int, path string) error {
			names, err := list(ctx, path)
			below[i] = names
			if errors.Is(err, messages.ErrNoNode) {
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
		for i, path := range chunk {
			if err := walkBelow(ctx, list, path, below[i], visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// each calls work for all paths, up to inFlight of them at the same time, and returns the first error by position.
// After an error no new work begins.
func each(ctx context.Context, paths []string, work func(i int, path string) error) error {
	errs := make([]error, len(paths))
	slots := make(chan struct{}, inFlight)
	running, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	for i, path := range paths {
		slots <- struct{}{}
		if running.Err() != nil {
			errs[i] = ctx.Err()
			break
		}
		wg.Go(func() {
			if errs[i] = work(i, path); errs[i] != nil {
				stop()
			}
			<-slots
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
