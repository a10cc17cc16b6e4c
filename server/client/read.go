package client

import (
	"context"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// The methods with a W set a watch: OnEvent hears of the first change. ExistsW also watches a node that is missing.

// Get reads a node's data, nil if it has none, and its Stat.
func (c *Client) Get(ctx context.Context, path string) ([]byte, messages.Stat, error) {
	return c.get(ctx, path, noWatch)
}

// GetW is Get and watches the data.
func (c *Client) GetW(ctx context.Context, path string) ([]byte, messages.Stat, error) {
	return c.get(ctx, path, dataWatch)
}

func (c *Client) get(ctx context.Context, path string, watch watchKind) ([]byte, messages.Stat, error) {
	var r jute.DataReply
	err := c.lookUp(ctx, messages.OpGetData, path, watch, func(d *jute.Decoder) { r = jute.DecodeDataReply(d) })
	return r.Data, r.Stat, err
}

// Exists reads a node's Stat. A missing node gives the error messages.ErrNoNode.
func (c *Client) Exists(ctx context.Context, path string) (messages.Stat, error) {
	return c.exists(ctx, path, noWatch)
}

// ExistsW is Exists and watches the data or the creation.
func (c *Client) ExistsW(ctx context.Context, path string) (messages.Stat, error) {
	return c.exists(ctx, path, existWatch)
}

func (c *Client) exists(ctx context.Context, path string, watch watchKind) (messages.Stat, error) {
	var s messages.Stat
	err := c.lookUp(ctx, messages.OpExists, path, watch, func(d *jute.Decoder) { s = jute.DecodeStat(d) })
	return s, err
}

// Children reads the names of a node's children, in no order, and its Stat.
func (c *Client) Children(ctx context.Context, path string) ([]string, messages.Stat, error) {
	return c.children(ctx, messages.OpGetChildren2, path, noWatch)
}

// ChildrenW is Children and watches the list.
func (c *Client) ChildrenW(ctx context.Context, path string) ([]string, messages.Stat, error) {
	return c.children(ctx, messages.OpGetChildren2, path, childWatch)
}

// ChildNames reads the names alone, with the older request.
func (c *Client) ChildNames(ctx context.Context, path string) ([]string, error) {
	names, _, err := c.children(ctx, messages.OpGetChildren, path, noWatch)
	return names, err
}

func (c *Client) children(ctx context.Context, op messages.OpCode, path string, watch watchKind) ([]string, messages.Stat, error) {
	var r jute.ChildrenReply
	err := c.lookUp(ctx, op, path, watch, func(d *jute.Decoder) { r = jute.DecodeChildrenReply(d, op) })
	return r.Children, r.Stat, err
}

// lookUp sends a read that can set a watch.
func (c *Client) lookUp(ctx context.Context, op messages.OpCode, path string, watch watchKind, decode func(*jute.Decoder)) error {
	call := &Call{Op: op, watch: watch, path: c.serverPath(path)}
	return c.do(ctx, call, path, &jute.PathWatch{Path: []byte(call.path), Watch: watch != noWatch}, decode)
}

// ACL reads who may do what with a node, and its Stat.
func (c *Client) ACL(ctx context.Context, path string) ([]messages.ACL, messages.Stat, error) {
	var r jute.ACLReply
	err := c.do(ctx, &Call{Op: messages.OpGetACL}, path, jute.Path(c.serverPath(path)),
		func(d *jute.Decoder) { r = jute.DecodeACLReply(d) })
	return r.ACL, r.Stat, err
}

// DescendantCount reads how many nodes lie below a node.
func (c *Client) DescendantCount(ctx context.Context, path string) (int, error) {
	var n int32
	err := c.do(ctx, &Call{Op: messages.OpGetAllChildrenNumber}, path, jute.Path(c.serverPath(path)),
		func(d *jute.Decoder) { n = d.Int() })
	return int(n), err
}

// Ephemerals reads the paths of this session's ephemeral nodes that start with prefix, in no order.
func (c *Client) Ephemerals(ctx context.Context, prefix string) ([]string, error) {
	var list []string
	err := c.do(ctx, &Call{Op: messages.OpGetEphemerals}, prefix, jute.Path(c.serverPath(prefix)),
		func(d *jute.Decoder) { list = d.Strings() })
	for i := range list {
		list[i] = c.clientPath(list[i])
	}
	return list, err
}

// Sync returns when the server has caught up with all that was committed before the call.
func (c *Client) Sync(ctx context.Context, path string) error {
	return c.do(ctx, &Call{Op: messages.OpSync}, path, jute.Path(c.serverPath(path)), nil)
}

// WhoAmI reads who the connection has proved to be.
func (c *Client) WhoAmI(ctx context.Context) ([]messages.Identity, error) {
	var list []messages.Identity
	err := c.do(ctx, &Call{Op: messages.OpWhoAmI}, "", nil, func(d *jute.Decoder) { list = jute.DecodeWhoAmIReply(d) })
	return list, err
}

// Config reads the ensemble's configuration, whatever the chroot. watch asks for an event when it changes.
func (c *Client) Config(ctx context.Context, watch bool) ([]byte, messages.Stat, error) {
	call := &Call{Op: messages.OpGetData, path: messages.ConfigPath}
	if watch {
		call.watch = dataWatch
	}
	var r jute.DataReply
	err := c.do(ctx, call, call.path, &jute.PathWatch{Path: []byte(call.path), Watch: watch},
		func(d *jute.Decoder) { r = jute.DecodeDataReply(d) })
	return r.Data, r.Stat, err
}
