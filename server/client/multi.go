package client

import (
	"context"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// CreateOp is a create for Multi.
func CreateOp(path string, data []byte, o CreateOptions) jute.MultiOp {
	return jute.MultiOp{Op: o.Mode.op(false), Record: createRequest(path, data, o)}
}

// SetOp is a setData for Multi.
func SetOp(path string, data []byte, version int32) jute.MultiOp {
	return jute.MultiOp{Op: messages.OpSetData, Record: jute.SetDataRequest{Path: path, Data: data, Version: version}}
}

// DeleteOp is a delete for Multi.
func DeleteOp(path string, version int32) jute.MultiOp {
	return jute.MultiOp{Op: messages.OpDelete, Record: jute.PathVersion{Path: path, Version: version}}
}

// CheckOp makes a Multi fail unless the node has that version.
func CheckOp(path string, version int32) jute.MultiOp {
	return jute.MultiOp{Op: messages.OpCheck, Record: jute.PathVersion{Path: path, Version: version}}
}

// GetOp is a getData for MultiRead.
func GetOp(path string) jute.MultiOp {
	return jute.MultiOp{Op: messages.OpGetData, Record: jute.PathWatch{Path: []byte(path)}}
}

// ChildrenOp is a getChildren for MultiRead.
func ChildrenOp(path string) jute.MultiOp {
	return jute.MultiOp{Op: messages.OpGetChildren, Record: jute.PathWatch{Path: []byte(path)}}
}

// Multi carries out all the operations or none. When one fails the error names it and its path; the results tell
// which operations came before it.
func (c *Client) Multi(ctx context.Context, ops ...jute.MultiOp) ([]jute.MultiResult, error) {
	results, err := c.multi(ctx, messages.OpMulti, ops)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		if r.Op == messages.OpError && r.Err != messages.ErrOK && i < len(ops) {
			return results, &Error{Op: ops[i].Op, Path: opPath(ops[i]), Err: r.Err}
		}
	}
	return results, nil
}

// MultiRead carries out reads at one point in time. Each has its own result; one that failed has the Op OpError.
func (c *Client) MultiRead(ctx context.Context, ops ...jute.MultiOp) ([]jute.MultiResult, error) {
	return c.multi(ctx, messages.OpMultiRead, ops)
}

func (c *Client) multi(ctx context.Context, op messages.OpCode, ops []jute.MultiOp) ([]jute.MultiResult, error) {
	sent := ops
	if c.opts.Chroot != "" {
		sent = make([]jute.MultiOp, len(ops))
		for i, o := range ops {
			sent[i] = c.moved(o)
		}
	}
	var results []jute.MultiResult
	err := c.do(ctx, &Call{Op: op}, "", MultiRecord(sent), func(d *jute.Decoder) { results = jute.DecodeMultiResults(d) })
	for i := range results {
		if results[i].Path != "" {
			results[i].Path = c.clientPath(results[i].Path)
		}
	}
	return results, err
}

// moved puts the operation's path below the chroot.
func (c *Client) moved(o jute.MultiOp) jute.MultiOp {
	switch r := o.Record.(type) {
	case jute.CreateRequest:
		r.Path = c.serverPath(r.Path)
		o.Record = r
	case jute.PathVersion:
		r.Path = c.serverPath(r.Path)
		o.Record = r
	case jute.SetDataRequest:
		r.Path = c.serverPath(r.Path)
		o.Record = r
	case jute.PathWatch:
		r.Path = []byte(c.serverPath(string(r.Path)))
		o.Record = r
	}
	return o
}

func opPath(o jute.MultiOp) string {
	switch r := o.Record.(type) {
	case jute.CreateRequest:
		return r.Path
	case jute.PathVersion:
		return r.Path
	case jute.SetDataRequest:
		return r.Path
	case jute.PathWatch:
		return string(r.Path)
	}
	return ""
}
