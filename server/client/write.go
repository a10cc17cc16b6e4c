package client

import (
	"context"
	"time"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// Mode is the kind of node that create makes.
type Mode int32

// The modes. A sequential one appends a ten-digit number to the name.
const (
	Persistent              Mode = 0
	Ephemeral               Mode = 1 // goes with the session
	PersistentSequential    Mode = 2
	EphemeralSequential     Mode = 3
	Container               Mode = 4 // goes some time after its last child
	PersistentTTL           Mode = 5 // goes when it has no children and was not changed for its TTL
	PersistentSequentialTTL Mode = 6
)

func (m Mode) op(withStat bool) messages.OpCode {
	switch {
	case m == Container:
		return messages.OpCreateContainer
	case m == PersistentTTL, m == PersistentSequentialTTL:
		return messages.OpCreateTTL
	case withStat:
		return messages.OpCreate2
	}
	return messages.OpCreate
}

// CreateOptions says more about a node to create. The zero value means a persistent node open to everybody.
type CreateOptions struct {
	Mode Mode
	ACL  []messages.ACL // nil means world:anyone:cdrwa; an empty list is sent as it is
	TTL  time.Duration  // with the TTL modes, in whole milliseconds
}

// NewCreate is a create request open to everybody, for CreateRecord.
func NewCreate(path string, data []byte, mode Mode) jute.CreateRequest {
	return createRequest(path, data, CreateOptions{Mode: mode})
}

func createRequest(path string, data []byte, o CreateOptions) jute.CreateRequest {
	if o.ACL == nil {
		o.ACL = messages.WorldACL(messages.PermAll)
	}
	return jute.CreateRequest{Path: path, Data: data, ACL: o.ACL, Flags: int32(o.Mode), TTL: o.TTL.Milliseconds()}
}

// Create makes a node open to everybody and returns its path, which a sequential mode has completed. nil data is none.
func (c *Client) Create(ctx context.Context, path string, data []byte, mode Mode) (string, error) {
	return c.CreateWith(ctx, path, data, CreateOptions{Mode: mode})
}

// CreateWith makes a node and returns its path. It uses the oldest request that can say what is meant.
func (c *Client) CreateWith(ctx context.Context, path string, data []byte, o CreateOptions) (string, error) {
	created, _, err := c.create(ctx, o.Mode.op(false), path, data, o)
	return created, err
}

// CreateStat makes a node and returns its path and Stat.
func (c *Client) CreateStat(ctx context.Context, path string, data []byte, o CreateOptions) (string, messages.Stat, error) {
	return c.create(ctx, o.Mode.op(true), path, data, o)
}

func (c *Client) create(ctx context.Context, op messages.OpCode, path string, data []byte, o CreateOptions) (string, messages.Stat, error) {
	var r jute.CreateReply
	err := c.do(ctx, &Call{Op: op}, path, CreateRecord(op, createRequest(c.serverPath(path), data, o)),
		func(d *jute.Decoder) { r = jute.DecodeCreateReply(d, op) })
	return c.clientPath(r.Path), r.Stat, err
}

// Set changes a node's data if it has that version; -1 fits all.
func (c *Client) Set(ctx context.Context, path string, data []byte, version int32) (messages.Stat, error) {
	return c.change(ctx, messages.OpSetData, path,
		&jute.SetDataRequest{Path: c.serverPath(path), Data: data, Version: version})
}

// SetACL changes who may do what with a node if its ACL (Stat.Aversion) has that version; -1 fits all.
func (c *Client) SetACL(ctx context.Context, path string, acl []messages.ACL, version int32) (messages.Stat, error) {
	return c.change(ctx, messages.OpSetACL, path, &jute.SetACLRequest{Path: c.serverPath(path), ACL: acl, Version: version})
}

func (c *Client) change(ctx context.Context, op messages.OpCode, path string, rec Record) (messages.Stat, error) {
	var s messages.Stat
	err := c.do(ctx, &Call{Op: op}, path, rec, func(d *jute.Decoder) { s = jute.DecodeStat(d) })
	return s, err
}

// Delete removes a node without children if it has that version; -1 fits all.
func (c *Client) Delete(ctx context.Context, path string, version int32) error {
	return c.do(ctx, &Call{Op: messages.OpDelete}, path,
		&jute.PathVersion{Path: c.serverPath(path), Version: version}, nil)
}

// Reconfig is a change of the ensemble. Either Members holds a whole new configuration, or Joining and Leaving say who
// comes and goes; an empty one is not sent.
type Reconfig struct {
	Joining, Leaving, Members string
	Version                   int64 // that the present configuration must have; -1 fits all
}

// Append makes a Reconfig the record of its request.
func (r Reconfig) Append(dst []byte) []byte {
	for _, s := range []string{r.Joining, r.Leaving, r.Members} {
		if s == "" { // null: an empty Members would mean an ensemble of nobody
			dst = jute.AppendNullableString(dst, nil)
			continue
		}
		dst = jute.AppendString(dst, s)
	}
	return jute.AppendLong(dst, r.Version)
}

// Reconfig changes the ensemble and returns the new configuration.
func (c *Client) Reconfig(ctx context.Context, r Reconfig) ([]byte, messages.Stat, error) {
	var reply jute.DataReply
	err := c.do(ctx, &Call{Op: messages.OpReconfig}, "", r, func(d *jute.Decoder) { reply = jute.DecodeDataReply(d) })
	return reply.Data, reply.Stat, err
}
