package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// Record is the body of a request. The request records of messages/jute are such; CreateRecord and MultiRecord make
// one of those that come in several forms.
type Record interface{ Append(dst []byte) []byte }

// Call is a request on its way. After Done is closed the other fields stand.
type Call struct {
	Op     messages.OpCode
	Done   chan struct{}
	Header jute.ReplyHeader
	Body   []byte // the reply's record; owned by the caller
	Err    error  // a messages.ErrCode from the server or an error of the client's

	watch   watchKind            // what to remember when the call succeeds
	removes messages.WatcherType // what to forget then
	path    string               // of the node, as the server knows it; only with one of the two
}

// Wait waits for the reply or the end of ctx, which leaves the request on its way.
func (c *Call) Wait(ctx context.Context) error {
	select {
	case <-c.Done:
		return c.Err
	default:
	}
	select {
	case <-c.Done:
		return c.Err
	case <-ctx.Done():
		return fmt.Errorf("no reply yet: %w", ctx.Err())
	}
}

// Decoder reads the reply's record.
func (c *Call) Decoder() jute.Decoder { return jute.NewDecoder(c.Body) }

func (c *Call) finish(err error) {
	c.Err = err
	close(c.Done)
}

// Send puts a request on its way and returns at once. rec may be nil. Paths in it are the server's: no chroot is
// added, and no watch that it sets is renewed after a reconnect. Each Call is answered in the order of sending.
func (c *Client) Send(op messages.OpCode, rec Record) *Call {
	call := &Call{Op: op, Done: make(chan struct{})}
	c.submit(call, rec)
	return call
}

// submit appends the request to what the writer sends next.
func (c *Client) submit(call *Call, rec Record) {
	c.mu.Lock()
	if c.final != nil {
		err := c.final
		c.mu.Unlock()
		call.finish(err)
		return
	}
	if c.xid++; c.xid <= 0 { // after the largest number the count starts again: negative ones have a meaning
		c.xid = 1
	}
	call.Header.Xid = c.xid
	c.out = appendRequest(c.out, jute.RequestHeader{Xid: c.xid, Op: call.Op}, rec)
	c.pending = append(c.pending, call)
	c.mu.Unlock()
	c.wakeWriter()
}

func appendRequest(dst []byte, h jute.RequestHeader, rec Record) []byte {
	dst, start := jute.BeginFrame(dst)
	dst = jute.AppendRequestHeader(dst, h)
	if rec != nil {
		dst = rec.Append(dst)
	}
	return jute.EndFrame(dst, start)
}

// do sends a request about the node at path (as the caller wrote it), waits, and decodes the reply. decode may be
// nil.
func (c *Client) do(ctx context.Context, call *Call, path string, rec Record, decode func(*jute.Decoder)) error {
	if err := ctx.Err(); err != nil {
		return &Error{Op: call.Op, Path: path, Err: err}
	}
	call.Done = make(chan struct{})
	c.submit(call, rec)
	err := call.Wait(ctx)
	if err == nil && decode != nil {
		d := call.Decoder()
		if decode(&d); d.Err() != nil {
			err = fmt.Errorf("%w: reply of %d bytes: %w", ErrProtocol, len(call.Body), d.Err())
		}
	}
	if err != nil {
		return &Error{Op: call.Op, Path: path, Err: err}
	}
	return nil
}

// serverPath puts the chroot in front of path.
func (c *Client) serverPath(path string) string {
	if c.opts.Chroot == "" {
		return path
	}
	if path == messages.RootPath {
		return c.opts.Chroot
	}
	return c.opts.Chroot + path
}

// clientPath takes the chroot away again. A path outside of it stays as it is.
func (c *Client) clientPath(path string) string {
	if c.opts.Chroot == "" || !messages.HasPathPrefix(path, c.opts.Chroot) {
		return path
	}
	if len(path) == len(c.opts.Chroot) {
		return messages.RootPath
	}
	return path[len(c.opts.Chroot):]
}

// CreateRecord is the body of create, create2, createContainer or createTTL.
func CreateRecord(op messages.OpCode, r jute.CreateRequest) Record { return createRecord{op, r} }

type createRecord struct {
	op  messages.OpCode
	req jute.CreateRequest
}

func (r createRecord) Append(dst []byte) []byte { return r.req.Append(dst, r.op) }

// MultiRecord is the body of multi or multiRead.
func MultiRecord(ops []jute.MultiOp) Record { return multiRecord(ops) }

type multiRecord []jute.MultiOp

func (r multiRecord) Append(dst []byte) []byte { return jute.AppendMulti(dst, r) }

type setWatchesRecord struct {
	op  messages.OpCode
	req jute.SetWatches
}

func (r setWatchesRecord) Append(dst []byte) []byte { return r.req.Append(dst, r.op) }

// isCode tells whether err is what a server answered, and not the connection's or a context's failure.
func isCode(err error) bool {
	var code messages.ErrCode
	return errors.As(err, &code)
}
