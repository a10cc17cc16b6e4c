package client

import (
	"fmt"

	"github.com/troupekeeper/troupe/messages"
	"github.com/troupekeeper/troupe/messages/jute"
)

// receive handles one frame. An error ends the connection.
func (c *Client) receive(frame []byte) error {
	d := jute.NewDecoder(frame)
	h := jute.DecodeReplyHeader(&d)
	if d.Err() != nil {
		return fmt.Errorf("%w: reply header: %w", ErrProtocol, d.Err())
	}
	switch h.Xid {
	case messages.XidWatchEvent:
		return c.event(h, &d)
	case messages.XidPing:
		return nil
	case messages.XidAuth:
		return c.authReply(h)
	case messages.XidSetWatches:
		if h.Err != messages.ErrOK {
			return fmt.Errorf("setting the watches anew: %w", h.Err)
		}
		return nil
	}
	return c.reply(h, d.Rest())
}

func (c *Client) event(h jute.ReplyHeader, d *jute.Decoder) error {
	e := jute.DecodeWatcherEvent(d)
	if d.Err() != nil {
		return fmt.Errorf("%w: event: %w", ErrProtocol, d.Err())
	}
	c.mu.Lock()
	c.watches.fired(e.Type, e.Path)
	c.mu.Unlock()
	zxid := h.Zxid
	if int64(zxid) < 0 { // servers that don't tell the zxid of the change send -1
		zxid = 0
	}
	c.opts.OnEvent(Event{Type: e.Type, State: State(e.State), Path: c.clientPath(e.Path), Zxid: zxid})
	return nil
}

// authReply ends the oldest credential under way. A refusal ends the connection, as the server does on its side; the
// call ends when that is done, so that what its caller does next goes to the next connection. When a credential is
// refused that was accepted before, the session is useless: the client would go on with fewer rights than its user
// believes.
func (c *Client) authReply(h jute.ReplyHeader) error {
	c.mu.Lock()
	if len(c.authing) == 0 {
		c.mu.Unlock()
		return fmt.Errorf("%w: a reply to a credential that was not sent", ErrProtocol)
	}
	call := c.authing[0]
	call.Header = h
	if h.Err != messages.ErrOK {
		call.refused = h.Err
		c.mu.Unlock()
		if call.replay {
			return fmt.Errorf("the %s credential: %w", call.auth.Scheme, ErrAuthFailed)
		}
		return fmt.Errorf("the %s credential was refused", call.auth.Scheme)
	}
	c.authing = c.authing[1:]
	if !call.replay {
		c.auths = append(c.auths, call.auth)
	}
	c.mu.Unlock()
	call.finish(nil)
	return nil
}

// reply ends the oldest call; replies come in the order of the requests.
func (c *Client) reply(h jute.ReplyHeader, body []byte) error {
	c.mu.Lock()
	if len(c.pending) == 0 || c.pending[0].Header.Xid != h.Xid {
		c.mu.Unlock()
		return fmt.Errorf("%w: a reply to request %d, which is not the oldest without one", ErrProtocol, h.Xid)
	}
	call := c.pending[0]
	c.pending[0] = nil
	c.pending = c.pending[1:]
	if int64(h.Zxid) > 0 {
		c.last = max(c.last, h.Zxid)
	}
	kind := call.watch
	switch {
	case h.Err == messages.ErrOK && kind == existWatch:
		kind = dataWatch // the node is there: what is watched is its data
	case h.Err == messages.ErrNoNode && kind == existWatch:
	case h.Err != messages.ErrOK:
		kind = noWatch
	}
	c.watches.add(kind, call.path)
	var gone []messages.EventType
	if call.removes != 0 && h.Err == messages.ErrOK {
		gone = c.watches.remove(call.removes, call.path)
	}
	state := c.state
	c.mu.Unlock()
	for _, what := range gone {
		c.opts.OnEvent(Event{Type: what, State: state, Path: c.clientPath(call.path)})
	}
	call.Header, call.Body = h, body
	if h.Err != messages.ErrOK {
		call.finish(h.Err)
		return nil
	}
	call.finish(nil)
	if call.Op == messages.OpCloseSession {
		return ErrClosed
	}
	return nil
}
