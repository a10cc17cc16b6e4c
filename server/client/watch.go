package client

import (
	"context"
	"fmt"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// AddWatch sets a watch that stays until it is removed: WatchPersistent for the node and its list of children,
// WatchPersistentRecursive for the node and all below it.
func (c *Client) AddWatch(ctx context.Context, path string, mode messages.WatchMode) error {
	call := &Call{Op: messages.OpAddWatch, path: c.serverPath(path)}
	switch mode {
	case messages.WatchPersistent:
		call.watch = persistentWatch
	case messages.WatchPersistentRecursive:
		call.watch = recursiveWatch
	default:
		return &Error{Op: call.Op, Path: path, Err: fmt.Errorf("mode %d: %w", mode, messages.ErrBadArguments)}
	}
	return c.do(ctx, call, path, &jute.PathMode{Path: call.path, Mode: int32(mode)}, nil)
}

// CheckWatches gives the error messages.ErrNoWatcher unless the connection has such a watch on the node.
func (c *Client) CheckWatches(ctx context.Context, path string, what messages.WatcherType) error {
	rec := &jute.PathMode{Path: c.serverPath(path), Mode: int32(what)}
	return c.do(ctx, &Call{Op: messages.OpCheckWatches}, path, rec, nil)
}

// RemoveWatches removes the connection's watches of that type from a node; an event of its own tells of each kind
// removed, the error messages.ErrNoWatcher that there are none. With local a client that can't reach the server
// forgets them all the same, so that they are not set on the next connection.
func (c *Client) RemoveWatches(ctx context.Context, path string, what messages.WatcherType, local bool) error {
	call := &Call{Op: messages.OpRemoveWatches, path: c.serverPath(path), removes: what}
	err := c.do(ctx, call, path, &jute.PathMode{Path: call.path, Mode: int32(what)}, nil)
	if err == nil || !local || isCode(err) {
		return err
	}
	c.mu.Lock()
	c.watches.remove(what, call.path)
	c.mu.Unlock()
	return nil
}
